"""Which classes are predicted in place of which."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from explorer.derived.predictions.labels import check_labels
from explorer.derived.predictions.verdicts import UNKNOWN, Verdicts

Array = npt.NDArray[Any]
Float64 = npt.NDArray[np.float64]


class Confusion(NamedTuple):
    """A class that was predicted in place of another.

    Attributes
    ----------
    true, predicted : int
        Class numbers.
    probes : int
        How many probes.
    """

    true: int
    predicted: int
    probes: int


def confusion_matrices(verdicts: Verdicts, labels: Array, *, classes: int) -> npt.NDArray[np.int32]:
    """Count the probes of each class by the predicted class, at every step.

    Parameters
    ----------
    verdicts : Verdicts
        What each probe is taken for, (step, probe). Those that are `UNKNOWN` do not count.
    labels : ndarray of int (probe,)
        Class numbers; others than 0 to ``classes - 1`` do not count.
    classes : int
        How many classes there are.

    Returns
    -------
    ndarray (step, true, predicted), int32
    """
    labels = check_labels(labels, verdicts.predicted.shape[1])
    counts = np.zeros((len(verdicts.predicted), classes, classes), np.int32)
    labelled = (labels >= 0) & (labels < classes)
    step, probe = np.nonzero((verdicts.marks != UNKNOWN) & labelled)
    np.add.at(counts, (step, labels[probe], verdicts.predicted[step, probe]), 1)
    return counts


def recall(matrix: Array) -> Float64:
    """Recall: share of each class's probes that are predicted to be of it.

    Parameters
    ----------
    matrix : ndarray of int (..., true, predicted)
        Counts.

    Returns
    -------
    ndarray (..., class), float64
        Diagonal over the sum of the row; NaN for a class without probes.
    """
    return _share_of_diagonal(matrix, -1)


def precision(matrix: Array) -> Float64:
    """Precision: share of the probes predicted to be of a class that are of it.

    Parameters
    ----------
    matrix : ndarray of int (..., true, predicted)
        Counts.

    Returns
    -------
    ndarray (..., class), float64
        Diagonal over the sum of the column; NaN for a class that nothing is taken for.
    """
    return _share_of_diagonal(matrix, -2)


def _share_of_diagonal(matrix: Array, axis: int) -> Float64:
    right = np.diagonal(matrix, axis1=-2, axis2=-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(right / matrix.sum(axis=axis))


def confused_pairs(matrix: Array, most: int = 10) -> list[Confusion]:
    """Find the classes that are most often predicted in place of another.

    Parameters
    ----------
    matrix : ndarray of int (true, predicted)
        Counts at one step.
    most : int
        Pairs to give.

    Returns
    -------
    list of Confusion
        By count, the greatest first, then by class numbers; pairs that do not occur are left out.

    Examples
    --------
    >>> confused_pairs(np.array([[5, 0], [2, 3]]))
    [Confusion(true=1, predicted=0, probes=2)]
    """
    wrong = matrix.copy()
    np.fill_diagonal(wrong, 0)
    true, predicted = np.nonzero(wrong)
    counts = wrong[true, predicted]
    order = np.argsort(-counts.astype(np.int64), kind="stable")[:most]
    return [Confusion(int(true[k]), int(predicted[k]), int(counts[k])) for k in order]
