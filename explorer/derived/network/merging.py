"""Layers that take several inputs and give one output."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from functools import reduce
from typing import Any

import numpy as np

from explorer.derived.network.node import Array, Call, LayerOp, as_float


class Merge(LayerOp):
    """What the merging layers share: inputs of several ranks become alike, as Keras does it."""

    least, most = 2, sys.maxsize

    def forward(self, call: Call) -> Array:
        """Merge inputs of one rank."""
        return self.merge(alike(call))

    def backward(self, call: Call, gradient: Array) -> tuple[Array, ...]:
        """Give each input its part, summed over what it was repeated along."""
        parts = self.shares(alike(call), gradient)
        return tuple(
            _unrepeated(part, like.shape).reshape(given.shape)
            for part, like, given in zip(parts, alike(call), call.inputs, strict=True)
        )

    def merge(self, inputs: list[Array]) -> Array:
        """Merge inputs of one rank."""
        raise NotImplementedError

    def shares(self, inputs: list[Array], gradient: Array) -> list[Array]:
        """Give the gradient at each of them, before sums over repeated axes."""
        raise NotImplementedError


class WeightedSum(Merge):
    """``Add``, ``Subtract`` and ``Average``: a sum with a factor for each input."""

    def __init__(self, factors: Callable[[int], Sequence[float]], most: int = sys.maxsize) -> None:
        self._factors = factors
        self.most = most

    def merge(self, inputs: list[Array]) -> Array:
        """Add up."""
        factors = self._factors(len(inputs))
        rows = zip(factors, inputs, strict=True)
        return reduce(np.add, [np.float32(factor) * each for factor, each in rows])

    def shares(self, inputs: list[Array], gradient: Array) -> list[Array]:
        """Multiply with each factor."""
        return [np.float32(factor) * gradient for factor in self._factors(len(inputs))]


class Multiply(Merge):
    """``Multiply``."""

    is_affine = False

    def merge(self, inputs: list[Array]) -> Array:
        """Give the product."""
        return reduce(np.multiply, inputs)

    def shares(self, inputs: list[Array], gradient: Array) -> list[Array]:
        """Multiply with all the others."""
        return [
            reduce(np.multiply, [*inputs[:number], *inputs[number + 1 :]], gradient)
            for number in range(len(inputs))
        ]


class Extreme(Merge):
    """``Maximum`` or ``Minimum``; of equal inputs the first one gets the gradient."""

    is_affine = False

    def __init__(self, sign: int) -> None:
        self._sign = np.float32(sign)

    def merge(self, inputs: list[Array]) -> Array:
        """Give the greatest, or the least."""
        return np.asarray(reduce(np.maximum, [self._sign * each for each in inputs]) * self._sign)

    def shares(self, inputs: list[Array], gradient: Array) -> list[Array]:
        """Give all to the one that was taken."""
        whole = np.stack(np.broadcast_arrays(*[self._sign * each for each in inputs]))
        taken = whole.argmax(axis=0)
        return [np.where(taken == number, gradient, 0) for number in range(len(inputs))]


class Concatenate(LayerOp):
    """``Concatenate``."""

    least, most = 2, sys.maxsize
    units = "mixed"

    def forward(self, call: Call) -> Array:
        """Join along an axis."""
        inputs = [as_float(each) for each in call.inputs]
        return np.concatenate(inputs, axis=call.config.get("axis", -1))

    def backward(self, call: Call, gradient: Array) -> tuple[Array, ...]:
        """Part along that axis."""
        axis = call.config.get("axis", -1)
        edges = np.cumsum([each.shape[axis] for each in call.inputs])[:-1]
        return tuple(np.split(gradient, edges, axis=axis))


class Dot(LayerOp):
    """``Dot``: sums of products along one axis of each of two inputs."""

    least = most = 2
    is_affine = False
    units = "mixed"

    def fault(self, config: Mapping[str, Any]) -> str | None:
        """Say that the cosine is not repeated."""
        if config.get("normalize"):
            return "It normalizes its inputs (normalize), which is not repeated."
        return super().fault(config)

    def forward(self, call: Call) -> Array:
        """Give (batch, rest of the first, rest of the second)."""
        first, second, output = self._letters(call)
        result: Array = np.einsum(f"{first},{second}->{output}", *map(as_float, call.inputs))
        return result[:, None] if result.ndim == 1 else result

    def backward(self, call: Call, gradient: Array) -> tuple[Array, ...]:
        """Multiply with the other one."""
        first, second, output = self._letters(call)
        one, other = map(as_float, call.inputs)
        if len(output) == 1:
            gradient = gradient[:, 0]
        return (
            np.einsum(f"{output},{second}->{first}", gradient, other),
            np.einsum(f"{output},{first}->{second}", gradient, one),
        )

    def _letters(self, call: Call) -> tuple[str, str, str]:
        """Name the axes: a is the batch, z the axis that is summed over."""
        axes = call.config["axes"]
        ranks = [each.ndim for each in call.inputs]
        summed = [
            axis % rank
            for axis, rank in zip([axes] * 2 if isinstance(axes, int) else axes, ranks, strict=True)
        ]
        names = [list("abcdefgh"[: ranks[0]]), list("aijklmno"[: ranks[1]])]
        for letters, axis in zip(names, summed, strict=True):
            letters[axis] = "z"
        first, second = map("".join, names)
        return first, second, (first + second[1:]).replace("z", "")


def alike(call: Call) -> list[Array]:
    """Give inputs of one rank: missing axes come after the batch."""
    rank = max(each.ndim for each in call.inputs)
    return [
        as_float(each).reshape(len(each), *(1,) * (rank - each.ndim), *each.shape[1:])
        for each in call.inputs
    ]


def _unrepeated(gradient: Array, shape: tuple[int, ...]) -> Array:
    axes = tuple(
        axis
        for axis, (has, had) in enumerate(zip(gradient.shape, shape, strict=True))
        if had == 1 and has != 1
    )
    return gradient.sum(axis=axes, keepdims=True) if axes else gradient


LAYER_OPS: dict[str, LayerOp] = {
    "Add": WeightedSum(lambda count: [1] * count),
    "Subtract": WeightedSum(lambda _: [1, -1], most=2),
    "Average": WeightedSum(lambda count: [1 / count] * count),
    "Multiply": Multiply(),
    "Maximum": Extreme(1),
    "Minimum": Extreme(-1),
    "Concatenate": Concatenate(),
    "Dot": Dot(),
}
