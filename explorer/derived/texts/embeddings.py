"""How the vectors of words move while an embedding is trained.

For words in the plane fit `explorer.derived.units.projection.fit_axes` to the rows of the chosen
words, pooled from some steps, and put the rows of any step into it.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
Metric = Literal["cosine", "euclidean"]


def words_in(ids: Array, *, padding: int | None = 0) -> npt.NDArray[np.int64]:
    """List the words that occur, the most frequent first, then by number.

    Parameters
    ----------
    ids : ndarray of int (...)
        Token numbers of the probes.
    padding : int or None
        Number that is no word.
    """
    words, counts = np.unique(ids, return_counts=True)
    ordered = words[np.argsort(-counts, kind="stable")].astype(np.int64)
    return ordered if padding is None else ordered[ordered != padding]


def trained_words(before: Array, after: Array) -> npt.NDArray[np.int64]:
    """List the words whose rows have changed: the others did not occur in between.

    Parameters
    ----------
    before, after : ndarray (word, unit)
        The embedding at two steps. Weight decay changes all rows.
    """
    return np.flatnonzero((before != after).any(axis=1))


def moved(before: Array, after: Array, metric: Metric = "cosine") -> npt.NDArray[np.float64]:
    """Measure how far rows lie apart.

    Parameters
    ----------
    before, after : ndarray (..., unit)
        Rows at two steps.
    metric : {"cosine", "euclidean"}
        One minus the cosine of the angle between them, or the length of their difference.

    Returns
    -------
    ndarray (...), float64
        NaN where a row is not finite, and the cosine where one is zero.
    """
    one, other = np.asarray(before, np.float64), np.asarray(after, np.float64)
    with np.errstate(invalid="ignore", over="ignore"):
        if metric == "euclidean":
            return np.asarray(np.linalg.norm(other - one, axis=-1))
        return np.asarray(1 - np.einsum("...u,...u->...", _unit(one), _unit(other)))


def most_moved(
    before: Array, after: Array, *, most: int = 20, metric: Metric = "cosine"
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """List the words that moved most between two steps.

    Parameters
    ----------
    before, after, metric
        As for `moved`, (word, unit).
    most : int
        Most words.

    Returns
    -------
    ids : ndarray (kept,), int64
        The furthest first; without words that did not move, and without rows that have no
        distance.
    distances : ndarray (kept,), float64
    """
    ids = trained_words(before, after)
    distances = moved(before[ids], after[ids], metric)
    known = np.isfinite(distances)
    ids, distances = ids[known], distances[known]
    order = np.argsort(-distances, kind="stable")[:most]
    return ids[order], distances[order]


def path_length(rows: Array) -> npt.NDArray[np.float64]:
    """Measure how far words travelled in all, not only from start to end.

    Parameters
    ----------
    rows : ndarray (step, word, unit)
        The rows of some words at the recorded steps. With few steps the paths look shorter.

    Returns
    -------
    ndarray (word,), float64
        Sum of the lengths of all moves; NaN if a row is not finite at any step.
    """
    return np.asarray(moved(rows[:-1], rows[1:], "euclidean").sum(axis=0))


def neighbours(
    table: Array, word: int, *, most: int = 10, among: Array | None = None
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """List the words whose rows point most nearly in the direction of a word's.

    Parameters
    ----------
    table : ndarray (word, unit)
        The embedding at one step.
    word : int
        Its number.
    most : int
        Most neighbours.
    among : ndarray of int (candidate,), optional
        Numbers of the words to choose from, `trained_words` for instance: a row that was never
        trained is random. By default all.

    Returns
    -------
    ids : ndarray (kept,), int64
        The nearest first, without the word itself, and without rows that have no direction.
    similarities : ndarray (kept,), float64
        Cosines.
    """
    ids = np.arange(len(table)) if among is None else np.asarray(among)
    ids = ids[ids != word].astype(np.int64)
    similarities = 1 - moved(table[ids], table[word])
    order = np.argsort(-similarities, kind="stable")  # NaN comes last
    order = order[: min(most, np.count_nonzero(np.isfinite(similarities)))]
    return ids[order], similarities[order]


def _unit(rows: Array) -> Array:
    lengths = np.linalg.norm(rows, axis=-1, keepdims=True)
    return np.asarray(rows / np.where(lengths > 0, lengths, np.nan))
