"""A layer that is applied to every token."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from explorer.derived.network.activations import Activation
from explorer.derived.network.layer_op import LayerOp
from explorer.derived.network.node import Array, Call, Field, OutputPart
from explorer.derived.network.registry import layer_ops, register


@register("TimeDistributed")
class TimeDistributed(LayerOp):
    """``TimeDistributed``: another layer at every token."""

    is_affine = False
    units = "mixed"

    def fault(self, config: Mapping[str, Any]) -> str | None:
        """Say what in the layer inside cannot be repeated."""
        class_name, inner = config["layer"]["class_name"], config["layer"]["config"]
        op = layer_ops().get(class_name)
        if op is None or op.obeys_mask or op.least > 1 or class_name == "Embedding":
            return f"A {class_name} layer inside of it is not repeated."
        if class_name == "Softmax" and inner.get("axis", -1) != -1:
            return "A Softmax over another axis than the last inside of it is not repeated."
        return op.config_fault(inner)

    def activation(self, config: Mapping[str, Any]) -> Activation:
        """Find that of the layer inside."""
        inner = config["layer"]
        return layer_ops()[inner["class_name"]].activation(inner["config"])

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

    def sees(self, part: OutputPart) -> Field:
        """Give the same tokens, of each all places."""
        return (part.field[0], *part.whole[1:])

    def _inner(self, call: Call) -> tuple[LayerOp, Call]:
        layer = call.config["layer"]
        tokens = call.x.reshape(-1, *call.x.shape[2:])
        inner = replace(
            call,
            class_name=layer["class_name"],
            config=layer["config"],
            inputs=(tokens,),
            mask=None,
            output_shape=call.output_shape and call.output_shape[1:],
        )
        return layer_ops()[layer["class_name"]], inner
