"""In which order examples and classes are learned, forgotten and learned again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import panel as pn

from explorer.data.absence import Absence, Nothing
from explorer.data.examples import Examples, examples_of
from explorer.derived.predictions.learning import Learning, class_learning, class_shares, learning
from explorer.derived.predictions.verdicts import RIGHT, UNKNOWN, WRONG
from explorer.derived.time.over_steps import NEVER
from explorer.derived.time.timeline import edges
from explorer.plots.verdicts import RIGHT_COLOUR, WRONG_COLOUR, has_names, verdict_map
from explorer.views.base import Scene, plot_pane
from explorer.views.learning.judged import Judged, no_predictions
from explorer.views.registry import register
from explorer.views.requirements import needs_steps
from explorer.widgets.charts.legend import legend
from explorer.widgets.charts.step_table import StepTable
from explorer.widgets.page.beside import below, beside, scrolled

Array = npt.NDArray[Any]

# Share of a class that must be right for the class to count as learned.
LEARNED_SHARE = 0.8
# Of those forgotten less often nobody reads the list.
MOST_FORGOTTEN = 100
EVENTS = "forgetting events"
# Classes that are listed; with more the list scrolls.
LIST_HEIGHT = 290
NAMED = (("right", RIGHT_COLOUR), ("wrong", WRONG_COLOUR))


class Learned(NamedTuple):
    """What the card draws.

    Attributes
    ----------
    examples : Examples
        Who learns.
    marks : ndarray (step, example), uint8
        Right, wrong or unknown.
    each : Learning
        Of the examples.
    classes : Learning
        Of the classes, with `LEARNED_SHARE`.
    """

    examples: Examples
    marks: Array
    each: Learning
    classes: Learning

    def totals(self) -> list[str]:
        """Count examples by how they were learned."""
        counts = (
            np.count_nonzero(self.each.stable_since != NEVER),
            np.count_nonzero(self.each.unforgettable),
            np.count_nonzero(self.each.forgettings),
            np.count_nonzero(self.each.never),
        )
        return [f"{count:,}" for count in counts]

    def class_rows(self, steps: Array) -> list[list[str]]:
        """Say of each class since when it is learned: those learned first on top."""
        names, sizes = self.examples.class_names, self._sizes()
        return [
            [
                names[number],
                f"{sizes[number]:,}",
                _since(self.classes, number, steps),
                f"{int(self.each.forgettings[self.examples.labels == number].sum()):,}",
            ]
            for number in self.classes.order
            if sizes[number]
        ]

    def forgotten(self, steps: Array) -> Mapping[str, Any]:
        """List the examples that were forgotten most often."""
        counts, labels = self.each.forgettings, self.examples.labels
        worst = np.argsort(-counts, kind="stable")[:MOST_FORGOTTEN]
        kept = [int(number) for number in worst if counts[number]]
        return {
            "rows": [
                [
                    str(number),
                    self.examples.class_names[labels[number]],
                    f"{counts[number]:,}",
                    _since(self.each, number, steps),
                ]
                for number in kept
            ],
            "chooses": [self.examples.choosing(number) for number in kept],
        }

    def _sizes(self) -> Array:
        return np.bincount(self.examples.labels, minlength=len(self.examples.class_names))


def _since(of: Learning, number: int, steps: Array) -> str:
    """Say from which step on something stays right."""
    if of.stable_since[number] != NEVER:
        return f"{int(steps[of.stable_since[number]]):,}"
    return "never right" if of.never[number] else "not at the end"


@register
class LearningOrder(Judged):
    """Map of right and wrong over training, sorted by when each example was learned."""

    title = "Learned, forgotten, relearned"
    order = 20

    def requirement(self, scene: Scene) -> Absence | None:
        return super().requirement(scene) or needs_steps(scene, least=2)

    def caption(self, scene: Scene) -> str:
        examples = examples_of(scene.data, self.chosen_source(scene))
        assert examples is not None
        noun = examples.noun
        chosen = f" Click a {noun} in the list to choose it." if noun == "probe" else ""
        return (
            f"Of {examples.described}: a row for each, a column for each recorded step: is it "
            "right? On top what stays right from the earliest step on, at the bottom what never "
            "is. A forgetting event is a turn from right to wrong between two recorded steps "
            "(Toneva 2019 looks each time the training comes to the example, and sees more of "
            "them); to be right by chance at the start and wrong afterwards is one, too; "
            f"a forgotten {noun} has one at least. Healthy: most are learned and not forgotten; "
            f"those forgotten often are hard, or their labels wrong.{chosen}"
        )

    def measure(self, examples: Examples) -> Learned | Nothing:
        marks, classes = examples.verdicts().marks, len(examples.class_names)
        if (marks == UNKNOWN).all():
            return no_predictions(examples)
        if (marks == RIGHT).all():
            return Nothing(f"Every {examples.noun} is right at every recorded step.")
        if (marks == WRONG).all():
            return Nothing(f"No {examples.noun} is right at any recorded step.")
        shares = class_shares(marks, examples.labels, classes=classes)
        by_class = class_learning(shares, threshold=LEARNED_SHARE)
        return Learned(examples, marks, learning(marks), by_class)

    def picture(self, scene: Scene, measured: Learned) -> pn.Column:
        examples, order = measured.examples, measured.each.order
        names, rows = examples.class_names, f"{examples.noun}s"
        if has_names(len(order)):
            rows = f"{rows} (class #number)"
        labelled = [f"{names[examples.labels[number]]} #{number}" for number in order]
        figure = plot_pane(
            verdict_map(
                measured.marks[:, order],
                labelled,
                y_label=f"{rows}, learned first on top",
                x_edges=edges(scene.positions),
                positions=scene.positions,
                **scene.time_options(),
            )
        )
        steps = scene.data.timeline.steps
        key = f"{scene.data.run.id}|learning|{examples.source}"
        totals = _table(
            scene,
            {"rows": [measured.totals()]},
            key=f"{key}|totals",
            columns=[
                "right at the end",
                "never forgotten",
                f"forgotten {examples.noun}s",
                "never right",
            ],
            numeric=[0, 1, 2, 3],
            label=f"{examples.noun}s by how they were learned".capitalize(),
        )
        classes = _table(
            scene,
            {"rows": measured.class_rows(steps)},
            key=f"{key}|classes",
            columns=["class", f"{examples.noun}s", f"{LEARNED_SHARE:.0%} right since", EVENTS],
            numeric=[1, 2, 3],
            label="Classes by when they were learned",
        )
        forgotten = _table(
            scene,
            measured.forgotten(steps),
            key=f"{key}|forgotten",
            columns=[examples.noun, "class", EVENTS, "stays right since"],
            numeric=[0, 2, 3],
            empty=f"No {examples.noun} was forgotten between two recorded steps.",
            label=f"{examples.noun}s that were forgotten most often".capitalize(),
        )
        listed = scrolled(classes, LIST_HEIGHT)
        return beside(
            below(legend(NAMED), figure),
            below(totals, listed, scrolled(forgotten, LIST_HEIGHT), gap=14),
            shares=(7, 5),
        )


def _table(scene: Scene, payload: Mapping[str, Any], **options: Any) -> StepTable:
    """Make a table that is the same at every step."""
    return StepTable(
        lambda _: payload,
        len(scene.data.run),
        still=True,
        channel=scene.channel,
        sizing_mode="stretch_width",
        margin=0,
        **options,
    )
