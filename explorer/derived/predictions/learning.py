"""In which order probes and classes are learned, forgotten and learned again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from explorer.derived.predictions.labels import check_labels, memberships
from explorer.derived.predictions.verdicts import RIGHT, UNKNOWN, WRONG
from explorer.derived.time.over_steps import NEVER, carry_forward, first, first_stable

Array = npt.NDArray[Any]
Int64 = npt.NDArray[np.int64]
Float64 = npt.NDArray[np.float64]

# Share of a class's probes that must be right for the class to count as learned.
LEARNED_SHARE = 0.9


@dataclass(frozen=True)
class Learning:
    """When each probe, or class, was learned and forgotten.

    Attributes
    ----------
    first_right : ndarray (probe,), int64
        Index of the first step at which it is right; `NEVER` (-1) if there is none.
    stable_since : ndarray (probe,), int64
        Index of the first step from which it is right to the end; `NEVER` if it is not right at
        the last step.
    forgettings : ndarray (probe,), int64
        How often it was right and is wrong at the next step.
    relearnings : ndarray (probe,), int64
        How often it was forgotten and is right again.
    """

    first_right: Int64
    stable_since: Int64
    forgettings: Int64
    relearnings: Int64

    @property
    def never(self) -> npt.NDArray[np.bool_]:
        """Which were right at no step, (probe,)."""
        return np.asarray(self.first_right == NEVER)

    @property
    def unforgettable(self) -> npt.NDArray[np.bool_]:
        """Which were right once and never wrong afterwards, (probe,)."""
        return np.asarray(~self.never & (self.forgettings == 0))

    @property
    def order(self) -> Int64:
        """Order of a map (probe, step): those learned first on top, (probe,).

        By the step from which they are right to the end, then by the step at which they are right
        first; those that never are come last. Otherwise in the order of the probes.
        """
        late = np.iinfo(np.int64).max
        stable, right = (
            np.where(index == NEVER, late, index) for index in (self.stable_since, self.first_right)
        )
        return np.lexsort((right, stable)).astype(np.int64)


def learning(marks: Array) -> Learning:
    """When each probe was learned and forgotten.

    A forgetting event is a probe that is right and then wrong: Toneva et al. (2019), *An empirical
    study of example forgetting during deep neural network learning*. They look at each example
    whenever it is trained on; here it is looked at whenever a step is recorded, so that what
    happens between two recorded steps is not seen.

    Parameters
    ----------
    marks : ndarray (step, probe), uint8
        `RIGHT`, `WRONG` or `UNKNOWN`, as in `predictions.Verdicts`. Across unknown marks the one
        before them is compared with that after; an unknown mark is not right.
    """
    known = marks != UNKNOWN
    right = carry_forward(marks, known) == RIGHT
    before, after = right[:-1], right[1:]
    learned = np.logical_or.accumulate(right, axis=0)[:-1]
    return Learning(
        first_right=first(marks == RIGHT),
        stable_since=first_stable(marks == RIGHT),
        forgettings=(before & ~after).sum(axis=0, dtype=np.int64),
        relearnings=(learned & ~before & after).sum(axis=0, dtype=np.int64),
    )


def class_shares(marks: Array, labels: Array, *, classes: int) -> Float64:
    """Share of each class's probes that are right, at every step.

    Parameters
    ----------
    marks : ndarray (step, probe), uint8
        As in `predictions.Verdicts`; what is `UNKNOWN` does not count.
    labels : ndarray of int (probe,)
        Class numbers; others than 0 to ``classes - 1`` do not count.
    classes : int
        How many classes there are.

    Returns
    -------
    ndarray (step, class), float64
        NaN for a class without known marks.
    """
    members = memberships(check_labels(labels, marks.shape[1]), classes).T.astype(np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(((marks == RIGHT) @ members) / ((marks != UNKNOWN) @ members))


def class_learning(shares: Array, *, threshold: float = LEARNED_SHARE) -> Learning:
    """When each class was learned and forgotten.

    Parameters
    ----------
    shares : ndarray (step, class)
        Share of its probes that are right, as of `class_shares`.
    threshold : float
        A class counts as right while its share is at least this.

    Returns
    -------
    Learning
        Of the classes in place of the probes. A class without probes is never right.
    """
    marks = np.where(shares >= threshold, RIGHT, WRONG).astype(np.uint8)
    marks[np.isnan(shares)] = UNKNOWN
    return learning(marks)
