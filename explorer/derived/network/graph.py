"""The graph of a network: which layer takes which."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from explorer.derived.network.node import Node
from explorer.derived.network.registry import (
    INPUT_CLASS,
    MORE_MASKED,
    OPERATIONS_CLASS,
    layer_ops,
    node_fault,
)


class Graph:
    """The layers of a run and what leads from one to the other.

    Parameters
    ----------
    nodes : iterable of Node
        The layers, each after those that it takes.

    Attributes
    ----------
    nodes : dict of str to Node
        The layers by name, in order.
    inputs : tuple of str
        Layers that take nothing.
    followers : dict of str to tuple of str
        Layers that take each layer's output.
    unsupported : dict of str to str
        Why a layer cannot be repeated here, a sentence each.

    Raises
    ------
    ValueError
        A layer takes one that does not come before it.
    """

    def __init__(self, nodes: Iterable[Node]) -> None:
        self.nodes = {node.name: node for node in nodes}
        self.inputs = tuple(n.name for n in self.nodes.values() if n.class_name == INPUT_CLASS)
        self.followers = _followers(self.nodes)
        classes = {node.name: node.class_name for node in self.nodes.values()}
        faults = {
            node.name: node_fault(node, classes)
            for node in self.nodes.values()
            if node.class_name != INPUT_CLASS
        }
        self.unsupported = {name: fault for name, fault in faults.items() if fault is not None}
        self._firsts = _first_calls(self.nodes)

    def node(self, layer: str) -> Node:
        """Give a layer by name.

        Raises
        ------
        ValueError
            The network has no such layer.
        """
        if layer not in self.nodes:
            raise ValueError(f"There is no layer {layer!r}; there are {', '.join(self.nodes)}.")
        return self.nodes[layer]

    def first_call(self, layer: str) -> str:
        """Give the first call of a shared layer, with which its weights are stored."""
        return self._firsts.get(layer, layer)

    def mask_maker(self, layer: str) -> Node | None:
        """Give the layer that makes the mask that a layer obeys; None: it obeys none."""
        node = self.nodes[layer]
        op = layer_ops().get(node.class_name)
        if node.mask_from is None or op is None or not op.obeys_mask:
            return None
        return self._maker(node.mask_from)

    def mask_source(self, layer: str) -> str | None:
        """Give the layer whose activation a mask follows from; None: the layer obeys none."""
        maker = self.mask_maker(layer)
        return None if maker is None else self.source_of_mask(maker.name)

    def source_of_mask(self, maker: str) -> str:
        """Give the layer whose activation the mask that a layer makes follows from."""
        found = self._maker(maker)
        return found.name if found.class_name == OPERATIONS_CLASS else found.inbound[0]

    def argument_masks(self, layer: str) -> dict[str, tuple[str | None, ...]]:
        """Give the layers that make the masks which a call was given, by its arguments.

        Of a list of masks all are named; None stands for an input without one.
        """
        node = self.nodes[layer]
        op = layer_ops().get(node.class_name)
        given = {} if op is None else {name: node.arguments.get(name) for name in op.mask_arguments}
        return {
            name: tuple(value) if isinstance(value, list) else (value,)
            for name, value in given.items()
            if value is not None
        }

    def mask_sources(self, layer: str) -> set[str]:
        """Give all layers whose activations the masks that a layer obeys follow from."""
        found = {self.mask_source(layer)} - {None}
        for argument, makers in self.argument_masks(layer).items():
            found |= {
                maker if argument == MORE_MASKED else self.source_of_mask(maker)
                for maker in makers
                if maker is not None
            }
        return {source for source in found if source is not None}

    def _maker(self, name: str) -> Node:
        """Find the layer that makes a mask.

        A functional model makes the mask of a ``Masking`` layer anew, by operations of its own:
        they are taken for that layer, if it takes the same.
        """
        maker = self.node(name)
        if maker.class_name == OPERATIONS_CLASS:
            for other in self.nodes.values():
                if other.class_name == "Masking" and other.inbound == maker.inbound:
                    return other
        return maker

    def ancestors(self, layers: Iterable[str], known: Iterable[str] = ()) -> set[str]:
        """Give the layers that these depend on, with themselves, looking no further than `known`.

        Masks count: an embedding's input is needed by the recurrent layer that obeys its mask.
        """
        found: set[str] = set()
        waiting, ends = [self.node(layer).name for layer in layers], {*known}
        while waiting:
            name = waiting.pop()
            if name in found or name in ends:
                continue
            found.add(name)
            waiting.extend(self.nodes[name].inbound)
            waiting.extend(self.mask_sources(name))
        return found

    def descendants(self, layers: Iterable[str]) -> set[str]:
        """Give the layers that take these, directly or not, with themselves."""
        found: set[str] = set()
        waiting = [self.node(layer).name for layer in layers]
        while waiting:
            name = waiting.pop()
            if name not in found:
                found.add(name)
                waiting.extend(self.followers[name])
        return found


def _followers(nodes: Mapping[str, Node]) -> dict[str, tuple[str, ...]]:
    taking: dict[str, list[str]] = {}
    for node in nodes.values():
        for source in {*node.inbound, *node.masks_given}:
            if source not in taking:
                raise ValueError(
                    f"Layer {node.name!r} takes {source!r}, which is not among the layers before "
                    "it. Pass all layers of the run, in its order."
                )
        for source in node.inbound:
            taking[source].append(node.name)
        taking[node.name] = []
    return {name: tuple(names) for name, names in taking.items()}


def _first_calls(nodes: Mapping[str, Node]) -> dict[str, str]:
    """Find the first call of each shared layer: its later ones are numbered after it."""
    firsts: dict[str, str] = {}
    for node in nodes.values():
        stem, _, number = node.name.rpartition("_")
        first = nodes.get(stem)
        if first is None or not number.isdecimal() or first.class_name != node.class_name:
            continue
        # Another layer would have another name in its configuration.
        if first.config == node.config:
            firsts[node.name] = stem
    return firsts
