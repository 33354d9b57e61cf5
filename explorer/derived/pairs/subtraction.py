"""B less A, unit by unit: matched units are subtracted, the others are NaN."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from explorer.derived.pairs.unit_matching import Matching, reordered

Array = npt.NDArray[Any]
Float64 = npt.NDArray[np.float64]
Int64 = npt.NDArray[np.int64]


def subtracted(
    first: Array, second: Array, pairs: Mapping[int, Matching], *, more: Mapping[int, int] = {}
) -> Float64:
    """Subtract the first of two arrays from the second, pair by pair.

    Parameters
    ----------
    first, second : ndarray
        Activations or weights of either run.
    pairs : mapping of int to Matching
        Which indices belong together, by axis. Along the other axes both are of one size, and
        equal indices do.
    more : mapping of int to int
        Blank indices to put at the end of an axis.

    Returns
    -------
    ndarray, float64
        Shaped as `first`, in its order. NaN where an index has no counterpart. Where the units of
        a pair are each other's negatives, the second is turned first.

    Raises
    ------
    ValueError
        If the arrays differ in an axis without pairs, or pairs are of other numbers of indices.
    """
    _check(first, second, pairs)
    axes = {axis: matching for axis, matching in pairs.items() if not _is_whole(matching)}
    ours, theirs = first, second
    for axis, matching in axes.items():
        ours, theirs = reordered(ours, theirs, matching, axis=axis)
    with np.errstate(invalid="ignore", over="ignore"):  # infinities of both have no difference
        found = np.subtract(theirs, ours, dtype=np.float64)
    for axis in axes.keys() | more.keys():
        count = first.shape[axis]
        kept = axes[axis].first if axis in axes else np.arange(count)
        if len(kept) < count + more.get(axis, 0):
            found = _laid(found, axis, kept, count + more.get(axis, 0))
    return found


def _check(first: Array, second: Array, pairs: Mapping[int, Matching]) -> None:
    for axis, matching in pairs.items():
        sizes = first.shape[axis], second.shape[axis]
        if matching.counts != sizes:
            raise ValueError(
                f"Pairs of {matching.counts} units were passed for axis {axis}, which has {sizes} "
                "in the two arrays. Pass the matching of the units along that axis."
            )
    shapes = [
        tuple(-1 if axis in pairs else size for axis, size in enumerate(part.shape))
        for part in (first, second)
    ]
    if shapes[0] != shapes[1]:
        raise ValueError(
            f"Arrays of shape {first.shape} and {second.shape} were passed; apart from the axes "
            f"with pairs, {sorted(pairs)}, the same sizes were expected."
        )


def _is_whole(matching: Matching) -> bool:
    """Whether all units belong to that of their number, so that nothing need be moved."""
    ours, theirs = matching.counts
    is_in_order = np.array_equal(matching.first, matching.second)
    is_turned = bool((matching.signs < 0).any())
    return is_in_order and ours == theirs == len(matching.first) and not is_turned


def _laid(values: Float64, axis: int, places: Int64, count: int) -> Float64:
    """Put slices at their places along an axis, NaN elsewhere."""
    shape = list(values.shape)
    shape[axis] = count
    laid = np.full(shape, np.nan)
    chosen: list[Any] = [slice(None)] * values.ndim
    chosen[axis] = places
    laid[tuple(chosen)] = values
    return laid


def within(matching: Matching, ours: Int64, theirs: Int64) -> Matching:
    """Match some of the units, by the numbers that they have among themselves.

    Parameters
    ----------
    matching : Matching
        Of all units.
    ours, theirs : ndarray of int
        Units that are wanted of each run. One whose counterpart is not wanted is alone.
    """
    number = {unit: at for at, unit in enumerate(theirs.tolist())}
    mate = dict(zip(matching.first.tolist(), matching.second.tolist(), strict=True))
    score = dict(zip(matching.first.tolist(), matching.scores.tolist(), strict=True))
    pairs = [
        (at, number[mate[unit]], score[unit])
        for at, unit in enumerate(ours.tolist())
        if mate.get(unit) in number
    ]
    first = np.array([at for at, _, _ in pairs], np.int64)
    second = np.array([at for _, at, _ in pairs], np.int64)
    return Matching(
        first,
        second,
        np.array([score for *_, score in pairs], np.float64),
        np.setdiff1d(np.arange(len(ours)), first),
        np.setdiff1d(np.arange(len(theirs)), second),
    )
