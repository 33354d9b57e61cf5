"""Which layers are not stored since they follow from others: of a description, and of a run."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from store.format.derivation import Derivation
from store.format.metadata import Document
from store.format.names import BEGINS, DERIVED, PROBE_DIM, STEP_DIM, activation_path, layer_path
from store.format.parts import nodes_of_part, part_names, split_path, stored_path
from store.format.spec import LayerSpec, unit_attributes

# A reader makes a frame of so many stored ones at the most, which hold so many times its bytes:
# that of a ReLU on a sum takes twice its own, that of a pooling by two four times.
MOST_SOURCES = 2
MOST_BYTES = 4
# Padded or repeated: whoever reads a stranger's run must not need any amount of memory.
MOST_GROWTH = 2**12


def worth_deriving(layers: Sequence[LayerSpec]) -> tuple[LayerSpec, ...]:
    """Keep of the possible derivations those that cost a reader little; the others are stored.

    Parameters
    ----------
    layers : sequence of LayerSpec
        In network order. A derivation says how a layer's activation may follow.
    """
    known: dict[str, LayerSpec] = {}
    stored: dict[str, frozenset[str]] = {}  # what a reader needs for each
    for layer in layers:
        derivation = layer.derivation
        needed = frozenset[str]()
        if derivation is not None and mismatch(layer, derivation, known) is None:
            needed = frozenset().union(*(stored[source] for source in derivation.sources))
        if needed and len(needed) <= MOST_SOURCES:
            size = sum(_bytes(known[name]) for name in needed)
            needed = needed if size <= MOST_BYTES * _bytes(layer) else frozenset()
        else:
            needed = frozenset()
        if layer.has_activation:
            stored[layer.name] = needed or frozenset([layer.name])
        known[layer.name] = layer if needed else replace(layer, derivation=None)
    return tuple(known.values())


def mismatch(
    layer: LayerSpec, derivation: Derivation, before: Mapping[str, LayerSpec]
) -> str | None:
    """Say why a layer cannot follow as is said; None where it can.

    Parameters
    ----------
    layer : LayerSpec
        The layer.
    derivation : Derivation
        How it follows.
    before : mapping of str to LayerSpec
        The layers that come before it.
    """
    if not layer.has_activation:
        return "has no activation that could follow"
    if not _takes(derivation, layer.output_dtype):
        return f"cannot follow, being of {layer.output_dtype}"
    sources = [before.get(name) for name in derivation.sources]
    known = [source for source in sources if source is not None and source.has_activation]
    if len(known) != len(sources):
        return "follows from a layer without activation, or from one behind it"
    if {(one.output_dtype, one.unit_stride) for one in known} != {
        (layer.output_dtype, layer.unit_stride)
    }:
        return "follows from activations of another data type, or of other units"
    try:
        shape = derivation.operation.shape(*(source.output_shape for source in known))
    except ValueError as error:
        return f"does not follow: {error}"
    return None if shape == layer.output_shape else f"follows with the shape {shape}"


def _takes(derivation: Derivation, dtype: str) -> bool:
    return np.dtype(dtype).kind == "f" or not derivation.operation.floats_only


def _bytes(layer: LayerSpec) -> int:
    return math.prod(layer.output_shape) * np.dtype(layer.output_dtype).itemsize


@dataclass(frozen=True, slots=True)
class DerivedArray:
    """An activation of a run that follows, at all steps or at the first ones.

    Attributes
    ----------
    derivation : Derivation
        How.
    sources : tuple of str
        Paths of the activations that it follows from.
    shape, dims, dtype
        As in the metadata of an array that is stored.
    begins : int
        Position of the first step that is stored; the length of the run where none is.
    unit_stride : int
        Every how many units are recorded.
    """

    derivation: Derivation
    sources: tuple[str, ...]
    shape: tuple[int, ...]
    dims: tuple[str, ...]
    dtype: str
    begins: int
    unit_stride: int

    @property
    def attributes(self) -> dict[str, Any]:
        """Attributes of the array, as it would be stored."""
        return unit_attributes(self.unit_stride)


def source_paths(derivation: Derivation, path: str) -> tuple[str, ...]:
    """Tell where the activations are that the one at a path follows from: in the same part.

    Examples
    --------
    >>> from store.format.operations import Clip
    >>> source_paths(Derivation(Clip(0.0), ("conv1",)), "parts/critic/layers/relu1/activation")
    ('parts/critic/layers/conv1/activation',)
    """
    part, _ = split_path(path)
    return tuple(stored_path(activation_path(name), part) for name in derivation.sources)


def derived_arrays(nodes: Mapping[str, Document]) -> dict[str, DerivedArray]:
    """Find the activations of a run that are not stored, or not at all steps, by path.

    A layer whose sources are not in the run, or that follows by an operation that this version does
    not know, is not among them.

    Parameters
    ----------
    nodes : mapping of str to Document
        Metadata of every node, each sound in itself.

    Raises
    ------
    ValueError
        A layer does not follow as its attributes say.
    """
    found = _of_model(nodes)
    for part in part_names(nodes):
        for path, array in _of_model(nodes_of_part(nodes, part)).items():
            sources = tuple(stored_path(source, part) for source in array.sources)
            found[stored_path(path, part)] = replace(array, sources=sources)
    return found


def _of_model(nodes: Mapping[str, Document]) -> dict[str, DerivedArray]:
    found: dict[str, DerivedArray] = {}
    for name in nodes["layers"]["attributes"]["order"] if "layers" in nodes else ():
        attributes = nodes[layer_path(name)]["attributes"]
        stored = nodes.get(activation_path(name))
        begins = None if stored is None else stored["attributes"].get(BEGINS, 0)
        if DERIVED not in attributes or begins == 0:
            continue
        try:
            derivation = Derivation.parse(attributes[DERIVED])
            sources = None if derivation is None else _sources(derivation, nodes, found)
            if derivation is not None and sources is not None:
                array = _derived(derivation, attributes, sources, begins)
                found[activation_path(name)] = array
        except ValueError as error:
            raise ValueError(f"layer {name!r}: {DERIVED}: {error}") from None
    return found


@dataclass(frozen=True, slots=True)
class _Source:
    """What an operation asks of an activation that it takes."""

    shape: tuple[int, ...]
    dtype: str
    unit_stride: int


def _sources(
    derivation: Derivation, nodes: Mapping[str, Document], found: Mapping[str, DerivedArray]
) -> list[_Source] | None:
    """Describe the sources, stored or derived themselves; None where one is not there."""
    sources = []
    for name in derivation.sources:
        path = activation_path(name)
        stored, derived = nodes.get(path), found.get(path)
        if derived is not None:
            sources.append(_Source(derived.shape, derived.dtype, derived.unit_stride))
        elif stored is None or stored["attributes"].get(BEGINS):
            return None
        elif stored["dimension_names"][:2] != [STEP_DIM, PROBE_DIM]:
            raise ValueError(f"the activation of {name!r} has no probes")
        else:
            stride = stored["attributes"].get("unit_stride", 1)
            sources.append(_Source(tuple(stored["shape"]), stored["data_type"], stride))
    return sources


def _derived(
    derivation: Derivation,
    attributes: Document,
    sources: Sequence[_Source],
    begins: int | None,
) -> DerivedArray:
    dims = attributes[DERIVED].get("dimension_names")
    steps = sources[0].shape[0]
    shape = derivation.operation.shape(*(source.shape[1:] for source in sources))
    if shape[1:] != tuple(attributes["output_shape"]):
        raise ValueError(f"follows with the shape {shape}, not {attributes['output_shape']}")
    if not isinstance(dims, list) or not all(isinstance(dim, str) for dim in dims):
        raise ValueError("dimension_names is not a list of texts")
    if dims[:2] != [STEP_DIM, PROBE_DIM] or not len({*dims}) == len(dims) == len(shape) + 1:
        raise ValueError(f"dimension_names {dims!r:.200} do not name its dimensions")
    if len({(source.dtype, source.unit_stride) for source in sources}) > 1:
        raise ValueError("its sources are of several data types, or of other units")
    if not _takes(derivation, sources[0].dtype):
        raise ValueError(f"its sources are of {sources[0].dtype}")
    if math.prod(shape) > MOST_GROWTH * sum(math.prod(source.shape[1:]) for source in sources):
        raise ValueError(f"shape {shape} is far larger than its sources")
    return DerivedArray(
        derivation,
        tuple(map(activation_path, derivation.sources)),
        (steps, *shape),
        tuple(dims),
        sources[0].dtype,
        steps if begins is None else min(begins, steps),
        sources[0].unit_stride,
    )
