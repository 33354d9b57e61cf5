"""Loss and accuracy over training: one card for losses, one for everything between 0 and 1."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from explorer.absence import Nothing
from explorer.data import RunData
from explorer.derived.timeline import thin
from explorer.plots.curves import metric_curves
from explorer.views.base import Scene, View, plot_pane
from explorer.views.registry import register

# Curves of a million updates hold no more than what a screen shows.
MOST_POINTS = 4000
# Low enough that the moving pictures below are on screen with the curves.
COMPACT_HEIGHT = 140

# Updates and values of each curve.
Series = dict[str, tuple[npt.NDArray[Any], npt.NDArray[np.float64]]]


class _Metrics(View):
    region = "run"
    depends = ("axis",)
    width = 4
    y_label: str

    def chosen(self, name: str) -> bool:
        """Whether a metric belongs on this card."""
        raise NotImplementedError

    def applies(self, data: RunData) -> bool:
        return any(map(self.chosen, map(str, data.run.metrics)))

    def caption(self, scene: Scene) -> str:
        return "Training: as logged; fit logs running epoch means."

    def compute(self, scene: Scene) -> Series | Nothing:
        metrics, series = scene.data.metrics, {}
        names = [name for name in map(str, metrics) if self.chosen(name)]
        for name in names:
            values = metrics[name].values.astype(np.float64)
            known = np.flatnonzero(~np.isnan(values))
            # What is measured now and then is joined; elsewhere NaN leaves a gap.
            kept = known if 2 * len(known) < len(values) else np.arange(len(values))
            kept = kept[thin(values[kept], MOST_POINTS)]
            series[_spoken(name)] = (metrics["update"].values[kept], values[kept])
        if any(np.isfinite(values).any() for _, values in series.values()):
            return series
        logged = any(len(values) for _, values in series.values())
        said = "No value is a finite number" if logged else "No update has been logged"
        return Nothing(f"{said}: {', '.join(names)}.")

    def draw(self, scene: Scene, computed: Series) -> Any:
        timeline, axis = scene.data.timeline, scene.moment.axis
        return plot_pane(
            metric_curves(
                {name: (timeline.convert(at, axis), y) for name, (at, y) in computed.items()},
                y_label=self.y_label,
                cursor=scene.positions,
                height=COMPACT_HEIGHT,
                **scene.time_options(),
            )
        )


def _spoken(name: str) -> str:
    """Metric names as a legend reads: ``val_loss`` is "validation", ``loss`` is "training"."""
    base = name.removeprefix("val_")
    prefix = "validation" if name != base else "training"
    return prefix if base in ("loss", "accuracy") else f"{prefix} {base.replace('_', ' ')}"


@register
class Loss(_Metrics):
    """Training and validation loss."""

    title = "Loss"
    order = 10
    y_label = "loss"

    def chosen(self, name: str) -> bool:
        return "loss" in name


@register
class Accuracy(_Metrics):
    """Training and validation accuracy, and whatever else is a share."""

    title = "Accuracy"
    order = 11
    y_label = "share right"

    def chosen(self, name: str) -> bool:
        return any(word in name for word in ("acc", "auc", "precision", "recall", "f1"))
