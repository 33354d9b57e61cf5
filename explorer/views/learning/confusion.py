"""Which classes the network takes for which, at the step on screen and over training."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import panel as pn

from explorer.data.absence import Nothing
from explorer.data.examples import Examples, examples_of
from explorer.derived.predictions.confusion import confused_pairs, confusion_matrices
from explorer.derived.predictions.learning import class_shares
from explorer.derived.predictions.verdicts import RIGHT, UNKNOWN, WRONG, Verdicts
from explorer.derived.time.frames import Limits, quantize
from explorer.derived.time.plain import only_value
from explorer.derived.time.timeline import edges
from explorer.plots.layers import layer_heatmap
from explorer.plots.style import SEQUENTIAL, palette_bytes
from explorer.views.base import Scene, plot_pane
from explorer.views.learning.judged import Judged, no_predictions
from explorer.views.parts import sentence_pane
from explorer.views.registry import register
from explorer.widgets.charts.step_table import StepTable
from explorer.widgets.page.beside import below, beside
from explorer.widgets.pictures.frame_grid import FrameGrid

Array = npt.NDArray[Any]


HEIGHT = 390
# Classes whose cells can still be distinguished.
MOST_CLASSES = 100
MOST_PAIRS = 10
# As many as there are colours: each count has its own, so that the number written is exact.
MOST_COUNTED = 254


# Of more examples of a class its share scatters by less than two points.
SURE = 625


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
        examples = examples_of(scene.data, self.chosen_source(scene))
        assert examples is not None
        classes = len(examples.class_names)
        capped = f" Shown are the {MOST_CLASSES} of {classes:,} classes confused most at the end."
        capped = capped if classes > MOST_CLASSES else ""
        chosen = " Click a pair to choose its first probe." if examples.choosing(0) else ""
        return (
            f"Of {examples.described}. Left, at this step: a row for each true class, a column for "
            "what the network says; what is right lies on the diagonal, where nearly all should "
            f"be. Right: the share of each class that is right, over training{_scatter(examples)}."
            f"{capped}{chosen}"
        )

    def measure(self, examples: Examples) -> Confusions | Nothing:
        verdicts, classes = examples.verdicts(), len(examples.class_names)
        if (verdicts.marks == UNKNOWN).all():
            return no_predictions(examples)
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
            bounded=True,
            x_labels=names,
            y_labels=names,
            x_name="class",
            y_name="true class",
            value_name="% of the class" if measured.in_percent else f"{examples.noun}s",
            if_zero="No prediction is known at this step.",
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
        return beside(grid, below(totals, pairs), _recall(scene, measured), shares=(4, 3, 4))


def _recall(scene: Scene, measured: Confusions) -> Any:
    """Draw the share of each class that is right, if that is not one all the time."""
    share = only_value(measured.recall)
    if share is not None:
        return sentence_pane(f"{100 * share:.0f} % of each class are right at every recorded step.")
    return plot_pane(
        layer_heatmap(
            measured.recall,
            measured.examples.class_names,
            row_label="class",
            x_edges=edges(scene.positions),
            value_label="share of the class that is right",
            positions=scene.positions,
            limits=(0.0, 1.0),
            height=HEIGHT,
            **scene.time_options(),
        )
    )


def _scatter(examples: Examples) -> str:
    """Say how far the share of a small class scatters by chance: its standard error at one half."""
    sizes = np.unique(examples.labels[examples.labels >= 0], return_counts=True)[1]
    least = int(sizes.min()) if len(sizes) else SURE
    if least >= SURE:
        return ""
    noun = examples.noun if least == 1 else f"{examples.noun}s"
    return f" (of {least} {noun} at least: it scatters by up to ± {50 / np.sqrt(least):.0f} points)"
