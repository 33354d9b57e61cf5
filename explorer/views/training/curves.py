"""Curves over training: losses, shares, and probabilities of the selected probe."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from explorer.data.absence import Absence, Nothing
from explorer.data.metrics import ACCURACY, LOSS, MetricGroup, metric_curve
from explorer.data.run import RunData
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
    group: ClassVar[MetricGroup]

    def applies(self, data: RunData) -> bool:
        return bool(self.group.names(data))

    def caption(self, scene: Scene) -> str:
        return "Training: as logged; fit logs running epoch means."

    def compute(self, scene: Scene) -> Series | Nothing:
        names = self.group.names(scene.data)
        series = {metric_label(name): metric_curve(scene.data, name, MOST_POINTS) for name in names}
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
                y_label=self.group.y_label,
                cursor=scene.positions,
                height=COMPACT_HEIGHT,
                **scene.time_options(),
            )
        )


@register
class Loss(MetricCurves):
    """Training and validation loss."""

    group = LOSS
    title = LOSS.title
    order = 10


@register
class Accuracy(MetricCurves):
    """Training and validation accuracy, and whatever else is a share."""

    group = ACCURACY
    title = ACCURACY.title
    order = 11


@register
class Probabilities(View):
    """Probability of each class, or label, for the selected probe, with the time cursor."""

    title = "Probabilities of the probe"
    region = "run"
    depends = ("probe", "axis")
    order = 12
    width = 4

    def requirement(self, scene: Scene) -> Absence | None:
        missing: Absence | None = needs_steps(scene)
        if missing is None and scene.data.probability_reading is None:
            missing = needs_classifier(scene.data)
        return missing or needs_steps(scene, least=2)

    def caption(self, scene: Scene) -> str:
        assert scene.data.probability_reading is not None
        return scene.data.probability_reading.source

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
                names_of(scene),
                positions=scene.positions,
                truth=None if labels is None else int(labels[scene.selected.probe]),
                height=COMPACT_HEIGHT,
                **scene.time_options(),
            )
        )


def names_of(scene: Scene) -> list[str]:
    """Name what has a curve: the classes; or the labels, with those that hold for the probe."""
    data, reading = scene.data, scene.data.probability_reading
    assert reading is not None
    if reading.is_choice or data.run.probe is None:
        return data.class_names
    given = data.run.probe.class_names or [str(number) for number in range(reading.classes)]
    labels = data.run.probe.labels
    if labels is None or labels.shape[1:] != (reading.classes,):
        return list(given)
    holds = labels[scene.selected.probe] > 0
    return [f"{name} (true)" if true else name for name, true in zip(given, holds, strict=True)]
