"""Dense layers, and layers that are an activation function alone."""

from __future__ import annotations

import numpy as np

from explorer.derived.network.convolution import biased
from explorer.derived.network.node import Array, Call, LayerOp


class Dense(LayerOp):
    """``Dense``, on the last axis of an input of any rank."""

    units = "mixed"
    is_activated = True

    def forward(self, call: Call) -> Array:
        """Multiply with the kernel (in_unit, unit), and add the bias."""
        return biased(call, call.x @ call.weight("kernel"))

    def backward(self, call: Call, gradient: Array) -> tuple[Array, ...]:
        """Multiply with the kernel, turned."""
        return (gradient @ call.weight("kernel").T,)


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


class ActivationOnly(LayerOp):
    """``Activation``, ``ReLU``, ``Softmax`` and their like: nothing but the function after it."""


LAYER_OPS: dict[str, LayerOp] = {
    "Dense": Dense(),
    "PReLU": PReLU(),
    **dict.fromkeys(("Activation", "ReLU", "LeakyReLU", "ELU", "Softmax"), ActivationOnly()),
}
