"""What a head does, in one number each: how narrow it is, where it looks, whether it copies."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
Floats = npt.NDArray[np.float64]


def entropy(scores: Array, allowed: Array) -> Floats:
    """Entropy of what each query attends to, as a share of the most that is possible.

    Parameters
    ----------
    scores : ndarray (..., query, key)
        Shares that add up to 1 for each query.
    allowed : ndarray of bool (..., query, key)
        Which keys a query may attend to; it broadcasts to `scores`.

    Returns
    -------
    ndarray (..., query), float64
        0: one key has all; 1: all that are allowed have the same. NaN where fewer than two are.

    Examples
    --------
    >>> entropy(np.array([[0.5, 0.5, 0]]), np.array([[True, True, False]])).tolist()
    [1.0]
    """
    shares = np.where(allowed, scores, 0).astype(np.float64)
    parts = np.where(shares > 0, shares * np.log(np.where(shares > 0, shares, 1)), 0)
    parts = np.where(np.isnan(shares), np.nan, parts)
    counts = np.broadcast_to(allowed, scores.shape).sum(axis=-1)
    most = np.log(np.where(counts > 1, counts, 2))
    return np.where(counts > 1, -parts.sum(axis=-1) / most, np.nan) + 0.0


def share_at(scores: Array, distance: int) -> Floats:
    """Share of the key that lies so many places before each query.

    Parameters
    ----------
    scores : ndarray (..., query, key)
        Of places that attend to each other.
    distance : int
        0: each place itself; 1: the one before.

    Returns
    -------
    ndarray (..., query), float64
        NaN for the first places, before which there is none.

    Examples
    --------
    >>> share_at(np.array([[1, 0], [0.75, 0.25]]), 1).tolist()
    [nan, 0.75]
    """
    found = np.full(scores.shape[:-1], np.nan)
    if distance < scores.shape[-2]:
        found[..., distance:] = np.diagonal(scores, -distance, axis1=-2, axis2=-1)
    return found


def fixedness(scores: Array, counted: Array) -> Floats:
    """How far a head attends by place alone: how alike its scores are for different examples.

    One less half of what the scores of an example differ from the mean of all others (total
    variation), over all queries.

    Parameters
    ----------
    scores : ndarray (example, head, query, key)
        Of the same places.
    counted : ndarray of bool (example, query)
        Queries that count.

    Returns
    -------
    ndarray (head,), float64
        1: what is there makes no difference; NaN of fewer than two examples.
    """
    weights = counted.astype(np.float64)[:, None, :, None]
    shares = np.where(weights > 0, scores, 0).astype(np.float64)
    others = weights.sum(axis=0) - weights
    known = (others > 0) & (weights > 0)
    means = (shares.sum(axis=0) - shares) / np.where(others > 0, others, 1)
    apart = np.abs(shares - means).sum(axis=-1) / 2
    whole = np.broadcast_to(known[..., 0], apart.shape)
    counts = whole.sum(axis=(0, 2))
    sums = np.where(whole, apart, 0).sum(axis=(0, 2))
    return np.where(counts > 0, 1 - sums / np.where(counts > 0, counts, 1), np.nan)


def induction(scores: Array, period: int) -> Floats:
    """How much a head looks at what came after the same token before.

    Olsson et al. 2022, "In-context learning and induction heads" (arXiv:2209.11895), the
    prefix-matching score.

    Parameters
    ----------
    scores : ndarray (..., query, key)
        Of a sequence of random tokens that is repeated.
    period : int
        Tokens until it is repeated.

    Returns
    -------
    ndarray (...,), float64
        Mean share, over the queries from the second time on, of the key after the last place with
        the same token.

    Examples
    --------
    >>> induction(np.eye(4)[[0, 0, 1, 2]], 2).tolist()
    1.0
    """
    if period < 1 or period >= scores.shape[-2]:
        return np.full(scores.shape[:-2], np.nan)
    queries = np.arange(period, scores.shape[-2])
    return np.asarray(scores[..., queries, queries - period + 1].mean(axis=-1, dtype=np.float64))


def appeared(history: Array, least: float) -> int | None:
    """Give the first position from which a measure stays at least so large; None: there is none.

    Parameters
    ----------
    history : ndarray (step,)
        A measure at each recorded step; NaN is not large.
    least : float
        The limit.

    Examples
    --------
    >>> appeared(np.array([0.6, 0.2, 0.7, 0.9]), 0.5)
    2
    """
    small = np.flatnonzero(~(np.asarray(history) >= least))
    start = int(small[-1]) + 1 if len(small) else 0
    return start if start < len(history) else None
