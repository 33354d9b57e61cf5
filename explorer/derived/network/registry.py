"""Which Keras classes are repeated here, and what in a layer cannot be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from explorer.derived.network import (
    convolution,
    dense,
    embedding,
    merging,
    normalization,
    pooling,
    recurrent_layers,
    shapes,
)
from explorer.derived.network.activations import Activation, layer_activation
from explorer.derived.network.node import Array, Call, LayerOp, Node
from explorer.derived.recurrent.equations import NotDerivableError

INPUT_CLASS = "InputLayer"
OPERATIONS_CLASS = "Operations"
MASK_MAKERS = ("Embedding", "Masking", OPERATIONS_CLASS)


class TimeDistributed(LayerOp):
    """``TimeDistributed``: another layer at every token."""

    is_affine = False
    units = "mixed"

    def fault(self, config: Mapping[str, Any]) -> str | None:
        """Say what in the layer inside cannot be repeated."""
        class_name, inner = config["layer"]["class_name"], config["layer"]["config"]
        op = LAYER_OPS.get(class_name)
        if op is None or op.obeys_mask or op.least > 1 or class_name == "Embedding":
            return f"A {class_name} layer inside of it is not repeated."
        if class_name == "Softmax" and inner.get("axis", -1) != -1:
            return "A Softmax over another axis than the last inside of it is not repeated."
        return config_fault(class_name, inner)

    def forward(self, call: Call) -> Array:
        """Take the tokens for probes of their own."""
        op, inner = self._inner(call)
        output = op.forward(inner)
        return output.reshape(*call.x.shape[:2], *output.shape[1:])

    def backward(self, call: Call, gradient: Array) -> tuple[Array, ...]:
        """Take the tokens for probes of their own."""
        op, inner = self._inner(call)
        (given,) = op.backward(inner, gradient.reshape(-1, *gradient.shape[2:]))
        return (given.reshape(call.x.shape),)

    def _inner(self, call: Call) -> tuple[LayerOp, Call]:
        layer = call.config["layer"]
        tokens = call.x.reshape(-1, *call.x.shape[2:])
        inner = replace(
            call,
            class_name=layer["class_name"],
            config=layer["config"],
            inputs=(tokens,),
            mask=None,
        )
        return LAYER_OPS[layer["class_name"]], inner


LAYER_OPS: dict[str, LayerOp] = {
    **convolution.LAYER_OPS,
    **dense.LAYER_OPS,
    **embedding.LAYER_OPS,
    **merging.LAYER_OPS,
    **normalization.LAYER_OPS,
    **pooling.LAYER_OPS,
    **recurrent_layers.LAYER_OPS,
    **shapes.LAYER_OPS,
    "TimeDistributed": TimeDistributed(),
}


def activation_of(class_name: str, config: Mapping[str, Any]) -> Activation:
    """Find the activation function that ends a layer of a known class.

    Raises
    ------
    NotDerivableError
        See `explorer.derived.network.activations.layer_activation`.
    """
    if class_name == "TimeDistributed":
        inner = config["layer"]
        return activation_of(inner["class_name"], inner["config"])
    return layer_activation(class_name, config, is_activated=LAYER_OPS[class_name].is_activated)


def config_fault(class_name: str, config: Mapping[str, Any]) -> str | None:
    """Say in a sentence what in a layer of a known class cannot be repeated; None: nothing."""
    fault = LAYER_OPS[class_name].fault(config)
    if fault is None:
        try:
            activation_of(class_name, config)
        except NotDerivableError as error:
            return str(error)
    return fault


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
    op = LAYER_OPS.get(node.class_name)
    if op is None:
        return f"The class {node.class_name} is not repeated here."
    if not op.least <= len(node.inbound) <= op.most:
        return _count_fault(node, op)
    maker = classes.get(node.mask_from or "")
    if op.obeys_mask and maker is not None and maker not in MASK_MAKERS:
        return f"It obeys a mask that a layer of class {maker} makes, which cannot be derived."
    if node.class_name == "Softmax" and maker is not None:
        return "It leaves out what is masked, which is not repeated."
    return config_fault(node.class_name, node.config)


def _count_fault(node: Node, op: LayerOp) -> str:
    if not node.inbound:
        return "A run does not say where its input comes from."
    expected = str(op.least) if op.least == op.most else f"{op.least} or more"
    return (
        f"Inputs of a {node.class_name} layer: {expected}; the run names {len(node.inbound)} "
        f"({', '.join(node.inbound)}). Plain operations lie between, or one layer is given twice."
    )
