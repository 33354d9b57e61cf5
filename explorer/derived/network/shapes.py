"""Layers that move values without computing, or only while a network is trained."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from explorer.derived.network.node import Array, Call, LayerOp, pair


class Rescaling(LayerOp):
    """``Rescaling``: a factor and a constant."""

    def forward(self, call: Call) -> Array:
        """Multiply and add."""
        scale, offset = (
            np.asarray(call.config.get(name, default), np.float32)
            for name, default in (("scale", 1.0), ("offset", 0.0))
        )
        return call.x * scale + offset

    def backward(self, call: Call, gradient: Array) -> tuple[Array, ...]:
        """Multiply."""
        return (gradient * np.asarray(call.config.get("scale", 1.0), np.float32),)


class Flatten(LayerOp):
    """``Flatten``: one unit for each value."""

    units = "folded"

    def forward(self, call: Call) -> Array:
        """Give (batch, unit)."""
        return call.x.reshape(len(call.x), -1)

    def backward(self, call: Call, gradient: Array) -> tuple[Array, ...]:
        """Give back the shape."""
        return (gradient.reshape(call.x.shape),)


class Reshape(Flatten):
    """``Reshape``."""

    def forward(self, call: Call) -> Array:
        """Give (batch, *target_shape)."""
        x, target = call.x, list(call.config["target_shape"])
        if -1 in target:
            target[target.index(-1)] = math.prod(x.shape[1:]) // -math.prod(target)
        return x.reshape(len(x), *target)


class Permute(LayerOp):
    """``Permute``: the axes in another order."""

    units = "mixed"  # as far as is known without the order

    def forward(self, call: Call) -> Array:
        """Put the axes in order."""
        return call.x.transpose(0, *call.config["dims"])

    def backward(self, call: Call, gradient: Array) -> tuple[Array, ...]:
        """Put them back."""
        return (gradient.transpose(np.argsort([0, *call.config["dims"]])),)


class RepeatVector(LayerOp):
    """``RepeatVector``: the same units for each token."""

    def forward(self, call: Call) -> Array:
        """Give (batch, token, unit)."""
        return np.repeat(call.x[:, None], int(call.config["n"]), axis=1)

    def backward(self, call: Call, gradient: Array) -> tuple[Array, ...]:
        """Add up."""
        return (gradient.sum(axis=1).reshape(call.x.shape),)


class ZeroPadding(LayerOp):
    """``ZeroPadding1D`` to ``ZeroPadding3D``."""

    def forward(self, call: Call) -> Array:
        """Add zeros around."""
        return np.pad(call.x, ((0, 0), *edges(call.config, "padding", call.x.ndim - 2), (0, 0)))

    def backward(self, call: Call, gradient: Array) -> tuple[Array, ...]:
        """Cut them off."""
        return (_cut(gradient, edges(call.config, "padding", gradient.ndim - 2)),)


class Cropping(LayerOp):
    """``Cropping1D`` to ``Cropping3D``."""

    def forward(self, call: Call) -> Array:
        """Cut off the edges."""
        return _cut(call.x, edges(call.config, "cropping", call.x.ndim - 2))

    def backward(self, call: Call, gradient: Array) -> tuple[Array, ...]:
        """Add zeros."""
        return (
            np.pad(gradient, ((0, 0), *edges(call.config, "cropping", gradient.ndim - 2), (0, 0))),
        )


class UpSampling(LayerOp):
    """``UpSampling1D`` to ``UpSampling3D``: every value several times."""

    def fault(self, config: Mapping[str, Any]) -> str | None:
        """Say that values are repeated, and not interpolated."""
        how = config.get("interpolation", "nearest")
        if how != "nearest":
            return f"It interpolates ({how}), which is not repeated; only 'nearest' is."
        return super().fault(config)

    def forward(self, call: Call) -> Array:
        """Repeat along each axis."""
        x = call.x
        for axis, size in enumerate(pair(call.config["size"], x.ndim - 2), start=1):
            x = np.repeat(x, size, axis=axis)
        return x

    def backward(self, call: Call, gradient: Array) -> tuple[Array, ...]:
        """Add up along each axis."""
        for axis, size in enumerate(pair(call.config["size"], gradient.ndim - 2), start=1):
            shape = (*gradient.shape[:axis], -1, size, *gradient.shape[axis + 1 :])
            gradient = gradient.reshape(shape).sum(axis=axis + 1)
        return (gradient,)


def edges(config: Mapping[str, Any], option: str, axes: int) -> tuple[tuple[int, int], ...]:
    """Read how much is added or cut before and after each spatial axis."""
    value = config[option]
    if isinstance(value, int):
        return ((value, value),) * axes
    if axes == 1 and len(value) == 2:
        value = [value]
    sides = [pair(part, 2) for part in value]
    return tuple((before, after) for before, after in sides)


def _cut(x: Array, sides: tuple[tuple[int, int], ...]) -> Array:
    inner = (
        slice(before, length - after)
        for length, (before, after) in zip(x.shape[1:-1], sides, strict=True)
    )
    return x[:, *inner]


# What only regularizes: in inference mode the input passes through.
_IDLE = (
    "Identity",
    "Dropout",
    "SpatialDropout1D",
    "SpatialDropout2D",
    "SpatialDropout3D",
    "AlphaDropout",
    "GaussianDropout",
    "GaussianNoise",
    "ActivityRegularization",
)
_AXES = (1, 2, 3)
LAYER_OPS: dict[str, LayerOp] = {
    **dict.fromkeys(_IDLE, LayerOp()),
    **{f"ZeroPadding{axes}D": ZeroPadding() for axes in _AXES},
    **{f"Cropping{axes}D": Cropping() for axes in _AXES},
    **{f"UpSampling{axes}D": UpSampling() for axes in _AXES},
    "Rescaling": Rescaling(),
    "Flatten": Flatten(),
    "Reshape": Reshape(),
    "Permute": Permute(),
    "RepeatVector": RepeatVector(),
}
