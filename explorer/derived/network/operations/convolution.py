"""Convolutions over one, two or three axes, as matrix products of what the windows see."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from explorer.derived.network.layer_op import LayerOp
from explorer.derived.network.node import Array, Call, Field, OutputPart
from explorer.derived.network.registry import register
from explorer.derived.network.windows import Windows, blocks, windows_of
from explorer.derived.recurrent.equations import NotDerivableError

FLOAT_BYTES = 4


def convolve(x: Array, kernel: Array, windows: Windows) -> Array:
    """Convolve (batch, axis, ..., channel) with a kernel (place, ..., channel, unit)."""
    *size, channels, units = kernel.shape
    if tuple(size) != windows.size:
        raise NotDerivableError(
            f"Its configuration has kernels of {windows.size} places; recorded were {tuple(size)}."
        )
    matrix = kernel.reshape(-1, units)
    counts = windows.counts(x.shape[1:-1])
    output = np.empty((len(x), *counts, units), np.float32)
    for block in blocks(len(x), FLOAT_BYTES * math.prod((*counts, *size, channels))):
        rows = windows.content(x[block]).reshape(-1, len(matrix))
        output[block] = (rows @ matrix).reshape(-1, *counts, units)
    return output


def spread(gradient: Array, kernel: Array, windows: Windows, lengths: Sequence[int]) -> Array:
    """Spread (batch, window, ..., unit) over the axes by a kernel: the transpose of `convolve`."""
    *_, channels, units = kernel.shape
    total = windows.empty(len(gradient), lengths, channels)
    rows = gradient.reshape(-1, units)
    # Place by place: measured against one product for all places, up to four times as fast, as
    # nothing is gathered from far apart.
    for offset, index in windows.places(lengths):
        total[index] += (rows @ kernel[offset].T).reshape(*gradient.shape[:-1], channels)
    return windows.cropped(total, lengths)


@register("Conv1D", "Conv2D", "Conv3D")
class Convolution(LayerOp):
    """``Conv1D``, ``Conv2D``, ``Conv3D``, in groups or not."""

    units = "mixed"
    is_activated = True

    def forward(self, call: Call) -> Array:
        """Convolve each group of channels with its part of the kernel."""
        x, parts = call.x, self._kernels(call)
        windows = windows_of(call.config, x.ndim - 2)
        groups = np.split(x, len(parts), axis=-1)
        output = [convolve(group, part, windows) for group, part in zip(groups, parts, strict=True)]
        return biased(call, output[0] if len(output) == 1 else np.concatenate(output, axis=-1))

    def backward(self, call: Call, gradient: Array) -> tuple[Array, ...]:
        """Spread the gradient by the same kernels."""
        x, parts = call.x, self._kernels(call)
        windows = windows_of(call.config, x.ndim - 2)
        groups = np.split(gradient, len(parts), axis=-1)
        lengths = x.shape[1:-1]
        given = [
            spread(group, part, windows, lengths) for group, part in zip(groups, parts, strict=True)
        ]
        return (given[0] if len(given) == 1 else np.concatenate(given, axis=-1),)

    def weight_gradients(self, call: Call, gradient: Array) -> dict[str, Array]:
        """Multiply what each place of the kernel saw with what comes back."""
        parts = self._kernels(call)
        windows = windows_of(call.config, call.x.ndim - 2)
        groups = zip(
            np.split(call.x, len(parts), axis=-1),
            np.split(gradient, len(parts), axis=-1),
            parts,
            strict=True,
        )
        kernels = [kernel_gradient(x, back, windows, part.shape) for x, back, part in groups]
        return {"kernel": np.concatenate(kernels, axis=-1), **bias_gradient(call, gradient)}

    def sees(self, part: OutputPart) -> Field:
        """Give what the windows see."""
        return windows_of(part.config, len(part.lengths)).seen_by(part.field, part.lengths)

    def _kernels(self, call: Call) -> list[Array]:
        return np.split(call.weight("kernel"), call.config.get("groups") or 1, axis=-1)


@register("Conv1DTranspose", "Conv2DTranspose", "Conv3DTranspose")
class TransposedConvolution(LayerOp):
    """``Conv1DTranspose``, ``Conv2DTranspose``, ``Conv3DTranspose``."""

    units = "mixed"
    is_activated = True

    def fault(self, config: Mapping[str, Any]) -> str | None:
        """Say that dilation and padding of the output are not repeated."""
        if any(step != 1 for step in np.atleast_1d(config.get("dilation_rate", 1))):
            return "It is a transposed convolution with a dilation_rate, which is not repeated."
        if config.get("output_padding") is not None:
            return "It has the option output_padding, which is not repeated."
        return super().fault(config)

    def forward(self, call: Call) -> Array:
        """Spread the input by the kernel."""
        x = call.x
        windows = windows_of(call.config, x.ndim - 2)
        lengths = transposed_lengths(windows, x.shape[1:-1])
        call.hold((len(x), *lengths, call.weight("kernel").shape[-2]))
        return biased(call, spread(x, call.weight("kernel"), windows, lengths))

    def backward(self, call: Call, gradient: Array) -> tuple[Array, ...]:
        """Convolve the gradient with the kernel."""
        windows = windows_of(call.config, gradient.ndim - 2)
        return (convolve(gradient, call.weight("kernel"), windows),)

    def weight_gradients(self, call: Call, gradient: Array) -> dict[str, Array]:
        """Multiply what comes back at each place of the kernel with what was spread from there."""
        windows = windows_of(call.config, gradient.ndim - 2)
        kernel = kernel_gradient(gradient, call.x, windows, call.weight("kernel").shape)
        return {"kernel": kernel, **bias_gradient(call, gradient)}

    def sees(self, part: OutputPart) -> Field:
        """Give what spreads over the part: a window sees what the input's place was spread to."""
        return windows_of(part.config, len(part.lengths)).that_see(part.field, part.outputs)


@register("DepthwiseConv1D", "DepthwiseConv2D")
class DepthwiseConvolution(LayerOp):
    """``DepthwiseConv1D``, ``DepthwiseConv2D``: each channel with kernels of its own."""

    units = "mixed"
    is_activated = True

    def forward(self, call: Call) -> Array:
        """Convolve each channel; the units of one channel are neighbours."""
        return biased(call, each_channel(call.x, call.weight("kernel"), call.config))

    def backward(self, call: Call, gradient: Array) -> tuple[Array, ...]:
        """Spread the gradient channel by channel."""
        return (each_channel_back(call.x, gradient, call.weight("kernel"), call.config),)

    def weight_gradients(self, call: Call, gradient: Array) -> dict[str, Array]:
        """Multiply channel by channel."""
        kernel = each_channel_gradient(call.x, gradient, call.weight("kernel").shape, call.config)
        return {"kernel": kernel, **bias_gradient(call, gradient)}

    def sees(self, part: OutputPart) -> Field:
        """Give what the windows see."""
        return windows_of(part.config, len(part.lengths)).seen_by(part.field, part.lengths)


@register("SeparableConv1D", "SeparableConv2D")
class SeparableConvolution(LayerOp):
    """``SeparableConv1D``, ``SeparableConv2D``: each channel alone, then all of them at a point."""

    units = "mixed"
    is_activated = True

    def forward(self, call: Call) -> Array:
        """Convolve each channel, then mix the channels."""
        alone = each_channel(call.x, call.weight("depthwise_kernel"), call.config)
        return biased(call, alone @ self._mixing(call))

    def backward(self, call: Call, gradient: Array) -> tuple[Array, ...]:
        """Take both steps back."""
        alone = gradient @ self._mixing(call).T
        return (each_channel_back(call.x, alone, call.weight("depthwise_kernel"), call.config),)

    def weight_gradients(self, call: Call, gradient: Array) -> dict[str, Array]:
        """Give that of the mixing, and behind it that of each channel's kernels."""
        depthwise, mixing = call.weight("depthwise_kernel"), self._mixing(call)
        between = each_channel(call.x, depthwise, call.config)
        alone = gradient @ mixing.T
        pointwise = pointwise_gradient(between, gradient)
        return {
            "depthwise_kernel": each_channel_gradient(call.x, alone, depthwise.shape, call.config),
            "pointwise_kernel": pointwise.reshape(call.weight("pointwise_kernel").shape),
            **bias_gradient(call, gradient),
        }

    def sees(self, part: OutputPart) -> Field:
        """Give what the windows see."""
        return windows_of(part.config, len(part.lengths)).seen_by(part.field, part.lengths)

    def _mixing(self, call: Call) -> Array:
        kernel = call.weight("pointwise_kernel")
        return kernel.reshape(kernel.shape[-2:])


def each_channel(x: Array, kernel: Array, config: Mapping[str, Any]) -> Array:
    """Convolve each channel with its kernels (place, ..., channel, multiplier)."""
    windows = windows_of(config, x.ndim - 2)
    counts = windows.counts(x.shape[1:-1])
    output = np.zeros((len(x), *counts, *kernel.shape[-2:]), np.float32)
    padded = windows.padded(x)
    for offset, index in windows.places(x.shape[1:-1]):
        output += padded[index][..., None] * kernel[offset]
    return output.reshape(len(x), *counts, -1)


def each_channel_back(x: Array, gradient: Array, kernel: Array, config: Mapping[str, Any]) -> Array:
    """Take a gradient at what `each_channel` gives to its input."""
    windows = windows_of(config, x.ndim - 2)
    lengths = x.shape[1:-1]
    parts = gradient.reshape(*gradient.shape[:-1], *kernel.shape[-2:])
    total = windows.empty(len(x), lengths, x.shape[-1])
    for offset, index in windows.places(lengths):
        total[index] += (parts * kernel[offset]).sum(axis=-1)
    return windows.cropped(total, lengths)


def kernel_gradient(wide: Array, narrow: Array, windows: Windows, shape: Sequence[int]) -> Array:
    """Gradient at a kernel (place, ..., channel, unit) that joins windows to what they give.

    Parameters
    ----------
    wide : ndarray (batch, axis, ..., channel)
        What the windows lie on.
    narrow : ndarray (batch, window, ..., unit)
        What they give.
    windows : Windows
        Where they lie.
    shape : sequence of int
        Of the kernel.
    """
    *size, channels, units = shape
    found = np.zeros((math.prod(size) * channels, units), np.float32)
    # All places in one product: measured against one for each place, several times as fast.
    for block in blocks(len(wide), FLOAT_BYTES * math.prod((*narrow.shape[1:-1], *size, channels))):
        rows = windows.content(wide[block]).reshape(-1, len(found))
        found += rows.T @ narrow[block].reshape(-1, units)
    return found.reshape(shape)


def each_channel_gradient(
    x: Array, gradient: Array, shape: Sequence[int], config: Mapping[str, Any]
) -> Array:
    """Gradient at the kernels (place, ..., channel, multiplier) of `each_channel`."""
    windows = windows_of(config, x.ndim - 2)
    found = np.empty(shape, np.float32)
    padded = windows.padded(x)
    parts = gradient.reshape(*gradient.shape[:-1], *shape[-2:])
    for offset, index in windows.places(x.shape[1:-1]):
        products = padded[index][..., None] * parts
        found[offset] = products.sum(axis=tuple(range(products.ndim - 2)))
    return found


def pointwise_gradient(x: Array, gradient: Array) -> Array:
    """Gradient at a kernel (in_unit, unit) that is applied at every place alike."""
    return x.reshape(-1, x.shape[-1]).T @ gradient.reshape(-1, gradient.shape[-1])


def bias_gradient(call: Call, gradient: Array) -> dict[str, Array]:
    """Gradient at the layer's bias, if it has one: summed over all places."""
    if call.optional("bias", "use_bias") is None:
        return {}
    return {"bias": gradient.sum(axis=tuple(range(gradient.ndim - 1)))}


def transposed_lengths(windows: Windows, lengths: Sequence[int]) -> tuple[int, ...]:
    """Lengths of the axes that a transposed convolution gives, by TensorFlow's rule."""
    return tuple(
        length * stride + (max(span - stride, 0) if windows.padding == "valid" else 0)
        for length, stride, span in zip(lengths, windows.strides, windows.spans, strict=True)
    )


def biased(call: Call, output: Array) -> Array:
    """Add the layer's bias, if it has one."""
    bias = call.optional("bias", "use_bias")
    return output if bias is None else output + bias
