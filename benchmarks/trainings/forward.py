"""Keras's own forward pass, noted layer by layer, eagerly: the recorder traces a graph."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from benchmarks.trainings.attempt import Weights, variables_of


@dataclass(frozen=True)
class Noted:
    """What one call of a layer gave.

    Attributes
    ----------
    layer, class_name : str
        The layer.
    output : ndarray
        Its first output.
    """

    layer: str
    class_name: str
    output: npt.NDArray[Any]


def outputs_of(model: Any, weights: Weights, inputs: Any) -> list[Noted]:
    """Send inputs through a model with these weights; give what each layer gave, call by call."""
    for variable, value in zip(variables_of(model), weights, strict=True):
        variable.assign(value)
    noted: list[Noted] = []
    with contextlib.ExitStack() as stack:
        for layer in _layers_within(model):
            stack.enter_context(_noting(layer, noted))
        model(keras.tree.map_structure(_tensor, inputs), training=False)
    return noted


def _tensor(values: Any) -> Any:
    """Give a tensor of an array; what is one already, ragged or not, stays as it is."""
    return keras.ops.convert_to_tensor(values) if isinstance(values, np.ndarray) else values


def _layers_within(layer: Any) -> list[Any]:
    """Layers that a user made: not those inside of Keras's own. A shared one is there once."""
    found: dict[int, Any] = {}
    for child in layer._layers:
        if not isinstance(child, keras.Model):
            found[id(child)] = child
        if isinstance(child, keras.Model) or not type(child).__module__.startswith("keras."):
            found |= {id(inner): inner for inner in _layers_within(child)}
    return list(found.values())


@contextlib.contextmanager
def _noting(layer: Any, noted: list[Noted]) -> Iterator[None]:
    call = layer.call

    @functools.wraps(call)
    def noting(*args: Any, **kwargs: Any) -> Any:
        result = call(*args, **kwargs)
        tensors = keras.tree.flatten(result)
        if tensors and keras.backend.is_float_dtype(tensors[0].dtype):
            first = tensors[0]
            if first.dtype == "bfloat16":  # which NumPy does not have
                first = keras.ops.cast(first, "float32")
            noted.append(Noted(layer.name, type(layer).__name__, np.array(first)))
        return result

    layer.call = noting
    try:
        yield
    finally:
        del layer.call
