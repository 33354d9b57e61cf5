"""Matrices that are larger than a screen: neighbours are averaged."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
Ints = npt.NDArray[np.int64]


def block_starts(count: int, most: int) -> Ints:
    """Part rows into blocks of the same size, the last one maybe smaller.

    Parameters
    ----------
    count : int
        Number of rows.
    most : int
        Most blocks.

    Returns
    -------
    ndarray (block,), int64
        First row of each block.

    Examples
    --------
    >>> block_starts(5, 3).tolist()
    [0, 2, 4]
    """
    size = max(1, -(-count // most))
    return np.arange(0, count, size, dtype=np.int64)


def block_means(values: Array, starts: Ints, axis: int = 0) -> Array:
    """Average the rows of each block.

    Parameters
    ----------
    values : ndarray
        NaN makes its block NaN.
    starts : ndarray (block,)
        First row of each block, as of `block_starts`.
    axis : int
        Axis of the rows.

    Returns
    -------
    ndarray
        As many rows as blocks; the values themselves if every block is one row.
    """
    count = values.shape[axis]
    if len(starts) == count:
        return values
    sizes = np.diff(starts, append=count)
    shape = [1] * values.ndim
    shape[axis] = len(sizes)
    with np.errstate(invalid="ignore", over="ignore"):  # infinities are shown as they are
        return np.asarray(np.add.reduceat(values, starts, axis=axis) / sizes.reshape(shape))


def block_names(names: Sequence[str], starts: Ints) -> list[str]:
    """Name each block by its first and its last row.

    Examples
    --------
    >>> block_names(["a", "b", "c", "d"], block_starts(4, 2))
    ['a-b', 'c-d']
    """
    ends = [*starts[1:].tolist(), len(names)]
    spans = zip(starts.tolist(), ends, strict=True)
    return [
        names[first] if end - first == 1 else f"{names[first]}-{names[end - 1]}"
        for first, end in spans
    ]
