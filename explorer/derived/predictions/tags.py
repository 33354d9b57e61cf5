"""How well each of several tags is found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class TagScores:
    """How well tags are found above a threshold; each (tag,), NaN where it is not defined.

    Attributes
    ----------
    precision : ndarray
        Share of those that got the tag to which it belongs.
    recall : ndarray
        Share of those to which it belongs that got it.
    f1 : ndarray
        Harmonic mean of the two; 0 where nothing was found, though something is there.
    """

    precision: Floats
    recall: Floats
    f1: Floats


def tag_scores(chances: Array, truth: Array, threshold: float = 0.5) -> TagScores:
    """Score each tag.

    Parameters
    ----------
    chances : ndarray (example, tag)
        Probability of each tag.
    truth : ndarray (example, tag)
        Above 0.5 where it belongs.
    threshold : float
        A tag is given where its probability is above.

    Examples
    --------
    >>> tag_scores(np.array([[0.9], [0.8], [0.1]]), np.array([[1], [0], [1]])).f1.tolist()
    [0.5]
    """
    given, there = np.asarray(chances) > threshold, np.asarray(truth) > 0.5
    both, all_given, all_there = (
        each.sum(axis=0).astype(np.float64) for each in (given & there, given, there)
    )
    # What is no number is given no tag, and says nothing.
    finite = np.isfinite(chances).all(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        precision, recall = both / all_given, both / all_there
        f1 = 2 * both / (all_given + all_there)
    return TagScores(*(np.where(finite, each, np.nan) for each in (precision, recall, f1)))
