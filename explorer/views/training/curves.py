"""Curves over training: losses, shares, and probabilities of the selected probe."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from explorer.data.absence import Absence, Nothing
from explorer.data.run import RunData
from explorer.derived.time.timeline import thin
from explorer.plots.curves import metric_curves, probability_curves
from explorer.views.base import Scene, View, plot_pane
from explorer.views.parts import metric_label
from explorer.views.registry import register
from explorer.views.requirements import needs_classifier, needs_steps
from explorer.views.room import COMPACT_HEIGHT, MOST_POINTS

# Updates and values of each curve.
Series = dict[str, tuple[npt.NDArray[Any], npt.NDArray[np.float64]]]


class MetricCurves(View):
    """Curves of some of the metrics that were logged."""

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
            series[metric_label(name)] = (metrics["update"].values[kept], values[kept])
        if any(np.isfinite(values).any() for _, values in series.values()):
            return series
        logged = any(len(values) for _, values in series.values())
        said = "No value is a finite number" if logged else "No update has been logged"
        return Nothing(f"{said}: {', '.join(names)}.")

    def draw(self, scene: Scene, computed: Series) -> Any:
        timeline, axis = scene.data.timeline, scene.selected.axis
        return plot_pane(
            metric_curves(
                {name: (timeline.convert(at, axis), y) for name, (at, y) in computed.items()},
                y_label=self.y_label,
                cursor=scene.positions,
                height=COMPACT_HEIGHT,
                **scene.time_options(),
            )
        )


@register
class Loss(MetricCurves):
    """Training and validation loss."""

    title = "Loss"
    order = 10
    y_label = "loss"

    def chosen(self, name: str) -> bool:
        return "loss" in name


@register
class Accuracy(MetricCurves):
    """Training and validation accuracy, and whatever else is a share."""

    title = "Accuracy"
    order = 11
    y_label = "share right"

    def chosen(self, name: str) -> bool:
        return any(word in name for word in ("acc", "auc", "precision", "recall", "f1"))


@register
class Probabilities(View):
    """Probability of each class for the selected probe, with the time cursor."""

    title = "Probabilities of the probe"
    region = "run"
    depends = ("probe", "axis")
    order = 12
    width = 4

    def requirement(self, scene: Scene) -> Absence | None:
        return needs_steps(scene) or needs_classifier(scene.data) or needs_steps(scene, least=2)

    def caption(self, scene: Scene) -> str:
        assert scene.data.reading is not None
        return scene.data.reading.source

    def compute(self, scene: Scene) -> npt.NDArray[np.float32] | Nothing:
        probe = scene.selected.probe
        values = scene.data.probabilities(probe)
        assert values is not None  # of a classifier
        if np.isfinite(values).any():
            return values
        return Nothing(
            f"What the network says to probe {probe} is not a number at any recorded step."
        )

    def draw(self, scene: Scene, computed: npt.NDArray[np.float32]) -> Any:
        labels = scene.data.class_labels
        return plot_pane(
            probability_curves(
                computed,
                scene.data.class_names,
                positions=scene.positions,
                truth=None if labels is None else int(labels[scene.selected.probe]),
                height=COMPACT_HEIGHT,
                **scene.time_options(),
            )
        )
