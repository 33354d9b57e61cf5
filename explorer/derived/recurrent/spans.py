"""Find the units that are on within a span of a text, and other places where they are.

The question is that of LSTMVis: Strobelt, Gehrmann, Pfister & Rush (2018), arXiv:1606.07461. There
the reader sets a threshold; here units are ranked without one, by the area under the ROC curve
(AUC): the chance that a unit is higher at a token within the span than at one outside. It does not
depend on the scale of the states, so it can be compared over a training.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.stats import rankdata

from explorer.derived.time.over_steps import first

Array = npt.NDArray[Any]
Float64 = npt.NDArray[np.float64]
Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Match:
    """A stretch of tokens where chosen units are on.

    Attributes
    ----------
    probe : int
    start, end : int
        First token, and the one after the last.
    score : float
        Mean share of the units that are on within, less that at the tokens next to it: at most 1.
    """

    probe: int
    start: int
    end: int
    score: float


def unit_scores(
    states: Array, span: Span, *, read: Array | None = None, around: int | None = None
) -> Float64:
    """Rate how well each unit is on within a span, and off outside.

    Parameters
    ----------
    states : ndarray (..., token, unit)
        States of one probe; steps may come first, for a history of the scores.
    span : (int, int)
        First token, and the one after the last.
    read : ndarray of bool (token,), optional
        Tokens that count, those of the text without its padding; by default all.
    around : int, optional
        Compare with so many tokens on either side only; by default with all.

    Returns
    -------
    ndarray (..., unit), float64
        AUC from the rank sum (Mann-Whitney): 1 if all within are higher than all outside, 0 if
        all are lower, 0.5 for a constant unit. NaN if states are NaN, or nothing is to compare.
    """
    within, outside = _sides(states.shape[-2], span, read, around)
    tokens = np.concatenate([within, outside])
    if not len(within) or not len(outside):
        return np.full((*states.shape[:-2], states.shape[-1]), np.nan)
    ranks = rankdata(states[..., tokens, :], axis=-2)
    ranked = ranks[..., : len(within), :].sum(axis=-2) - len(within) * (len(within) + 1) / 2
    return np.asarray(ranked / (len(within) * len(outside)), np.float64)


def usual_strength(states: Array, length: int, *, read: Array | None = None) -> float:
    """Say how well the best unit tells any span of so many tokens from the rest of a text.

    States change slowly, so that some unit tells nearly any stretch of a text from the others:
    what a chosen span reaches says something of it only beyond that.

    Parameters
    ----------
    states : ndarray (token, unit)
        States of one probe.
    length : int
        Tokens of the span.
    read : ndarray of bool (token,), optional
        As for `unit_scores`.

    Returns
    -------
    float
        The larger of AUC and 1 - AUC, of the best unit; the median over all spans of that length.
        NaN if nothing is to compare, or no unit has finite states.
    """
    text = states if read is None else states[np.asarray(read, bool)]
    outside = len(text) - length
    text = text[:, np.isfinite(text).all(axis=0)]
    if length < 1 or outside < 1 or not text.shape[1]:
        return float("nan")
    sums = np.pad(rankdata(text, axis=0).cumsum(axis=0), ((1, 0), (0, 0)))
    auc = (sums[length:] - sums[:-length] - length * (length + 1) / 2) / (length * outside)
    return float(np.median(np.maximum(auc, 1 - auc).max(axis=1)))


def thresholds_for(
    states: Array, span: Span, *, read: Array | None = None, around: int | None = None
) -> Float64:
    """Put a threshold for each unit half-way between its medians within a span and outside.

    Parameters
    ----------
    states : ndarray (token, unit)
        States of the probe that has the span.
    span, read, around
        As for `unit_scores`.

    Returns
    -------
    ndarray (unit,), float64
        NaN if nothing is to compare.
    """
    sides = _sides(len(states), span, read, around)
    if not all(map(len, sides)):
        return np.full(states.shape[1], np.nan)
    with np.errstate(invalid="ignore", over="ignore"):
        within, outside = (np.median(states[side].astype(np.float64), axis=0) for side in sides)
        return np.asarray((within + outside) / 2)


def similar_spans(
    states: Array,
    thresholds: Array | float,
    *,
    length: int,
    share: float = 1.0,
    read: Array | None = None,
    most: int = 20,
) -> list[Match]:
    """Find the stretches of tokens where units are on together.

    Parameters
    ----------
    states : ndarray (probe, token, unit)
        States of the chosen units alone.
    thresholds : ndarray (unit,) or float
        A unit is on above it; see `thresholds_for`.
    length : int
        Tokens of the span that is looked for: nearer lengths come first among equal scores.
    share : float
        Least share of the units that must be on.
    read : ndarray of bool (probe, token), optional
        Tokens that count; by default all.
    most : int
        Most matches.

    Returns
    -------
    list of Match
        The best first, each as long as the units are on. The span that was looked for is among
        them, if its units are on at each of its tokens.
    """
    # Without any unit nothing is on.
    on: Array = np.sum(states > thresholds, axis=-1) / max(1, states.shape[-1])
    counted = np.ones(on.shape, bool) if read is None else read
    # A token on either side of the text, so that every stretch has two ends.
    together = np.pad(counted & (on >= share) & (on > 0), ((0, 0), (1, 1)))
    turns = np.diff(together.astype(np.int8), axis=1)
    probes, starts = np.nonzero(turns == 1)
    _, ends = np.nonzero(turns == -1)
    matches = []
    for probe, start, end in zip(probes.tolist(), starts.tolist(), ends.tolist(), strict=True):
        beside = [at for at in (start - 1, end) if 0 <= at < on.shape[1] and counted[probe, at]]
        outside = on[probe, beside].mean() if beside else 0.0
        score = float(on[probe, start:end].mean() - outside)
        matches.append(Match(probe, start, end, score))
    matches.sort(key=lambda match: (-match.score, abs(match.end - match.start - length)))
    return matches[:most]


def onset(states: Array, thresholds: Array | float) -> npt.NDArray[np.int64]:
    """Find the first token at which each unit is on; sorting by it puts units in order of reading.

    Parameters
    ----------
    states : ndarray (token, ..., unit)
        States of a text.
    thresholds : ndarray (unit,) or float
        A unit is on above it.

    Returns
    -------
    ndarray (..., unit), int64
        `explorer.derived.time.over_steps.NEVER` of a unit that is never on.
    """
    return first(states > thresholds)


def _sides(
    tokens: int, span: Span, read: Array | None, around: int | None
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Tokens within and outside of a span."""
    start, end = span
    if not 0 <= start < end <= tokens:
        raise ValueError(
            f"A span from token {start} to {end} was passed, but the text has {tokens}: "
            f"expected 0 <= start < end <= {tokens}, where end is the token after the last."
        )
    at = np.arange(tokens)
    counted = np.ones(tokens, bool) if read is None else np.asarray(read, bool)
    within = (at >= start) & (at < end)
    near = within if around is None else (at >= start - around) & (at < end + around)
    outside = ~within if around is None else near & ~within
    return np.flatnonzero(within & counted), np.flatnonzero(outside & counted)
