"""Metrics that were logged: which belong in one picture, the curve of each, and what follows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from explorer.data.run import RunData
from explorer.derived.time.batch_values import batch_values
from explorer.derived.time.smoothing import running_median, shortened
from explorer.derived.time.timeline import thin
from store.errors import ArrayNotRecordedError
from store.format.names import EPOCH_MEAN, EPOCH_MEAN_UNTIL, EPOCH_SAMPLES

Updates = npt.NDArray[Any]
Values = npt.NDArray[np.float64]

VALIDATION = "val_"
# Set by a schedule rather than reached.
LEARNING_RATE = "learning_rate"
# Below this many values a running median has windows of one.
FEWEST_SMOOTHED = 40
# Norms of the gradients, (step, variable), where the recorder was given them.
GRADIENTS = "updates/gradient"


@dataclass(frozen=True)
class MetricGroup:
    """Metrics that share an axis.

    Attributes
    ----------
    title : str
        Heading of their picture.
    y_label : str
        What is on the axis.
    words : tuple of str
        A metric belongs to the group if its name contains one of them.
    """

    title: str
    y_label: str
    words: tuple[str, ...]

    def names(self, data: RunData) -> list[str]:
        """List the metrics of a run that belong to the group, in the order of the run."""
        return [name for name in map(str, data.run.metrics) if any(w in name for w in self.words)]


LOSS = MetricGroup("Loss", "loss", ("loss",))
ACCURACY = MetricGroup("Accuracy", "share right", ("acc", "auc", "precision", "recall", "f1"))
METRIC_GROUPS = (LOSS, ACCURACY)
# Of several optimizers each has one, with its name behind a dot.
LEARNING_RATES = MetricGroup("Learning rate", "learning rate", (LEARNING_RATE,))


def is_epoch_mean(data: RunData, name: str) -> bool:
    """Whether a metric was logged as the mean over the epoch so far, of known samples."""
    return EPOCH_SAMPLES in data.metrics.coords and bool(data.metrics[name].attrs.get(EPOCH_MEAN))


def epoch_mean_until(data: RunData, name: str) -> int | None:
    """Give the last update at which an epoch mean is one, where weights or masks began later."""
    until: int | None = data.metrics[name].attrs.get(EPOCH_MEAN_UNTIL)
    return until


def metric_values(data: RunData, name: str) -> tuple[Updates, Values]:
    """Read a metric at every update: of batches, where the run tells how to find them.

    Parameters
    ----------
    data : RunData
        The run.
    name : str
        The metric.

    Returns
    -------
    updates : ndarray (update,)
        Optimizer updates done.
    values : ndarray (update,), float64
        Means over the epoch so far are taken apart, see `batch_values`, as far as it is known of
        how many samples they are; others are as logged. NaN where nothing was.
    """
    updates = data.metrics["update"].values
    values = data.metrics[name].values.astype(np.float64)
    if is_epoch_mean(data, name):
        samples, until = data.metrics[EPOCH_SAMPLES].values, epoch_mean_until(data, name)
        if until is not None:
            samples = np.where(updates <= until, samples, np.nan)
        values = batch_values(values, samples)
    return updates, values


def is_noisy(data: RunData, name: str) -> bool:
    """Whether a metric was measured at so many updates that noise hides its course."""
    known = np.isfinite(data.metrics[name].values)
    return bool(known.sum() >= max(FEWEST_SMOOTHED, len(known) / 2))


def smoothed_curve(data: RunData, name: str) -> tuple[Updates, Values] | None:
    """Take the noise of batches out of a metric, by a running median.

    Parameters
    ----------
    data : RunData
        The run.
    name : str
        The metric.

    Returns
    -------
    updates, values : ndarray (point,)
        Without gaps; of a long curve fewer points.
    None
        Where there is nothing to smooth; see `is_noisy`.
    """
    if not is_noisy(data, name):
        return None
    updates, values = metric_values(data, name)
    known = np.flatnonzero(np.isfinite(values))
    places, levels = shortened(updates[known], values[known])
    return places, running_median(levels)


def generalization_gap(data: RunData, name: str) -> tuple[Updates, Values] | None:
    """Give a metric on held-out examples less that on the training's, where both are known.

    Parameters
    ----------
    data : RunData
        The run.
    name : str
        The metric, ``loss`` for instance.

    Returns
    -------
    updates, values : ndarray (validation,)
        At each validation. What it is compared with is the running median at that update.
    None
        If one of them was not logged.
    """
    held_out = VALIDATION + name
    if name not in data.metrics or held_out not in data.metrics:
        return None
    updates, values = metric_values(data, held_out)
    known = np.isfinite(values)
    trained = smoothed_curve(data, name)
    if trained is None:
        own_updates, own = metric_values(data, name)
        finite = np.isfinite(own)
        trained = own_updates[finite], own[finite]
    if not known.any() or not len(trained[0]):
        return None
    return updates[known], values[known] - np.interp(updates[known], *trained)


def has_gradients(data: RunData) -> bool:
    """Whether the run has an array for norms of gradients, known or not."""
    try:
        data.run.array(GRADIENTS)
    except ArrayNotRecordedError:
        return False
    return True


def gradient_norm(data: RunData) -> tuple[Updates, Values] | None:
    """Give the norm of the gradient by all variables together at each recorded step.

    Returns
    -------
    steps, values : ndarray (step,)
        Recorded steps at which it is known of a variable at least.
    None
        If it was not recorded.
    """
    if not has_gradients(data):
        return None
    of_variables = data.read(GRADIENTS, (slice(None), slice(None)))
    known = ~np.isnan(of_variables).all(axis=1)
    squares = np.nansum(np.square(of_variables[known], dtype=np.float64), axis=1)
    return (data.run.steps[known], np.sqrt(squares)) if known.any() else None


def metric_curve(data: RunData, name: str, most: int) -> tuple[Updates, Values]:
    """Read the curve of a metric, with fewer points that look the same.

    Parameters
    ----------
    data : RunData
        The run.
    name : str
        The metric.
    most : int
        Points to keep, about.

    Returns
    -------
    updates : ndarray (point,)
        Optimizer updates done.
    values : ndarray (point,), float64
        NaN where the curve has a gap. A metric that is known at fewer than half of the updates is
        measured now and then: its points are joined. Of batches, as of `metric_values`.
    """
    updates, values = metric_values(data, name)
    known = np.flatnonzero(~np.isnan(values))
    kept = known if 2 * len(known) < len(values) else np.arange(len(values))
    kept = kept[thin(values[kept], most)]
    return updates[kept], values[kept]
