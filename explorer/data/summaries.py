"""What a layer does over the whole training: computed once, kept by `RunData.derived`.

Call these in the worker thread: the first call takes seconds.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import numpy as np
import numpy.typing as npt

from explorer.data.layers import (
    can_die,
    has_function,
    main_weight,
    unit_function,
)
from explorer.data.run import RunData
from explorer.derived.recurrent.equations import NotDerivableError
from explorer.derived.time.frames import sample_indices
from explorer.derived.time.norms import Norms, norms_over_steps
from explorer.derived.units.activity import Judged, UnitStates, unit_states, unseen_share
from explorer.derived.units.separation import separation
from store import Layer
from store.format.names import UNIT_DIM, activation_path, weight_path

Array = npt.NDArray[Any]

# Values of one layer's activations that are looked at, over all steps: some seconds of work. Of
# layers with more, evenly spread positions are taken.
MOST_VALUES = 2**28
# A smaller value of a layer without a function counts as 0.
NOTHING = 1e-6


def unit_frames(data: RunData, layer: str) -> Iterator[Array]:
    """Activation of every probe with the unit last, step by step: (probe, position, unit).

    Of layers with more than `MOST_VALUES` values, at the positions that `positions_seen` counts.
    """
    return (_laid_out(data, layer, frame) for frame in data.activation_frames(layer))


def _laid_out(data: RunData, layer: str, frame: Array) -> Array:
    """View what belongs to a layer's activation as (probe, position, unit)."""
    seen, count = positions_seen(data, layer)
    without_units = UNIT_DIM not in data.run.array(activation_path(layer)).dims
    whole = frame[..., None] if without_units else frame
    flat = whole.reshape(len(whole), count, whole.shape[-1])
    return flat if seen == count else flat[:, sample_indices(count, seen)]


def positions_seen(data: RunData, layer: str) -> tuple[int, int]:
    """Count the positions that are looked at, and all positions, of a layer's activation."""
    steps, probes, *rest = data.run.array(activation_path(layer)).shape
    count = math.prod(rest) // max(1, data.units(layer))
    most = MOST_VALUES // max(1, steps * probes * data.units(layer))
    return min(count, max(1, most)), count


def unit_states_of(data: RunData, layer: str) -> UnitStates | None:
    """Share of active values, mean and state of each unit of a layer: (step, unit) each.

    Of a layer without a function of its own, every value but 0 counts as active. None where the
    slope of its function is not known, see `slope_fault`.
    """
    if slope_fault(data, layer) is not None:
        return None
    dies = can_die(data.run.layers[layer])
    return UnitStates(
        **data.derived(
            f"unit states by slope of {activation_path(layer)}",
            lambda: asdict(unit_states(_judged(data, layer), can_die=dies)),
        )
    )


def slope_fault(data: RunData, layer: str) -> str | None:
    """Say in a sentence why the slope of a layer's function is not known; None: it is.

    That of most functions follows from their value. Where it does not, what the layer takes must
    be recorded, and its weights if it has any.
    """
    given = data.run.layers[layer]
    function = unit_function(given)
    if not has_function(given) or (function is not None and function.slope_of_value is not None):
        return None
    if layer in data.network.unsupported:
        return f"The slope of {layer} is not known. {data.network.unsupported[layer]}"
    sources = [data.run.layers[name] for name in given.inbound]
    recorded = all(one.has_activation or one.kind == "input" for one in sources)
    has_weights = given.weights or not given.parameters
    if recorded and has_weights and (data.input() is not None or not _takes_input(sources)):
        return None
    return f"The slope of {layer} follows from what it takes, which was not recorded."


def _takes_input(sources: list[Layer]) -> bool:
    return any(source.kind == "input" for source in sources)


def _judged(data: RunData, layer: str) -> Iterator[Judged]:
    """Values of a layer and their slopes, step by step."""
    given = data.run.layers[layer]
    function = unit_function(given)
    for index, frame in enumerate(unit_frames(data, layer)):
        if function is not None and function.slope_of_value is not None:
            slope = function.slope_of_value(np.asarray(frame, np.float32)) / function.steepest
        elif has_function(given):
            at_step = _laid_out(data, layer, _slope_at(data, given, index))
            slope = at_step if function is None else at_step / function.steepest
        else:
            slope = (np.abs(frame) > NOTHING).astype(np.float32)
        yield Judged(frame, slope)


def _slope_at(data: RunData, layer: Layer, index: int) -> Array:
    """Slope at each value of a layer's activation, the unit last, from what the layer takes."""
    taken = {}
    for name in layer.inbound:
        if data.run.layers[name].kind == "input":
            given = data.input()
            if given is None:
                raise NotDerivableError(f"The input {name} was not kept with the run.")
            taken[name] = given
        else:
            taken[name] = data.activations(name, index)
    weights = {layer.name: data.weights(layer.name, index)} if layer.weights else {}
    return data.network.slope(layer.name, taken, weights)


def unseen_inputs(data: RunData) -> str:
    """Say in a sentence what so many probes can tell of a unit that answers to none of them."""
    count = data.run.probe.size if data.run.probe else 0
    return (
        f"{count} probes are a sample: up to {100 * unseen_share(count):.2g} % of inputs like them "
        "may still wake a unit that is silent on all (3/n, at 95 %)."
    )


def weight_norms(data: RunData, layer: str) -> Norms | None:
    """Size and movement of a layer's main weight: (step,) each; None without weights."""
    weight = main_weight(data.run.layers[layer])
    if weight is None:
        return None
    return Norms(
        **data.derived(
            f"norms of {weight_path(layer, weight)}",
            lambda: asdict(norms_over_steps(data.weight_frames(layer, weight), data.run.steps)),
        )
    )


def separation_of(data: RunData, layer: str) -> Array | None:
    """Mean silhouette of the probes at every step: (step,); None without a label each."""
    labels = data.class_labels
    if labels is None or labels.ndim != 1:
        return None
    return data.derived(
        f"separation of {activation_path(layer)}",
        lambda: {"separation": separation(unit_frames(data, layer), labels)},
    )["separation"]
