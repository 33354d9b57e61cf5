"""The places of a text network's layers along one sentence, and which units count most there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Places:
    """Where the places of a layer stand along the tokens of one text.

    Attributes
    ----------
    shown : ndarray (shown_place,), int64
        Places that have tokens of the text to themselves.
    ranges : ndarray (shown_place, 2), int64
        Those tokens, counted from the first of the text: first, and the one after the last.
    left_out : ndarray (other_place,), int64
        All other places: they stand for padding.
    """

    shown: Ints
    ranges: Ints
    left_out: Ints

    @classmethod
    def of(cls, owned: Array, text: tuple[int, int]) -> Places:
        """Cut what each place has to itself down to a text.

        Parameters
        ----------
        owned : ndarray (place, 2), integer
            Tokens of each place: first, and the one after the last.
        text : (int, int)
            First token of the text, and the one after its last.

        Examples
        --------
        >>> Places.of(np.array([[0, 2], [2, 4], [4, 6]]), (1, 4)).ranges.tolist()
        [[0, 1], [1, 3]]
        """
        first, after = text
        ranges = np.clip(np.asarray(owned, np.int64), first, after) - first
        inside = ranges[:, 0] < ranges[:, 1]
        return cls(np.flatnonzero(inside), ranges[inside], np.flatnonzero(~inside))

    def folded(self, parts: Array) -> Array:
        """Give what is added at each shown place, and behind them the sum over all others.

        Parameters
        ----------
        parts : ndarray (place, ...)
            What every place adds.

        Returns
        -------
        ndarray (shown_place + 1, ...)
            So that the sum over places is that of `parts`.
        """
        rest = parts[self.left_out].sum(axis=0, keepdims=True)
        return np.concatenate([parts[self.shown], rest])

    def blank(self, values: Array) -> Array:
        """Give the values of the shown places, and NaN behind them: (shown_place + 1, ...).

        Values, unlike what is added, have no sum that means anything.
        """
        shown = np.asarray(values[self.shown], np.float32)
        return np.concatenate([shown, np.full((1, *shown.shape[1:]), np.nan, np.float32)])

    def middles(self, places: Array) -> npt.NDArray[np.float32]:
        """Give where some places stand, in tokens: (place,); NaN for places not in the text."""
        where = np.full(len(self.shown) + len(self.left_out), np.nan, np.float32)
        where[self.shown] = self.ranges.mean(axis=1)
        return where[places]


def strongest(strengths: Array, most: int, chosen: int | None = None) -> Ints:
    """Choose the units of the largest magnitude, and one that is shown in any case.

    Parameters
    ----------
    strengths : ndarray (unit,)
        What each unit adds; NaN comes last.
    most : int
        How many to choose.
    chosen : int, optional
        It takes the place of the weakest if it is not among them.

    Examples
    --------
    >>> strongest(np.array([0.1, -3.0, 2.0, 0.0]), 2, chosen=3).tolist()
    [1, 3]
    """
    order = np.argsort(-np.nan_to_num(np.abs(strengths), nan=-1.0), kind="stable")[:most]
    if chosen is not None and chosen not in order and len(order) and chosen < len(strengths):
        order[-1] = chosen
    return np.asarray(order, np.int64)


def at_place(parts: Array, place: int, count: int) -> Array:
    """Put what a layer adds through one place, its last state for instance, there.

    Parameters
    ----------
    parts : ndarray (unit,)
        What each unit adds.
    place, count : int
        Where, of how many places.

    Returns
    -------
    ndarray (place, unit)
        Zero at all other places.
    """
    spread = np.zeros((count, *parts.shape), parts.dtype)
    spread[place] = parts
    return spread


def last_read(mask: Array | None, count: int, *, backwards: bool) -> int:
    """Find the place after which a recurrent layer stops.

    Parameters
    ----------
    mask : ndarray of bool (place,) or None
        False: the place is skipped.
    count : int
        How many places there are.
    backwards : bool
        Whether it reads from the last to the first.
    """
    read = np.arange(count) if mask is None or not mask.any() else np.flatnonzero(mask)
    return int(read[0] if backwards else read[-1])
