"""Which values of a metric a run has reached, and when first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from explorer.derived.time.smoothing import running_median, shortened

Array = npt.NDArray[Any]
Float64 = npt.NDArray[np.float64]

# Metrics of Keras that grow as a network learns have one of these in their names; others fall.
GROWING = (
    "acc", "auc", "precision", "recall", "f1", "fbeta", "iou", "r2", "dice", "cosine_similarity",
    "true_positives", "true_negatives", "specificity", "sensitivity", "bleu",
)  # fmt: skip


def grows(metric: str) -> bool:
    """Whether a metric of that name grows as a network learns.

    Parameters
    ----------
    metric : str
        Name as in the run, ``val_accuracy`` for instance.

    Examples
    --------
    >>> grows("val_sparse_categorical_accuracy"), grows("loss")
    (True, False)
    """
    return any(part in metric.lower() for part in GROWING) and "loss" not in metric.lower()


@dataclass(frozen=True)
class Progress:
    """When a run first reached each value of a metric.

    Attributes
    ----------
    updates : ndarray (record,), float64
        Optimizer updates; they grow.
    levels : ndarray (record,), float64
        Best value so far; for a loss negated, so that levels grow in any case. Between two
        records the run is taken to go evenly from one level to the next.
    """

    updates: Float64
    levels: Float64


def progress(updates: Array, values: Array, *, growing: bool) -> Progress:
    """When a run first reached each value of a metric.

    The time to a given value is the yardstick of Coleman et al. (2019), *Analysis of DAWNBench, a
    time-to-accuracy machine learning performance benchmark*. It asks for no curve that falls all
    the way: what a run loses again, by overfitting or by diverging, changes no record. A running
    median (`smoothing.running_median`) comes first, so that a lucky batch is none either, not even
    the last one; it leaves a curve without noise as it is, but for its last half window.

    Parameters
    ----------
    updates : ndarray (n,)
        Optimizer updates, growing.
    values : ndarray (n,)
        The metric at each. What is not finite is left out.
    growing : bool
        Whether it grows as a network learns, as accuracy does. See `grows`.

    Returns
    -------
    Progress
        Without records if no value is finite.

    Raises
    ------
    ValueError
        If the lengths differ.
    """
    times = np.asarray(updates, np.float64)
    levels = np.asarray(values, np.float64)
    if times.shape != levels.shape or times.ndim != 1:
        raise ValueError(
            f"A metric of shape {levels.shape} was passed with updates of shape {times.shape}; "
            "one value for each update was expected. Pass both as the run's metrics hold them."
        )
    known = np.isfinite(levels)
    times, levels = shortened(times[known], levels[known] if growing else -levels[known])
    best = np.maximum.accumulate(running_median(levels, whole=True))
    record = np.diff(best, prepend=-np.inf) > 0
    return Progress(times[: len(best)][record], best[record])
