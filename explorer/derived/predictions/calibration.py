"""Whether a classifier is right as often as its confidence says."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from explorer.derived.predictions.labels import check_labels
from explorer.derived.time.over_steps import by_step

Array = npt.NDArray[Any]
Float64 = npt.NDArray[np.float64]

# Few bins, so that each still holds some of the probes.
BINS = 10
# Sets of answers that are drawn of a perfectly calibrated network.
DRAWS = 200


@dataclass(frozen=True)
class Reliability:
    """A reliability diagram, of one step or of many.

    Attributes
    ----------
    edges : ndarray (bin + 1,), float64
        Borders of the bins of confidence, from 0 to 1. A bin holds its upper border, not its
        lower one; the first bin holds 0 too.
    confidence : ndarray (..., bin), float64
        Mean confidence of the probes in the bin; NaN if it is empty.
    right : ndarray (..., bin), float64
        Share of them that are right; NaN if it is empty.
    count : ndarray (..., bin), int64
        Probes in the bin.
    """

    edges: Array
    confidence: Array
    right: Array
    count: Array

    @property
    def expected_error(self) -> Float64:
        r"""Expected calibration error, (...).

        .. math:: \sum_b \frac{n_b}{n} \lvert right_b - confidence_b \rvert

        Guo et al. (2017), *On calibration of modern neural networks*, equation 3. 0: as sure as it
        is right; NaN without probes. With few probes it is above 0 by chance alone.
        """
        gaps = np.where(self.count > 0, np.abs(self.right - self.confidence), 0)
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray((self.count * gaps).sum(axis=-1) / self.count.sum(axis=-1))


@dataclass(frozen=True)
class Calibration:
    """Reliability diagram and errors at every step.

    Attributes
    ----------
    reliability : Reliability
        Its arrays are (step, bin).
    expected_error : ndarray (step,), float64
        Expected calibration error.
    by_chance : ndarray (step,), float64
        Expected calibration error that a perfectly calibrated network would have with as many
        probes, see `expected_error_by_chance`.
    brier : ndarray (step,), float64
        Brier score.
    """

    reliability: Reliability
    expected_error: Array
    by_chance: Array
    brier: Array


def reliability(probabilities: Array, labels: Array, *, bins: int = BINS) -> Reliability:
    """Confidence and share of right answers, by confidence.

    The confidence in a probe is the probability of its most probable class.

    Parameters
    ----------
    probabilities : ndarray (probe, class)
        Class probabilities at one step. Probes that are not finite are left out.
    labels : ndarray of int (probe,)
        Class numbers; a probe with a number that is no class is left out.
    bins : int
        Number of bins, all equally wide.
    """
    shares, classes = _known(probabilities, labels)
    edges = np.linspace(0, 1, bins + 1)
    confidence = shares.max(axis=1, initial=0)
    right = shares.argmax(axis=1) == classes
    place = _bins(confidence, edges)
    count = np.bincount(place, minlength=bins)
    with np.errstate(invalid="ignore", divide="ignore"):
        return Reliability(
            edges,
            np.bincount(place, confidence, bins) / count,
            np.bincount(place, right, bins) / count,
            count.astype(np.int64),
        )


def expected_error_by_chance(
    probabilities: Array, labels: Array, *, bins: int = BINS, draws: int = DRAWS, seed: int = 0
) -> float:
    """Mean expected calibration error of a network that is as sure, and exactly as often right.

    Each answer is drawn to be right with its own confidence, again and again (consistency
    resampling: Bröcker and Smith 2007, *Increasing the reliability of reliability diagrams*). An
    error of this size says nothing against a network.

    Parameters
    ----------
    probabilities, labels, bins
        As for `reliability`; of the labels counts only which probes have one.
    draws : int
        Sets of answers that are drawn.
    seed : int
        Of the random numbers.

    Returns
    -------
    float
        NaN if no probe is left.
    """
    shares, _ = _known(probabilities, labels)
    if not len(shares):
        return float("nan")
    confidence = shares.max(axis=1)
    member = np.eye(bins)[_bins(confidence, np.linspace(0, 1, bins + 1))]
    random = np.random.default_rng(seed)
    errors = []
    for _ in range(draws):
        surplus = (random.random(len(confidence)) < confidence) - confidence
        errors.append(np.abs(surplus @ member).sum() / len(confidence))
    return float(np.mean(errors))


def brier_score(probabilities: Array, labels: Array) -> float:
    r"""Mean squared distance of the probabilities from the truth.

    .. math:: \frac{1}{n} \sum_i \sum_c (p_{ic} - [c = label_i])^2

    0 to 2, as Brier (1950) defined it in *Verification of forecasts expressed in terms of
    probability*; for two classes twice what others call so.

    Parameters
    ----------
    probabilities : ndarray (probe, class)
        Class probabilities at one step. Probes that are not finite are left out.
    labels : ndarray of int (probe,)
        Class numbers; a probe with a number that is no class is left out.

    Returns
    -------
    float
        NaN if no probe is left.
    """
    shares, classes = _known(probabilities, labels)
    if not len(shares):
        return float("nan")
    truth = np.arange(shares.shape[1]) == classes[:, None]
    return float(((shares - truth) ** 2).sum(axis=1).mean())


def calibration_over_steps(
    frames: Iterable[Array], labels: Array, *, bins: int = BINS
) -> Calibration:
    """Calibration at every step.

    Parameters
    ----------
    frames : iterable of ndarray (probe, class)
        Class probabilities, one frame a step.
    labels : ndarray of int (probe,)
        Class numbers; a probe with a number that is no class is left out.
    bins : int
        Number of bins of confidence.
    """
    diagrams, chances, scores = [], [], []
    for frame in frames:
        diagrams.append(reliability(frame, labels, bins=bins))
        chances.append(np.asarray(expected_error_by_chance(frame, labels, bins=bins)))
        scores.append(np.asarray(brier_score(frame, labels)))
    whole = Reliability(
        np.linspace(0, 1, bins + 1),
        by_step(diagram.confidence for diagram in diagrams),
        by_step(diagram.right for diagram in diagrams),
        by_step(diagram.count for diagram in diagrams),
    )
    return Calibration(whole, whole.expected_error, by_step(chances), by_step(scores))


def _bins(confidence: Array, edges: Array) -> Array:
    """Give the bin of each confidence: (probe,)."""
    # Probabilities in float16 or float32 may pass 1 by their rounding.
    return np.clip(np.searchsorted(edges, confidence, side="left") - 1, 0, len(edges) - 2)


def _known(probabilities: Array, labels: Array) -> tuple[Float64, Array]:
    """Probabilities and class numbers of the probes that have both."""
    labels = check_labels(labels, len(probabilities))
    known = np.isfinite(probabilities).all(axis=1)
    known &= (labels >= 0) & (labels < probabilities.shape[1])
    return np.asarray(probabilities[known], np.float64), labels[known]
