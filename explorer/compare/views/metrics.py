"""Loss and accuracy of both runs, over the axis that they have in common."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from explorer.compare.side import LETTERS
from explorer.compare.views.base import PairView, register
from explorer.data.absence import Nothing
from explorer.data.metrics import ACCURACY, LOSS, MetricGroup, metric_curve, smoothed_curve
from explorer.data.run import RunData
from explorer.plots.overlays import Line, overlay
from explorer.plots.style import RUNS
from explorer.views.base import Scene, plot_pane
from explorer.views.parts import metric_label
from explorer.views.room import COMPACT_HEIGHT, MOST_POINTS


class _BothMetrics(PairView):
    place = "above"
    aligned = True
    width = 6
    group: ClassVar[MetricGroup]

    def applies(self, data: RunData) -> bool:
        return any(self.group.names(run) for run in self.runs)

    def compute(self, scene: Scene) -> list[Line] | Nothing:
        """Curves of both runs, with what is measured now and then joined."""
        lines = []
        for number, data in enumerate(self.runs):
            for name in self.group.names(data):
                curve = smoothed_curve(data, name) or metric_curve(data, name, MOST_POINTS)
                updates, values = curve
                said = f"{LETTERS[number]} {metric_label(name)}"
                places, dashed = self.places(number, updates), name.startswith("val_")
                lines.append(Line(said, places, values, RUNS[number], dashed))
        if any(np.isfinite(line.y).any() for line in lines):
            return lines
        return Nothing("Neither run has logged a finite number.")

    def caption(self, scene: Scene) -> str:
        return (
            f"Both runs over the {self.alignment.label}: running medians of the training's values; "
            "dashed, as measured: validation, by which runs are compared."
        )

    def draw(self, scene: Scene, computed: list[Line]) -> Any:
        return plot_pane(
            overlay(
                computed,
                y_label=self.group.y_label,
                cursor=self.positions,
                height=COMPACT_HEIGHT,
                **self.time_options(scene),
            )
        )


@register
class LossOfBoth(_BothMetrics):
    """Training and validation loss."""

    title = LOSS.title
    order = 10
    group = LOSS


@register
class AccuracyOfBoth(_BothMetrics):
    """Training and validation accuracy, and whatever else is a share."""

    title = ACCURACY.title
    order = 11
    group = ACCURACY
