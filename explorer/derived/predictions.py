"""What a classifier says about its probes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import expit, softmax

Array = npt.NDArray[Any]

# Rows of a softmax in float32 (or float16) sum to one up to rounding.
SUM_TOLERANCE = 2e-2

RIGHT = 1
WRONG = 0
UNKNOWN = 2


@dataclass(frozen=True)
class Predictions:
    """Class probabilities of every probe at every step.

    Attributes
    ----------
    probabilities : ndarray (step, probe, class), float32
        Rows sum to one; NaN where the network's output is.
    source : str
        How they came from the output: one sentence for the caption.
    """

    probabilities: Array
    source: str

    @property
    def predicted(self) -> Array:
        """Most probable class: (step, probe), int64."""
        filled = np.nan_to_num(self.probabilities, nan=-1.0)
        predicted: Array = filled.argmax(axis=-1)
        return predicted

    def marks(self, labels: Array | None) -> Array:
        """`RIGHT`, `WRONG` or `UNKNOWN` for each probe at each step: (step, probe), uint8."""
        predicted = self.predicted
        if labels is None or labels.shape != predicted.shape[1:]:
            return np.full(predicted.shape, UNKNOWN, np.uint8)
        marks = np.where(predicted == labels[np.newaxis], RIGHT, WRONG).astype(np.uint8)
        marks[np.isnan(self.probabilities).any(axis=-1)] = UNKNOWN
        return marks


def class_probabilities(output: Array) -> Predictions | None:
    """Read the output of a classifier as class probabilities.

    Parameters
    ----------
    output : ndarray (step, probe, unit)
        Activation of the network's last layer.

    Returns
    -------
    Predictions or None
        Rows that are probabilities already are kept; one unit within [0, 1] is the probability
        of the second of two classes; anything else is taken for logits. None if the output is
        not (step, probe, unit), or if its units are probabilities that do not share out one.
    """
    if output.ndim != 3:
        return None
    values = np.asarray(output, np.float32)
    finite = values[np.isfinite(values)]
    within = bool(finite.size) and bool(finite.min() >= -1e-6) and bool(finite.max() <= 1 + 1e-6)
    if values.shape[-1] == 1:
        second = values if within else expit(values)
        pair = np.concatenate([1 - second, second], axis=-1)
        source = "the output unit" if within else "the sigmoid of the output unit, read as a logit"
        return Predictions(pair, f"Probabilities are {source}.")
    sums = values.sum(axis=-1)
    one = np.isclose(sums, 1, atol=SUM_TOLERANCE) | ~np.isfinite(sums)
    if within and bool(one.all()):
        return Predictions(values, "Probabilities are the network's output.")
    if within:
        return None
    with np.errstate(invalid="ignore"):  # an infinite logit has no softmax: NaN says so
        shared = softmax(values, axis=-1)
    return Predictions(shared, "Probabilities are the softmax of the output, read as logits.")


def class_numbers(labels: Array, classes: int) -> Array | None:
    """Read labels as class numbers.

    Parameters
    ----------
    labels : ndarray (probe,) or (probe, ...)
        Class numbers, or a row of shares for each probe, one-hot for instance.
    classes : int
        How many classes there are.

    Returns
    -------
    ndarray (probe,), int64, or None
        None if the labels are anything else.
    """
    rows = labels.reshape(len(labels), -1)
    if rows.shape[1] == classes > 1 and _are_shares(rows):
        return np.asarray(rows.argmax(axis=1), np.int64)
    if rows.shape[1] != 1 or not np.isin(rows, np.arange(classes)).all():
        return None
    return rows[:, 0].astype(np.int64)


def are_values(labels: Array, units: int) -> bool:
    """Whether labels are values to be met rather than classes: then no output is a probability.

    Parameters
    ----------
    labels : ndarray (probe,) or (probe, ...)
        What the network learns to answer.
    units : int
        Units of the network's output.
    """
    rows = labels.reshape(len(labels), -1)
    if rows.shape[1] > 1:
        return not _are_shares(rows)
    if units == 1:
        return not bool(np.isin(rows, (0, 1)).all())
    return not np.array_equal(rows, np.rint(rows))


def _are_shares(rows: Array) -> bool:
    return bool((rows >= 0).all()) and np.allclose(rows.sum(axis=1), 1, atol=SUM_TOLERANCE)
