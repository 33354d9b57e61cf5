"""Predictions of a classifier: how its output is read, and which are right."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from scipy.special import expit, softmax

Array = npt.NDArray[Any]

# Rows of a softmax in float32 (or float16) sum to one up to rounding.
SUM_TOLERANCE = 2e-2

RIGHT = 1
WRONG = 0
UNKNOWN = 2

Kind = Literal["shares", "sigmoid", "logit", "logits"]

SOURCES: dict[Kind, str] = {
    "shares": "Probabilities are the network's output.",
    "sigmoid": "Probabilities are the output unit.",
    "logit": "Probabilities are the sigmoid of the output unit, read as a logit.",
    "logits": "Probabilities are the softmax of the output, read as logits.",
}


@dataclass(frozen=True)
class Verdicts:
    """The predicted class of each probe, and whether it is right, at every step.

    Attributes
    ----------
    predicted : ndarray (step, probe), the smallest unsigned dtype
        Most probable class; without meaning where a probability is NaN.
    marks : ndarray (step, probe), uint8
        `RIGHT` or `WRONG`; `UNKNOWN` without labels that fit, and where a probability is NaN.
    """

    predicted: Array
    marks: Array


@dataclass(frozen=True)
class OutputReading:
    """How the output of a classifier is read as class probabilities.

    Attributes
    ----------
    kind : {"shares", "sigmoid", "logit", "logits"}
        Units that are probabilities already; one unit that is the probability of the second of
        two classes, or its logit; or a logit a unit.
    classes : int
        How many classes there are.
    """

    kind: Kind
    classes: int

    @property
    def source(self) -> str:
        """How probabilities come from the output: one sentence for the caption."""
        return SOURCES[self.kind]

    def probabilities(self, output: Array) -> npt.NDArray[np.float32]:
        """Class probabilities of any part of the output.

        Parameters
        ----------
        output : ndarray (..., unit)
            Activation of the network's last layer.

        Returns
        -------
        ndarray (..., class), float32
            Rows sum to one; NaN where the output is, or where its logits are infinite.
        """
        values = np.asarray(output, np.float32)
        if self.kind == "shares":
            return values
        if self.kind == "logits":
            with np.errstate(invalid="ignore"):  # an infinite logit has no softmax: NaN says so
                return np.asarray(softmax(values, axis=-1), np.float32)
        second = values if self.kind == "sigmoid" else expit(values)
        return np.concatenate([1 - second, second], axis=-1)

    def verdicts(self, blocks: Iterable[Array], labels: Array | None) -> Verdicts:
        """Judge the most probable class of each probe.

        Parameters
        ----------
        blocks : iterable of ndarray (step, probe, unit)
            The output, some steps at a time.
        labels : ndarray (probe,), optional
            True class of each probe.
        """
        pairs = [self._judge(self.probabilities(output), labels) for output in blocks]
        predicted, marks = zip(*pairs, strict=True)
        return Verdicts(np.concatenate(predicted), np.concatenate(marks))

    def _judge(self, probabilities: Array, labels: Array | None) -> tuple[Array, Array]:
        predicted = probabilities.argmax(axis=-1)
        marks = np.full(predicted.shape, UNKNOWN, np.uint8)
        if labels is not None and labels.shape == predicted.shape[1:]:
            marks[:] = np.where(predicted == labels, RIGHT, WRONG)
            marks[np.isnan(probabilities).any(axis=-1)] = UNKNOWN
        return predicted.astype(np.min_scalar_type(self.classes - 1)), marks


def output_reading(sample: Array) -> OutputReading | None:
    """Decide how the output of a classifier is read, from some of its steps.

    Parameters
    ----------
    sample : ndarray (step, probe, unit)
        Activation of the network's last layer.

    Returns
    -------
    OutputReading or None
        Rows that are probabilities already are kept; one unit within [0, 1] is the probability
        of the second of two classes; anything else is taken for logits. None if the output is
        not (step, probe, unit), or if its units are probabilities that do not share out one.
    """
    if sample.ndim != 3:
        return None
    values = np.asarray(sample, np.float32)
    units = values.shape[-1]
    finite = values[np.isfinite(values)]
    within = bool(finite.size) and bool(finite.min() >= -1e-6) and bool(finite.max() <= 1 + 1e-6)
    if units == 1:
        return OutputReading("sigmoid" if within else "logit", 2)
    if not within:
        return OutputReading("logits", units)
    with np.errstate(invalid="ignore"):  # infinities of both signs have no sum
        sums = values.sum(axis=-1)
    shared = np.isclose(sums, 1, atol=SUM_TOLERANCE) | ~np.isfinite(sums)
    return OutputReading("shares", units) if bool(shared.all()) else None


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
    """Whether labels are target values rather than classes: then no output is a probability.

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
