"""Pairs of units for pictures of differences: kept over time, named, and described."""

from __future__ import annotations

from typing import Any

import numpy.typing as npt

from explorer.compare.matching.at_step import pairs_by_number
from explorer.compare.matching.sources import common_sources
from explorer.compare.session import Comparison
from explorer.derived.pairs.subtraction import within
from explorer.derived.pairs.unit_matching import ALONE, Matching, partners_of
from explorer.derived.time.frames import sample_indices

Array = npt.NDArray[Any]

# Steps that fix a picture's limits.
SAMPLES = 24
# Numbers of units that a caption names.
MOST_NAMED = 8
# Units of B without counterpart that get a place of their own.
MOST_BLANKS = 64


class Pairing:
    """Pairs of a layer at every position of the common axis, as they were when it was made.

    Make it in the session's thread.

    Parameters
    ----------
    comparison : Comparison
        The session.
    layer : str
        Layer of A.

    Attributes
    ----------
    layer : str
        That layer.
    held : bool
        Whether the pairs are the same at every position.
    matched : bool
        Whether units were matched, rather than put together by number.
    sampled : dict of int to Matching
        Pairs at some positions, for any thread.
    """

    def __init__(self, comparison: Comparison, layer: str) -> None:
        self.layer, self._comparison = layer, comparison
        count = len(comparison.alignment) if comparison.alignment is not None else 1
        positions = sample_indices(count, SAMPLES)
        self.sampled = {at: comparison.pairs_at(layer, at) for at in positions}
        self._last = self.sampled[positions[-1]]
        self.held = all(pairs is self._last for pairs in self.sampled.values())
        self.matched = comparison.pairs_key(layer) != "number"

    def at(self, position: int) -> Matching:
        """Pairs at a position; in the session's thread."""
        if self.held:
            return self._last
        return self.sampled.get(position) or self._comparison.pairs_at(self.layer, position)

    @property
    def blanks(self) -> int:
        """Places that units of B without counterpart take at most, after those of A."""
        most = max(len(pairs.unmatched_second) for pairs in self.sampled.values())
        return min(most, MOST_BLANKS)

    def names(self, position: int) -> list[str]:
        """Name each unit of A with its counterpart, and then those of B that are alone."""
        pairs, said = self.at(position), []
        turned = set(pairs.first[pairs.signs < 0].tolist())
        for unit, other in enumerate(partners_of(pairs).tolist()):
            if other == ALONE:
                said.append(f"{unit} alone")
            else:
                sign = "\u2212" if unit in turned else ""
                said.append(f"{unit} · {sign}B {other}" if self.matched else str(unit))
        rest = [f"B {unit} alone" for unit in pairs.unmatched_second[: self.blanks]]
        return said + rest + [""] * (self.blanks - len(rest))

    def names_of(self, position: int, units: Array) -> list[str]:
        """Name some units of A as `names` does; by their numbers if the pairs are of others."""
        if int(units.max(initial=-1)) >= self._last.counts[0]:
            return [str(unit) for unit in units]
        names = self.names(position)
        return [names[unit] for unit in units]

    def sentence(self, position: int) -> str:
        """Say what is subtracted from what, and which units are left out."""
        pairs, units = self.at(position), self._comparison.units
        why_not = units.why_not(self.layer)
        if self.matched:
            when = {"step": "at the step on screen", "last": "at the last step"}.get(
                units.kind, "at every step anew"
            )
            said = f"Each unit of A is beside the one of B that it is matched with {when}."
        else:
            said = "Units of the same number are beside each other."
            if why_not is not None:
                said = f"{why_not} {said}"
        if (pairs.signs < 0).any():
            said += " \u2212B: the unit of B is turned, since its negative is alike."
        alone = said_of_alone(pairs)
        now = "" if self.held else " now"
        return said + (f" Struck out, without counterpart{now}: {alone}." if alone else "")


def said_of_alone(pairs: Matching) -> str:
    """Name the units without counterpart, of A and of B; empty if there are none."""
    alone = (("A", pairs.unmatched_first.tolist()), ("B", pairs.unmatched_second.tolist()))
    return " and ".join(f"{_numbers(units)} of {letter}" for letter, units in alone if units)


def _numbers(units: list[int]) -> str:
    """Name units, or count them if they are many."""
    if len(units) > MOST_NAMED:
        return f"{len(units)} units"
    named = ", ".join(map(str, units))
    return f"unit {named}" if len(units) == 1 else f"units {named}"


class Inputs:
    """Inputs of a layer in pairs: by the units of the layer before, where they are those.

    Make it in the session's thread.

    Parameters
    ----------
    comparison : Comparison
        The session.
    first, second : str
        The layer in A and in B.
    """

    def __init__(self, comparison: Comparison, first: str, second: str) -> None:
        found = common_sources(comparison.pair, first, second)
        self.source = None if found is None else found[0]
        self.pairing: Pairing | None = None
        if self.source is not None and self.source.layer is not None:
            self.pairing = Pairing(comparison, self.source.layer)

    def key(self, comparison: Comparison) -> str:
        """Give a name that changes when `at` returns something else."""
        return "" if self.pairing is None else comparison.pairs_key(self.pairing.layer)

    def at(self, position: int, counts: tuple[int, int]) -> Matching:
        """Pairs of inputs at a position; by number where nothing better is known.

        Parameters
        ----------
        position : int
            On the common axis; one of `Pairing.sampled`, or call it in the session's thread.
        counts : (int, int)
            Inputs of each layer.
        """
        if self.pairing is not None and self.source is not None:
            found = self.source.inputs(self.pairing.at(position), counts[0])
            if found is not None and found.counts == counts:
                return found
        return pairs_by_number(*counts)

    def sentence(self, position: int) -> str:
        """Say in which order inputs are, and which of them are left out."""
        if self.pairing is None or not self.pairing.matched:
            return "Inputs of the same number are beside each other."
        layer, alone = self.pairing.layer, said_of_alone(self.pairing.at(position))
        said = f"Inputs are in the order of the matching of {layer}"
        return said + (f", blank without counterpart: {alone}." if alone else ".")


def of_units(
    pairs: Matching, units: tuple[Array, Array] | None, counts: tuple[int, int]
) -> Matching:
    """Pairs of the units that an array has; by number if the pairs are of other units.

    Of a layer whose activation was not recorded, or in part, the page may count other units.

    Parameters
    ----------
    pairs : Matching
        Of a layer's units.
    units : (ndarray of int, ndarray of int) or None
        Those that the arrays of A and B have; None: all.
    counts : (int, int)
        How many units the arrays have.
    """
    if units is None:
        return pairs if pairs.counts == counts else pairs_by_number(*counts)
    beyond = [
        int(own.max(initial=-1)) >= count for own, count in zip(units, pairs.counts, strict=True)
    ]
    return pairs_by_number(*counts) if any(beyond) else within(pairs, *units)
