"""The network as a clickable graph."""

from __future__ import annotations

from typing import Any

import param

from explorer.data.blocks import blocks_of, inbound_of
from explorer.derived.network.blocks import Block
from explorer.derived.network.graph_layout import all_blocks, levels
from explorer.plots.style import KIND_COLOURS
from explorer.widgets.base import Widget, script, styles
from store import Layer, Layers

# A network of so many layers is shown whole at first; of a larger one, its blocks are closed.
MOST_AT_ONCE = 24


class LayerGraph(Widget):
    """A graph with a box for each layer, coloured by its kind or by a quantity.

    Layers of a block lie in one box, which a click opens.
    """

    nodes = param.List(default=[], doc="Name, kind and size of each layer.")
    blocks = param.List(
        default=[],
        doc="Name, kind and size of each block, numbers of its layers, and that of the block that "
        "it lies in, -1 for none.",
    )
    levels = param.List(
        default=[], doc="Rows and connections of the network, then those of each block."
    )
    opened = param.List(default=[], doc="Numbers of the blocks that are open at first.")
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

        Parameters
        ----------
        layers : Layers
            Layers of the run.
        **params
            Parameters of the component.
        """
        blocks = blocks_of(layers)
        known = all_blocks(blocks)
        numbers = {name: at for at, name in enumerate(layers)}
        within = {
            id(inner): at for at, block in enumerate(known) for inner in block.blocks
        }  # fmt: skip
        return cls(
            nodes=[_node(layer) for layer in layers.values()],
            blocks=[
                _block(block, layers)
                | {
                    "layers": [numbers[name] for name in block.layers],
                    "within": within.get(id(block), -1),
                }
                for block in known
            ],
            levels=[
                {"rows": level.rows, "chains": level.chains, "carries": level.carries}
                for level in levels(inbound_of(layers), blocks)
            ],
            opened=[
                at
                for at, block in enumerate(known)
                if len(layers) <= MOST_AT_ONCE or 2 * len(block.layers) > len(layers)
            ],
            **params,
        )


def _node(layer: Layer) -> dict[str, Any]:
    shape, parameters = _size(layer.output_shape, layer.parameters)
    facts = [layer.class_name, shape and f"output {shape}", parameters]
    return {
        "name": layer.name,
        "class": layer.class_name,
        "kind": layer.kind,
        "colour": KIND_COLOURS[layer.kind],
        "shape": shape,
        "parameters": parameters,
        "title": f"{layer.name}: " + ", ".join(fact for fact in facts if fact),
    }


def _block(block: Block, layers: Layers) -> dict[str, Any]:
    """Describe a block; what its last layer gives is its output, where that is recorded."""
    inside = [layers[name] for name in block.layers]
    shape, parameters = _size(inside[-1].output_shape, sum(layer.parameters for layer in inside))
    facts = [f"{block.kind} block of {len(inside)} layers", shape and f"output {shape}", parameters]
    return {
        "name": block.name,
        "kind": block.kind,
        "shape": shape,
        "parameters": parameters,
        "title": f"{block.name}: " + ", ".join(fact for fact in facts if fact),
    }


def _size(shape: tuple[int, ...], parameters: int) -> tuple[str, str]:
    return " × ".join(map(str, shape)), f"{parameters:,} params" if parameters else ""
