"""What-if: a network some of whose units are silenced, scaled or held at a value."""

from __future__ import annotations

from dataclasses import dataclass, replace

from explorer.derived.network.engine import Network, StepWeights
from explorer.derived.network.node import Array, Node
from explorer.derived.network.registry import FIXED_UNITS_CLASS


@dataclass(frozen=True, slots=True, eq=False)
class Edit:
    """What is done to the units of a layer: each times a factor, plus a constant.

    Attributes
    ----------
    layer : str
        Name of the layer, one call of it where it is shared.
    factor, constant : ndarray (unit,), float32
        1 and 0 leave a unit alone; 0 and 0 silence it.
    """

    layer: str
    factor: Array
    constant: Array


def edited(network: Network, weights: StepWeights, edit: Edit) -> tuple[Network, StepWeights]:
    """Put an edit behind a layer, as one layer more.

    It takes the name of the edited layer, so that whatever took that layer takes the edit; the
    layer itself is called ``<name> before``. Masks stay those that the layer made.

    Parameters
    ----------
    network : Network
        The network.
    weights : mapping of str to (mapping of str to ndarray)
        Its weights.
    edit : Edit
        The edit.

    Returns
    -------
    Network, mapping
        The edited network with its weights, each call with its own.
    """
    before = f"{edit.layer} before"
    while before in network.nodes:
        before += " before"
    nodes: list[Node] = []
    for node in network.nodes.values():
        mask = before if node.mask_from == edit.layer else node.mask_from
        if node.name == edit.layer:
            nodes.append(replace(node, name=before, mask_from=mask))
            nodes.append(Node(edit.layer, FIXED_UNITS_CLASS, inbound=(before,)))
        else:
            nodes.append(replace(node, mask_from=mask))
    own = of_each_call(network, weights)
    fixed = {"factor": edit.factor, "constant": edit.constant}
    return Network(nodes), {**own, before: own.get(edit.layer, {}), edit.layer: fixed}


def of_each_call(network: Network, weights: StepWeights) -> StepWeights:
    """Give every call of a shared layer the weights that are stored with its first call."""
    found = {
        name: weights.get(name) or weights.get(network.first_call(name)) for name in network.nodes
    }
    return {name: own for name, own in found.items() if own}
