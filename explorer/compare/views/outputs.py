"""How much the outputs of two networks differ that are no classifiers of the same classes."""

from __future__ import annotations

from typing import Any

import numpy as np

from explorer.compare.differences import outputs_over_time
from explorer.compare.outputs import CommonOutputs
from explorer.compare.views.base import PairView, register
from explorer.data.absence import SAME_PROBE, Absence, Lack, Nothing, Unfit
from explorer.derived.pairs.difference import OutputDistance
from explorer.plots.overlays import Line, overlay
from explorer.plots.style import BESIDE_RUNS, NEUTRAL
from explorer.views.base import Scene, plot_pane

HEIGHT = 260


@register
class OutputsApart(PairView):
    """Distance of the outputs for the same inputs, beside that for different ones."""

    title = "How far outputs are apart"
    aligned = True
    order = 50
    width = 6

    @property
    def outputs(self) -> CommonOutputs:
        """What both are given; `requirement` has made sure that there is something."""
        assert self.pair.outputs is not None
        return self.pair.outputs

    def requirement(self, scene: Scene) -> Absence | None:
        missing = super().requirement(scene)
        if missing is not None:
            return missing
        if self.pair.examples is not None:
            return Unfit("The runs are of two classifiers, whose answers are compared.")
        if self.pair.outputs is None:
            several = "The runs share no input for which each gives one output."
            return Unfit(several) if len(self.pair.probes) else Lack(SAME_PROBE)
        ours, theirs = self.outputs.shapes
        if ours != theirs:
            return Nothing(
                f"For each input A gives an output of shape {ours} and B one of shape {theirs}: "
                "there is no distance between them."
            )
        if len(self.outputs) < 2:
            return Nothing("The runs share one input; a distance is told from chance by two.")
        return None

    def caption(self, scene: Scene) -> str:
        agreement = ""
        if self.outputs.are_choices:
            agreement = (
                " Agreement: share of the places at which both give the same answer most; by "
                "chance: what it would be if each named its answers as often, but without regard "
                "to the other."
            )
        padding = "" if self.outputs.in_text() is None else " Padding does not count."
        return (
            f"Mean over {self.outputs.described}. Distance: of what A and B give for the same "
            "input (root mean square), over that for different inputs: 0 where both give the same, "
            "1 where what B gives for an input is no nearer to what A gives for it than to what A "
            "gives for another one. By chance: what 5 % of pairings with other inputs fall below."
            f"{agreement}{padding} Networks that learned the same come near 0, though not to it."
        )

    def compute(self, scene: Scene) -> tuple[Any, OutputDistance] | Nothing:
        positions, found = outputs_over_time(self.outputs, self.alignment)
        if np.isfinite(found.distance).any():
            return positions, found
        return Nothing("Both networks give one output for every input, or none that is a number.")

    def draw(self, scene: Scene, computed: tuple[Any, OutputDistance]) -> Any:
        positions, found = computed
        x = self.positions[positions]
        lines = [
            Line("distance", x, found.distance, BESIDE_RUNS[0]),
            Line("distance by chance", x, found.by_chance, BESIDE_RUNS[0], dashed=True),
        ]
        if self.outputs.are_choices:
            lines += [
                Line("agreement", x, found.agreement, BESIDE_RUNS[2]),
                Line("agreement by chance", x, found.agreement_by_chance, NEUTRAL, dashed=True),
            ]
        most = max(1.0, float(np.nanmax(found.distance)))
        return plot_pane(
            overlay(
                lines,
                y_label="0: the same",
                y_range=(-0.03 * most, 1.05 * most),
                cursor=self.positions,
                height=HEIGHT,
                **self.time_options(scene),
            )
        )
