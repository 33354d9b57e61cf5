"""How much of the classes a linear readout finds in a layer, on examples that it did not see."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from explorer.derived.predictions.labels import check_labels
from explorer.derived.units.gram import flat_rows, gram

Array = npt.NDArray[Any]
Float64 = npt.NDArray[np.float64]

FOLDS = 5
# Trainings on shuffled labels: enough for the 95th percentile of what chance reaches.
SHUFFLES = 100


@dataclass(frozen=True)
class LinearProbe:
    """How well a linear readout names the classes of examples that it was not trained on.

    Attributes
    ----------
    accuracy : float
        Share of the examples whose class it names; NaN where an activation is not finite.
    chance : ndarray (shuffle,), float64
        The same with shuffled labels, increasing.
    """

    accuracy: float
    chance: Float64

    @property
    def chance_level(self) -> float:
        """Mean accuracy with shuffled labels."""
        return float(self.chance.mean())

    @property
    def chance_bound(self) -> float:
        """95th percentile of the accuracies with shuffled labels."""
        return float(np.quantile(self.chance, 0.95))


def linear_probe(
    frame: Array, labels: Array, *, shuffles: int = SHUFFLES, seed: int = 0
) -> LinearProbe:
    r"""Train a linear readout of a layer and test it on examples that were left out.

    Alain and Bengio (2016), *Understanding intermediate layers using linear classifier probes*.
    The readout is a ridge regression on the one-hot labels with a free constant, whose penalty is
    the mean squared length of the centred training examples: one setting for all layers, whatever
    their scale and their number of units. It is trained on four of five parts of the examples,
    with every class spread evenly over the parts, and tested on the fifth. It is computed from
    inner products of the examples, so a layer may have any number of units.

    Parameters
    ----------
    frame : ndarray (example, ...)
        Activations of a layer at one step.
    labels : ndarray of int (example,)
        Class numbers.
    shuffles : int
        Trainings on shuffled labels, for the level of chance.
    seed : int
        Of the parts and the shuffles.
    """
    numbers = check_labels(labels, len(frame))
    rows = flat_rows(np.asarray(frame))
    if not np.isfinite(rows).all():
        return LinearProbe(float("nan"), np.full(shuffles, np.nan))
    generator = np.random.default_rng(seed)
    part = folds(numbers, generator)
    columns = [numbers, *(generator.permutation(numbers) for _ in range(shuffles))]
    said = _said(gram(rows), np.stack(columns, axis=1), part)
    right = (said == np.stack(columns, axis=1)).mean(axis=0)
    return LinearProbe(float(right[0]), np.sort(right[1:]))


def folds(numbers: Array, generator: np.random.Generator) -> npt.NDArray[np.int64]:
    """Spread each class evenly over the parts: (example,), the number of its part."""
    order = generator.permutation(len(numbers))
    by_class = order[np.argsort(numbers[order], kind="stable")]
    part = np.empty(len(numbers), np.int64)
    part[by_class] = np.arange(len(numbers)) % FOLDS
    return part


def _said(products: Float64, labels: Array, part: Array) -> Array:
    """Name the class of each example, by readouts trained on the other parts.

    Parameters
    ----------
    products : ndarray (example, example)
        Inner products of the examples.
    labels : ndarray of int (example, training)
        A column for each training.
    part : ndarray of int (example,)
        In which part each is tested.

    Returns
    -------
    ndarray of int (example, training)
    """
    classes, codes = np.unique(labels, return_inverse=True)
    targets = np.eye(len(classes))[codes.reshape(labels.shape)]  # (example, training, class)
    said = np.empty(labels.shape, labels.dtype)
    for number in range(FOLDS):
        tested, seen = np.flatnonzero(part == number), np.flatnonzero(part != number)
        if not len(tested) or not len(seen):
            continue
        mean = targets[seen].mean(axis=0)
        within = products[np.ix_(seen, seen)]
        across = products[np.ix_(tested, seen)]
        # Inner products after the mean of the training examples was taken from all.
        middle = within.mean(axis=0)
        centred = within - middle - middle[:, None] + within.mean()
        crossed = across - across.mean(axis=1, keepdims=True) - middle + within.mean()
        penalty = max(np.trace(centred) / len(seen), np.finfo(np.float64).tiny)
        flat = (targets[seen] - mean).reshape(len(seen), -1)
        solved = np.linalg.solve(centred + penalty * np.eye(len(seen)), flat)
        scores = (crossed @ solved).reshape(len(tested), *mean.shape) + mean
        said[tested] = classes[scores.argmax(axis=-1)]
    return said
