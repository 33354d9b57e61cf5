"""Eigenvalues of recurrent matrices while they are trained."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.optimize import linear_sum_assignment

from explorer.derived.time.headway import counted

Array = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class Spectrum:
    """Eigenvalues and norms of a matrix, at every step. NaN where the matrix is not finite.

    Attributes
    ----------
    eigenvalues : ndarray (step, unit), complex128
        Column by column the same eigenvalue on its way; see `track`.
    radius : ndarray (step,), float64
        Greatest magnitude of an eigenvalue: growth per token in the long run.
    norm : ndarray (step,), float64
        Greatest singular value: most growth in one token.
    departure : ndarray (step,), float64
        Henrici's departure from normality as a share of the Frobenius norm, 0 to 1. At 0 the
        eigenvalues tell all; far from it a change may grow for some tokens before it decays.
        Henrici (1962), Numer. Math. 4; Trefethen & Embree (2005), Spectra and Pseudospectra.
    """

    eigenvalues: Array
    radius: Array
    norm: Array
    departure: Array


def spectrum(matrices: Array) -> Spectrum:
    """Follow the spectrum of a matrix over steps.

    Parameters
    ----------
    matrices : ndarray (step, unit, unit)
        Recurrent kernel of one gate, as from `explorer.derived.recurrent.gates.split_gates`.
    """
    values = np.asarray(matrices, np.float64)
    finite = np.isfinite(values).all(axis=(-2, -1))
    found = np.full(values.shape[:2], np.nan, np.complex128)
    radius, norm, departure = (np.full(len(values), np.nan) for _ in range(3))
    if finite.any():
        sound = values[finite]
        eigenvalues = np.stack([np.linalg.eigvals(matrix) for matrix in counted(sound)])
        magnitudes = np.abs(eigenvalues)
        found[finite] = eigenvalues
        radius[finite] = magnitudes.max(axis=-1)
        norm[finite] = np.linalg.norm(sound, 2, axis=(-2, -1))
        size = np.linalg.norm(sound, axis=(-2, -1))
        # Rounding may take it below zero, and the zero matrix is normal.
        rest = np.maximum(0, 1 - (magnitudes**2).sum(axis=-1) / np.where(size, size, np.inf) ** 2)
        departure[finite] = np.where(size, np.sqrt(rest), 0)
    return Spectrum(track(found), radius, norm, departure)


def track(values: Array) -> Array:
    """Put the values of each step in the order of the step before, the nearest to the nearest.

    Parameters
    ----------
    values : ndarray (step, unit), complex or float
        One set a step, in any order. Steps that are not finite are left out.

    Returns
    -------
    ndarray (step, unit)
        The same sets. The first goes from the greatest magnitude to the least; each later one is
        assigned to the one before it, so that the sum of the distances is the least possible.
    """
    ordered = values.copy()
    last = None
    for step, row in enumerate(values):
        if not np.isfinite(row).all():
            continue
        if last is None:
            order = np.lexsort((-np.angle(row), -np.abs(row)))
        else:
            _, order = linear_sum_assignment(np.abs(last[:, None] - row))
        ordered[step] = last = row[order]
    return ordered
