"""The network as a clickable graph."""

from __future__ import annotations

from typing import Any

import param

from explorer.derived.network.graph_layout import layered_layout
from explorer.plots.style import KIND_COLOURS
from explorer.widgets.base import Widget, script, styles
from store import Layer, Layers

NODE_WIDTH = 222
NODE_HEIGHT = 38


class LayerGraph(Widget):
    """A graph with a box for each layer, coloured by its kind or by a quantity."""

    nodes = param.List(default=[], doc="Place, name, kind and size of each layer.")
    edges = param.List(default=[], doc="Points of each connection.")
    size = param.Dict(default={"width": 0, "height": 0}, doc="Pixels of the whole drawing.")
    quantities = param.Dict(default={}, doc="Title of each quantity that boxes can show, by name.")
    quantity = param.String(default="", doc="Name of the quantity shown; empty: the layer's kind.")
    values = param.Parameter(doc="The quantity: (step, layer) float32, NaN where there is none.")
    logarithmic = param.Boolean(default=False, doc="Whether colours follow the logarithm.")
    palette = param.Parameter(doc="Colours from little to much: (768,) uint8.")

    _esm = script("layer_graph.js")
    _stylesheets = styles("layer_graph")

    @classmethod
    def of(cls, layers: Layers, **params: Any) -> LayerGraph:
        """Make the graph of a run's layers.

        Connections that do not come from an earlier layer are left out: a damaged run may name
        layers that do not exist, or have cycles.

        Parameters
        ----------
        layers : Layers
            Layers of the run.
        **params
            Parameters of the component.
        """
        earlier: set[str] = set()
        inbound = {}
        for name, layer in layers.items():
            inbound[name] = [source for source in layer.inbound if source in earlier]
            earlier.add(name)
        layout = layered_layout(
            inbound,
            node_width=NODE_WIDTH,
            node_height=NODE_HEIGHT,
        )
        nodes = [
            _node(layer) | {"x": layout.corners[name][0], "y": layout.corners[name][1]}
            for name, layer in layers.items()
        ]
        edges = [[list(point) for point in points] for points in layout.edges]
        size = {"width": layout.width, "height": layout.height}
        return cls(nodes=nodes, edges=edges, size=size, **params)


def _node(layer: Layer) -> dict[str, Any]:
    shape = " × ".join(str(size) for size in layer.output_shape)
    parameters = f"{layer.parameters:,} params" if layer.parameters else ""
    facts = [layer.class_name, shape and f"output {shape}", parameters]
    return {
        "name": layer.name,
        "kind": layer.kind,
        "colour": KIND_COLOURS[layer.kind],
        "shape": shape,
        "parameters": parameters,
        "title": f"{layer.name}: " + ", ".join(fact for fact in facts if fact),
        "width": NODE_WIDTH,
        "height": NODE_HEIGHT,
    }
