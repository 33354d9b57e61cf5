"""Neural collapse: whether the last features of a class have become one point."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from explorer.derived.predictions.labels import check_labels
from explorer.derived.units.gram import flat_rows

Array = npt.NDArray[Any]
Float64 = npt.NDArray[np.float64]
# Directions in which class means differ by less than this share of the largest are rounding.
RANK_TOLERANCE = 1e-10


@dataclass(frozen=True)
class Collapse:
    """The four measures of neural collapse; all go to 0 where it is complete.

    Attributes
    ----------
    within : float
        NC1: variability within the classes, relative to that between them.
    angles : float
        NC2: how far the cosines between class means are from those of a simplex, on average.
    lengths : float
        NC2: spread of the lengths of the class means, relative to their mean.
    duality : float
        NC3: distance of the last layer's kernel from the class means, both of norm 1; 0 to 2.
    nearest : float
        NC4: share of the examples whose class by the network is not that of the nearest mean.
    """

    within: float
    angles: float
    lengths: float
    duality: float
    nearest: float


def collapse(features: Array, labels: Array, kernel: Array, said: Array) -> Collapse:
    r"""Measure neural collapse in the features that a classifier's last layer takes.

    Papyan, Han and Donoho (2020), *Prevalence of neural collapse during the terminal phase of
    deep learning training*. With class means :math:`\mu_c` about the mean :math:`\mu_G` of them:
    NC1 is :math:`\mathrm{tr}(\Sigma_W \Sigma_B^+) / C`, NC2 compares the cosines of
    :math:`\mu_c - \mu_G` with :math:`-1/(C-1)` and their lengths with each other, NC3 is
    :math:`\lVert W^T / \lVert W \rVert - M / \lVert M \rVert \rVert^2` (Frobenius) and NC4 counts
    where the network and the nearest class mean disagree.

    Parameters
    ----------
    features : ndarray (example, unit)
        Input of the last layer.
    labels : ndarray of int (example,)
        True classes; each class of the kernel has an example.
    kernel : ndarray (unit, class)
        Kernel of the last layer.
    said : ndarray of int (example,)
        Classes that the network says.

    Returns
    -------
    Collapse
        NaN where a value is not finite.

    Raises
    ------
    ValueError
        A class has no example.
    """
    rows = flat_rows(np.asarray(features, np.float64))
    numbers = check_labels(labels, len(rows))
    weights = np.asarray(kernel, np.float64)
    classes = weights.shape[1]
    counts = np.bincount(numbers, minlength=classes)
    if len(counts) != classes or not counts.all():
        raise ValueError(
            f"Each of the {classes} classes needs an example; the examples of each are "
            f"{counts.tolist()}."
        )
    if not (np.isfinite(rows).all() and np.isfinite(weights).all()):
        return Collapse(*[float("nan")] * 5)
    means = np.stack([rows[numbers == number].mean(axis=0) for number in range(classes)])
    centred = means - means.mean(axis=0)
    lengths = np.linalg.norm(centred, axis=1)
    if not lengths.all():
        return Collapse(*[float("nan")] * 5)
    directions = centred / lengths[:, None]
    cosines = (directions @ directions.T)[~np.eye(classes, dtype=bool)]
    return Collapse(
        within=_within(rows - means[numbers], centred),
        angles=float(np.abs(cosines + 1 / (classes - 1)).mean()),
        lengths=float(lengths.std() / lengths.mean()),
        duality=_duality(weights.T, centred),
        nearest=float((_nearest(rows, means) != said).mean()),
    )


def _within(rows: Float64, means: Float64) -> float:
    r"""Compute tr(Sigma_W Sigma_B^+) / C within the few directions that class means span."""
    classes = len(means)
    _, sizes, axes = np.linalg.svd(means / np.sqrt(classes), full_matrices=False)
    spanned = sizes > RANK_TOLERANCE * sizes[0]
    along = rows @ axes[spanned].T  # (example, direction)
    return float(((along**2).mean(axis=0) / sizes[spanned] ** 2).sum() / classes)


def _duality(weights: Float64, means: Float64) -> float:
    size = np.linalg.norm(weights)
    if not size:
        return float("nan")
    return float(((weights / size - means / np.linalg.norm(means)) ** 2).sum())


def _nearest(rows: Float64, means: Float64) -> Array:
    # The squared length of a row itself is the same for all means.
    return np.asarray(((means**2).sum(axis=1) - 2 * rows @ means.T).argmin(axis=1))
