"""What a layer does over the whole training: computed once, kept by `RunData.derived`.

Call these in the worker thread: the first call takes seconds.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import numpy.typing as npt

from explorer.data.layers import GATED, by_unit, main_weight
from explorer.data.run import RunData
from explorer.data.windows import padded_positions
from explorer.derived.time.direction import Directions, directions_over_steps
from explorer.derived.time.frames import sample_indices
from explorer.derived.time.norms import Norms, norms_over_steps
from explorer.derived.units.rank import (
    Spectra,
    as_matrix,
    deviations,
    singular_values,
    spectra_over_steps,
)
from store import Layer
from store.format.names import UNIT_DIM, activation_path, weight_path

Array = npt.NDArray[Any]

# Values of one layer's activations that are looked at, over all steps: some seconds of work. Of
# layers with more, evenly spread positions are taken.
MOST_VALUES = 2**28


def unit_frames(data: RunData, layer: str) -> Iterator[Array]:
    """Activation of every probe with the unit last, step by step: (probe, position, unit).

    Of layers with more than `MOST_VALUES` values, at the positions that `positions_seen` counts.
    """
    return (laid_out(data, layer, frame) for frame in data.activation_frames(layer))


def laid_out(data: RunData, layer: str, frame: Array) -> Array:
    """View what belongs to a layer's activation as (probe, position, unit)."""
    seen, count = positions_seen(data, layer)
    without_units = UNIT_DIM not in data.run.array(activation_path(layer)).dims
    whole = frame[..., None] if without_units else frame
    flat = whole.reshape(len(whole), count, whole.shape[-1])
    return flat if seen == count else flat[:, sample_indices(count, seen)]


def text_frames(data: RunData, layer: str) -> Iterator[Array]:
    """`unit_frames` without what sees nothing but padding: (row, unit) then, step by step.

    Values at padding are many, and of no text: at every one of them a layer gives the same.
    """
    counts = text_positions(data, layer)
    frames = unit_frames(data, layer)
    return frames if counts is None else (frame[counts] for frame in frames)


def text_positions(data: RunData, layer: str) -> Array | None:
    """Say which positions that are looked at see any of each text: (probe, position).

    None where there is no padding, or nothing else, or it is not known.
    """
    padded = padded_positions(data, data.run.layers[layer])
    seen, count = positions_seen(data, layer)
    if padded is None or padded.shape[1] != count or not padded.any() or padded.all():
        return None
    return ~padded[:, sample_indices(count, seen)]


def said_of_positions(data: RunData, layer: str, *, padding: bool) -> str:
    """Say at which positions a layer is looked at: empty where it has one for each probe.

    Parameters
    ----------
    data : RunData
        The run.
    layer : str
        The layer.
    padding : bool
        Whether what sees nothing but padding counts, where there is some.
    """
    seen, count = positions_seen(data, layer)
    if count == 1:
        return ""
    where = "all positions" if seen == count else f"{seen:,} of {count:,} positions"
    if text_positions(data, layer) is None:
        return where
    return f"{where}, those of padding too" if padding else f"{where} but those of padding"


def positions_seen(data: RunData, layer: str) -> tuple[int, int]:
    """Count the positions that are looked at, and all positions, of a layer's activation."""
    steps, probes, *rest = data.run.array(activation_path(layer)).shape
    count = math.prod(rest) // max(1, data.units(layer))
    most = MOST_VALUES // max(1, steps * probes * data.units(layer))
    return min(count, max(1, most)), count


def weight_norms(data: RunData, layer: str) -> Norms | None:
    """Size and movement of a layer's main weight: (step,) each; None without weights."""
    weight = main_weight(data.run.layers[layer])
    if weight is None:
        return None
    return Norms(
        **data.derived(
            f"sizes and net ways of {weight_path(layer, weight)}",
            lambda: asdict(norms_over_steps(data.weight_frames(layer, weight), data.run.steps)),
        )
    )


def weight_spectra(data: RunData, layer: str) -> Spectra | None:
    """Describe the singular values of a layer's main weight: (step,) each; None without weights.

    A convolution is the matrix that a patch is multiplied with, from its values to the units.
    """
    known = data.run.layers[layer]
    weight = main_weight(known)
    if weight is None:
        return None

    def make() -> dict[str, Array]:
        frames = (_matrix(known, values) for values in data.weight_frames(layer, weight))
        return asdict(spectra_over_steps(map(singular_values, frames)))

    return Spectra(**data.derived(f"spectra of {weight_path(layer, weight)}", make))


def _matrix(layer: Layer, values: Array) -> Array:
    """Read a weight as a matrix to the layer's units, or to all gates of a recurrent layer."""
    units_last = None if layer.class_name in GATED else by_unit(layer, values)
    return as_matrix(values if units_last is None else units_last)


def weight_directions(data: RunData, layer: str) -> Directions | None:
    """Compare a layer's main weight with its start: (step,) each; None without weights."""
    weight = main_weight(data.run.layers[layer])
    if weight is None:
        return None
    return Directions(
        **data.derived(
            f"directions of {weight_path(layer, weight)}",
            lambda: asdict(directions_over_steps(data.weight_frames(layer, weight))),
        )
    )


def activation_spectra(data: RunData, layer: str) -> Spectra:
    """Describe how a layer's activations spread over its units: (step,) each.

    Each position of each probe is a row, without padding, and the mean of each unit is taken off.
    """
    return Spectra(
        **data.derived(
            f"spectra of {activation_path(layer)}",
            lambda: asdict(spectra_over_steps(map(deviations, text_frames(data, layer)))),
        )
    )
