"""What of a layer stands for it: its main weight, its units, and which of its values are active."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from explorer.derived.units.activity import Activity, activity_of
from store import Layer

Array = npt.NDArray[Any]

# Weights that say most about a layer, in this order; else the largest variable is shown.
MAIN_WEIGHTS = ("kernel", "embeddings", "gamma")
# Classes whose kernel holds several blocks of columns, one after the other: the gates.
GATED = ("SimpleRNN", "GRU", "LSTM")


def main_weight(layer: Layer) -> str | None:
    """Choose the variable that stands for all of a layer's weights; None if it has none."""
    for name in MAIN_WEIGHTS:
        if name in layer.weights:
            return name
    sizes = {name: int(np.prod(shape)) for name, shape in layer.weights.items()}
    return max(sizes, key=lambda name: sizes[name]) if sizes else None


def activity_for(layer: Layer) -> Activity | None:
    """Say which values of a layer count as active; None for a softmax, where all are above 0.

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
    """Whether the layer ends with an activation function under which a unit can be dead."""
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
        Of a recurrent layer, the gates are an axis of their own, before the units. None if no axis
        of the variable is that of the units.
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
