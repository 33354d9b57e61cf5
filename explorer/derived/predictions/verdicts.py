"""Which answers of a classifier are right."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

RIGHT = 1
WRONG = 0
UNKNOWN = 2


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


def judge(blocks: Iterable[Array], labels: Array | None) -> Verdicts:
    """Judge the most probable class of each probe.

    Parameters
    ----------
    blocks : iterable of ndarray (step, probe, class)
        Class probabilities, some steps at a time.
    labels : ndarray (probe,), optional
        True class of each probe.
    """
    pairs = [_judge(probabilities, labels) for probabilities in blocks]
    predicted, marks = zip(*pairs, strict=True)
    return Verdicts(np.concatenate(predicted), np.concatenate(marks))


def _judge(probabilities: Array, labels: Array | None) -> tuple[Array, Array]:
    predicted = probabilities.argmax(axis=-1)
    marks = np.full(predicted.shape, UNKNOWN, np.uint8)
    if labels is not None and labels.shape == predicted.shape[1:]:
        marks[:] = np.where(predicted == labels, RIGHT, WRONG)
        marks[~np.isfinite(probabilities).all(axis=-1)] = UNKNOWN
    return predicted.astype(np.min_scalar_type(probabilities.shape[-1] - 1)), marks
