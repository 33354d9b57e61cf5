"""Which unit of one run stands for which of the other, at one moment of both."""

from __future__ import annotations

from typing import Literal

import numpy as np

from explorer.compare.matching.by_weights import weight_matching, why_not_by_weights
from explorer.compare.pair import RunPair
from explorer.data.run import RunData
from explorer.derived.pairs.unit_matching import Matching, match_activations
from explorer.selection import unit_counts

# Pairs of unit numbers in A's order, those that are alone, and how alike the units of a pair are:
# NaN where units are paired by their number.
UnitPairs = Matching

# Which moment decides; ``number``: none, units of the same number are put together.
Kind = Literal["number", "step", "last", "tracked"]
KINDS: dict[Kind, str] = {
    "number": "of the same number",
    "step": "matched at this step",
    "last": "matched at the last step",
    "tracked": "matched, tracked over time",
}

# With fewer probes and positions units go together by chance.
FEWEST_PROBES = 2
# Of more units the best pairing takes longer than anybody waits for.
MOST_UNITS = 2048


def pairs_by_number(first: int, second: int) -> UnitPairs:
    """Put units of the same number together.

    Parameters
    ----------
    first, second : int
        Units of each layer.
    """
    both = np.arange(min(first, second))
    return UnitPairs(
        both,
        both.copy(),
        np.full(len(both), np.nan),
        np.arange(len(both), first),
        np.arange(len(both), second),
    )


def why_not(pair: RunPair, first: str, second: str | None) -> str | None:
    """Say why units of a layer cannot be matched; None if they can.

    Parameters
    ----------
    pair : RunPair
        The runs.
    first, second : str
        The layer in A and in B; None: B has no such layer.
    """
    if second is None:
        return f"B has no layer for {first}, so its units have no counterpart."
    if not (len(pair.first.run) and len(pair.second.run)):
        return "Both runs need a recorded step."
    most = max(unit_count(pair.first, first), unit_count(pair.second, second))
    if most > MOST_UNITS:
        return f"{first} has {most:,} units; up to {MOST_UNITS:,} are matched."
    by_answers = _why_not_by_answers(pair, first, second)
    if by_answers is None:
        return None
    by_weights = why_not_by_weights(pair, first, second)
    return None if by_weights is None else f"{by_answers} {by_weights}"


def unit_count(data: RunData, layer: str) -> int:
    """Count the units of a layer, as the page numbers them; 0 for one that there is not."""
    return unit_counts(data.run).get(layer, 0)


def basis(pair: RunPair, first: str, second: str) -> Literal["answers", "weights"]:
    """Say what units of a layer are matched by; `why_not` has nothing against them."""
    return "answers" if _why_not_by_answers(pair, first, second) is None else "weights"


def match_at(pair: RunPair, first: str, second: str, indices: tuple[int, int]) -> UnitPairs:
    """Match the units of a layer at one moment: by their answers, else by their weights.

    Parameters
    ----------
    pair : RunPair
        The runs.
    first, second : str
        The layer in A and in B; `why_not` has nothing against them.
    indices : (int, int)
        Recorded step of each run.

    Returns
    -------
    UnitPairs
        By the answers to the shared probes where there are any; else by the direction of the
        weights, layer by layer from the input on.
    """
    if basis(pair, first, second) == "weights":
        return weight_matching(pair, first, indices)
    frames = [
        data.activations(layer, index)[probes]
        for data, layer, index, probes in zip(
            (pair.first, pair.second),
            (first, second),
            indices,
            (pair.probes.first, pair.probes.second),
            strict=True,
        )
    ]
    return match_activations(frames[0], frames[1])


def _why_not_by_answers(pair: RunPair, first: str, second: str) -> str | None:
    if len(pair.probes) < FEWEST_PROBES:
        return "Units are matched by their answers to probes that both runs have; they share none."
    layers = pair.first.run.layers[first], pair.second.run.layers[second]
    if not all(layer.has_activation for layer in layers):
        return f"The activation of {first} was not recorded in both runs."
    return None
