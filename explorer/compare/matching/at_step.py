"""Which unit of one run stands for which of the other, at one moment of both."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from explorer.compare.matching.by_weights import weight_matching, why_not_by_weights
from explorer.compare.matching.signs import signs_are_free_in_both
from explorer.compare.pair import RunPair
from explorer.data.run import RunData
from explorer.data.windows import padded_positions
from explorer.derived.pairs.chance import FEWEST_PROBES as FEWEST_SHUFFLED
from explorer.derived.pairs.chance import ChanceLevel, chance_level
from explorer.derived.pairs.unit_matching import Matching, match_activations
from explorer.selection import unit_counts
from store.format.names import activation_path

Array = npt.NDArray[Any]

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
# Of more units the best pairing takes longer than anybody waits for, and a hundred of them do.
MOST_UNITS = 2048
MOST_SHUFFLED_UNITS = 1024


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
        weights, layer by layer from the input on. Whatever chance would bring about as well is
        among them: see `chance_at`.
    """
    if basis(pair, first, second) == "weights":
        return weight_matching(pair, first, indices)
    signless = signs_are_free_in_both(pair, first, second)
    return match_activations(*_frames(pair, first, second, indices), signless=signless)


def why_no_chance(pair: RunPair, first: str, second: str) -> str | None:
    """Say why it is not known how well units go together by chance; None if it is.

    Parameters
    ----------
    pair : RunPair
        The runs.
    first, second : str
        The layer in A and in B; `why_not` has nothing against them.
    """
    if basis(pair, first, second) == "weights":
        return "How alike weights are by chance is not known, so no pair is struck out."
    if len(pair.probes) < FEWEST_SHUFFLED:
        return (
            f"{len(pair.probes)} shared probes are too few to tell likeness from chance "
            f"({FEWEST_SHUFFLED} are needed), so no pair is struck out."
        )
    most = max(unit_count(pair.first, first), unit_count(pair.second, second))
    if most > MOST_SHUFFLED_UNITS:
        return f"Of more than {MOST_SHUFFLED_UNITS:,} units the chance level is not computed."
    return None


def chance_at(
    pair: RunPair, first: str, second: str, indices: tuple[int, int]
) -> ChanceLevel | None:
    """Give how alike the units of a layer are matched at one moment by chance; kept.

    Call it in the worker thread.

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
    ChanceLevel or None
        None where `why_no_chance` says why.
    """
    if why_no_chance(pair, first, second) is not None:
        return None

    def make() -> dict[str, Array]:
        level = chance_level(
            *_frames(pair, first, second, indices),
            signless=signs_are_free_in_both(pair, first, second),
        )
        return {"level": np.array([level.mean, level.bound])}

    kept = pair.derived(
        f"chance, without padding|{first}|{second}|{indices[0]}:{indices[1]}", make
    )["level"]
    return ChanceLevel(float(kept[0]), float(kept[1]), len(pair.probes))


def answers_counted(pair: RunPair, first: str) -> str:
    """Say which answers of a layer of A decide how its units are matched."""
    places = "all positions" if _padded(pair.first, first) is None else "the positions of the text"
    return f"answers to {len(pair.probes)} shared probes and {places}"


def _frames(
    pair: RunPair, first: str, second: str, indices: tuple[int, int]
) -> tuple[Array, Array]:
    """Activations for the shared probes, of A and of B: (probe, ..., unit)."""
    return (
        _in_text(pair.first, first, indices[0])[pair.probes.first],
        _in_text(pair.second, second, indices[1])[pair.probes.second],
    )


def _in_text(data: RunData, layer: str, index: int) -> Array:
    """Activations with NaN, which is no answer, where a layer sees nothing but padding."""
    frame, padded = data.activations(layer, index), _padded(data, layer)
    return frame if padded is None else np.where(padded[..., None], np.nan, frame)


def _padded(data: RunData, layer: str) -> npt.NDArray[np.bool_] | None:
    """Where a layer sees nothing but padding: (probe, position); None where it always sees text."""
    padded = padded_positions(data, data.run.layers[layer])
    if padded is None or padded.all() or not padded.any():
        return None
    shape = data.run.array(activation_path(layer)).shape
    return padded if padded.shape == shape[1:-1] else None


def _why_not_by_answers(pair: RunPair, first: str, second: str) -> str | None:
    if len(pair.probes) < FEWEST_PROBES:
        return "Units are matched by their answers to probes that both runs have; they share none."
    layers = pair.first.run.layers[first], pair.second.run.layers[second]
    if not all(layer.has_activation for layer in layers):
        return f"The activation of {first} was not recorded in both runs."
    return None
