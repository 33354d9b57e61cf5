"""Which class a unit answers to, how selectively, and since when."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.stats import rankdata

from explorer.derived.predictions.labels import NO_CLASS, check_labels, memberships
from explorer.derived.time.over_steps import NEVER, by_step, first_stable

Array = npt.NDArray[Any]
Float64 = npt.NDArray[np.float64]

# From this AUC on a unit counts as the detector of a class.
DETECTOR_AUC = 0.95
# With fewer probes of a class, or of all others, chance alone puts them in front too easily.
FEWEST = 5
# Shuffles of the labels that show what chance gives.
SHUFFLES = 100


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
    by_chance : ndarray (step,), float64
        Share of the units that would be detectors if labels said nothing; see `Chance`.
    best_by_chance : ndarray (step,), float64
        What the AUC of a unit's best class reaches then; see `Chance`.
    """

    mean_by_class: Array
    index: Array
    auc: Array
    by_chance: Array
    best_by_chance: Array

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


def unit_maxima(frame: Array) -> Array:
    """Largest activation of each unit over its positions.

    It says whether what the unit answers to is there at all; the mean says how much of it, and so,
    of images, how much ink there is.

    Parameters
    ----------
    frame : ndarray (probe, ..., unit)
        What lies between probe and unit are positions.

    Returns
    -------
    ndarray (probe, unit)
        Without the positions that are NaN; NaN where all are.
    """
    positions = tuple(range(1, frame.ndim - 1))
    known = ~np.isnan(frame)
    largest = np.where(known, frame, -np.inf).max(axis=positions, initial=-np.inf)
    return np.where(known.any(axis=positions), largest, np.nan)


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


def class_auc(values: Array, labels: Array, *, classes: int, fewest: int = 1) -> Float64:
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
    fewest : int
        Probes that a class must have, and all others together, to be told apart at all.

    Returns
    -------
    ndarray (unit, class), float64
        0.5 where the unit tells nothing. NaN for a class with too few probes, or too few others.
    """
    ranked, labels = _ranked(values, labels, classes)
    return _auc(ranked, memberships(labels, classes).astype(np.float64), fewest).T


class Chance(NamedTuple):
    """What units reach if the labels say nothing.

    Attributes
    ----------
    share : float
        Share of units that would be detectors of some class; NaN without units.
    best : float
        What the AUC of a unit's best class exceeds in 1 of 20 cases: well above 0.5, since it is
        the best of several. NaN without units, or without a class of enough examples.
    """

    share: float
    best: float


def by_chance(
    values: Array,
    labels: Array,
    *,
    classes: int,
    fewest: int = FEWEST,
    threshold: float = DETECTOR_AUC,
    shuffles: int = SHUFFLES,
    seed: int = 0,
) -> Chance:
    """Find out how well units tell classes if the labels say nothing.

    A permutation test: labels are shuffled among the probes, all units keep their values.

    Parameters
    ----------
    values, labels, classes, fewest
        As for `class_auc`.
    threshold : float
        AUC that makes a detector.
    shuffles : int
        How often labels are shuffled.
    seed : int
        Of the shuffles.

    Returns
    -------
    Chance
        Over all units and shuffles.
    """
    ranked, labels = _ranked(values, labels, classes)
    if not values.shape[1]:
        return Chance(float("nan"), float("nan"))
    shuffled = np.random.default_rng(seed).permuted(np.tile(labels, (shuffles, 1)), axis=1)
    members = (shuffled[:, None, :] == np.arange(classes)[:, None]).astype(np.float64)
    auc = _auc(ranked, members.reshape(shuffles * classes, len(labels)), fewest)
    best = np.nan_to_num(auc).reshape(shuffles, classes, -1).max(axis=1, initial=0)
    told = best[best > 0]
    reached = float(np.quantile(told, 0.95)) if told.size else float("nan")
    return Chance(float((best >= threshold).mean()), reached)


class _Ranked(NamedTuple):
    """Ranks of labelled probes, 0 where a value is NaN, and which values are known."""

    ranks: Float64
    known: npt.NDArray[np.bool_]


def _ranked(values: Array, labels: Array, classes: int) -> tuple[_Ranked, Array]:
    labels = check_labels(labels, len(values))
    labelled = (labels >= 0) & (labels < classes)
    values, labels = values[labelled], labels[labelled]
    known = ~np.isnan(values)
    ranks = np.where(known, rankdata(values, axis=0, nan_policy="omit"), 0)
    return _Ranked(ranks, known), labels


def _auc(ranked: _Ranked, members: Float64, fewest: int) -> Float64:
    """AUC of groups of probes (group, probe) by each unit: (group, unit)."""
    inside = members @ ranked.known
    others = ranked.known.sum(axis=0) - inside
    wins = members @ ranked.ranks - inside * (inside + 1) / 2
    with np.errstate(invalid="ignore", divide="ignore"):
        auc = wins / (inside * others)
    return np.where((inside >= fewest) & (others >= fewest), auc, np.nan)


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


def class_selectivity(
    values: Iterable[Array], labels: Array, *, classes: int, fewest: int = FEWEST
) -> Selectivity:
    """How selective each unit is at every step.

    Parameters
    ----------
    values : iterable of ndarray (probe, unit)
        One value a probe, one array a step: as of `unit_maxima` or `unit_means`.
    labels : ndarray of int (probe,)
        Class numbers; others than 0 to ``classes - 1`` are left out.
    classes : int
        How many classes there are.
    fewest : int
        Probes that a class must have, see `class_auc`.
    """
    means, index, auc, chance = [], [], [], []
    for each in values:
        by_class = class_means(each, labels, classes=classes)
        with np.errstate(over="ignore"):  # beyond float32 is infinite
            means.append(by_class.astype(np.float32))
        index.append(selectivity_index(by_class).astype(np.float32))
        found = class_auc(each, labels, classes=classes, fewest=fewest)
        auc.append(found.astype(np.float32))
        chance.append(np.array(by_chance(each, labels, classes=classes, fewest=fewest)))
    share, best = by_step(chance).T.reshape(2, -1)
    return Selectivity(by_step(means), by_step(index), by_step(auc), share, best)


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
