"""Dense layers."""

from __future__ import annotations

from explorer.derived.network.layer_op import LayerOp
from explorer.derived.network.node import Array, Call
from explorer.derived.network.operations.convolution import (
    bias_gradient,
    biased,
    pointwise_gradient,
)
from explorer.derived.network.registry import register


@register("Dense")
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

    def weight_gradients(self, call: Call, gradient: Array) -> dict[str, Array]:
        """Multiply what comes in with what comes back."""
        return {"kernel": pointwise_gradient(call.x, gradient), **bias_gradient(call, gradient)}
