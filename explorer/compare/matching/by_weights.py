"""Matching of units by their weights: for runs that share no probe, layer by layer."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from explorer.compare.matching.signs import signs_are_free_in_both
from explorer.compare.matching.sources import InputSource, common_sources
from explorer.compare.pair import RunPair
from explorer.derived.pairs.unit_matching import Matching, match_weights
from store import Layer

Array = npt.NDArray[Any]

# Blocks of units side by side in the kernel of a recurrent layer, as Keras lays them out.
GATES = {"SimpleRNN": 1, "LSTM": 4, "GRU": 3}
# Kinds whose kernel has a column for each unit, by the name of that variable.
KERNELS = {"conv": "kernel", "dense": "kernel", "embedding": "embeddings"}


def why_not_by_weights(pair: RunPair, first: str, second: str) -> str | None:
    """Say why units of a layer cannot be matched by their weights either; None if they can.

    Parameters
    ----------
    pair : RunPair
        The runs.
    first, second : str
        The layer in A and in B.
    """
    ours, theirs = pair.first.run.layers[first], pair.second.run.layers[second]
    shapes = _kernel_shape(ours), _kernel_shape(theirs)
    if shapes[0] is None or shapes[1] is None:
        return f"Nor can they be by weights: {first} has none that belong to one unit each."
    if ours.kind != theirs.kind or len(shapes[0]) != len(shapes[1]):
        return f"Nor can they be by weights: {first} and {second} are of different kinds."
    sources = _sources(pair, first, second)
    if sources is None:
        return f"Nor can they be by weights: the inputs of {first} do not correspond in both runs."
    before = sources[0].layer
    if before is None:
        same = shapes[0][:-1] == shapes[1][:-1]
        return None if same else f"Nor can they be by weights: {first} takes inputs of two sizes."
    if shapes[0][:-2] != shapes[1][:-2] or _positions(shapes[0], pair.first.run.layers[before]) != (
        _positions(shapes[1], pair.second.run.layers[sources[1].layer or ""])
    ):
        return f"Nor can they be by weights: kernels of {first} differ in size."
    return why_not_by_weights(pair, before, sources[1].layer or "")


def weight_matching(pair: RunPair, first: str, indices: tuple[int, int]) -> Matching:
    """Match units by the direction of their weights, from the network's input on.

    Parameters
    ----------
    pair : RunPair
        The runs.
    first : str
        The layer of A; `why_not_by_weights` has nothing against it and its counterpart.
    indices : (int, int)
        Recorded step of each run.
    """
    second = pair.layers.to_second(first) or ""
    layers = pair.first.run.layers[first], pair.second.run.layers[second]
    sources = _sources(pair, first, second)
    assert sources is not None  # `why_not_by_weights` would have said so
    kernels = [
        _kernel(layer, data.weights(layer.name, index))
        for data, layer, index in zip((pair.first, pair.second), layers, indices, strict=True)
    ]
    inputs = None
    if sources[0].layer is not None:
        before = weight_matching(pair, sources[0].layer, indices)
        inputs = sources[0].inputs(before, kernels[0].shape[-2])
    # Of gates only the candidate would be turned: their columns cannot be taken as one direction.
    is_gated = GATES.get(layers[0].class_name, 1) > 1
    signless = not is_gated and signs_are_free_in_both(pair, first, second)
    return match_weights(kernels[0], kernels[1], inputs=inputs, signless=signless)


def _sources(pair: RunPair, first: str, second: str) -> tuple[InputSource, InputSource] | None:
    """Give where the inputs of both come from, if that is the same place; words must be equal."""
    found = common_sources(pair, first, second)
    if found is None or (found[0].layer is None and not _same_words(pair)):
        return None
    return found


def _same_words(pair: RunPair) -> bool:
    """Whether equal numbers in the input stand for equal words, as far as is known."""
    words = [data.run.probe.vocabulary for data in (pair.first, pair.second) if data.run.probe]
    known = [list(each) for each in words if each is not None]
    return len(known) < 2 or known[0] == known[1]


def _positions(shape: tuple[int, ...], before: Layer) -> float:
    """Count how often each unit of the layer before is among the inputs."""
    made = _kernel_shape(before)
    return shape[-2] / made[-1] if made and made[-1] else float("nan")


def _kernel_shape(layer: Layer) -> tuple[int, ...] | None:
    """Give the shape (..., input, unit) of what `_kernel` returns; None if there is nothing."""
    if layer.class_name in GATES and "kernel" in layer.weights:
        inputs, columns = layer.weights["kernel"]
        return GATES[layer.class_name], inputs, columns // GATES[layer.class_name]
    name = KERNELS.get(layer.kind)
    if name is None or name not in layer.weights or "Depthwise" in layer.class_name:
        return None
    shape = layer.weights[name]
    if "Transpose" in layer.class_name:
        shape = (*shape[:-2], shape[-1], shape[-2])
    return shape if len(shape) > 1 else None


def _kernel(layer: Layer, weights: dict[str, Array]) -> Array:
    """Give a layer's weights on its input: (..., input, unit)."""
    gates = GATES.get(layer.class_name)
    kernel = weights["kernel" if gates else KERNELS[layer.kind]]
    if gates:
        return np.moveaxis(kernel.reshape(len(kernel), gates, -1), 0, 1)
    return np.swapaxes(kernel, -1, -2) if "Transpose" in layer.class_name else kernel
