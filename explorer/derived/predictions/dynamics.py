"""What the training makes of single examples: margins, losses, cartography, error norms."""

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
# A probability that float32 rounds to 0 would make a loss infinite, and every mean with it.
LEAST_PROBABILITY = float(np.finfo(np.float32).tiny)


@dataclass(frozen=True)
class Dynamics:
    r"""What the network gives each example's own class, at every recorded step.

    NaN where a probability is.

    Attributes
    ----------
    p_true : ndarray (step, example), float64
        Probability of the true class.
    margin : ndarray (step, example), float64
        That, less the largest probability of another class: -1 to 1, above 0 where it is right.
    el2n : ndarray (step, example), float64
        :math:`\lVert p - y \rVert_2` with the one-hot label :math:`y`: 0 to :math:`\sqrt 2`.
    """

    p_true: Float64
    margin: Float64
    el2n: Float64

    @property
    def loss(self) -> Float64:
        """Cross-entropy of each example in nats: (step, example)."""
        with np.errstate(invalid="ignore"):
            return np.asarray(-np.log(np.maximum(self.p_true, LEAST_PROBABILITY)))


def dynamics(probabilities: Iterable[Array], labels: Array) -> Dynamics:
    """Follow each example's own class through the training.

    The distance from the one-hot label is the error norm EL2N of Paul, Ganguli and Dziugaite
    (2021), *Deep learning on a data diet: finding important examples early in training*. They
    average it over several trainings, early on; this is of one training, at every step.

    Parameters
    ----------
    probabilities : iterable of ndarray (example, class)
        One frame a step.
    labels : ndarray of int (example,)
        True classes.

    Raises
    ------
    ValueError
        A label is no class.
    """
    rows = []
    for frame in probabilities:
        shares = np.asarray(frame, np.float64)
        numbers = check_labels(labels, len(shares))
        if len(numbers) and not 0 <= numbers.min() <= numbers.max() < shares.shape[1]:
            raise ValueError(
                f"Labels run from {numbers.min()} to {numbers.max()}, but there are "
                f"{shares.shape[1]} classes. Pass the class number of each example."
            )
        own = (np.arange(len(shares)), numbers)
        p_true = shares[own]
        others = shares.copy()
        others[own] = -np.inf
        error = shares.copy()
        error[own] -= 1
        rows.append(np.stack([p_true, p_true - others.max(axis=1), np.linalg.norm(error, axis=1)]))
    p_true, margin, el2n = np.moveaxis(by_step(rows), 1, 0)
    return Dynamics(p_true, margin, el2n)


@dataclass(frozen=True)
class Cartography:
    """Where each example lies on the map of a data set.

    Attributes
    ----------
    confidence : ndarray (example,), float64
        Mean of the probability of its true class over the training, 0 to 1.
    variability : ndarray (example,), float64
        Standard deviation of that, 0 to 0.5.
    """

    confidence: Float64
    variability: Float64

    @property
    def hardest(self) -> npt.NDArray[np.int64]:
        """Examples by their confidence, the lowest first; those without one come last."""
        return np.argsort(self.confidence, kind="stable")


def cartography(p_true: Array, steps: Array) -> Cartography:
    """Map a data set by how the training learns its examples.

    Swayamdipta et al. (2020), *Dataset cartography: mapping and diagnosing datasets with training
    dynamics*. High confidence with low variability is easy to learn; high variability is
    ambiguous; low confidence with low variability is hard to learn, and often labelled wrongly.
    They take the ends of the epochs. Recorded steps lie densely at first, so each counts here for
    the updates that it stands for: half of those to its neighbours.

    Parameters
    ----------
    p_true : ndarray (step, example)
        Probability of the true class.
    steps : ndarray of int (step,)
        Recorded steps, as counts of optimizer updates; they grow.
    """
    values = np.asarray(p_true, np.float64)
    weights = spans(steps)[:, None]
    known = np.isfinite(values)
    with np.errstate(invalid="ignore", divide="ignore"):
        total = np.where(known, weights, 0).sum(axis=0)
        mean = np.where(known, weights * values, 0).sum(axis=0) / total
        squares = np.where(known, weights * (values - mean) ** 2, 0).sum(axis=0) / total
    return Cartography(mean, np.sqrt(squares))


def spans(steps: Array) -> Float64:
    """Count the updates that each recorded step stands for: half of the way to its neighbours.

    Examples
    --------
    >>> spans(np.array([0, 2, 10]))
    array([1., 5., 4.])
    """
    places = np.asarray(steps, np.float64)
    if len(places) < 2:
        return np.ones(len(places))
    middles = (places[1:] + places[:-1]) / 2
    return np.diff(middles, prepend=places[0], append=places[-1])
