"""How many directions a matrix really uses, and how much it stretches at most."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from explorer.derived.time.over_steps import by_step

Array = npt.NDArray[Any]
Float64 = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Spectra:
    """What the singular values of a matrix say, at every recorded step.

    Attributes
    ----------
    largest : ndarray (step,), float64
        Spectral norm.
    effective, stable : ndarray (step,), float64
        Effective and stable rank, as shares of the rank that the matrix can have: 0 to 1.
    """

    largest: Float64
    effective: Float64
    stable: Float64


def spectra_over_steps(singular: Iterable[Array]) -> Spectra:
    """Reduce singular values to a few numbers at every step.

    Parameters
    ----------
    singular : iterable of ndarray (direction,)
        One frame a step: as many as the rank can be, zeros included.
    """
    rows = [
        np.array(
            [
                values.max(initial=0) if np.isfinite(values).all() else np.nan,
                effective_rank(values) / max(1, len(values)),
                stable_rank(values) / max(1, len(values)),
            ]
        )
        for values in singular
    ]
    return Spectra(*by_step(rows).T)


def as_matrix(weight: Array) -> Array:
    """Read a weight as a matrix (in, unit): places of a kernel and its inputs are its rows."""
    values = np.asarray(weight)
    return values.reshape(-1, values.shape[-1]) if values.ndim > 1 else values.reshape(-1, 1)


def singular_values(matrix: Array) -> Float64:
    """Singular values of a matrix, the largest first; NaN where an entry is not finite."""
    values = np.asarray(matrix, np.float64)
    if not np.isfinite(values).all():
        return np.full(min(values.shape), np.nan)
    return np.asarray(np.linalg.svd(values, compute_uv=False))


def deviations(frame: Array) -> Float64:
    """Singular values of activations after the mean of each unit was taken off.

    Parameters
    ----------
    frame : ndarray (probe, position, unit)
        Each position of each probe is a row.

    Returns
    -------
    ndarray (direction,), float64
        As many as there are units, or rows less one, whichever is less. Those below about 1e-7 of
        the largest are 0, since they are taken from squares.
    """
    rows = np.asarray(frame, np.float64).reshape(-1, frame.shape[-1])
    most = min(len(rows) - 1, rows.shape[1])
    if not np.isfinite(rows).all():
        return np.full(most, np.nan)
    centred = rows - rows.mean(axis=0)
    products = centred.T @ centred if len(rows) > rows.shape[1] else centred @ centred.T
    squares = np.linalg.eigvalsh(products)[::-1][:most]
    squares[squares < np.finfo(np.float64).eps * len(rows) * squares.max(initial=0)] = 0
    return np.sqrt(squares)


def effective_rank(singular: Array) -> float:
    r"""Count the directions that a matrix uses, each by how much it stretches there.

    .. math:: \exp\left(-\sum_i p_i \ln p_i\right), \quad p_i = \sigma_i / \sum_j \sigma_j

    Roy and Vetterli (2007), *The effective rank: a measure of effective dimensionality*: from 1,
    one direction, to the rank, all of them alike.

    Parameters
    ----------
    singular : ndarray (direction,)
        Singular values.

    Returns
    -------
    float
        NaN of a matrix of zeros, and where a value is not finite.

    Examples
    --------
    >>> effective_rank(np.array([2.0, 2.0, 0.0]))
    2.0
    """
    total = float(np.sum(singular))
    if not np.isfinite(total) or total <= 0:
        return float("nan")
    shares = np.asarray(singular, np.float64) / total
    shares = shares[shares > 0]
    return float(np.exp(-(shares * np.log(shares)).sum()))


def stable_rank(singular: Array) -> float:
    r"""Squared Frobenius norm over squared spectral norm: :math:`\sum \sigma_i^2 / \sigma_1^2`.

    Rudelson and Vershynin (2007), *Sampling from large matrices*. It is at most the rank, and
    hardly moves when small singular values do.

    Examples
    --------
    >>> stable_rank(np.array([2.0, 1.0, 1.0]))
    1.5
    """
    values = np.asarray(singular, np.float64)
    largest = values.max(initial=0)
    if not np.isfinite(values).all() or largest <= 0:
        return float("nan")
    return float(((values / largest) ** 2).sum())
