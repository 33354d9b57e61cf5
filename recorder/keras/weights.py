"""Names and axes of a layer's variables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from recorder.keras.layers import layer_kind, wrapped_layer
from store.format.keras_names import is_keras_class, weight_names
from store.format.names import UNIT_DIM, distinct_dims, safe_name
from store.format.spec import WeightSpec

_KERNEL_PLACES = {
    1: ("kernel_token",),
    2: ("kernel_y", "kernel_x"),
    3: ("kernel_z", "kernel_y", "kernel_x"),
}


def weight_specs(
    layer: Any,
    variables: Sequence[Any],
    dtypes: Sequence[str],
    taken: dict[str, int],
) -> tuple[WeightSpec, ...]:
    """Describe the variables of one layer.

    Parameters
    ----------
    layer : keras.layers.Layer
        The layer that owns the variables.
    variables : sequence of keras.Variable
        Its variables.
    dtypes : sequence of str
        The data type that each is recorded in.
    taken : dict of str to int
        Sizes of the dimension names that the layer's activation uses; updated.
    """
    names: list[str] = []
    for name in weight_names([variable.path for variable in variables]):
        names.append(safe_name(name, names))
    specs = []
    for variable, name, dtype in zip(variables, names, dtypes, strict=True):
        shape = tuple(int(size) for size in variable.shape)
        dims = distinct_dims(weight_dims(layer, name, shape), shape, taken, name)
        specs.append(WeightSpec(name, dims, shape, dtype, bool(variable.trainable)))
    return tuple(specs)


def weight_dims(layer: Any, name: str, shape: Sequence[int]) -> tuple[str, ...]:
    """Name the axes of a variable, without the step."""
    rank, last = len(shape), name.rsplit(".", maxsplit=1)[-1]
    inner = wrapped_layer(layer)
    kind = layer_kind(layer)
    dims: tuple[str, ...] | None = None
    if kind == "conv":
        dims = _conv_dims(_ancestors(inner), last, rank)
    elif kind == "recurrent":
        dims = _recurrent_dims(_ancestors(getattr(inner, "forward_layer", inner)), last, rank)
    elif kind == "attention":
        dims = _attention_dims(name, rank)
    elif kind == "embedding" and rank == 2:
        dims = ("word", UNIT_DIM)
    elif kind == "dense" and rank == 2:
        dims = ("in_unit", UNIT_DIM)
    return dims if dims is not None and len(dims) == rank else _plain_dims(rank)


def _ancestors(layer: Any) -> set[str]:
    return {cls.__name__ for cls in type(layer).__mro__ if is_keras_class(cls)}


def _conv_dims(ancestors: set[str], name: str, rank: int) -> tuple[str, ...] | None:
    places = _KERNEL_PLACES.get(rank - 2)
    if places is None:
        return None
    if "BaseConvTranspose" in ancestors:
        return (*places, UNIT_DIM, "in_unit")
    if name == "depthwise_kernel":
        return (*places, "in_unit", "multiplier")
    if "BaseDepthwiseConv" in ancestors:
        return (*places, UNIT_DIM, "multiplier")
    return (*places, "in_unit", UNIT_DIM)


def _recurrent_dims(ancestors: set[str], name: str, rank: int) -> tuple[str, ...] | None:
    gated = bool(ancestors & {"LSTM", "GRU", "ConvLSTM"})
    to = "gate_unit" if gated else UNIT_DIM
    if name == "bias":
        return ("bias_part", to) if rank == 2 else (to,)
    if name not in ("kernel", "recurrent_kernel"):
        return None
    source = "in_unit" if name == "kernel" else (UNIT_DIM if gated else "from_unit")
    return (*_KERNEL_PLACES.get(rank - 2, ()), source, to)


def _attention_dims(name: str, rank: int) -> tuple[str, ...] | None:
    if rank == 1:
        return (UNIT_DIM,)
    if name.startswith("attention_output"):
        return ("head", "head_unit", UNIT_DIM)
    return ("in_unit", "head", "head_unit") if rank == 3 else ("head", "head_unit")


def _plain_dims(rank: int) -> tuple[str, ...]:
    return (*(f"dim_{axis}" for axis in range(rank - 1)), UNIT_DIM)[: rank or 0]
