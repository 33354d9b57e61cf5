"""Which classes the network takes for which, at the step on screen and over training."""

from __future__ import annotations

import abc
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import panel as pn

from explorer.alternatives import Alternatives
from explorer.data import BLOCK_BYTES, RunData
from explorer.derived.confusion import confused_pairs, confusion_matrices
from explorer.derived.frames import Limits, quantize, sample_indices
from explorer.derived.learning import class_shares
from explorer.derived.predictions import (
    RIGHT,
    UNKNOWN,
    WRONG,
    OutputReading,
    Verdicts,
    are_values,
    class_numbers,
    output_reading,
)
from explorer.derived.timeline import edges
from explorer.plots.layers import layer_heatmap
from explorer.plots.style import SEQUENTIAL, palette_bytes
from explorer.views.base import Scene, View, needs_steps, plot_pane
from explorer.views.registry import register
from explorer.widgets.beside import below, beside
from explorer.widgets.frame_grid import FrameGrid
from explorer.widgets.step_table import StepTable
from store.schema import activation_path

Array = npt.NDArray[Any]

Source = Literal["evaluation", "probe"]
# The larger set first: it is shown unless the other one is chosen.
SOURCES: tuple[Source, ...] = ("evaluation", "probe")
EVALUATION_PATH = "evaluation/prediction"
NO_CLASSIFIER = (
    "This needs one output of shape (probe, class); the run is not of a classifier, or its output "
    "was not recorded."
)
NO_LABELS = "This needs the true classes. Give the recorder's probe, or its evaluation, labels."

HEIGHT = 390
# Classes whose cells can still be told apart.
MOST_CLASSES = 100
MOST_PAIRS = 10
# As many as there are colours: each count has its own, so that the number written is exact.
MOST_COUNTED = 254
SAMPLES = 4


# -- what is judged ---------------------------------------------------------------------------


@dataclass(frozen=True)
class Examples:
    """Examples with a class each, of which every step's predictions are recorded.

    Attributes
    ----------
    data : RunData
        The run.
    source : {"probe", "evaluation"}
        Which examples.
    labels : ndarray of int (example,)
        Their classes.
    class_names : list of str
        Name of each class.
    reading : OutputReading
        How predictions are read as probabilities.
    path : str
        The array of the predictions: (step, example, unit).
    """

    data: RunData
    source: Source
    labels: Array
    class_names: list[str]
    reading: OutputReading
    path: str

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def noun(self) -> str:
        """What one of them is called."""
        return "probe" if self.source == "probe" else "example"

    def choosing(self, number: int) -> dict[str, int]:
        """Say what selects one of them: those of the evaluation set are not stored."""
        return {"probe": int(number)} if self.source == "probe" else {}

    def probabilities(self) -> Iterator[Array]:
        """Class probabilities, step by step: (example, class)."""
        for block in self._blocks():
            yield from self.reading.probabilities(block)

    def verdicts(self) -> Verdicts:
        """Judge each example at every step; call it in the worker thread."""

        def make() -> dict[str, Array]:
            return asdict(self.reading.verdicts(self._blocks(), self.labels))

        kept = self.data.verdicts() if self.source == "probe" else None
        return kept or Verdicts(**self.data.derived(f"verdicts on the {self.source}", make))

    def _blocks(self) -> Iterator[Array]:
        """Give the predictions, some steps at a time: (step, example, unit)."""
        steps, *shape = self.data.run.array(self.path).shape
        length = max(1, BLOCK_BYTES // max(1, 8 * int(np.prod(shape, dtype=np.int64))))
        rest = (slice(None),) * len(shape)
        for start in range(0, steps, length):
            yield self.data.run.read(self.path, (slice(start, min(steps, start + length)), *rest))


def sources(data: RunData) -> list[Source]:
    """Name the examples that the run has, those that are shown at first in front."""
    return [source for source in SOURCES if examples_of(data, source) is not None]


def examples_of(data: RunData, source: Source) -> Examples | None:
    """Find the examples of a source; None without a classifier or without classes."""
    return _of_probe(data) if source == "probe" else _of_evaluation(data)


def _of_probe(data: RunData) -> Examples | None:
    labels, reading = data.class_labels, data.reading
    if labels is None or reading is None:
        return None
    layers = data.run.layers
    (output,) = (
        name for name in data.run.outputs if name in layers and layers[name].has_activation
    )
    path = activation_path(output)
    return Examples(data, "probe", labels, data.class_names, reading, path)


def _of_evaluation(data: RunData) -> Examples | None:
    kept = data.run.evaluation
    if kept is None or not {"prediction", "label"} <= set(kept) or not len(data.run):
        return None
    labels, predictions = kept["label"].values, kept["prediction"]
    if predictions.ndim != 3 or are_values(labels, predictions.shape[-1]):
        return None
    reading = data.reading
    if reading is None or data.run.probe is None:
        indices = sample_indices(len(data.run), SAMPLES)
        reading = output_reading(np.stack([predictions[index].values for index in indices]))
    classes = class_numbers(labels, reading.classes) if reading is not None else None
    if reading is None or classes is None:
        return None
    given = list(kept.attrs.get("class_names") or data.class_names)[: reading.classes]
    names = given + [str(number) for number in range(len(given), reading.classes)]
    return Examples(data, "evaluation", classes, names, reading, EVALUATION_PATH)


class Judged(View):
    """What is drawn of the probe or, if the run has one, of its evaluation set."""

    region = "learning"
    depends = ("axis",)
    width = 12

    def __init__(self) -> None:
        self._source: Source = SOURCES[0]

    @abc.abstractmethod
    def measure(self, examples: Examples) -> Any:
        """Compute everything that `picture` needs, in a worker thread."""

    @abc.abstractmethod
    def picture(self, scene: Scene, measured: Any) -> Any:
        """Make a Panel object."""

    def requirement(self, scene: Scene) -> str | None:
        missing = needs_steps(scene)
        if missing is not None or sources(scene.data):
            return missing
        evaluation = scene.data.run.evaluation
        unlabelled = scene.data.reading is not None or (
            evaluation is not None and "label" not in evaluation
        )
        return NO_LABELS if unlabelled else NO_CLASSIFIER

    def compute(self, scene: Scene) -> Any:
        return self._measure(scene, self._now(scene))

    def draw(self, scene: Scene, computed: Any) -> Any:
        found = [examples_of(scene.data, source) for source in sources(scene.data)]
        if len(found) == 1:
            return self.picture(scene, computed)
        named = {"evaluation": "evaluation set", "probe": "probe"}
        return Alternatives(
            scene.data,
            {one.source: f"{named[one.source]} ({len(one):,})" for one in found if one},
            self._now(scene),
            computed,
            compute=lambda source: self._measure(scene, source),
            draw=lambda _, made: self.picture(scene, made),
            chosen=lambda source: setattr(self, "_source", source),
            title="Of",
            channel=scene.channel,
        )

    def _now(self, scene: Scene) -> Source:
        found = sources(scene.data)
        return self._source if self._source in found else found[0]

    def _measure(self, scene: Scene, source: str) -> Any:
        examples = examples_of(scene.data, "probe" if source == "probe" else "evaluation")
        assert examples is not None
        return self.measure(examples)


# -- confusion --------------------------------------------------------------------------------


class Confusions(NamedTuple):
    """What the card draws.

    Attributes
    ----------
    examples : Examples
        Who is taken for what.
    verdicts : Verdicts
        For what, at every step.
    recall : ndarray (step, class)
        Share of each class that is right.
    shown : ndarray of int (class,)
        Classes in the matrix.
    """

    examples: Examples
    verdicts: Verdicts
    recall: Array
    shown: Array

    def matrix(self, index: int) -> Array:
        """Count the examples of each class by what they are taken for: (true, predicted)."""
        one = Verdicts(self.verdicts.predicted[[index]], self.verdicts.marks[[index]])
        classes = len(self.examples.class_names)
        return np.asarray(confusion_matrices(one, self.examples.labels, classes=classes)[0])

    @property
    def sizes(self) -> Array:
        """Examples of each class."""
        classes = len(self.examples.class_names)
        return np.asarray(np.bincount(self.examples.labels, minlength=classes))

    @property
    def in_percent(self) -> bool:
        """Whether the matrix shows shares: counts of large classes have no colour each."""
        return int(self.sizes.max()) > MOST_COUNTED

    def codes(self) -> Callable[[int], npt.NDArray[np.uint8]]:
        """Make what gives the matrix of a recorded step, as colours."""
        limits, sizes = self.limits(), np.maximum(self.sizes, 1)[:, None]

        def provide(index: int) -> npt.NDArray[np.uint8]:
            counts = self.matrix(index)
            values = 100 * counts / sizes if self.in_percent else counts
            return quantize(values[np.ix_(self.shown, self.shown)], limits)[None]

        return provide

    def limits(self) -> Limits:
        """Colours from nobody to the whole class."""
        return Limits(0.0, 100.0 if self.in_percent else float(max(1, self.sizes.max())), False)

    def pairs(self, index: int) -> Mapping[str, Any]:
        """List the classes that are confused most at a step."""
        examples, names = self.examples, self.examples.class_names
        rows, chooses = [], []
        for true, predicted, count in confused_pairs(self.matrix(index), MOST_PAIRS):
            rows.append([names[true], names[predicted], f"{count:,}", f"{self.sizes[true]:,}"])
            taken = (examples.labels == true) & (self.verdicts.predicted[index] == predicted)
            taken &= self.verdicts.marks[index] != UNKNOWN
            chooses.append(examples.choosing(int(taken.argmax())))
        return {"rows": rows, "chooses": chooses}

    def totals(self, index: int) -> Mapping[str, Any]:
        """Count who is right at a step; unknown is what a network says that gives NaN."""
        counts = np.bincount(self.verdicts.marks[index], minlength=3)[[RIGHT, WRONG, UNKNOWN]]
        share = counts[0] / max(1, len(self.examples))
        return {"rows": [[*(f"{count:,}" for count in counts), f"{share:.1%}"]]}


def shown_classes(verdicts: Verdicts, labels: Array, classes: int) -> Array:
    """Choose the classes in the matrix: all, or of very many those that are confused most."""
    if classes <= MOST_CLASSES:
        return np.arange(classes)
    last = Verdicts(verdicts.predicted[-1:], verdicts.marks[-1:])
    matrix = confusion_matrices(last, labels, classes=classes)[0]
    np.fill_diagonal(matrix, 0)
    wrong = matrix.sum(axis=0) + matrix.sum(axis=1)
    return np.sort(np.argsort(-wrong, kind="stable")[:MOST_CLASSES])


@register
class ConfusionView(Judged):
    """Matrix of true and predicted classes, the pairs confused most, and recall over training."""

    title = "Confusion"
    order = 10

    def caption(self, scene: Scene) -> str:
        examples = examples_of(scene.data, self._now(scene))
        assert examples is not None
        classes = len(examples.class_names)
        capped = f" Shown are the {MOST_CLASSES} of {classes:,} classes confused most at the end."
        capped = capped if classes > MOST_CLASSES else ""
        chosen = " Click a pair to choose its first probe." if examples.choosing(0) else ""
        return (
            "Left, at this step: a row for each true class, a column for what the network says; "
            "what is right lies on the diagonal. Right: the share of each class that is right, "
            f"over training.{capped}{chosen}"
        )

    def measure(self, examples: Examples) -> Confusions:
        verdicts, classes = examples.verdicts(), len(examples.class_names)
        return Confusions(
            examples,
            verdicts,
            class_shares(verdicts.marks, examples.labels, classes=classes),
            shown_classes(verdicts, examples.labels, classes),
        )

    def picture(self, scene: Scene, measured: Confusions) -> pn.Column:
        examples = measured.examples
        names = [examples.class_names[number] for number in measured.shown]
        key = f"{scene.data.run.id}|confusion|{examples.source}"
        options: dict[str, Any] = {
            "channel": scene.channel,
            "sizing_mode": "stretch_width",
            "margin": 0,
        }
        count = len(measured.verdicts.marks)
        limits = measured.limits()
        grid = FrameGrid(
            measured.codes(),
            count,
            key=key,
            mode="matrix",
            square=True,
            numbers=True,
            palette=palette_bytes(SEQUENTIAL),
            low=limits.low,
            high=limits.high,
            x_labels=names,
            y_labels=names,
            x_name="class",
            y_name="true class",
            value_name="% of the class" if measured.in_percent else f"{examples.noun}s",
            label="Confusion matrix",
            height=HEIGHT,
            **options,
        )
        totals = StepTable(
            measured.totals,
            count,
            key=f"{key}|totals",
            columns=["right", "wrong", "unknown", "share right"],
            numeric=[0, 1, 2, 3],
            label="Examples that are right at this step",
            **options,
        )
        pairs = StepTable(
            measured.pairs,
            count,
            key=f"{key}|pairs",
            columns=["true class", "network says", f"{examples.noun}s", "of"],
            numeric=[2, 3],
            empty="No class is taken for another at this step.",
            label="Classes that are confused most at this step",
            **options,
        )
        recall = plot_pane(
            layer_heatmap(
                measured.recall,
                examples.class_names,
                x_edges=edges(scene.positions),
                value_label="share of the class that is right",
                positions=scene.positions,
                limits=(0.0, 1.0),
                height=HEIGHT,
                **scene.time_options(),
            )
        )
        return beside(grid, below(totals, pairs), recall, shares=(4, 3, 4))
