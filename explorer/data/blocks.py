"""The blocks of a run's network."""

from __future__ import annotations

from explorer.derived.network.blocks import Block, find_blocks
from store import Layers


def inbound_of(layers: Layers) -> dict[str, list[str]]:
    """Give what each layer takes of those before it.

    A damaged run may name layers that do not exist, or have cycles: what does not come from an
    earlier layer is left out.
    """
    inbound: dict[str, list[str]] = {}
    for name, layer in layers.items():
        inbound[name] = [source for source in dict.fromkeys(layer.inbound) if source in inbound]
    return inbound


def blocks_of(layers: Layers) -> tuple[Block, ...]:
    """Find the outermost blocks of a run's network."""
    return find_blocks(
        {name: layer.class_name for name, layer in layers.items()},
        inbound_of(layers),
        [name for name, layer in layers.items() if layer.operations_between],
    )
