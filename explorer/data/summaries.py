"""What every layer does over the whole training: computed once a layer, kept by `RunData.derived`.

Views draw these, and the graph of the layers is coloured by them. Call them in the worker thread.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import asdict
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt

from explorer.data.run import RunData
from explorer.derived.time.frames import sample_indices
from explorer.derived.time.headway import counted
from explorer.derived.time.norms import Norms, norms_over_steps
from explorer.derived.units.activity import DEAD, Activity, UnitStates, activity_of, unit_states
from explorer.derived.units.separation import separation
from store import Layer
from store.errors import did_you_mean
from store.format.names import UNIT_DIM, activation_path, weight_path

Array = npt.NDArray[Any]
Float32 = npt.NDArray[np.float32]

Quantity = Literal["weight norm", "weight change", "update ratio", "sparsity", "dead units"]
QUANTITIES: tuple[Quantity, ...] = get_args(Quantity)
# Quantities that span orders of magnitude.
LOGARITHMIC: frozenset[Quantity] = frozenset({"weight norm", "weight change", "update ratio"})

# Weights that say most about a layer, in this order; else the largest variable is shown.
MAIN_WEIGHTS = ("kernel", "embeddings", "gamma")
# Classes whose kernel holds several blocks of columns, one after the other: the gates.
GATED = ("SimpleRNN", "GRU", "LSTM")
# Values of one layer's activations that are looked at, over all steps: some seconds of work. Of
# layers with more, evenly spread positions are taken.
MOST_VALUES = 2**28


# -- what stands for a layer ------------------------------------------------------------------


def main_weight(layer: Layer) -> str | None:
    """Choose the variable that stands for a layer's."""
    for name in MAIN_WEIGHTS:
        if name in layer.weights:
            return name
    sizes = {name: int(np.prod(shape)) for name, shape in layer.weights.items()}
    return max(sizes, key=lambda name: sizes[name]) if sizes else None


def activity_for(layer: Layer) -> Activity | None:
    """Which values of a layer are active; None for a softmax, where that says nothing.

    Parameters
    ----------
    layer : Layer
        Its class and configuration tell its activation function; without one, all but 0 counts.
    """
    match layer.class_name:
        case "ReLU":
            return Activity(0.0, _number(layer.config.get("max_value"), math.inf))
        case "LeakyReLU" | "PReLU" | "ELU":
            return Activity()
    name = layer.config.get("activation")
    if layer.kind == "softmax" or name == "softmax":
        return None
    return activity_of(name if name is None else str(name))


def has_function(layer: Layer) -> bool:
    """Whether an activation function ends the layer under which units can fall silent."""
    if layer.kind == "softmax":
        return False
    named = layer.config.get("activation") not in (None, "linear", "softmax")
    return named if layer.class_name == "Activation" else named or layer.kind == "activation"


def by_unit(layer: Layer, values: Array) -> Array | None:
    """View one variable of a layer with the layer's own units last.

    Parameters
    ----------
    layer : Layer
        The layer.
    values : ndarray
        A variable at one step, as Keras lays it out.

    Returns
    -------
    ndarray (..., unit) or None
        The gates of a recurrent layer are parted from its units. None if the variable does not
        tell the units apart.
    """
    if values.ndim > 1 and layer.class_name.endswith("Transpose"):
        values = np.swapaxes(values, -1, -2)
    elif values.ndim > 1 and layer.class_name.startswith("Depthwise"):
        values = values.reshape(*values.shape[:-2], -1)
    named = layer.config.get("units", layer.config.get("filters"))
    units = named if isinstance(named, int) else values.shape[-1] if values.ndim else 0
    if not units or values.shape[-1] == units:
        return values if units else None
    if layer.class_name in GATED and values.shape[-1] % units == 0:
        return values.reshape(*values.shape[:-1], -1, units)
    return None


def _number(value: Any, otherwise: float) -> float:
    return float(value) if isinstance(value, int | float) else otherwise


# -- one layer over all steps -----------------------------------------------------------------


def unit_frames(data: RunData, layer: str) -> Iterator[Array]:
    """Activation of every probe with the unit last, step by step: (probe, position, unit).

    Of layers with more than `MOST_VALUES` values, at the positions that `positions_seen` counts.
    """
    seen, count = positions_seen(data, layer)
    chosen = None if seen == count else sample_indices(count, seen)
    without_units = UNIT_DIM not in data.run.array(activation_path(layer)).dims
    for frame in data.activation_frames(layer):
        whole = frame[..., None] if without_units else frame
        flat = whole.reshape(len(whole), count, whole.shape[-1])
        yield flat if chosen is None else flat[:, chosen]


def positions_seen(data: RunData, layer: str) -> tuple[int, int]:
    """Count the positions that are looked at, and all positions, of a layer's activation."""
    steps, probes, *rest = data.run.array(activation_path(layer)).shape
    count = math.prod(rest) // max(1, data.units(layer))
    most = MOST_VALUES // max(1, steps * probes * data.units(layer))
    return min(count, max(1, most)), count


def unit_states_of(data: RunData, layer: str) -> UnitStates:
    """Share of active values, mean and state of each unit of a layer: (step, unit) each."""
    activity = activity_for(data.run.layers[layer]) or Activity()
    return UnitStates(
        **data.derived(
            f"unit states of {activation_path(layer)}, active {activity.text}",
            lambda: asdict(unit_states(unit_frames(data, layer), activity=activity)),
        )
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


# -- all layers over all steps ----------------------------------------------------------------


def quantity(data: RunData, name: str) -> Float32:
    """Give a number for each layer at each recorded step.

    Parameters
    ----------
    data : RunData
        The run.
    name : str
        One of `QUANTITIES`. "weight norm": L2 norm of the main weight. "weight change": how far
        that moved, per optimizer update. "update ratio": the same over the norm before. "sparsity":
        share of the activations that are inactive (zero; saturated, for tanh and sigmoid). "dead
        units": share of the units that are inactive for every probe, of layers with an activation
        function.

    Returns
    -------
    ndarray (step, layer), float32
        Layers in network order; NaN where a layer has no such thing.

    Raises
    ------
    ValueError
        There is no such quantity.
    """
    if name not in _COLUMNS:
        raise ValueError(f"There is no quantity {name!r}. {did_you_mean(name, QUANTITIES)}")
    return by_layer(data, _COLUMNS[name])


def by_layer(data: RunData, column: Callable[[RunData, str], Array | None]) -> Float32:
    """Stack one column a layer: (step, layer), NaN where `column` gives None."""
    table = np.full((len(data.run), len(data.run.layers)), np.nan, np.float32)
    for at, layer in counted(list(enumerate(data.run.layers if len(data.run) else ()))):
        found = column(data, layer)
        if found is not None:
            with np.errstate(over="ignore"):  # beyond float32 it is infinite
                table[:, at] = found
    return table


def _of_norms(name: str) -> Callable[[RunData, str], Array | None]:
    def column(data: RunData, layer: str) -> Array | None:
        found = weight_norms(data, layer)
        return None if found is None else getattr(found, name)

    return column


def _sparsity(data: RunData, name: str) -> Array | None:
    layer = data.run.layers[name]
    if not layer.has_activation or activity_for(layer) is None:
        return None
    return 1 - _mean_known(unit_states_of(data, name).active_share)


def _dead(data: RunData, name: str) -> Array | None:
    layer = data.run.layers[name]
    if not layer.has_activation or not has_function(layer):
        return None
    found = unit_states_of(data, name)
    return _mean_known(np.where(np.isnan(found.active_share), np.nan, found.state == DEAD))


def _mean_known(shares: Array) -> Array:
    """Mean over units of what is known, step by step; NaN where nothing is."""
    counts = np.count_nonzero(~np.isnan(shares), axis=1)
    with np.errstate(invalid="ignore"):
        return np.asarray(np.nansum(shares, axis=1, dtype=np.float64) / counts)


_COLUMNS: dict[str, Callable[[RunData, str], Array | None]] = {
    "weight norm": _of_norms("norm"),
    "weight change": _of_norms("change_per_update"),
    "update ratio": _of_norms("update_ratio"),
    "sparsity": _sparsity,
    "dead units": _dead,
}
