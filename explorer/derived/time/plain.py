"""Whether values differ at all: a picture of equal values is a field of one colour."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt


def only_value(values: npt.NDArray[Any]) -> float | None:
    """Give the value that all have, apart from what is not a finite number.

    Parameters
    ----------
    values : ndarray
        Of any shape.

    Returns
    -------
    float or None
        None if there are several values; NaN if there is none.

    Examples
    --------
    >>> only_value(np.array([0.5, np.nan, 0.5]))
    0.5
    >>> only_value(np.array([np.nan, np.inf]))
    nan
    >>> only_value(np.array([1, 2])) is None
    True
    """
    known = values[np.isfinite(values)]
    if not known.size:
        return float("nan")
    return float(known.flat[0]) if known.min() == known.max() else None
