"""Which unit of one run stands for which of the other: the one that answers the probes alike."""

from __future__ import annotations

from dataclasses import dataclass

from explorer.compare.pair import RunPair
from explorer.derived.pairs.unit_matching import Matching, match_activations

# With fewer probes and positions units go together by chance.
FEWEST_PROBES = 2


@dataclass(frozen=True)
class MatchedUnits:
    """Units of two layers, matched at one moment.

    Attributes
    ----------
    layers : (str, str)
        The layer in A and in B.
    steps : (int, int)
        Optimizer updates that each run had done.
    matching : Matching
        The pairs.
    """

    layers: tuple[str, str]
    steps: tuple[int, int]
    matching: Matching

    def sentence(self, unit: int) -> str:
        """Say what a unit of A is matched with, and how well units go together.

        Parameters
        ----------
        unit : int
            Unit of A's layer.
        """
        found, (a, b) = self.matching, self.layers
        other = found.to_second(unit)
        if other is None:
            own = f"Unit {unit} of A has no counterpart in B: it is dead or like none that is left."
        else:
            score = float(found.scores[found.first == unit][0])
            own = f"Unit {unit} of A, unit {other} of B (correlation {score:.2f})."
        alone = len(found.unmatched_first), len(found.unmatched_second)
        names = a if a == b else f"{a} and {b}"
        return (
            f"{own} {len(found.first)} pairs in {names}, mean {found.mean:.2f}; without "
            f"counterpart {alone[0]} of A, {alone[1]} of B. Matched at step {self.steps[0]:,} of "
            f"A, {self.steps[1]:,} of B."
        )


def why_not(pair: RunPair, first: str, second: str | None) -> str | None:
    """Say why units of a layer cannot be matched; None if they can."""
    if second is None:
        return f"B has no layer for {first}, so its units have no counterpart."
    if len(pair.probes) < FEWEST_PROBES:
        return "Units are matched by their answers to probes that both runs have; they share none."
    layers = pair.first.run.layers[first], pair.second.run.layers[second]
    if not all(layer.has_activation for layer in layers):
        return f"The activation of {first} was not recorded in both runs."
    if not (len(pair.first.run) and len(pair.second.run)):
        return "Both runs need a recorded step."
    return None


def match_units(pair: RunPair, first: str, second: str, indices: tuple[int, int]) -> MatchedUnits:
    """Match the units of a layer by their answers to the shared probes.

    Parameters
    ----------
    pair : RunPair
        The runs.
    first, second : str
        The layer in A and in B; `why_not` has nothing against them.
    indices : (int, int)
        Recorded step of each run.
    """
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
    steps = (
        int(pair.first.timeline.steps[indices[0]]),
        int(pair.second.timeline.steps[indices[1]]),
    )
    return MatchedUnits((first, second), steps, match_activations(frames[0], frames[1]))
