"""Layers that only move or scale values, and those that act during training alone."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from explorer.derived.network.layer_op import LayerOp
from explorer.derived.network.node import Array, Call, Field, OutputPart, pair
from explorer.derived.network.registry import register


@register(
    "Identity",
    "Dropout",
    "SpatialDropout1D",
    "SpatialDropout2D",
    "SpatialDropout3D",
    "AlphaDropout",
    "GaussianDropout",
    "GaussianNoise",
    "ActivityRegularization",
    "AugMix",
    "CutMix",
    "MixUp",
    "RandAugment",
    "RandomBrightness",
    "RandomColorDegeneration",
    "RandomColorJitter",
    "RandomContrast",
    "RandomElasticTransform",
    "RandomErasing",
    "RandomFlip",
    "RandomGaussianBlur",
    "RandomGrayscale",
    "RandomHue",
    "RandomInvert",
    "RandomPerspective",
    "RandomPosterization",
    "RandomRotation",
    "RandomSaturation",
    "RandomSharpness",
    "RandomShear",
    "RandomTranslation",
    "RandomZoom",
)
class Identity(LayerOp):
    """What only regularizes or augments: in inference mode the input passes through."""


@register("Rescaling")
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


@register("Flatten")
class Flatten(LayerOp):
    """``Flatten``: one unit for each value."""

    units = "folded"

    def forward(self, call: Call) -> Array:
        """Give (batch, unit)."""
        return call.x.reshape(len(call.x), -1)

    def backward(self, call: Call, gradient: Array) -> tuple[Array, ...]:
        """Give back the shape."""
        return (gradient.reshape(call.x.shape),)

    def sees(self, part: OutputPart) -> Field:
        """Give all places."""
        return part.whole


@register("Reshape")
class Reshape(Flatten):
    """``Reshape``."""

    def forward(self, call: Call) -> Array:
        """Give (batch, *target_shape)."""
        x, target = call.x, list(call.config["target_shape"])
        if -1 in target:
            target[target.index(-1)] = math.prod(x.shape[1:]) // -math.prod(target)
        return x.reshape(len(x), *target)


@register("Permute")
class Permute(LayerOp):
    """``Permute``: the axes in another order."""

    units = "mixed"  # as far as is known without the order

    def forward(self, call: Call) -> Array:
        """Put the axes in order."""
        return call.x.transpose(0, *call.config["dims"])

    def backward(self, call: Call, gradient: Array) -> tuple[Array, ...]:
        """Put them back."""
        return (gradient.transpose(np.argsort([0, *call.config["dims"]])),)

    def sees(self, part: OutputPart) -> Field:
        """Give the places in their order before; all if the units were moved too."""
        dims = part.config["dims"]
        if dims[-1] != len(dims):
            return part.whole
        order = [dims.index(axis + 1) for axis in range(len(part.lengths))]
        return tuple(part.field[at] for at in order)


@register("RepeatVector")
class RepeatVector(LayerOp):
    """``RepeatVector``: the same units for each token."""

    def forward(self, call: Call) -> Array:
        """Give (batch, token, unit)."""
        x, count = call.x, int(call.config["n"])
        call.hold((len(x), count, *x.shape[1:]))
        return np.repeat(x[:, None], count, axis=1)

    def backward(self, call: Call, gradient: Array) -> tuple[Array, ...]:
        """Add up."""
        return (gradient.sum(axis=1).reshape(call.x.shape),)


@register("ZeroPadding1D", "ZeroPadding2D", "ZeroPadding3D")
class ZeroPadding(LayerOp):
    """``ZeroPadding1D`` to ``ZeroPadding3D``."""

    def forward(self, call: Call) -> Array:
        """Add zeros around."""
        x = call.x
        sides = ((0, 0), *edges(call.config, "padding", x.ndim - 2), (0, 0))
        call.hold([length + sum(side) for length, side in zip(x.shape, sides, strict=True)])
        return np.pad(x, sides)

    def backward(self, call: Call, gradient: Array) -> tuple[Array, ...]:
        """Cut them off."""
        return (_cut(gradient, edges(call.config, "padding", gradient.ndim - 2)),)

    def sees(self, part: OutputPart) -> Field:
        """Give the places before the zeros were added."""
        sides = edges(part.config, "padding", len(part.lengths))
        return _moved(part.field, [-before for before, _ in sides])


@register("Cropping1D", "Cropping2D", "Cropping3D")
class Cropping(LayerOp):
    """``Cropping1D`` to ``Cropping3D``."""

    def forward(self, call: Call) -> Array:
        """Cut off the edges."""
        return _cut(call.x, edges(call.config, "cropping", call.x.ndim - 2))

    def backward(self, call: Call, gradient: Array) -> tuple[Array, ...]:
        """Add zeros."""
        whole = np.zeros(call.x.shape, np.float32)
        _cut(whole, edges(call.config, "cropping", gradient.ndim - 2))[...] = gradient
        return (whole,)

    def sees(self, part: OutputPart) -> Field:
        """Give the places before the edges were cut off."""
        sides = edges(part.config, "cropping", len(part.lengths))
        return _moved(part.field, [before for before, _ in sides])


@register("UpSampling1D", "UpSampling2D", "UpSampling3D")
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
        sizes = pair(call.config["size"], x.ndim - 2)
        call.hold([n * size for n, size in zip(x.shape, (1, *sizes, 1), strict=True)])
        for axis, size in enumerate(sizes, start=1):
            x = np.repeat(x, size, axis=axis)
        return x

    def backward(self, call: Call, gradient: Array) -> tuple[Array, ...]:
        """Add up along each axis."""
        for axis, size in enumerate(pair(call.config["size"], gradient.ndim - 2), start=1):
            shape = (*gradient.shape[:axis], -1, size, *gradient.shape[axis + 1 :])
            gradient = gradient.reshape(shape).sum(axis=axis + 1)
        return (gradient,)

    def sees(self, part: OutputPart) -> Field:
        """Give the places that were repeated."""
        sizes = pair(part.config["size"], len(part.lengths))
        return tuple(
            (start // size, (stop - 1) // size + 1)
            for (start, stop), size in zip(part.field, sizes, strict=True)
        )


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


def _moved(field: Field, ways: Sequence[int]) -> Field:
    return tuple((start + way, stop + way) for (start, stop), way in zip(field, ways, strict=True))
