"""Which unit of one run stands for which of the other at every step, and how long that holds."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from explorer.compare.matching.at_step import basis, chance_at, match_at
from explorer.compare.pair import RunPair
from explorer.data.run import RunData
from explorer.derived.pairs.time_alignment import Alignment
from explorer.derived.pairs.unit_matching import (
    Matching,
    matching_of,
    partners_of,
    scores_of,
    settled,
    stability,
)
from explorer.derived.time.frames import sample_indices
from store.format.names import activation_path

Array = npt.NDArray[Any]
Int64 = npt.NDArray[np.int64]
Float64 = npt.NDArray[np.float64]

# So many positions are looked at whatever the layer's size; more only if they are cheap.
SOME_POSITIONS = 40
MOST_POSITIONS = 400
# Multiplications of all positions together: some seconds.
MOST_OPERATIONS = 2**34
# Positions at which probes are shuffled, a hundred times each: the chance level changes slowly.
MOST_SHUFFLED, FEWEST_SHUFFLED = 24, 3
# To read a value and centre it takes as long as so many multiplications in a matrix product.
READING = 40


@dataclass(frozen=True)
class Chances:
    """Chance levels of a layer's matching along the common axis; see `chance.ChanceLevel`.

    Attributes
    ----------
    positions : ndarray (shuffled,), int64
        Positions at which probes were shuffled, growing; none: not known.
    means, bounds_there : ndarray (shuffled,), float64
        Mean size of the scores by chance, and their 95th percentile.
    """

    positions: Int64
    means: Float64
    bounds_there: Float64

    @classmethod
    def unknown(cls) -> Chances:
        """Know them nowhere."""
        return cls(np.zeros(0, np.int64), np.zeros(0), np.zeros(0))

    def at(self, position: int) -> tuple[float, float]:
        """Give the mean of chance and its 95th percentile at a position; NaN: not known."""
        if not len(self.positions):
            return float("nan"), float("nan")
        mean = np.interp(position, self.positions, self.means)
        return float(mean), float(np.interp(position, self.positions, self.bounds_there))

    def bounds(self, positions: Int64) -> Float64:
        """Give the 95th percentile of chance at positions, NaN where it is not known."""
        if not len(self.positions):
            return np.full(len(positions), np.nan)
        return np.interp(positions, self.positions, self.bounds_there)


@dataclass(frozen=True)
class Tracked:
    """Matchings of a layer along the common axis of two runs.

    Attributes
    ----------
    count : int
        Positions of the axis.
    positions : ndarray (kept,), int64
        Those at which units were matched, growing, first and last included.
    partners : ndarray (kept, unit of A), int64
        Unit of B that stands for each; `unit_matching.ALONE` (-1) for none.
    scores : ndarray (kept, unit of A), float64
        How alike they are, -1 to 1; NaN for a unit that is alone.
    others : int
        Units of B.
    chance : Chances
        How alike they would be by chance; by default not known. Pairs that are less alike than
        its bound are in `partners`, and struck out of the matchings.
    """

    count: int
    positions: Int64
    partners: Int64
    scores: Float64
    others: int
    chance: Chances = field(default_factory=Chances.unknown)

    def at(self, position: int) -> Matching:
        """Give the matching at a position, else at the nearest one that has one."""
        return self.matchings[self.kept_at(position)]

    def kept_at(self, position: int) -> int:
        """Give the row of `partners` and `scores` that holds at a position."""
        return int(self._nearest[position])

    @cached_property
    def matchings(self) -> list[Matching]:
        """The matching at each of `positions`, without pairs no better than chance."""
        return [
            matching_of(partners, scores, self.others).beyond(bound)
            for partners, scores, bound in zip(
                self.partners, self.scores, self.chance.bounds(self.positions), strict=True
            )
        ]

    @cached_property
    def kept(self) -> Int64:
        """`partners` without those that are struck out: (kept, unit of A)."""
        return np.stack([partners_of(matching) for matching in self.matchings])

    @cached_property
    def _nearest(self) -> Int64:
        middles = (self.positions[1:] + self.positions[:-1]) / 2
        return np.searchsorted(middles, np.arange(self.count)).astype(np.int64)

    @property
    def mean(self) -> Float64:
        """Mean size of the scores, struck out or not; NaN without a pair: (kept,)."""
        return np.array([matching.mean for matching in self.matchings], np.float64)

    @property
    def paired(self) -> Float64:
        """Share of A's units that have a counterpart, NaN without units: (kept,)."""
        pairs = [len(matching.first) for matching in self.matchings]
        with np.errstate(invalid="ignore"):
            return np.asarray(np.array(pairs) / np.float64(self.partners.shape[1]))

    @property
    def stability(self) -> Float64:
        """Share of the pairs that are still pairs at the next of `positions`: (kept,).

        It stands at that next position; NaN at the first, and where there was no pair before.
        """
        return stability(self.matchings)

    @property
    def settled(self) -> Float64:
        """Share of the last moment's pairs that are pairs at each of `positions`: (kept,)."""
        return settled(self.matchings)

    @property
    def remark(self) -> str:
        """Say in a sentence, with a space before it, that positions are left out, if any are."""
        if len(self.positions) == self.count:
            return ""
        return (
            f" Matched at {len(self.positions)} of {self.count:,} moments; between them the "
            "nearest one holds."
        )


def track(pair: RunPair, first: str, second: str, alignment: Alignment) -> Tracked:
    """Match the units of a layer at every position of the common axis, each by itself.

    Of a layer that is large some positions are left out, evenly. The outcome is kept as that of
    `RunPair.derived` is; call it in the worker thread.

    Parameters
    ----------
    pair : RunPair
        The runs.
    first, second : str
        The layer in A and in B; `matching.why_not` has nothing against them.
    alignment : Alignment
        How the runs stand beside each other in time.

    Returns
    -------
    Tracked
        Matched by what `matching.match_at` goes by.
    """
    count = len(alignment)
    positions = np.array(sample_indices(count, most_positions(pair, first, second)), np.int64)
    shown = np.stack([alignment.first[positions], alignment.second[positions]], axis=1)

    def make() -> dict[str, Array]:
        found: dict[tuple[int, int], Matching] = {}
        for ours, theirs in shown.tolist():
            if (ours, theirs) not in found:
                found[ours, theirs] = match_at(pair, first, second, (ours, theirs))
        matchings = [found[ours, theirs] for ours, theirs in shown.tolist()]
        return {
            "partners": np.stack([partners_of(one) for one in matchings]),
            "scores": np.stack([scores_of(one) for one in matchings]),
            "others": np.array(matchings[0].counts[1]),
        }

    # The moments themselves are in the key: two ways to align may have one name, not one path.
    moments = ",".join(f"{ours}:{theirs}" for ours, theirs in shown.tolist())
    kept = pair.derived(f"tracked, without padding|{first}|{second}|{moments}", make)
    chances = _chances(pair, first, second, alignment)
    return Tracked(count, positions, kept["partners"], kept["scores"], int(kept["others"]), chances)


def _chances(pair: RunPair, first: str, second: str, alignment: Alignment) -> Chances:
    """Shuffle the probes at some positions, as many as can be within some seconds."""
    most = most_positions(pair, first, second) // MOST_SHUFFLED
    places = sample_indices(len(alignment), int(np.clip(most, FEWEST_SHUFFLED, MOST_SHUFFLED)))
    levels = [
        chance_at(pair, first, second, (int(alignment.first[at]), int(alignment.second[at])))
        for at in places
    ]
    known = [
        (at, level.mean, level.bound)
        for at, level in zip(places, levels, strict=True)
        if level is not None and np.isfinite(level.mean)
    ]
    found = np.array(known, np.float64).reshape(-1, 3)
    return Chances(found[:, 0].astype(np.int64), found[:, 1], found[:, 2])


def most_positions(pair: RunPair, first: str, second: str) -> int:
    """Give the number of positions at which a layer can be matched within some seconds.

    Parameters
    ----------
    pair : RunPair
        The runs.
    first, second : str
        The layer in A and in B.
    """
    if basis(pair, first, second) == "weights":
        return SOME_POSITIONS
    places, ours = _size(pair.first, first)
    others, theirs = _size(pair.second, second)
    operations = min(places, others) * ours * theirs + READING * (places * ours + others * theirs)
    operations += READING * ours * theirs * min(ours, theirs)  # of the best pairing
    return int(np.clip(MOST_OPERATIONS // max(1, operations), SOME_POSITIONS, MOST_POSITIONS))


def _size(data: RunData, layer: str) -> tuple[int, int]:
    """Probes and positions of a frame, and its units."""
    values, units = math.prod(data.run.array(activation_path(layer)).shape[1:]), data.units(layer)
    return values // max(1, units), units
