"""Units that are held at a value: no layer of Keras, but an edit of a network."""

from __future__ import annotations

from explorer.derived.network.layer_op import LayerOp
from explorer.derived.network.node import Array, Call
from explorer.derived.network.registry import FIXED_UNITS_CLASS, register


@register(FIXED_UNITS_CLASS)
class FixedUnits(LayerOp):
    """Each unit times a factor, plus a constant: silent with 0 and 0, fixed with 0 and a value."""

    def forward(self, call: Call) -> Array:
        """Multiply and add."""
        return call.x * call.weight("factor") + call.weight("constant")

    def backward(self, call: Call, gradient: Array) -> tuple[Array, ...]:
        """Multiply: what is held passes no gradient."""
        return (gradient * call.weight("factor"),)
