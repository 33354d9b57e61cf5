"""Which Keras classes are repeated here, and what in a layer cannot be."""

from __future__ import annotations

import functools
import importlib
import pkgutil
from collections.abc import Callable, Mapping
from typing import TypeVar

from explorer.derived.network import operations
from explorer.derived.network.layer_op import LayerOp
from explorer.derived.network.node import Node

Op = TypeVar("Op", bound=type[LayerOp])

INPUT_CLASS = "InputLayer"
OPERATIONS_CLASS = "Operations"
# What gives back what it takes.
IDLE_CLASS = "Identity"
# The mask of pairs of places is the output of a layer; other masks follow from what one takes.
MORE_MASKED = "attention_mask"
# No class of Keras, whose names have no space: units that are held, see `editing`.
FIXED_UNITS_CLASS = "fixed units"
MASK_MAKERS = ("Embedding", "Masking", OPERATIONS_CLASS)

_registered: dict[str, LayerOp] = {}


def register(*class_names: str) -> Callable[[Op], Op]:
    """Class decorator: this is how layers of these Keras classes compute."""

    def registered(op: Op) -> Op:
        _registered.update(dict.fromkeys(class_names, op()))
        return op

    return registered


@functools.cache
def _load() -> None:
    for module in pkgutil.iter_modules(operations.__path__, f"{operations.__name__}."):
        importlib.import_module(module.name)


def layer_ops() -> Mapping[str, LayerOp]:
    """Give what computes the layers of each Keras class that is known."""
    _load()
    return _registered


def node_fault(node: Node, classes: Mapping[str, str]) -> str | None:
    """Say in a sentence why a layer cannot be repeated; None: it can.

    Parameters
    ----------
    node : Node
        The layer.
    classes : mapping of str to str
        Class of every layer of the network.
    """
    if node.class_name == OPERATIONS_CLASS:
        return "It stands for plain operations, and a run does not say which."
    if node.operations_between:
        return (
            f"Between {' and '.join(node.inbound) or 'the input'} and this layer lie plain "
            "operations, and a run does not say which."
        )
    op = layer_ops().get(node.class_name)
    if op is None:
        return f"The class {node.class_name} is not repeated here."
    if op.mask_arguments and not node.arguments:
        return "A run does not say what its call was given: it was recorded by an older Trainlapse."
    if not op.least <= len(node.takes) <= op.most:
        return _count_fault(node, op)
    maker = classes.get(node.mask_from or "")
    strange = {maker} if op.obeys_mask and maker is not None else set()
    strange |= _makers(node, op, classes)
    for other in sorted(strange - {*MASK_MAKERS}):
        return f"It obeys a mask that a layer of class {other} makes, which cannot be derived."
    if node.class_name == "Softmax" and maker is not None:
        return "It leaves out what is masked, which is not repeated."
    return op.config_fault(node.config)


def _makers(node: Node, op: LayerOp, classes: Mapping[str, str]) -> set[str]:
    """Classes of the layers that make the masks of a call's inputs."""
    found: set[str] = set()
    for name in op.mask_arguments:
        value = node.arguments.get(name) if name != MORE_MASKED else None
        makers = value if isinstance(value, list) else [value]
        found |= {classes.get(maker, "?") for maker in makers if isinstance(maker, str)}
    return found


def _count_fault(node: Node, op: LayerOp) -> str:
    if not node.inbound:
        return "A run does not say where its input comes from."
    expected = str(op.least) if op.least == op.most else f"{op.least} or more"
    return (
        f"Inputs of a {node.class_name} layer: {expected}; the run names {len(node.takes)} "
        f"({', '.join(node.takes)}). Plain operations lie between, or one layer is given twice."
    )
