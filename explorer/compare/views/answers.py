"""How much the predictions of both networks differ, and which probes only one gets right."""

from __future__ import annotations

from typing import Any

import numpy as np

from explorer.compare.differences import (
    answers_over_time,
    disputed,
    same_classes,
)
from explorer.compare.side import LETTERS
from explorer.compare.views.base import PairView, register
from explorer.data.absence import GIVE_LABELS, SAME_PROBE, Absence, Lack, Nothing, Unfit
from explorer.derived.pairs.divergence import FIRST_RIGHT, SECOND_RIGHT, Disputes
from explorer.derived.time.plain import only_value
from explorer.plots.overlays import Line, overlay
from explorer.plots.style import LINES
from explorer.views.base import Scene, plot_pane
from explorer.widgets.charts.step_table import StepTable
from explorer.widgets.page.probe_picker import descriptions

CURVES_HEIGHT = 260
MOST_ROWS = 14
MOST_LETTERS = 60


class _OfAnswers(PairView):
    aligned = True

    def requirement(self, scene: Scene) -> Absence | None:
        missing = super().requirement(scene)
        if missing is not None:
            return missing
        if not len(self.pair.probes):
            return Lack(SAME_PROBE)
        if not same_classes(self.pair):
            return Unfit("The runs are not of two classifiers of the same classes.")
        return None


@register
class AnswersApart(_OfAnswers):
    """Distance of the predicted probabilities, and how often both say the same class."""

    title = "How far answers are apart"
    order = 50
    width = 6

    def caption(self, scene: Scene) -> str:
        return (
            f"Mean over the {len(self.pair.probes)} shared probes. Total variation: the most by "
            "which both differ about anything, 0 to 1. Jensen-Shannon: how surely an answer tells "
            "which run gave it, 0 to 1 bit. Agreement: share of probes with the same class."
        )

    def compute(self, scene: Scene) -> Any:
        positions, found = answers_over_time(self.pair, self.alignment)
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
        lines = [Line(name, x, y, LINES[at]) for at, (name, y) in enumerate(curves.items())]
        return plot_pane(
            overlay(
                lines,
                y_label="0 to 1",
                y_range=(-0.03, 1.03),
                cursor=self.positions,
                height=CURVES_HEIGHT,
                **self.time_options(scene),
            )
        )


@register
class Disputed(_OfAnswers):
    """A row for each probe that one run gets right and the other wrong, at the step on screen."""

    title = "Probes in dispute"
    order = 51
    width = 6

    def requirement(self, scene: Scene) -> Absence | None:
        missing = super().requirement(scene)
        if missing is None and any(data.class_labels is None for data in self.runs):
            return Lack(f"What is right is not known. {GIVE_LABELS}")
        return missing

    def caption(self, scene: Scene) -> str:
        return (
            "Shared probes that one run gets right and the other wrong at this step, the longest "
            f"dispute first, {MOST_ROWS} at most. Click a row to look at the probe in both."
        )

    def compute(self, scene: Scene) -> tuple[Disputes, list[Any]] | Nothing:
        found = disputed(self.pair, self.alignment)
        assert found is not None  # as `requirement` has made sure
        if np.isin(found.kind, (FIRST_RIGHT, SECOND_RIGHT)).any():
            return found, [data.verdicts() for data in self.runs]
        return Nothing("No probe in dispute: at every moment both runs get the same probes right.")

    def draw(self, scene: Scene, computed: Any) -> Any:
        found, verdicts = computed
        pair, alignment = self.pair, self.alignment
        first = pair.first
        names, labels = first.class_names, first.class_labels
        assert labels is not None  # as `requirement` has made sure
        spoken = descriptions(first.run.probe) if first.run.probe else []

        def provide(position: int) -> dict[str, Any]:
            rows, chooses = [], []
            for kind in (FIRST_RIGHT, SECOND_RIGHT):
                for at in found.at(position, kind):
                    ours, theirs = int(pair.probes.first[at]), int(pair.probes.second[at])
                    said = [
                        int(verdicts[0].predicted[alignment.first[position], ours]),
                        int(verdicts[1].predicted[alignment.second[position], theirs]),
                    ]
                    since = alignment.coordinates[found.since[position, at]]
                    text = f"{ours}"
                    if ours < len(spoken):
                        text += f" {spoken[ours][:MOST_LETTERS]}"
                    rows.append(
                        [text, names[int(labels[ours])], *(names[number] for number in said),
                         LETTERS[kind == SECOND_RIGHT], f"{since:.6g}"]
                    )  # fmt: skip
                    chooses.append({"probe": ours, "tab": "layers"})
            longest = sorted(range(len(rows)), key=lambda row: float(rows[row][-1]))[:MOST_ROWS]
            return {
                "rows": [rows[row] for row in longest],
                "chooses": [chooses[row] for row in longest],
            }

        return StepTable(
            provide,
            len(alignment),
            key=f"{pair.key}|disputes|{self.comparison.key}",
            columns=["probe", "true", "A says", "B says", "right", f"since {self.moment_name}"],
            numeric=[5],
            empty="At this step both runs get the same probes right.",
            rows=8,
            label=self.title,
            channel=scene.channel,
            sizing_mode="stretch_width",
            margin=0,
        )
