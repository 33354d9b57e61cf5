"""Loss and accuracy of both runs, over the axis that they have in common."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from explorer.compare.side import LETTERS
from explorer.compare.views.base import PairView, register
from explorer.data.absence import Nothing
from explorer.data.run import RunData
from explorer.derived.time.timeline import thin
from explorer.plots.overlays import Line, overlay
from explorer.plots.style import RUNS
from explorer.views.base import Scene, plot_pane
from explorer.views.parts import metric_label
from explorer.views.room import COMPACT_HEIGHT, MOST_POINTS
from explorer.views.training.curves import Accuracy, Loss, MetricCurves


class _BothMetrics(PairView):
    place = "above"
    aligned = True
    width = 6
    alone: ClassVar[type[MetricCurves]]

    def applies(self, data: RunData) -> bool:
        return any(self.alone().applies(run) for run in self.runs)

    def compute(self, scene: Scene) -> list[Line] | Nothing:
        """Curves of both runs, with what is measured now and then joined."""
        chosen = self.alone().chosen
        lines = []
        for number, data in enumerate(self.runs):
            metrics = data.metrics
            places = self.places(number, metrics["update"].values)
            for name in filter(chosen, map(str, metrics)):
                values = metrics[name].values.astype(np.float64)
                known = np.flatnonzero(~np.isnan(values))
                kept = known if 2 * len(known) < len(values) else np.arange(len(values))
                kept = kept[thin(values[kept], MOST_POINTS)]
                said = f"{LETTERS[number]} {metric_label(name)}"
                dashed = name.startswith("val_")
                lines.append(Line(said, places[kept], values[kept], RUNS[number], dashed))
        if any(np.isfinite(line.y).any() for line in lines):
            return lines
        return Nothing("Neither run has logged a finite number.")

    def caption(self, scene: Scene) -> str:
        return f"Both runs over the {self.alignment.label}; dashed: validation."

    def draw(self, scene: Scene, computed: list[Line]) -> Any:
        return plot_pane(
            overlay(
                computed,
                y_label=self.alone.y_label,
                cursor=self.alignment.coordinates,
                height=COMPACT_HEIGHT,
                **self.time_options(scene),
            )
        )


@register
class LossOfBoth(_BothMetrics):
    """Training and validation loss."""

    title = "Loss"
    order = 10
    alone = Loss


@register
class AccuracyOfBoth(_BothMetrics):
    """Training and validation accuracy, and whatever else is a share."""

    title = "Accuracy"
    order = 11
    alone = Accuracy
