"""Layers that take several inputs and give one output."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from functools import reduce
from typing import Any

import numpy as np

from explorer.derived.network.layer_op import LayerOp
from explorer.derived.network.node import Array, Call, Field, OutputPart, as_float
from explorer.derived.network.registry import register


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

    def sees(self, part: OutputPart) -> Field:
        """Give the same places; of an axis of length one, which is repeated, the only one."""
        return tuple(
            (0, 1) if length == 1 else bounds
            for bounds, length in zip(part.field, part.lengths, strict=True)
        )

    def merge(self, inputs: list[Array]) -> Array:
        """Merge inputs of one rank."""
        raise NotImplementedError

    def shares(self, inputs: list[Array], gradient: Array) -> list[Array]:
        """Give the gradient at each of them, before sums over repeated axes."""
        raise NotImplementedError


class WeightedSum(Merge):
    """A sum with a factor for each input."""

    def factors(self, count: int) -> Sequence[float]:
        """Give the factor of each of some number of inputs."""
        raise NotImplementedError

    def merge(self, inputs: list[Array]) -> Array:
        """Add up."""
        rows = zip(self.factors(len(inputs)), inputs, strict=True)
        return reduce(np.add, [np.float32(factor) * each for factor, each in rows])

    def shares(self, inputs: list[Array], gradient: Array) -> list[Array]:
        """Multiply with each factor."""
        return [np.float32(factor) * gradient for factor in self.factors(len(inputs))]


@register("Add")
class Add(WeightedSum):
    """``Add``."""

    def factors(self, count: int) -> Sequence[float]:
        """Give ones."""
        return [1] * count


@register("Subtract")
class Subtract(WeightedSum):
    """``Subtract``: the first input less the second."""

    most = 2

    def factors(self, count: int) -> Sequence[float]:
        """Give 1, then -1."""
        return [1] + [-1] * (count - 1)


@register("Average")
class Average(WeightedSum):
    """``Average``."""

    def factors(self, count: int) -> Sequence[float]:
        """Give equal shares."""
        return [1 / count] * count


@register("Multiply")
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


@register("Maximum")
class Maximum(Merge):
    """``Maximum``; of equal inputs the first one gets the gradient."""

    is_affine = False
    sign = np.float32(1)

    def merge(self, inputs: list[Array]) -> Array:
        """Give the greatest."""
        return np.asarray(reduce(np.maximum, [self.sign * each for each in inputs]) * self.sign)

    def shares(self, inputs: list[Array], gradient: Array) -> list[Array]:
        """Give all to the one that was taken."""
        whole = np.stack(np.broadcast_arrays(*[self.sign * each for each in inputs]))
        taken = whole.argmax(axis=0)
        return [np.where(taken == number, gradient, 0) for number in range(len(inputs))]


@register("Minimum")
class Minimum(Maximum):
    """``Minimum``: the greatest of the negative inputs, made positive again."""

    sign = np.float32(-1)


@register("Concatenate")
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

    def sees(self, part: OutputPart) -> Field:
        """Give the same places, or all where they are what is joined."""
        return part.along_axis


@register("Dot")
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

    def sees(self, part: OutputPart) -> Field:
        """Give all places."""
        return part.whole

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
