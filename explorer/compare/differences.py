"""How much two runs differ, read from both: in activations, in weights, in predictions."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt

from explorer.compare.examples import CommonExamples
from explorer.compare.outputs import CommonOutputs
from explorer.compare.pair import RunPair
from explorer.data.run import RunData
from explorer.derived.pairs.difference import (
    OutputDistance,
    PredictionDistance,
    ProbeGram,
    cka,
    cka_by_chance,
    cka_matrix,
    output_distance,
    prediction_distance,
    probe_gram,
    weight_distance,
)
from explorer.derived.pairs.divergence import (
    TOLERANCE,
    Disputes,
    Divergence,
    disputes,
    divergence,
)
from explorer.derived.pairs.time_alignment import Alignment
from explorer.derived.time.frames import sample_indices
from explorer.derived.time.headway import counted

Array = npt.NDArray[Any]
Float32 = npt.NDArray[np.float32]

# More positions draw the same curves. Matrices cost more, and are looked at one by one.
MOST_POSITIONS = 120
MOST_MATRICES = 60
# Sides of the matrix of all layers: names must stay legible.
MOST_LAYERS = 32
# Steps read at once in search of the first difference.
BLOCK = 16
# With fewer probes nothing can be said without bias.
FEWEST_UNBIASED = 4


def thinned(alignment: Alignment, most: int) -> npt.NDArray[np.int64]:
    """Positions spread evenly over an axis, first and last included: (kept,)."""
    return np.array(sample_indices(len(alignment), most), np.int64)


# -- what layers see --------------------------------------------------------------------------


def layers_seen(data: RunData) -> list[str]:
    """Layers whose activation was recorded, in order; the input itself tells nothing."""
    layers = data.run.layers.values()
    return [layer.name for layer in layers if layer.has_activation and layer.kind != "input"]


class _Grams:
    """Gram matrices of a run's layers for the shared probes, each made once."""

    def __init__(self, data: RunData, probes: npt.NDArray[np.int64]) -> None:
        self._data, self._probes = data, probes
        self._made: dict[tuple[str, int], ProbeGram] = {}

    def __call__(self, layer: str, index: int) -> ProbeGram:
        made = self._made.get((layer, index))
        if made is None:
            frame = self._data.activations(layer, index)[self._probes]
            made = self._made[layer, index] = probe_gram(frame)
        return made


@dataclass(frozen=True)
class Likeness:
    """CKA of layers of two runs, at some positions of their common axis.

    Attributes
    ----------
    positions : ndarray (kept,), int64
        Positions on the axis.
    values : ndarray (kept, ...), float32
        One value for each pair of layers; NaN where a layer does not tell probes apart.
    chance : float
        What 5 % of pairs of layers that have nothing in common reach, at the last position; NaN
        where that is not known.
    """

    positions: npt.NDArray[np.int64]
    values: Float32
    chance: float = float("nan")


def likeness_of_all(pair: RunPair, alignment: Alignment, key: str) -> Likeness:
    """CKA of all layers of A with all of B.

    Parameters
    ----------
    pair : RunPair
        The runs; they share probes.
    alignment : Alignment
        How they stand beside each other in time.
    key : str
        Name of that way.

    Returns
    -------
    Likeness
        ``values`` (kept, layer of A, layer of B), of the first `MOST_LAYERS` of each.
    """
    positions = thinned(alignment, MOST_MATRICES)
    ours, theirs = (layers_seen(data)[:MOST_LAYERS] for data in (pair.first, pair.second))

    def make() -> dict[str, Array]:
        unbiased = len(pair.probes) >= FEWEST_UNBIASED
        left, right = _Grams(pair.first, pair.probes.first), _Grams(pair.second, pair.probes.second)
        matrices = [
            cka_matrix(
                [left(layer, int(alignment.first[at])) for layer in ours],
                [right(layer, int(alignment.second[at])) for layer in theirs],
                unbiased=unbiased,
            )
            for at in positions
        ]
        last = (
            [left(layer, int(alignment.first[positions[-1]])) for layer in ours],
            [right(layer, int(alignment.second[positions[-1]])) for layer in theirs],
        )
        return {
            "values": np.array(matrices, np.float32),
            "chance": _chance(*last, unbiased=unbiased),
        }

    kept = pair.derived(f"cka, and by chance|{key}", make)
    return Likeness(positions, kept["values"], float(kept["chance"]))


def _chance(first: list[ProbeGram], second: list[ProbeGram], *, unbiased: bool) -> Array:
    known = cka_by_chance(first, second, unbiased=unbiased)
    known = known[np.isfinite(known)]
    return np.asarray(np.quantile(known, 0.95) if known.size else np.nan)


def likeness_over_time(pair: RunPair, alignment: Alignment, key: str) -> Likeness:
    """CKA of each layer of A with the one of B that corresponds to it.

    Returns
    -------
    Likeness
        ``values`` (kept, pair of layers), in the order of `pairs_seen`.
    """
    positions = thinned(alignment, MOST_POSITIONS)

    def make() -> dict[str, Array]:
        unbiased = len(pair.probes) >= FEWEST_UNBIASED
        columns, last = [], []
        for a, b in pairs_seen(pair):
            left = _Grams(pair.first, pair.probes.first)
            right = _Grams(pair.second, pair.probes.second)
            columns.append(
                [
                    cka(
                        left(a, int(alignment.first[at])),
                        right(b, int(alignment.second[at])),
                        unbiased=unbiased,
                    )
                    for at in positions
                ]
            )
            end = positions[-1]
            last.append((left(a, int(alignment.first[end])), right(b, int(alignment.second[end]))))
        values = np.array(columns, np.float32).reshape(len(columns), len(positions))
        ours, theirs = ([grams[side] for grams in last] for side in (0, 1))
        return {"values": values.T, "chance": _chance(ours, theirs, unbiased=unbiased)}

    kept = pair.derived(f"cka over time, and by chance|{key}", make)
    return Likeness(positions, kept["values"], float(kept["chance"]))


def pairs_seen(pair: RunPair) -> list[tuple[str, str]]:
    """Corresponding layers whose activation was recorded in both runs."""
    ours, theirs = set(layers_seen(pair.first)), set(layers_seen(pair.second))
    return [(a, b) for a, b in pair.layers.together if a in ours and b in theirs]


# -- weights ----------------------------------------------------------------------------------


def pairs_weighed(pair: RunPair) -> list[tuple[str, str]]:
    """Corresponding layers with variables of the same names and shapes."""
    ours, theirs = pair.first.run.layers, pair.second.run.layers
    return [
        (a, b)
        for a, b in pair.layers.together
        if ours[a].weights and dict(ours[a].weights) == dict(theirs[b].weights)
    ]


def _weights_apart(pair: RunPair, places: npt.NDArray[np.int64], alignment: Alignment) -> Float32:
    """Relative distance of the weights: (place, pair of layers)."""
    columns = []
    for a, b in pairs_weighed(pair):
        names = list(pair.first.run.layers[a].weights)
        column = []
        for at in places:
            ours = pair.first.weights(a, int(alignment.first[at]))
            theirs = pair.second.weights(b, int(alignment.second[at]))
            column.append(weight_distance((ours[n] for n in names), (theirs[n] for n in names)))
        columns.append(column)
    return np.array(columns, np.float32).reshape(len(columns), len(places)).T


def weights_over_time(pair: RunPair, alignment: Alignment, key: str) -> Likeness:
    """Relative distance of the weights of corresponding layers.

    Returns
    -------
    Likeness
        ``values`` (kept, pair of layers), in the order of `pairs_weighed`.
    """
    positions = thinned(alignment, MOST_POSITIONS)

    def make() -> dict[str, Array]:
        return {"values": _weights_apart(pair, positions, alignment)}

    return Likeness(positions, pair.derived(f"weights|{key}", make)["values"])


@dataclass(frozen=True)
class Parting:
    """Where and when two runs part.

    Attributes
    ----------
    divergence : Divergence
        Positions count the steps that both have recorded.
    steps : ndarray (shared,), int64
        Those steps.
    """

    divergence: Divergence
    steps: npt.NDArray[np.int64]


def parting(pair: RunPair) -> Parting:
    """Find the first step, of those that both recorded, at which weights differ."""
    alignment = pair.align("step")
    exact = alignment.exact & ~alignment.first_beyond & ~alignment.second_beyond
    places = np.flatnonzero(exact).astype(np.int64)
    steps = pair.first.timeline.steps[alignment.first[places]]

    def make() -> dict[str, Array]:
        read = [np.empty((0, len(pairs_weighed(pair))), np.float32)]
        for start in range(0, len(places), BLOCK):
            read.append(_weights_apart(pair, places[start : start + BLOCK], alignment))
            if (read[-1] > TOLERANCE).any():
                break  # what comes after decides nothing
        return {"values": np.concatenate(read)}

    return Parting(divergence(pair.derived("parting", make)["values"]), steps)


# -- answers ----------------------------------------------------------------------------------


def answers_over_time(
    examples: CommonExamples, alignment: Alignment
) -> tuple[npt.NDArray[np.int64], PredictionDistance]:
    """How far the answers for common examples are apart, and at which positions: (kept,)."""
    positions = thinned(alignment, MOST_POSITIONS)
    found = []
    for at in counted(positions.tolist()):  # one by one, as sets may be large
        shown = alignment.first[[at]], alignment.second[[at]]
        answers = [examples.probabilities(side, indices) for side, indices in enumerate(shown)]
        found.append(prediction_distance(*answers))
    names = [field.name for field in fields(PredictionDistance)]
    together = {name: np.concatenate([getattr(one, name) for one in found]) for name in names}
    return positions, PredictionDistance(**together)


def outputs_over_time(
    outputs: CommonOutputs, alignment: Alignment
) -> tuple[npt.NDArray[np.int64], OutputDistance]:
    """How far outputs for common inputs are apart, and at which positions: (kept,) each."""
    positions, counted_places = thinned(alignment, MOST_POSITIONS), outputs.in_text()
    found = []
    for at in counted(positions.tolist()):
        shown = int(alignment.first[at]), int(alignment.second[at])
        both = [outputs.at(side, index) for side, index in enumerate(shown)]
        found.append(output_distance(both[0], both[1], counted_places))
    return positions, OutputDistance(*(np.array(values) for values in zip(*found, strict=True)))


def disputed(examples: CommonExamples, alignment: Alignment) -> Disputes | None:
    """Find examples that one run gets right and the other wrong; None without labels."""
    marks = []
    for side, shown in enumerate((alignment.first, alignment.second)):
        known = examples.examples(side)
        if known is None:
            return None
        marks.append(known.verdicts().marks[shown][:, examples.numbers[side]])
    return disputes(*marks)
