"""A curve without the noise of single batches."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
Float64 = npt.NDArray[np.float64]

# The window is this share of the curve, and no wider on either side than a tenth of what is past:
# where a network learns fastest, at first, wide windows would level what it learns.
SHARE = 0.05
OF_THE_PAST = 0.1
# Longer curves are first cut into so many stretches, of which each gives its median.
MOST_POINTS = 2000


def running_median(values: Array, *, whole: bool = False) -> Float64:
    """Median of the values around each: a running median (Tukey 1977, *Exploratory data analysis*).

    A curve without noise stays as it is but for its very end, where half a window is missing.

    Parameters
    ----------
    values : ndarray (n,)
        Finite values at even intervals.
    whole : bool
        Whether to leave out the end, where windows are not whole and noise is seen again.

    Returns
    -------
    ndarray (n,) or shorter, float64
    """
    count = len(values)
    widest = int(SHARE * count / 2)
    sides = np.minimum(widest, (OF_THE_PAST * np.arange(count)).astype(np.int64))
    last = count - widest if whole else count
    medians = [np.median(values[at - sides[at] : at + sides[at] + 1]) for at in range(last)]
    return np.array(medians, np.float64)


def shortened(times: Array, values: Array, most: int = MOST_POINTS) -> tuple[Float64, Float64]:
    """Cut a long curve into stretches, of which each gives its mean time and its median.

    Parameters
    ----------
    times, values : ndarray (n,)
        The curve.
    most : int
        Stretches.

    Returns
    -------
    tuple of ndarray (m,), float64
        As long as the curve, or `most`.
    """
    times, values = np.asarray(times, np.float64), np.asarray(values, np.float64)
    if len(times) <= most:
        return times, values
    stretches = np.array_split(times, most), np.array_split(values, most)
    return np.array([*map(np.mean, stretches[0])]), np.array([*map(np.median, stretches[1])])
