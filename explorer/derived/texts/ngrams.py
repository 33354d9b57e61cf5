"""Which n-grams excite the units of a convolution over text, and what a pooling keeps of that."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from explorer.derived.texts.alignment import Window, text_spans

Array = npt.NDArray[Any]

_OUTSIDE = -1  # no token has this number


@dataclass(frozen=True, slots=True)
class NGram:
    """An n-gram, and where a unit answers to it most.

    Attributes
    ----------
    tokens : tuple of int
        Token numbers; fewer than the kernel has places where it stands at the edge of a text.
    value : float
        Greatest activation.
    probe, position : int
        Where that is.
    start, end : int
        The tokens of that probe: first, and the one after the last.
    count : int
        How often the n-gram occurs in the probes.
    """

    tokens: tuple[int, ...]
    value: float
    probe: int
    position: int
    start: int
    end: int
    count: int


def top_ngrams(
    values: Array, ids: Array, spans: Array, *, most: int = 10, padding: int | None = 0
) -> list[NGram]:
    """List the n-grams that a unit responds to most, over all probes.

    Parameters
    ----------
    values : ndarray (probe, position)
        Activation of one unit. What is not finite is left out.
    ids : ndarray (probe, token), integer
        What the network read.
    spans : ndarray (position, 2)
        Tokens that each position sees; see `explorer.derived.texts.alignment.token_spans`.
    most : int
        Most n-grams.
    padding : int or None
        Number that pads the texts; windows are clipped to the text, and those without any of it
        are left out.

    Returns
    -------
    list of NGram
        From the greatest activation down, each n-gram once.
    """
    texts = text_spans(ids, padding)
    starts = np.maximum(spans[:, 0], texts[:, :1])
    ends = np.minimum(spans[:, 1], texts[:, 1:])
    known = np.isfinite(values) & (starts < ends)
    probes, positions = np.nonzero(known)
    if not len(probes):
        return []
    # From the greatest value down: the first of equal n-grams is then the one to show.
    order = np.argsort(-np.asarray(values[known], np.float64), kind="stable")
    probes, positions = probes[order], positions[order]
    starts, ends = starts[probes, positions], ends[probes, positions]
    at = starts[:, None] + np.arange((ends - starts).max())
    inside = at < ends[:, None]
    words = np.where(
        inside, ids[probes[:, None], np.where(inside, at, 0)].astype(np.int64), _OUTSIDE
    )
    _, firsts, counts = np.unique(words, axis=0, return_index=True, return_counts=True)
    shown = np.argsort(firsts)[:most]
    return [
        NGram(
            tokens=tuple(words[row, : ends[row] - starts[row]].tolist()),
            value=float(values[probes[row], positions[row]]),
            probe=int(probes[row]),
            position=int(positions[row]),
            start=int(starts[row]),
            end=int(ends[row]),
            count=int(count),
        )
        for row, count in zip(firsts[shown], counts[shown], strict=True)
    ]


def pool_switches(values: Array, window: Window) -> npt.NDArray[np.int64]:
    """Find which position a maximum pooling took its values from.

    Zeiler & Fergus (2014), arXiv:1311.2901, call these places switches.

    Parameters
    ----------
    values : ndarray (probe, position, unit)
        What the pooling layer took.
    window : Window
        Its window; of a global pooling one of all positions.

    Returns
    -------
    ndarray (probe, pooled position, unit), int64
        The first of equal maxima. A window with a NaN points to it.
    """
    length = values.shape[1]
    taps = window.taps(length)
    inside = (taps >= 0) & (taps < length)
    seen = np.where(inside[:, :, None], values[:, np.where(inside, taps, 0)], -np.inf)
    strongest = seen.argmax(axis=2)
    return np.asarray(taps[np.arange(len(taps))[:, None], strongest])


def dropped_share(values: Array, switches: Array, counted: Array | None = None) -> Array:
    """Measure how much positive evidence a maximum pooling drops.

    Parameters
    ----------
    values : ndarray (probe, position, unit)
        What the pooling layer took.
    switches : ndarray (probe, pooled position, unit)
        As from `pool_switches`.
    counted : ndarray of bool (probe, position), optional
        Positions to count, the text without its padding for instance; by default all.

    Returns
    -------
    ndarray (unit,), float64
        Share of the sum of all positive values that lies where nothing was taken. NaN of a unit
        that is never positive.
    """
    evidence = np.where(values > 0, values, 0).astype(np.float64)
    if counted is not None:
        evidence *= counted[:, :, None]
    kept = np.zeros(values.shape, bool)
    np.put_along_axis(kept, switches, True, axis=1)
    with np.errstate(invalid="ignore"):
        share: Array = np.where(kept, 0, evidence).sum(axis=(0, 1)) / evidence.sum(axis=(0, 1))
    return share
