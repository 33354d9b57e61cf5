"""Layers that turn numbers into categories."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from explorer.derived.network.layer_op import LayerOp
from explorer.derived.network.node import Array, Call
from explorer.derived.network.registry import register
from explorer.derived.recurrent.equations import NotDerivableError


class Categories(LayerOp):
    """What they share: a number of a category, given as it is, as ones and zeros, or counted."""

    is_affine = False
    units = "mixed"

    def fault(self, config: Mapping[str, Any]) -> str | None:
        """Say that weights of counts are not repeated."""
        if config.get("output_mode") not in ("int", "one_hot", "multi_hot", "count"):
            return f"Its output_mode is {config.get('output_mode')!r}, which is not repeated."
        return super().fault(config)

    def numbers(self, call: Call) -> tuple[Array, int]:
        """Give the category of each value, and how many there are."""
        raise NotImplementedError

    def forward(self, call: Call) -> Array:
        """Encode the categories."""
        numbers, count = self.numbers(call)
        mode = call.config["output_mode"]
        if mode == "int":
            return numbers
        if numbers.ndim > 1 and numbers.shape[-1] == 1 and mode == "one_hot":
            numbers = numbers[..., 0]
        call.hold((*numbers.shape, count))
        whole: Array = (numbers[..., None] == np.arange(count)).astype(np.float32)
        if mode == "one_hot":
            return whole
        if numbers.ndim > 1:
            whole = whole.sum(axis=1)
        return whole if mode == "count" else np.minimum(whole, 1)

    def backward(self, call: Call, gradient: Array) -> tuple[Array, ...]:
        """Give zeros: a category has no slope."""
        del gradient
        return (np.zeros(call.x.shape, np.float32),)


@register("Discretization")
class Discretization(Categories):
    """``Discretization``: between which two bounds a number lies."""

    def fault(self, config: Mapping[str, Any]) -> str | None:
        """Say that the bounds must be known."""
        if not config.get("bin_boundaries"):
            return "Its configuration does not hold the bounds that it learned (bin_boundaries)."
        return super().fault(config)

    def numbers(self, call: Call) -> tuple[Array, int]:
        """Count the bounds that are not above."""
        bounds = np.asarray(call.config["bin_boundaries"], np.float32)
        return np.digitize(call.x, bounds), len(bounds) + 1


@register("CategoryEncoding")
class CategoryEncoding(Categories):
    """``CategoryEncoding``: whole numbers are categories."""

    def numbers(self, call: Call) -> tuple[Array, int]:
        """Read the numbers."""
        if len(call.inputs) > 1:
            raise NotDerivableError("It weights its counts, which is not repeated.")
        return call.inputs[0].astype(np.int64), int(call.config["num_tokens"])
