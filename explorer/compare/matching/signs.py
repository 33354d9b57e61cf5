"""Whether a network could as well have the negative of each unit of a layer."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from explorer.compare.matching.sources import MAKING
from explorer.compare.pair import RunPair
from explorer.derived.network.activations import NAMED
from store import Layer

# Kinds whose output is turned when their input is, each unit by itself.
TURNING = frozenset({"reshape", "regularization"})
TURNING_CLASSES = frozenset({"BatchNormalization", "Concatenate"})


def signs_are_free_in_both(pair: RunPair, first: str, second: str) -> bool:
    """Whether signs are free in a layer of A and in its counterpart; see `signs_are_free`."""
    return all(
        signs_are_free(data.run.layers, layer, data.run.outputs)
        for data, layer in ((pair.first, first), (pair.second, second))
    )


def signs_are_free(layers: Mapping[str, Layer], name: str, outputs: Collection[str]) -> bool:
    """Whether turning the sign of a unit leaves another network that does the same.

    So it is where the unit's activation function is odd, and whatever takes its value has weights
    of its own for it, which would be turned, too: a tanh unit before a dense layer, or one of an
    LSTM. Neither a ReLU nor the largest of some values, as of a max pooling, is odd. An output's
    sign has a meaning.

    Parameters
    ----------
    layers : mapping of str to Layer
        The network.
    name : str
        The layer.
    outputs : collection of str
        Layers that are outputs of the network.
    """
    seen: set[str] = set()
    while layers[name].kind not in MAKING:
        layer = layers[name]
        if name in seen or not _turns(layer) or len(layer.inbound) != 1:
            return False
        if layer.inbound[0] not in layers:
            return False
        seen.add(name)
        name = layer.inbound[0]
    return _is_odd(layers[name]) and _taken_either_way(layers, name, outputs, seen=set())


def _taken_either_way(
    layers: Mapping[str, Layer], name: str, outputs: Collection[str], *, seen: set[str]
) -> bool:
    """Whether all that takes a layer's units could take their negatives."""
    takers = [layer for layer in layers.values() if name in layer.inbound]
    if name in outputs or not takers or name in seen:
        return False
    return all(
        taker.kind in MAKING
        or (_turns(taker) and _taken_either_way(layers, taker.name, outputs, seen=seen | {name}))
        for taker in takers
    )


def _turns(layer: Layer) -> bool:
    """Whether a layer gives the negative of each unit for the negative of that unit."""
    if layer.kind == "activation":
        return layer.class_name == "Activation" and _is_odd(layer)
    if layer.kind == "pooling":
        return "Average" in layer.class_name
    return layer.kind in TURNING or layer.class_name in TURNING_CLASSES


def _is_odd(layer: Layer) -> bool:
    """Whether a layer's activation function is odd; of a wrapper that of the layer in it."""
    inner = layer.config.get("layer")
    config = inner.get("config", {}) if isinstance(inner, Mapping) else layer.config
    found = config.get("activation") or "linear"
    function = NAMED.get(found) if isinstance(found, str) else None
    return function is not None and function.is_odd
