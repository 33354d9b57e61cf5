"""The graph of a network: which layer takes which."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from explorer.derived.network.node import Node
from explorer.derived.network.registry import INPUT_CLASS, OPERATIONS_CLASS, layer_ops, node_fault


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
        """Give the layer that makes the mask that a layer obeys; None: it obeys none.

        A functional model makes the mask of a ``Masking`` layer anew, by operations of its own:
        they are taken for that layer, if it takes the same.
        """
        node = self.nodes[layer]
        op = layer_ops().get(node.class_name)
        if node.mask_from is None or op is None or not op.obeys_mask:
            return None
        maker = self.node(node.mask_from)
        if maker.class_name == OPERATIONS_CLASS:
            for other in self.nodes.values():
                if other.class_name == "Masking" and other.inbound == maker.inbound:
                    return other
        return maker

    def mask_source(self, layer: str) -> str | None:
        """Give the layer whose activation a mask follows from; None: the layer obeys none."""
        maker = self.mask_maker(layer)
        if maker is None:
            return None
        return maker.name if maker.class_name == OPERATIONS_CLASS else maker.inbound[0]

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
            source = self.mask_source(name)
            if source is not None:
                waiting.append(source)
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
        for source in node.inbound:
            if source not in taking:
                raise ValueError(
                    f"Layer {node.name!r} takes {source!r}, which is not among the layers before "
                    "it. Pass all layers of the run, in its order."
                )
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
