"""What the inputs and units of a dense layer are: feature maps, gates, classes."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from explorer.data.run import RunData
from store import Layer
from store.format.names import UNIT_DIM, activation_path

Array = npt.NDArray[Any]
# Blocks of columns of a recurrent layer's kernel, one after the other, as Keras lays them out.
GATES = {
    "LSTM": ("input gate", "forget gate", "candidate", "output gate"),
    "GRU": ("update gate", "reset gate", "candidate"),
    "SimpleRNN": ("",),
}
# Layers between a Flatten and a Dense layer that leave each value in its place.
IN_PLACE = ("activation", "regularization")


class Maps(NamedTuple):
    """How the inputs of a layer lie in feature maps.

    Attributes
    ----------
    source : str
        The layer of the maps.
    shape : tuple of int
        Sizes of their axes, as they are flattened.
    axes : tuple of int
        Of these, those of the channel, of y and of x.
    """

    source: str
    shape: tuple[int, ...]
    axes: tuple[int, int, int]

    def pictures(self, weights: Array) -> Array:
        """Lay out weights of all inputs: (channel, y, x)."""
        return np.transpose(weights.reshape(self.shape), self.axes)


def unit_names(data: RunData, layer: Layer, count: int) -> tuple[str, ...]:
    """Name the units: by class if they are the classes, with the gate if the layer is recurrent."""
    names = data.class_names
    if len(names) == count and gives_classes(data, layer.name):
        return tuple(names)
    gates = GATES.get(layer.class_name, ("",))
    units = count // len(gates)
    return tuple(f"{gate} {unit}".strip() for gate in gates for unit in range(units))


def gives_classes(data: RunData, layer: str) -> bool:
    """Whether a layer's units are the classes: only activation functions come after it."""
    if data.reading is None or len(data.run.outputs) != 1:
        return False
    layers, name = data.run.layers, data.run.outputs[0]
    while name != layer:
        passed = name in layers and layers[name].kind in ("softmax", *IN_PLACE)
        source = layers[name].source if passed else None
        if source is None:
            return False
        name = source
    return True


def maps_before(data: RunData, layer: Layer, inputs: int) -> Maps | None:
    """Find the feature maps that a layer takes by way of a ``Flatten``; None if there are none."""
    layers, passed = data.run.layers, layer
    while True:
        if passed.source is None or passed.source not in layers:
            return None
        passed = layers[passed.source]
        if passed.class_name == "Flatten":
            break
        if passed.kind not in IN_PLACE:
            return None
    source = None if passed.source is None else layers[passed.source]
    if source is None or not source.has_activation:
        return None
    reader = data.run.array(activation_path(source.name))
    dims, shape = reader.dims[2:], reader.shape[2:]
    if sorted(dims) != [UNIT_DIM, "x", "y"] or int(np.prod(shape)) != inputs:
        return None
    if passed.config.get("data_format") == "channels_first":  # then it flattens channels last
        order = [at for at in range(len(dims)) if dims[at] != UNIT_DIM] + [dims.index(UNIT_DIM)]
        dims, shape = tuple(dims[at] for at in order), tuple(shape[at] for at in order)
    axes = (dims.index(UNIT_DIM), dims.index("y"), dims.index("x"))
    return Maps(source.name, tuple(shape), axes)
