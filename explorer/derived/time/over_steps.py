"""Rows stacked step by step, and since when a condition holds."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

# In place of a step index: what never happened, or did not last to the end.
NEVER = -1


def by_step(rows: Iterable[Array]) -> Array:
    """Stack one row a step.

    Parameters
    ----------
    rows : iterable of ndarray
        Arrays of the same shape.

    Returns
    -------
    ndarray (step, ...)

    Raises
    ------
    ValueError
        If there is no row.
    """
    kept = list(rows)
    if not kept:
        raise ValueError(
            "No frames were passed; one for each recorded step was expected, at least one. "
            "Has the run recorded a step yet?"
        )
    return np.stack(kept)


def first(condition: Array) -> npt.NDArray[np.int64]:
    """Index of the first step at which a condition holds.

    Parameters
    ----------
    condition : ndarray of bool (step, ...)

    Returns
    -------
    ndarray (...), int64
        `NEVER` where it holds at no step.

    Examples
    --------
    >>> first(np.array([False, True, False])).item()
    1
    """
    if not len(condition):
        return np.full(condition.shape[1:], NEVER, np.int64)
    return np.where(condition.any(axis=0), condition.argmax(axis=0), NEVER).astype(np.int64)


def first_stable(condition: Array) -> npt.NDArray[np.int64]:
    """Index of the first step from which a condition holds to the end.

    Parameters
    ----------
    condition : ndarray of bool (step, ...)

    Returns
    -------
    ndarray (...), int64
        `NEVER` where it does not hold at the last step.

    Examples
    --------
    >>> first_stable(np.array([True, False, True, True])).item()
    2
    >>> first_stable(np.array([True, False])).item()
    -1
    """
    held = np.logical_and.accumulate(condition[::-1], axis=0).sum(axis=0)
    return np.where(held > 0, len(condition) - held, NEVER).astype(np.int64)


def carry_forward(values: Array, known: Array) -> Array:
    """Fill each unknown value with the last known one before it.

    Parameters
    ----------
    values : ndarray (step, ...)
    known : ndarray of bool (step, ...)

    Returns
    -------
    ndarray (step, ...)
        As it was before the first known value.

    Examples
    --------
    >>> carry_forward(np.array([9, 1, 9, 2]), np.array([False, True, False, True])).tolist()
    [9, 1, 1, 2]
    """
    steps = np.arange(len(values)).reshape(-1, *[1] * (values.ndim - 1))
    source = np.maximum.accumulate(np.where(known, steps, 0), axis=0)
    return np.take_along_axis(values, source, axis=0)
