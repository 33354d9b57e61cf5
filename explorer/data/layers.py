"""What of a layer stands for it: its main weight, its units, the function that ends it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from explorer.derived.network.activations import LINEAR, NAMED, Activation
from explorer.derived.network.registry import layer_ops
from explorer.derived.recurrent.equations import NotDerivableError
from explorer.derived.units.activity import ACTIVE_SLOPE
from store import Layer, Run

Array = npt.NDArray[Any]

# Weights that say most about a layer, in this order; else the largest variable is shown.
MAIN_WEIGHTS = ("kernel", "embeddings", "gamma")
# Kinds of layers that only pass values on.
PASSING = ("regularization", "reshape")
# Where the slope of the usual functions is not small.
ACTIVE = {
    "relu": "above 0",
    "ReLU": "above 0",
    "relu6": "between 0 and 6",
    "tanh": "between -0.98 and 0.98",
    "sigmoid": "between 0.01 and 0.99",
}
# Classes whose kernel holds several blocks of columns, one after the other: the gates.
GATED = ("SimpleRNN", "GRU", "LSTM")


def main_weight(layer: Layer) -> str | None:
    """Choose the variable that stands for all of a layer's weights; None if it has none."""
    for name in MAIN_WEIGHTS:
        if name in layer.weights:
            return name
    sizes = {name: int(np.prod(shape)) for name, shape in layer.weights.items()}
    return max(sizes, key=lambda name: sizes[name]) if sizes else None


def function_of(layer: Layer) -> Activation | None:
    """Give the activation function that ends a layer, the linear one if it has none.

    None where it is not known: of a class of one's own, or a function of one's own.
    """
    op = layer_ops().get(layer.class_name)
    if op is not None:
        try:
            return op.activation(layer.config)
        except NotDerivableError:
            return None
    name = layer.config.get("activation")
    return NAMED.get(name) if isinstance(name, str) else None


def ending_function(run: Run, name: str) -> Activation | None:
    """Give the function that made what a layer gives, also where others only pass it on.

    None where it is not known.
    """
    made_by = makers(run, name)
    return function_of(run.layers[made_by[-1]]) if made_by else None


def makers(run: Run, name: str) -> list[str]:
    """Name the layers that have a layer's values: itself, and those before it that it passes on."""
    found: list[str] = []
    while name in run.layers and name not in found:
        found.append(name)
        layer = run.layers[name]
        if not passes_on(layer) or layer.source is None:
            break
        name = layer.source
    return found


def passes_on(layer: Layer) -> bool:
    """Whether a layer gives the values that it takes, in inference mode: at most reshaped."""
    is_plain = layer.class_name == "Activation" and function_of(layer) is LINEAR
    return is_plain or layer.kind in PASSING


def unit_function(layer: Layer) -> Activation | None:
    """Give the function of each unit that ends a layer; None without one, or if it is not known.

    A layer with gates gives a product, of which the slope at the last function tells how near the
    units are to their bounds, but not that no gradient passes. PReLU is not among them: its slope
    is a weight, see `has_learned_slope`.
    """
    if layer.kind == "recurrent":
        inner = layer.config.get("layer")
        config = inner["config"] if isinstance(inner, dict) else layer.config
        name = config.get("activation", "tanh")
        function = NAMED.get(name) if isinstance(name, str) else None
        if function is not None and layer.class_name != "SimpleRNN":
            function = replace(function, can_die=False)
    else:
        function = function_of(layer)
    is_linear = function is None or function == NAMED["linear"]
    return None if function is None or is_linear or function.slope is None else function


def has_learned_slope(layer: Layer) -> bool:
    """Whether a weight is the slope of the layer's function: then even a slope of 0 can change."""
    return layer.class_name == "PReLU"


def has_function(layer: Layer) -> bool:
    """Whether each unit of the layer ends with an activation function of its own value."""
    return has_learned_slope(layer) or unit_function(layer) is not None


def can_die(layer: Layer) -> bool:
    """Whether the slope of the layer's function is exactly 0 somewhere."""
    function = unit_function(layer)
    return function is not None and function.can_die


def function_name(layer: Layer) -> str:
    """Name the activation function of a layer."""
    config = layer.config
    if isinstance(config.get("layer"), dict):
        config = config["layer"].get("config", {})
    named = config.get("activation")
    return str(named) if isinstance(named, str) else layer.class_name


def active_where(layer: Layer) -> str:
    """Say which values of a layer's units count as active, for a caption."""
    if not has_function(layer):
        return "not 0"
    name, config = function_name(layer), layer.config
    most = config.get("max_value") if name == "ReLU" else None
    is_usual = not config.get("negative_slope") and not config.get("threshold")
    if is_usual and isinstance(most, int | float):
        return f"between 0 and {most:g}"
    if is_usual and name in ACTIVE:
        return ACTIVE[name]
    return f"where the slope of {name} is at least {100 * ACTIVE_SLOPE:g} % of its steepest"


def is_output(run: Run, name: str) -> bool:
    """Whether what a layer gives is what the network says, at most reshaped."""
    return any(name in makers(run, output) for output in run.outputs)


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
