"""Match the units of a layer in one run with those of a layer in another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.optimize import linear_sum_assignment

Array = npt.NDArray[Any]
Float64 = npt.NDArray[np.float64]
Int64 = npt.NDArray[np.int64]

# Probes and positions that are held in float64 at once.
BLOCK_PLACES = 2048
# In place of the number of a counterpart.
ALONE = -1
# Scores are known so precisely.
ROUNDING = 1e-6


@dataclass(frozen=True)
class Matching:
    """Units of two layers, one to one.

    Attributes
    ----------
    first, second : ndarray (pair,), int64
        Unit numbers in each run; `first` grows.
    scores : ndarray (pair,), float64
        How alike the units of each pair are, -1 to 1; below 0, one is like the other's negative.
    unmatched_first, unmatched_second : ndarray (unit,), int64
        Units without a counterpart, growing: too many, dead, constant, not finite, like none
        that is left, or struck out.
    struck : ndarray (struck,), float64
        Scores of the pairs that were struck out; see `beyond`.
    """

    first: Int64
    second: Int64
    scores: Float64
    unmatched_first: Int64
    unmatched_second: Int64
    struck: Float64 = field(default_factory=lambda: np.zeros(0))

    @property
    def counts(self) -> tuple[int, int]:
        """Units of each run."""
        pairs = len(self.first)
        return pairs + len(self.unmatched_first), pairs + len(self.unmatched_second)

    @property
    def mean(self) -> float:
        """Mean size of the scores of all pairs, struck out or not; NaN if there is none."""
        sizes = np.abs(np.concatenate([self.scores, self.struck]))
        return float(sizes.mean()) if len(sizes) else float("nan")

    @property
    def signs(self) -> Float64:
        """-1 where the second unit of a pair is like the negative of the first, else 1: (pair,)."""
        return np.where(self.scores < 0, -1.0, 1.0)

    @property
    def unturned(self) -> Matching:
        """The same pairs, for what is the same of a unit and of its negative, as a gate is."""
        return replace(self, scores=np.abs(self.scores))

    def beyond(self, least: float) -> Matching:
        """Strike out the pairs whose scores are smaller than those of chance.

        Parameters
        ----------
        least : float
            Size of the score that a pair needs, such as `chance.ChanceLevel.bound`; NaN: any.
        """
        kept = ~(np.abs(self.scores) < least - ROUNDING)
        return replace(
            self,
            first=self.first[kept],
            second=self.second[kept],
            scores=self.scores[kept],
            unmatched_first=np.union1d(self.unmatched_first, self.first[~kept]),
            unmatched_second=np.union1d(self.unmatched_second, self.second[~kept]),
            struck=np.concatenate([self.struck, self.scores[~kept]]),
        )

    def to_second(self, unit: int) -> int | None:
        """Counterpart in the second run of a unit of the first, or None."""
        return dict(zip(self.first.tolist(), self.second.tolist(), strict=True)).get(unit)

    def to_first(self, unit: int) -> int | None:
        """Counterpart in the first run of a unit of the second, or None."""
        return dict(zip(self.second.tolist(), self.first.tolist(), strict=True)).get(unit)

    def flattened(self, positions: int) -> Matching:
        """Match the features that flattening gives: positions first, units within them.

        Parameters
        ----------
        positions : int
            Positions of a frame, equally many in both runs.
        """
        ours, theirs = self.counts

        def at_each(units: Int64, count: int) -> Int64:
            return (np.arange(positions)[:, None] * count + units).ravel()

        return Matching(
            at_each(self.first, ours),
            at_each(self.second, theirs),
            np.tile(self.scores, positions),
            at_each(self.unmatched_first, ours),
            at_each(self.unmatched_second, theirs),
            np.tile(self.struck, positions),
        )


def match_activations(first: Array, second: Array, *, signless: bool = False) -> Matching:
    """Match units that rise and fall together, over probes and positions.

    The pairing with the greatest sum of Pearson correlations: the bipartite matching of Li et al.
    (2015), *Convergent learning: do different neural networks learn the same representations?*
    Unlike there, units that go together with no free unit at all (correlation of 0 or less) stay
    alone.

    Parameters
    ----------
    first, second : ndarray (probe, ..., unit)
        Activations of a layer of each run, for the same probes. See `over_same_positions` for
        positions that differ.
    signless : bool
        Whether units that go against each other are alike, too: a tanh unit and its negative
        serve the next layer equally well.

    Returns
    -------
    Matching
        Units that are constant, as dead ones are, or not finite somewhere have no counterpart.
        Places at which no unit of a run is known, as with masked tokens, are left out.

    Raises
    ------
    ValueError
        If the numbers of probes differ.
    """
    return match(correlations(first, second), signless=signless)


def match_weights(
    first: Array,
    second: Array,
    *,
    axis: int = -1,
    inputs: Matching | None = None,
    input_axis: int = -2,
    signless: bool = False,
) -> Matching:
    """Match units whose weights point in the same direction.

    Two runs may have the same units in another order, and then their inputs, too. So the inputs
    are put in the order of the matching of the layer before: weight matching as of Ainsworth et
    al. (2023), *Git Re-Basin: merging models modulo permutation symmetries*, in one pass from the
    input to the output.

    Parameters
    ----------
    first, second : ndarray
        Kernels. For gated layers, split the gates from the units first.
    axis : int
        Axis of the units.
    inputs : Matching, optional
        Of the units of the layer before; inputs without a counterpart are left out. By default
        inputs are the same in both runs, as those of the first layer are.
    input_axis : int
        Axis of the inputs.
    signless : bool
        Whether weights of opposite directions are alike, too; see `match_activations`.

    Raises
    ------
    ValueError
        If all but the units' axis differs.
    """
    if inputs is not None:
        first, second = reordered(first, second, inputs, axis=input_axis)
    rows = [np.moveaxis(kernel, axis, 0) for kernel in (first, second)]
    if rows[0].shape[1:] != rows[1].shape[1:]:
        raise ValueError(
            f"Kernels of shape {first.shape} and {second.shape} were passed; they may differ in "
            f"axis {axis} alone. Pass the matching of the layer before as `inputs`, or match the "
            "units on their activations."
        )
    units, others = (_directions(part.reshape(len(part), -1)) for part in rows)
    return match(np.clip(units @ others.T, -1, 1), signless=signless)


def match(likeness: Array, *, signless: bool = False) -> Matching:
    """Pair rows and columns so that the sum of their likeness is greatest.

    Parameters
    ----------
    likeness : ndarray (unit of the first, unit of the second)
        NaN where it is not defined: no pair.
    signless : bool
        Whether the sizes count, without signs. Scores keep their signs.

    Returns
    -------
    Matching
        Of pairs with a likeness above 0, found as of Crouse (2016), *On implementing 2D
        rectangular assignment algorithms*.
    """
    values = np.asarray(likeness, np.float64)
    gain = np.abs(values) if signless else values
    gain = np.where(gain > 0, gain, 0)  # NaN becomes 0 as well
    rows, columns = linear_sum_assignment(gain, maximize=True)
    alike = gain[rows, columns] > 0
    first, second = rows[alike].astype(np.int64), columns[alike].astype(np.int64)
    return Matching(
        first,
        second,
        values[first, second],
        np.setdiff1d(np.arange(values.shape[0]), first),
        np.setdiff1d(np.arange(values.shape[1]), second),
    )


def correlations(first: Array, second: Array) -> Float64:
    """Pearson correlation of each unit of one layer with each of another.

    Parameters
    ----------
    first, second : ndarray (probe, ..., unit)
        Activations for the same probes; see `match_activations`.

    Returns
    -------
    ndarray (unit of the first, unit of the second), float64
        -1 to 1, up to some 1e-6; NaN for units that are constant or not finite somewhere.

    Raises
    ------
    ValueError
        If the numbers of probes differ.
    """
    rows = [_flat_places(frame) for frame in over_same_positions(first, second)]
    known = ~np.isnan(rows[0]).all(axis=1) & ~np.isnan(rows[1]).all(axis=1)
    if not known.all():
        rows = [part[known] for part in rows]
    centres, ranges = zip(*map(_measures, rows), strict=True)
    products = np.zeros((rows[0].shape[1], rows[1].shape[1]))
    squares = [np.zeros(part.shape[1]) for part in rows]
    for start in range(0, len(rows[0]), BLOCK_PLACES):
        block = []
        for k, part in enumerate(rows):
            centred = (part[start : start + BLOCK_PLACES] - centres[k]) / ranges[k]
            squares[k] += np.square(centred).sum(axis=0)
            block.append(centred.astype(np.float32))
        products += block[0].T @ block[1]
    with np.errstate(invalid="ignore"):  # without a known place all sums are 0
        return np.clip(products / np.sqrt(np.outer(*squares)), -1, 1)


def _flat_places(frame: Array) -> Array:
    """One row a probe and position: (place, unit)."""
    return frame.reshape(int(np.prod(frame.shape[:-1], dtype=np.int64)), frame.shape[-1])


def _measures(rows: Array) -> tuple[Float64, Float64]:
    """Mean and range of each column, (unit,) each; the range is NaN for one that tells nothing."""
    if not len(rows):
        return np.full(rows.shape[1], np.nan), np.full(rows.shape[1], np.nan)
    low, high = rows.min(axis=0).astype(np.float64), rows.max(axis=0).astype(np.float64)
    # Infinities of both signs have neither mean nor range.
    with np.errstate(invalid="ignore", over="ignore"):
        centre, width = rows.mean(axis=0, dtype=np.float64), high - low
    tells = np.isfinite(centre) & np.isfinite(width) & (width > 0)
    return np.where(tells, centre, 0), np.where(tells, width, np.nan)


def over_same_positions(first: Array, second: Array) -> tuple[Array, Array]:
    """Bring the frames of two layers to the same positions.

    Where the sizes of an axis differ, the larger one is averaged in as many nearly equal
    stretches as the smaller one has positions. Where one frame has more axes than the other, both
    are averaged over all positions. Places at which no unit is known, such as padding, are in no
    mean; a mean with any other NaN in it is NaN.

    Parameters
    ----------
    first, second : ndarray (probe, ..., unit)
        Activations for the same probes.

    Returns
    -------
    tuple of ndarray (probe, ..., unit)
        Equal in all but the units.

    Raises
    ------
    ValueError
        If the numbers of probes differ, or if a frame has no units.
    """
    if first.ndim < 2 or second.ndim < 2 or len(first) != len(second):
        raise ValueError(
            f"Activations of shape {first.shape} and {second.shape} were passed; (probe, ..., "
            "unit) with the same probes in both was expected. Take the probes that both runs have."
        )
    if first.ndim != second.ndim:
        return _mean_place(first), _mean_place(second)
    for axis in range(1, first.ndim - 1):
        size = min(first.shape[axis], second.shape[axis])
        first, second = _averaged(first, axis, size), _averaged(second, axis, size)
    return first, second


def _mean_place(frame: Array) -> Array:
    return _averaged(frame.reshape(len(frame), -1, frame.shape[-1]), 1, 1)[:, 0]


def _averaged(frame: Array, axis: int, size: int) -> Array:
    if frame.shape[axis] == size:
        return frame
    borders = (np.arange(size) * frame.shape[axis] // size).tolist()
    known = ~np.isnan(frame).all(axis=-1, keepdims=True)
    sums = np.add.reduceat(np.where(known, frame, 0), borders, axis=axis, dtype=np.float64)
    widths = np.add.reduceat(known, borders, axis=axis, dtype=np.int64)
    return np.asarray(sums / np.where(widths > 0, widths, np.nan))


def _directions(rows: Array) -> Float64:
    """Rows of length 1; NaN for rows without direction."""
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        # Twice, so that neither tiny nor huge values leave the range of their squares.
        scaled = rows / np.abs(rows).max(axis=1, keepdims=True, initial=0).astype(np.float64)
        return np.asarray(scaled / np.linalg.norm(scaled, axis=1, keepdims=True))


def stability(matchings: Sequence[Matching]) -> Float64:
    """Share of the pairs of each matching that are still pairs in the next.

    Parameters
    ----------
    matchings : sequence of Matching
        Of the same two layers at some steps, in order.

    Returns
    -------
    ndarray (step,), float64
        NaN at the first, and where there was no pair before.
    """
    pairs = [set(zip(m.first.tolist(), m.second.tolist(), strict=True)) for m in matchings]
    shares = [float("nan")] * len(pairs)
    for k in range(1, len(pairs)):
        if pairs[k - 1]:
            shares[k] = len(pairs[k - 1] & pairs[k]) / len(pairs[k - 1])
    return np.array(shares, np.float64)


def settled(matchings: Sequence[Matching]) -> Float64:
    """Share of the last matching's pairs that are pairs in each.

    Unlike `stability`, that does not depend on how densely steps were recorded.

    Parameters
    ----------
    matchings : sequence of Matching
        Of the same two layers at some steps, in order.

    Returns
    -------
    ndarray (step,), float64
        1 at the last; NaN if that has no pair.
    """
    pairs = [set(zip(m.first.tolist(), m.second.tolist(), strict=True)) for m in matchings]
    if not pairs or not pairs[-1]:
        return np.full(len(pairs), np.nan)
    return np.array([len(now & pairs[-1]) / len(pairs[-1]) for now in pairs], np.float64)


def partners_of(matching: Matching) -> Int64:
    """Counterpart of each unit of the first run, `ALONE` for none: (unit,), int64."""
    partners = np.full(matching.counts[0], ALONE, np.int64)
    partners[matching.first] = matching.second
    return partners


def scores_of(matching: Matching) -> Float64:
    """Score of each unit of the first run with its counterpart, NaN without: (unit,), float64."""
    scores = np.full(matching.counts[0], np.nan)
    scores[matching.first] = matching.scores
    return scores


def matching_of(partners: Int64, scores: Float64, others: int) -> Matching:
    """Make a matching of what `partners_of` and `scores_of` give.

    Parameters
    ----------
    partners, scores : ndarray (unit of the first,)
        Counterparts, and how alike the units of each pair are.
    others : int
        Units of the second run.
    """
    first = np.flatnonzero(partners != ALONE)
    second = partners[first]
    return Matching(
        first,
        second,
        scores[first],
        np.flatnonzero(partners == ALONE),
        np.setdiff1d(np.arange(others), second),
    )


def reordered(
    first: Array, second: Array, matching: Matching, *, axis: int = -1
) -> tuple[Array, Array]:
    """Take the matched units of two arrays, pair beside pair.

    Parameters
    ----------
    first, second : ndarray
        Weights or activations.
    matching : Matching
        Of the units along `axis`.
    axis : int
        Axis of the units, or of the inputs if the matching is that of the layer before.

    Returns
    -------
    tuple of ndarray
        ``len(matching.first)`` long along `axis`; the second negated where pairs are opposite.
    """
    ours, theirs = np.take(first, matching.first, axis), np.take(second, matching.second, axis)
    return ours, along(theirs, matching.signs, axis) if (matching.scores < 0).any() else theirs


def along(values: Array, factors: Float64, axis: int) -> Array:
    """Multiply each slice along an axis by a factor of its own."""
    shape = [1] * values.ndim
    shape[axis] = len(factors)
    return np.asarray(values * factors.reshape(shape))
