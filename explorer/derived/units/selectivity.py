"""Which class a unit answers to, how selectively, and since when."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.stats import rankdata

from explorer.derived.predictions.labels import NO_CLASS, check_labels, memberships
from explorer.derived.time.over_steps import NEVER, by_step, first_stable

Array = npt.NDArray[Any]
Float64 = npt.NDArray[np.float64]

# From this AUC on a unit counts as the detector of a class.
DETECTOR_AUC = 0.95


@dataclass(frozen=True)
class Selectivity:
    """How selective each unit is at every step.

    Attributes
    ----------
    mean_by_class : ndarray (step, unit, class), float32
        Mean activation of the unit over the probes of each class.
    index : ndarray (step, unit), float32
        Class selectivity index; see `selectivity_index`.
    auc : ndarray (step, unit, class), float32
        How well the unit tells each class from all others; see `class_auc`.
    """

    mean_by_class: Array
    index: Array
    auc: Array

    @property
    def preferred(self) -> npt.NDArray[np.int64]:
        """Class that each unit tells best, (step, unit); `NO_CLASS` where it tells none."""
        return preferred_class(self.auc)


@dataclass(frozen=True)
class Detectors:
    """Which class each unit detects at the end, and since when.

    Attributes
    ----------
    preferred : ndarray (unit,), int64
        Class that the unit tells best at the last step; `NO_CLASS` if it tells none.
    auc : ndarray (unit,), float32
        How well, at the last step.
    since : ndarray (unit,), int64
        Index of the first step from which the AUC of that class stays at the threshold or above
        to the end; `NEVER` (-1) if it is below at the last step.
    """

    preferred: Array
    auc: Array
    since: Array


def unit_means(frame: Array) -> Float64:
    """Mean activation of each unit over its positions.

    Parameters
    ----------
    frame : ndarray (probe, ..., unit)
        What lies between probe and unit are positions.

    Returns
    -------
    ndarray (probe, unit), float64
        Without the positions that are NaN; NaN where all are.
    """
    positions = tuple(range(1, frame.ndim - 1))
    known = np.count_nonzero(~np.isnan(frame), axis=positions) if positions else ~np.isnan(frame)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.nansum(frame, axis=positions, dtype=np.float64) / known)


def class_means(values: Array, labels: Array, *, classes: int) -> Float64:
    """Mean value of each unit over the probes of each class.

    Parameters
    ----------
    values : ndarray (probe, unit)
        One value a probe, as of `unit_means`.
    labels : ndarray of int (probe,)
        Class numbers; others than 0 to ``classes - 1`` are left out.
    classes : int
        How many classes there are.

    Returns
    -------
    ndarray (unit, class), float64
        Without the probes that are NaN; NaN for a class without probes.
    """
    labels = check_labels(labels, len(values))
    known = ~np.isnan(values)
    labelled = (labels >= 0) & (labels < classes)
    sums, counts = np.zeros((2, classes, values.shape[1]))
    with np.errstate(invalid="ignore", divide="ignore"):
        np.add.at(sums, labels[labelled], np.where(known, values, 0)[labelled])
        np.add.at(counts, labels[labelled], known[labelled])
        return np.asarray((sums / counts).T)


def selectivity_index(means: Array) -> Float64:
    r"""Class selectivity index of each unit.

    .. math:: (\mu_{max} - \mu_{-max}) / (\mu_{max} + \mu_{-max})

    with the mean activation :math:`\mu_{max}` of the class that excites the unit most and
    :math:`\mu_{-max}`, the mean of those of all other classes. 0: all classes excite it alike;
    1: one class alone does. Morcos et al. (2018), *On the importance of single directions for
    generalization*.

    Parameters
    ----------
    means : ndarray (..., class)
        Mean activation by class; classes that are NaN are left out.

    Returns
    -------
    ndarray (...), float64
        NaN with fewer than two classes, where all means are 0 (a dead unit), and where one is
        negative: the index is defined for activations of at least 0.
    """
    known = ~np.isnan(means)
    count = known.sum(axis=-1)
    values = np.where(known, means, 0)
    with np.errstate(invalid="ignore", divide="ignore"):
        best = np.where(known, means, -np.inf).max(axis=-1, initial=-np.inf)
        rest = (values.sum(axis=-1) - best) / (count - 1)
        index = (best - rest) / (best + rest)
    return np.where((count > 1) & (values >= 0).all(axis=-1), index, np.nan)


def class_auc(values: Array, labels: Array, *, classes: int) -> Float64:
    r"""How well each unit tells each class from all others: the area under the ROC curve.

    It is the probability that a probe of the class gets a higher value than one of another class,
    ties counted half. With the ranks :math:`r` of all probes and :math:`n` of them in the class,

    .. math:: AUC = \frac{\sum_{i \in class} r_i - n (n + 1) / 2}{n \, n_{others}}

    which is exact: Hanley and McNeil (1982), *The meaning and use of the area under a receiver
    operating characteristic (ROC) curve*.

    Parameters
    ----------
    values : ndarray (probe, unit)
        One value a probe, as of `unit_means`. NaN is left out.
    labels : ndarray of int (probe,)
        Class numbers; others than 0 to ``classes - 1`` are left out.
    classes : int
        How many classes there are.

    Returns
    -------
    ndarray (unit, class), float64
        0.5 where the unit tells nothing. NaN for a class without probes, or without others.
    """
    labels = check_labels(labels, len(values))
    labelled = (labels >= 0) & (labels < classes)
    values, labels = values[labelled], labels[labelled]
    known = ~np.isnan(values)
    ranks = rankdata(values, axis=0, nan_policy="omit")
    members = memberships(labels, classes).astype(np.float64)
    inside = members @ known
    others = known.sum(axis=0) - inside
    wins = members @ np.where(known, ranks, 0) - inside * (inside + 1) / 2
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray((wins / (inside * others)).T)


def preferred_class(auc: Array) -> npt.NDArray[np.int64]:
    """Class that each unit tells best.

    Parameters
    ----------
    auc : ndarray (..., class)
        As of `class_auc`.

    Returns
    -------
    ndarray (...), int64
        `NO_CLASS` where none is above 0.5, that is where all are 0.5 (as of a constant unit) or
        NaN.
    """
    known = np.where(np.isnan(auc), -np.inf, auc)
    best = known.max(axis=-1, initial=-np.inf)
    return np.where(best > 0.5, known.argmax(axis=-1), NO_CLASS).astype(np.int64)


def class_selectivity(frames: Iterable[Array], labels: Array, *, classes: int) -> Selectivity:
    """How selective each unit is at every step.

    Parameters
    ----------
    frames : iterable of ndarray (probe, ..., unit)
        Activations of the layer, one frame a step. A unit's value for a probe is the mean over
        its positions.
    labels : ndarray of int (probe,)
        Class numbers; others than 0 to ``classes - 1`` are left out.
    classes : int
        How many classes there are.
    """
    means, index, auc = [], [], []
    for frame in frames:
        values = unit_means(frame)
        by_class = class_means(values, labels, classes=classes)
        with np.errstate(over="ignore"):  # beyond float32 is infinite
            means.append(by_class.astype(np.float32))
        index.append(selectivity_index(by_class).astype(np.float32))
        auc.append(class_auc(values, labels, classes=classes).astype(np.float32))
    return Selectivity(by_step(means), by_step(index), by_step(auc))


def detectors(auc: Array, *, threshold: float = DETECTOR_AUC) -> Detectors:
    """Which units detect a class at the end, and since when they have.

    Parameters
    ----------
    auc : ndarray (step, unit, class)
        As in `Selectivity`.
    threshold : float
        AUC that makes a detector.
    """
    preferred = preferred_class(auc[-1])
    kept = np.maximum(preferred, 0)
    of_preferred = np.take_along_axis(auc, kept[None, :, None], axis=2)[..., 0]
    since = np.where(preferred == NO_CLASS, NEVER, first_stable(of_preferred >= threshold))
    last = np.where(preferred == NO_CLASS, np.nan, of_preferred[-1]).astype(np.float32)
    return Detectors(preferred, last, since)
