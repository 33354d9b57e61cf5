"""Distributions of values over training time."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from explorer.derived.time.headway import part

Array = npt.NDArray[Any]

BINS = 80


@dataclass(frozen=True)
class Distribution:
    """A histogram at every step, over the same bins.

    Attributes
    ----------
    share : ndarray (step, bin), float64
        Share of the finite values in each bin.
    edges : ndarray (bin + 1,), float64
        Borders of the bins.
    not_finite : ndarray (step,), int64
        Values that are NaN or infinite.
    """

    share: Array
    edges: Array
    not_finite: Array


def distribution_over_steps(
    frames: Callable[[], Iterable[Array]], *, bins: int = BINS
) -> Distribution:
    """Histogram of every frame over bins that cover all finite values of all frames.

    Parameters
    ----------
    frames : callable
        Returns the frames in order, one a step; called twice, so that no more than one frame
        is ever held.
    bins : int
        Number of bins.
    """
    low, high, count = np.inf, -np.inf, 0
    with part(0, 2):
        for frame in frames():
            count += 1
            finite = frame[np.isfinite(frame)]
            if finite.size:
                low, high = min(low, float(finite.min())), max(high, float(finite.max()))
    if low > high:
        low, high = 0.0, 1.0
    if low == high:
        low, high = low - 0.5, high + 0.5
    edges = np.linspace(low, high, bins + 1)
    share = np.zeros((count, bins))
    not_finite = np.zeros(count, np.int64)
    with part(1, 2):
        for index, frame in enumerate(frames()):
            finite = frame[np.isfinite(frame)]
            not_finite[index] = frame.size - finite.size
            if finite.size:
                share[index] = np.histogram(finite, edges)[0] / finite.size
    return Distribution(share, edges, not_finite)
