"""What is drawn of examples whose class is known: the probe, or the run's evaluation set."""

from __future__ import annotations

import abc
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from explorer.absence import Absence, Lack, Nothing
from explorer.alternatives import Alternatives, Chosen
from explorer.data import BLOCK_BYTES, RunData
from explorer.derived.frames import sample_indices
from explorer.derived.headway import counted
from explorer.derived.predictions import (
    OutputReading,
    Verdicts,
    are_values,
    class_numbers,
    output_reading,
)
from explorer.views.base import Scene, View, needs_classifier, needs_steps
from store.schema import activation_path

Array = npt.NDArray[Any]

Source = Literal["evaluation", "probe"]
# The larger set first: it is shown unless the other one is chosen.
SOURCES: tuple[Source, ...] = ("evaluation", "probe")
EVALUATION_PATH = "evaluation/prediction"
NO_LABELS = "The true classes are not known. Record with a probe, or evaluation, that has labels."
# Steps that show how the evaluation's predictions are read.
SAMPLES = 4


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
        for start in counted(range(0, steps, length)):
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
        """Compute everything that `picture` needs, or `Nothing`, in a worker thread."""

    @abc.abstractmethod
    def picture(self, scene: Scene, measured: Any) -> Any:
        """Make a Panel object."""

    def requirement(self, scene: Scene) -> Absence | None:
        missing = needs_steps(scene)
        if missing is not None or sources(scene.data):
            return missing
        evaluation = scene.data.run.evaluation
        if evaluation is not None and "label" not in evaluation:
            return Lack(NO_LABELS)
        return needs_classifier(scene.data) or Lack(NO_LABELS)

    def compute(self, scene: Scene) -> Chosen | Nothing:
        source, found = self._now(scene), sources(scene.data)
        return Chosen.of(source, self._measure(scene, source), alone=len(found) == 1)

    def draw(self, scene: Scene, computed: Chosen) -> Any:
        shown, made = computed
        found = [examples_of(scene.data, source) for source in sources(scene.data)]
        if len(found) == 1:
            return self.picture(scene, made)
        named = {"evaluation": "evaluation set", "probe": "probe"}
        return Alternatives(
            scene.data,
            {one.source: f"{named[one.source]} ({len(one):,})" for one in found if one},
            shown,
            made,
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


def no_predictions(examples: Examples) -> Nothing:
    """Say that nothing is known of what the network says."""
    return Nothing(f"The network's output is not a number for any {examples.noun} at any step.")
