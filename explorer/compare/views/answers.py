"""How much the predictions of both networks differ, and what only one of them gets right."""

from __future__ import annotations

from typing import Any

import numpy as np

from explorer.compare.differences import answers_over_time, disputed
from explorer.compare.examples import CommonExamples
from explorer.compare.side import LETTERS
from explorer.compare.views.base import PairView, register
from explorer.data.absence import GIVE_LABELS, SAME_PROBE, Absence, Lack, Nothing, Unfit
from explorer.data.example_dynamics import texts_of
from explorer.data.examples import Examples
from explorer.derived.pairs.difference import PredictionDistance
from explorer.derived.pairs.divergence import FIRST_RIGHT, SECOND_RIGHT, Disputes
from explorer.derived.predictions.verdicts import Verdicts
from explorer.derived.time.plain import only_value
from explorer.plots.overlays import Line, overlay
from explorer.plots.style import BESIDE_RUNS, NEUTRAL
from explorer.views.base import Scene, plot_pane
from explorer.widgets.charts.step_table import StepTable
from explorer.widgets.page.beside import below, scrolled
from explorer.widgets.page.probe_picker import descriptions
from explorer.widgets.page.text import text_pane

CURVES_HEIGHT = 260
LIST_HEIGHT = 260
# Of more nobody reads every row.
MOST_ROWS = 200
MOST_LETTERS = 60


class _OfAnswers(PairView):
    aligned = True

    def requirement(self, scene: Scene) -> Absence | None:
        missing = super().requirement(scene)
        if missing is not None or self.pair.examples is not None:
            return missing
        if self.pair.outputs is not None or len(self.pair.probes):
            return Unfit("The runs are not of two classifiers of the same classes.")
        return Lack(SAME_PROBE)

    @property
    def examples(self) -> CommonExamples:
        """What both are asked; `requirement` has made sure that there is something."""
        assert self.pair.examples is not None
        return self.pair.examples


@register
class AnswersApart(_OfAnswers):
    """Distance of the predicted probabilities, and how often both say the same class."""

    title = "How far answers are apart"
    order = 50
    width = 6

    def caption(self, scene: Scene) -> str:
        return (
            f"Mean over {self.examples.described}. Total variation: the largest difference of the "
            "probabilities that both give to the same event, 0 to 1. Jensen-Shannon: how surely an "
            "answer tells which run gave it, 0 to 1 bit. Agreement: share to which both give the "
            "same class; by chance: what it would be if each named its classes as often, but "
            "without regard to the other. Only what is above that is agreement: untrained "
            "networks often name one class for everything, so that both are 1, or both 0. Two "
            "good networks agree at least where both are right."
        )

    def compute(self, scene: Scene) -> Any:
        positions, found = answers_over_time(self.examples, self.alignment)
        apart, agreed = only_value(found.total_variation), only_value(found.agreement)
        if apart == 0 and agreed == 1:
            return Nothing("Both networks give the same answers at every moment.")
        if apart is not None and np.isnan(apart):
            return Nothing("What the networks say is not a number at any moment.")
        return positions, found

    def draw(self, scene: Scene, computed: Any) -> Any:
        positions, found = computed
        x = self.positions[positions]
        curves = {
            "total variation": found.total_variation,
            "Jensen-Shannon (bits)": found.jensen_shannon,
            "agreement": found.agreement,
        }
        lines = [Line(name, x, y, BESIDE_RUNS[at]) for at, (name, y) in enumerate(curves.items())]
        lines.append(Line("agreement by chance", x, found.by_chance, NEUTRAL, dashed=True))
        picture = plot_pane(
            overlay(
                lines,
                y_label="0 to 1",
                y_range=(-0.03, 1.03),
                cursor=self.positions,
                height=CURVES_HEIGHT,
                **self.time_options(scene),
            )
        )
        return below(picture, text_pane(self._at_the_ends(found)))

    def _at_the_ends(self, found: PredictionDistance) -> str:
        """Say how far both agree at the first and at the last moment, and by chance."""
        named = self.alignment.coordinates[[0, -1]]
        return " ".join(
            f"At {self.moment_name} {moment:.6g} both agree on {found.agreement[at]:.0%}, by "
            f"chance on {found.by_chance[at]:.0%}."
            for at, moment in zip((0, -1), named, strict=True)
        )


@register
class Disputed(_OfAnswers):
    """A row for each example that one run gets right and the other wrong, at the step on screen."""

    title = "Examples in dispute"
    order = 51
    width = 6

    def requirement(self, scene: Scene) -> Absence | None:
        missing = super().requirement(scene)
        if missing is None and None in (self.examples.examples(0), self.examples.examples(1)):
            return Lack(f"What is right is not known. {GIVE_LABELS}")
        return missing

    def caption(self, scene: Scene) -> str:
        click = " Click a row to look at the probe in both." if self._of_probes else ""
        return (
            f"Of {self.examples.described}, those that one run gets right and the other wrong at "
            f"this step, the longest dispute first.{click} Networks that learned the same still "
            "differ about a few; as many for A as for B means that neither is better."
        )

    @property
    def _of_probes(self) -> bool:
        return self.examples.source == "probe"

    def compute(self, scene: Scene) -> tuple[Disputes, list[Verdicts]] | Nothing:
        found = disputed(self.examples, self.alignment)
        assert found is not None  # as `requirement` has made sure
        if np.isin(found.kind, (FIRST_RIGHT, SECOND_RIGHT)).any():
            return found, [self._labelled(side).verdicts() for side in (0, 1)]
        noun = self._labelled(0).noun
        return Nothing(f"No {noun} in dispute: at every moment both runs get the same right.")

    def _labelled(self, side: int) -> Examples:
        found = self.examples.examples(side)
        assert found is not None  # as `requirement` has made sure
        return found

    def draw(self, scene: Scene, computed: Any) -> Any:
        found, verdicts = computed
        alignment, first = self.alignment, self._labelled(0)
        shown, numbers = (alignment.first, alignment.second), self.examples.numbers
        names, spoken = first.class_names, self._spoken(first)

        def row(kind: int, at: int, position: int) -> list[str]:
            number = int(numbers[0][at])
            said = [
                int(verdicts[side].predicted[shown[side][position], numbers[side][at]])
                for side in (0, 1)
            ]
            text = f"{number} {spoken[number][:MOST_LETTERS]}" if spoken else str(number)
            since = alignment.coordinates[found.since[position, at]]
            return [
                text,
                names[int(first.labels[number])],
                *(names[answer] for answer in said),
                LETTERS[kind == SECOND_RIGHT],
                f"{since:.6g}",
            ]

        def provide(position: int) -> dict[str, Any]:
            told = [
                (int(found.since[position, at]), kind, int(at))
                for kind in (FIRST_RIGHT, SECOND_RIGHT)
                for at in found.at(position, kind)
            ]
            told.sort(key=lambda one: one[0])
            rows = [row(kind, at, position) for _, kind, at in told[:MOST_ROWS]]
            chooses = [self._choosing(first, int(numbers[0][at])) for *_, at in told[:MOST_ROWS]]
            if len(told) > MOST_ROWS:
                rows.append([f"and {len(told) - MOST_ROWS:,} more", *[""] * 5])
                chooses.append({})
            return {"rows": rows, "chooses": chooses}

        listing = StepTable(
            provide,
            len(alignment),
            key=f"{self.pair.key}|disputes|{self.comparison.key}",
            columns=[first.noun, "true", "A says", "B says", "right", f"since {self.moment_name}"],
            numeric=[5],
            empty=f"At this step both runs get the same {first.noun}s right.",
            rows=8,
            label=self.title,
            channel=scene.channel,
            sizing_mode="stretch_width",
            margin=0,
        )
        return scrolled(listing, LIST_HEIGHT)

    def _spoken(self, examples: Examples) -> list[str]:
        """Describe each example in a line; empty where a picture would be needed."""
        probe = examples.data.run.probe
        if self._of_probes and probe is not None:
            return descriptions(probe)
        given = examples.inputs()
        return [] if given is None or given[2] == "image" else texts_of(examples)

    def _choosing(self, examples: Examples, number: int) -> dict[str, Any]:
        chosen: dict[str, Any] = dict(examples.choosing(number))
        return {**chosen, "tab": "layers"} if chosen else {}
