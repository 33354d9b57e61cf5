"""Layers that are an activation function alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from explorer.derived.network.activations import Activation, elu, relu, softmax_over
from explorer.derived.network.layer_op import LayerOp
from explorer.derived.network.node import Array, Call, Field, OutputPart
from explorer.derived.network.registry import register


@register("Activation")
class NamedActivation(LayerOp):
    """``Activation``: the function that its configuration names."""

    is_activated = True


@register("ReLU")
class ReLU(LayerOp):
    """``ReLU``."""

    def activation(self, config: Mapping[str, Any]) -> Activation:
        """Read slope, bound and threshold."""
        slope, threshold = config.get("negative_slope") or 0, config.get("threshold") or 0
        return relu(slope, config.get("max_value"), threshold)


@register("LeakyReLU")
class LeakyReLU(LayerOp):
    """``LeakyReLU``."""

    def activation(self, config: Mapping[str, Any]) -> Activation:
        """Read the slope."""
        return relu(config.get("negative_slope", 0.3))


@register("ELU")
class ELU(LayerOp):
    """``ELU``."""

    def activation(self, config: Mapping[str, Any]) -> Activation:
        """Read alpha."""
        return elu(config.get("alpha", 1))


@register("Softmax")
class Softmax(LayerOp):
    """``Softmax``."""

    def activation(self, config: Mapping[str, Any]) -> Activation:
        """Read the axis, or the axes."""
        return softmax_over(config.get("axis", -1))

    def sees(self, part: OutputPart) -> Field:
        """Give all that shares a sum with the part."""
        return part.along_axis


@register("PReLU")
class PReLU(LayerOp):
    """``PReLU``: its slope below zero is a weight (He et al. 2015, arXiv:1502.01852)."""

    is_affine = False

    def forward(self, call: Call) -> Array:
        """Multiply what is below zero."""
        return np.where(call.x > 0, call.x, call.weight("alpha") * call.x)

    def backward(self, call: Call, gradient: Array) -> tuple[Array, ...]:
        """Multiply the gradient there."""
        # TensorFlow's relu has no slope at zero, on neither side.
        below = np.where(call.x < 0, call.weight("alpha"), 0)
        return (gradient * np.where(call.x > 0, 1, below).astype(np.float32),)

    def weight_gradients(self, call: Call, gradient: Array) -> dict[str, Array]:
        """Add up what lies below zero, over the batch and over axes that share a slope."""
        alpha = call.weight("alpha")
        found = np.where(call.x < 0, gradient * call.x, 0).sum(axis=0)
        shared = tuple(axis for axis, size in enumerate(alpha.shape) if size == 1)
        return {"alpha": found.sum(axis=shared, keepdims=True)}

    def slope(self, call: Call) -> Array:
        """Give the weight where the input is negative."""
        return np.where(
            call.x > 0, np.float32(1), np.broadcast_to(call.weight("alpha"), call.x.shape)
        )
