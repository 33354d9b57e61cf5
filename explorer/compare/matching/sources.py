"""From which layer's units a layer takes its input, whatever stands between them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from explorer.compare.pair import RunPair
from explorer.derived.pairs.unit_matching import Matching
from store import Layer

# Kinds whose output has the units of their input, each in its place.
KEEPING = frozenset({"activation", "softmax", "pooling", "normalization", "regularization"})
# Kinds whose units are made by weights.
MAKING = frozenset({"conv", "dense", "recurrent", "embedding"})


@dataclass(frozen=True)
class InputSource:
    """Where the inputs of a layer come from.

    Attributes
    ----------
    layer : str or None
        The layer that made their units; None: they are the network's input.
    flattened : bool
        Whether each unit is there once for each position, positions first.
    """

    layer: str | None
    flattened: bool = False

    def inputs(self, matching: Matching, count: int) -> Matching | None:
        """Match inputs, given the matching of the units that they come from.

        Parameters
        ----------
        matching : Matching
            Of the units of `layer`.
        count : int
            Inputs of the layer in the first run.

        Returns
        -------
        Matching or None
            None if the inputs are not those units: some of them were not recorded, for instance.
        """
        units = len(matching.first) + len(matching.unmatched_first)
        if not self.flattened:
            return matching if units == count else None
        return matching.flattened(count // units) if units and count % units == 0 else None


def source_of(layers: Mapping[str, Layer], name: str) -> InputSource | None:
    """Find the layer whose units are the inputs of another.

    Parameters
    ----------
    layers : mapping of str to Layer
        The network.
    name : str
        The layer that takes them.

    Returns
    -------
    Source or None
        None where inputs are not the units of one layer: after a sum or a concatenation, say.
    """
    flattened, units_first = False, False
    layer = layers[name]
    while len(layer.inbound) == 1 and layer.inbound[0] in layers:
        layer = layers[layer.inbound[0]]
        if layer.kind == "input":
            return InputSource(None, flattened)
        if layer.kind in MAKING:
            is_first = layer.config.get("data_format") == "channels_first"
            return None if units_first and is_first else InputSource(layer.name, flattened)
        if layer.class_name == "Flatten":
            flattened = True
            units_first = layer.config.get("data_format") != "channels_first"
        elif layer.kind not in KEEPING:
            return None
    return InputSource(None, flattened) if not layer.inbound else None


def common_sources(
    pair: RunPair, first: str, second: str
) -> tuple[InputSource, InputSource] | None:
    """Give where the inputs of a layer of A and of one of B come from, if that is the same place.

    Parameters
    ----------
    pair : RunPair
        The runs.
    first, second : str
        The layer in A and in B.
    """
    ours = source_of(pair.first.run.layers, first)
    theirs = source_of(pair.second.run.layers, second)
    if ours is None or theirs is None or ours.flattened != theirs.flattened:
        return None
    if ours.layer is None or theirs.layer is None:
        return (ours, theirs) if ours.layer is theirs.layer else None
    return (ours, theirs) if pair.layers.to_second(ours.layer) == theirs.layer else None
