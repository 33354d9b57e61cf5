"""Dense layers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from explorer.derived.network.layer_op import LayerOp
from explorer.derived.network.node import Array, Call, Field, OutputPart
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


@register("EinsumDense")
class EinsumDense(LayerOp):
    """``EinsumDense``: products with a kernel, summed over the axes that an equation names."""

    units = "mixed"
    is_activated = True

    def fault(self, config: Mapping[str, Any]) -> str | None:
        """Say that an equation must be one."""
        left, arrow, _ = str(config.get("equation", "")).partition("->")
        if not arrow or left.count(",") != 1:
            return f"Its equation is {config.get('equation')!r}, which is not repeated."
        return super().fault(config)

    def forward(self, call: Call) -> Array:
        """Multiply as the equation says, and add the bias."""
        given, kernel, output = self._letters(call)
        found: Array = np.einsum(f"{given},{kernel}->{output}", call.x, call.weight("kernel"))
        return found + call.weight("bias") if call.config.get("bias_axes") else found

    def backward(self, call: Call, gradient: Array) -> tuple[Array, ...]:
        """Multiply with the kernel; along an axis that was summed without it, repeat."""
        given, kernel, output = self._letters(call)
        lone = [letter for letter in given if letter not in output + kernel]
        kept = "".join(letter for letter in given if letter not in lone)
        found = np.einsum(f"{output},{kernel}->{kept}", gradient, call.weight("kernel"))
        for axis, letter in enumerate(given):
            if letter in lone:
                found = np.expand_dims(found, axis)
        return (np.broadcast_to(found, call.x.shape),)

    def weight_gradients(self, call: Call, gradient: Array) -> dict[str, Array]:
        """Multiply what comes in with what comes back."""
        given, kernel, output = self._letters(call)
        found = {"kernel": np.einsum(f"{given},{output}->{kernel}", call.x, gradient)}
        if call.config.get("bias_axes"):
            bias = call.weight("bias")
            axes = tuple(range(gradient.ndim - bias.ndim))
            summed = gradient.sum(axis=axes)
            spread = tuple(axis for axis, size in enumerate(bias.shape) if size == 1)
            found["bias"] = summed.sum(axis=spread, keepdims=True)
        return found

    def sees(self, part: OutputPart) -> Field:
        """Give all places: the equation may sum over any."""
        return part.whole

    def _letters(self, call: Call) -> tuple[str, str, str]:
        """Split the equation; three dots stand for the axes that it does not name."""
        left, _, output = call.config["equation"].replace(" ", "").partition("->")
        given, kernel = left.split(",")
        if "..." in given:
            used = {*given, *kernel, *output}
            free = [letter for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZ" if letter not in used]
            dots = "".join(free[: call.x.ndim - len(given) + len("...")])
            given, output = given.replace("...", dots), output.replace("...", dots)
        return given, kernel, output
