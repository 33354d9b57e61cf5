"""Metrics that were logged: which belong in one picture, and the curve of each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from explorer.data.run import RunData
from explorer.derived.time.timeline import thin


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


def metric_curve(
    data: RunData, name: str, most: int
) -> tuple[npt.NDArray[Any], npt.NDArray[np.float64]]:
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
        measured now and then: its points are joined.
    """
    values = data.metrics[name].values.astype(np.float64)
    known = np.flatnonzero(~np.isnan(values))
    kept = known if 2 * len(known) < len(values) else np.arange(len(values))
    kept = kept[thin(values[kept], most)]
    return data.metrics["update"].values[kept], values[kept]
