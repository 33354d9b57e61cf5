"""Inner products and distances of few rows with very many columns.

A layer's activations for some probes are such rows. Their inner products hold all that is asked
about how they lie to each other, and take (row, row) numbers however large the layer is.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
Float64 = npt.NDArray[np.float64]

# Values that are held as float64 at once: 32 MiB.
BLOCK_VALUES = 1 << 22
# Share of two squared norms that is their rounding: sums of products end up some bits apart.
EQUAL = 64 * float(np.finfo(np.float64).eps)


def flat_rows(frame: Array) -> Array:
    """Read a frame as one row a probe: (probe, ...) becomes (probe, feature)."""
    return frame.reshape(len(frame), int(np.prod(frame.shape[1:], dtype=np.int64)))


def column_blocks(*parts: Array) -> Iterator[tuple[slice, Float64]]:
    """Go through the columns of a matrix in float64, some at a time.

    Parameters
    ----------
    *parts : ndarray (row, column)
        The rows of the matrix, or some matrices that are read as one below the other.

    Yields
    ------
    part : slice
        Which columns.
    block : ndarray (row, some columns), float64
    """
    count = sum(map(len, parts))
    width = max(1, BLOCK_VALUES // max(1, count))
    for start in range(0, parts[0].shape[1], width):
        part = slice(start, start + width)
        yield part, np.concatenate([rows[:, part] for rows in parts], dtype=np.float64)


def gram(rows: Array) -> Float64:
    """Inner products of all pairs of rows, summed in float64.

    Parameters
    ----------
    rows : ndarray (row, column)

    Returns
    -------
    ndarray (row, row), float64
    """
    products = np.zeros((len(rows), len(rows)))
    for _, block in column_blocks(rows):
        products += block @ block.T
    return products


def centred_gram(*parts: Array) -> Float64:
    """Inner products of all pairs of rows after the mean row was taken from each.

    Parameters
    ----------
    *parts : ndarray (row, column)
        The rows, or some matrices that are read as one below the other.

    Returns
    -------
    ndarray (row, row), float64
    """
    count = sum(map(len, parts))
    products = np.zeros((count, count))
    for _, block in column_blocks(*parts):
        block -= block.sum(axis=0) / max(1, count)
        products += block @ block.T
    return products


def distances(rows: Array) -> Float64:
    r"""Euclidean distances of all pairs of rows.

    With the inner products :math:`G` of the centred rows,
    :math:`d_{ij}^2 = G_{ii} + G_{jj} - 2 G_{ij}`.

    Parameters
    ----------
    rows : ndarray (row, column)
        Finite values.

    Returns
    -------
    ndarray (row, row), float64
        Symmetric, with a diagonal of zeros. Rows that differ by less than about 2e-7 of their
        distance from the mean row count as equal: no more than float32 tells apart.
    """
    products = centred_gram(rows)
    norms = np.diag(products)
    squares = norms[:, None] + norms - 2 * products
    # Rounding of equal rows is no distance.
    squares[squares <= EQUAL * (norms[:, None] + norms)] = 0
    np.fill_diagonal(squares, 0)
    return np.sqrt(squares)
