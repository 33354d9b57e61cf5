"""Curves over training: losses, shares, and probabilities of the selected probe."""

from __future__ import annotations

import abc
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from explorer.data.absence import Absence, Nothing
from explorer.data.examples import guess
from explorer.data.metrics import (
    ACCURACY,
    LEARNING_RATES,
    LOSS,
    VALIDATION,
    MetricGroup,
    epoch_mean_until,
    generalization_gap,
    gradient_norm,
    has_gradients,
    is_epoch_mean,
    is_noisy,
    metric_curve,
    smoothed_curve,
)
from explorer.data.run import RunData
from explorer.plots.curves import metric_curves, probability_curves
from explorer.views.base import Scene, View, plot_pane
from explorer.views.parts import metric_label
from explorer.views.registry import register
from explorer.views.requirements import needs_classifier, needs_steps
from explorer.views.room import COMPACT_HEIGHT, MOST_POINTS
from store.format.losses import recorded_loss

# Metrics that are the share of examples whose most probable class is right.
ACCURACIES = {"accuracy", "acc", "sparse_categorical_accuracy", "categorical_accuracy"}
# Updates and values of each curve.
Series = dict[str, tuple[npt.NDArray[Any], npt.NDArray[np.float64]]]


@dataclass(frozen=True)
class Curves:
    """Curves by name, and what some of them are made of: values of batches."""

    lines: Series
    behind: Series


class MetricCurves(View):
    """Curves of some of the metrics that were logged."""

    region = "run"
    depends = ("axis",)
    width = 4
    group: ClassVar[MetricGroup]
    healthy: ClassVar[str]

    def applies(self, data: RunData) -> bool:
        return bool(self.group.names(data))

    def caption(self, scene: Scene) -> str:
        said = said_of_batches(scene.data, self.group.names(scene.data))
        level = self.guessed(scene.data)
        level_said = "" if level is None else f"; a guess gives {level:.3g}"
        return f"{said} {self.healthy}{level_said}."

    def guessed(self, data: RunData) -> float | None:
        """Give what is reached without looking at inputs; None where that is not known."""
        return None

    def compute(self, scene: Scene) -> Curves | Nothing:
        names = self.group.names(scene.data)
        curves, smoothed = {}, {}
        for name in names:
            curves[metric_label(name)] = metric_curve(scene.data, name, MOST_POINTS)
            line = smoothed_curve(scene.data, name)
            if line is not None:
                smoothed[metric_label(name)] = line
        if any(np.isfinite(values).any() for _, values in curves.values()):
            return Curves({**curves, **smoothed}, {name: curves[name] for name in smoothed})
        logged = any(len(values) for _, values in curves.values())
        said = "No value is a finite number" if logged else "No update has been logged"
        return Nothing(f"{said}: {', '.join(names)}.")

    def draw(self, scene: Scene, computed: Curves) -> Any:
        return plot_pane(
            metric_curves(
                placed(scene, computed.lines),
                behind=placed(scene, computed.behind),
                y_label=self.group.y_label,
                cursor=scene.positions,
                height=COMPACT_HEIGHT,
                **scene.time_options(),
            )
        )


def placed(scene: Scene, series: Series) -> Series:
    """Put curves on the chosen time axis."""
    timeline, axis = scene.data.timeline, scene.selected.axis
    return {name: (timeline.convert(at, axis), y) for name, (at, y) in series.items()}


def said_of_batches(data: RunData, names: Sequence[str]) -> str:
    """Say what curves of metrics are: of batches, or as they were logged."""
    if not any(is_noisy(data, name) for name in names):
        return "As logged."
    means = [name for name in names if is_epoch_mean(data, name)]
    ended = {name: until for name in means if (until := epoch_mean_until(data, name)) is not None}
    if ended:
        since = ", ".join(f"{name} after update {until:,}" for name, until in ended.items())
        return (
            "Faint: each batch; line: median. Weights or masks count samples "
            f"unequally in {since}: running means from there on, as logged."
        )
    return "Faint: each batch; line: median." if means else "Logged (fit: means so far); median."


class _OfTraining(View):
    """A curve of the whole training, on the tab that tells how it went."""

    region = "training"
    depends = ("axis",)
    width = 6
    y_label: ClassVar[str]

    @abc.abstractmethod
    def series(self, data: RunData) -> Series:
        """Give the curves by name."""

    def compute(self, scene: Scene) -> Series | Nothing:
        found = self.series(scene.data)
        if any(np.isfinite(values).any() for _, values in found.values()):
            return found
        return Nothing(f"No value of the {self.title.lower()} is a finite number.")

    def draw(self, scene: Scene, computed: Series) -> Any:
        return plot_pane(
            metric_curves(
                placed(scene, computed),
                y_label=self.y_label,
                cursor=scene.positions,
                **scene.time_options(),
            )
        )


@register
class LearningRate(_OfTraining):
    """The learning rate as the optimizer had it."""

    title = "Learning rate"
    order = 10
    y_label = "learning rate"

    def applies(self, data: RunData) -> bool:
        return bool(LEARNING_RATES.names(data))

    def caption(self, scene: Scene) -> str:
        several = len(LEARNING_RATES.names(scene.data)) > 1
        each = "each optimizer that did updates" if several else "the optimizer"
        return f"As {each} had it at recorded steps and at the ends of epochs."

    def series(self, data: RunData) -> Series:
        return {
            name.replace("_", " "): metric_curve(data, name, MOST_POINTS)
            for name in LEARNING_RATES.names(data)
        }


@register
class GradientNorm(_OfTraining):
    """Norm of the gradient by all variables together."""

    title = "Gradient norm"
    order = 11
    y_label = "L2 norm"

    def applies(self, data: RunData) -> bool:
        return has_gradients(data)

    def caption(self, scene: Scene) -> str:
        return (
            "Of the gradient of one batch by all variables together, before any clipping of the "
            "optimizer, at the recorded steps. Healthy: without jumps by powers of ten."
        )

    def compute(self, scene: Scene) -> Series | Nothing:
        found = gradient_norm(scene.data)
        if found is None or not len(found[0]):
            return Nothing(
                "No gradients were recorded: Recorder(gradients=True) notes their norms in fit, "
                "and a loop passes record(step, gradients=...)."
            )
        return super().compute(scene)

    def series(self, data: RunData) -> Series:
        found = gradient_norm(data)
        return {} if found is None else {"gradient norm": found}


@register
class GeneralizationGap(_OfTraining):
    """Loss on held-out examples less that on the training's."""

    title = "Gap between validation and training"
    order = 12
    y_label = "validation loss \u2212 training loss"

    def applies(self, data: RunData) -> bool:
        return any(VALIDATION + name in data.metrics for name in LOSS.names(data))

    def caption(self, scene: Scene) -> str:
        return (
            "Loss on the held-out examples less the running median of the training's at that "
            "moment. Above 0 and growing: it learns what does not carry over. Below 0 is usual "
            "with dropout, which makes the training's loss greater."
        )

    def series(self, data: RunData) -> Series:
        found = {name: generalization_gap(data, name) for name in LOSS.names(data)}
        return {name: gap for name, gap in found.items() if gap is not None}


@register
class Loss(MetricCurves):
    """Training and validation loss."""

    group = LOSS
    title = LOSS.title
    healthy = "Healthy: falls"
    order = 10

    def caption(self, scene: Scene) -> str:
        said = super().caption(scene)
        losses = [name for name in LOSS.names(scene.data) if not name.startswith(VALIDATION)]
        if not scene.data.run.part_names or losses == ["loss"]:
            return said
        return f"{said} Parts that are trained against each other, as in a GAN, balance instead."

    def guessed(self, data: RunData) -> float | None:
        loss = recorded_loss(data.run.attributes.get("loss"), data.output or "")
        found = guess(data)
        is_known = loss is not None and loss.family == "one class" and found is not None
        return found.cross_entropy if found is not None and is_known else None


@register
class Accuracy(MetricCurves):
    """Training and validation accuracy, and whatever else is a share."""

    group = ACCURACY
    title = ACCURACY.title
    healthy = "Healthy: rises"
    order = 11

    def guessed(self, data: RunData) -> float | None:
        found = guess(data)
        names = {name.removeprefix(VALIDATION) for name in self.group.names(data)}
        return found.accuracy if found is not None and names & ACCURACIES else None


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
        return plot_pane(
            probability_curves(
                computed,
                names_of(scene),
                positions=scene.positions,
                truth=scene.data.true_class(scene.selected.probe),
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
    probe = scene.selected.probe
    if labels is None or labels.shape[1:] != (reading.classes,) or probe in data.tried:
        return list(given)
    holds = labels[probe] > 0
    return [f"{name} (true)" if true else name for name, true in zip(given, holds, strict=True)]
