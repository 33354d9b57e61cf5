"""Kernels of convolutions as they are recorded, and their colours' limits."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from explorer.data.run import RunData
from explorer.derived.time.frames import Limits, sample_indices
from explorer.derived.units.filters import kernel_tiles
from store import Layer
from store.format.names import weight_path

Array = npt.NDArray[Any]
# Steps that fix the colour limits, and weights of each that are looked at.
SAMPLES = 12
SAMPLED_WEIGHTS = 200_000


def sampled_kernels(data: RunData, layer: str) -> list[Array] | None:
    """Read a layer's kernels at some steps, see `read_kernel`; None if there are none."""
    if not has_kernels(data.run.layers[layer]) or not len(data.run):
        return None
    return [read_kernel(data, layer, index) for index in sample_indices(len(data.run), SAMPLES)]


def has_kernels(layer: Layer) -> bool:
    """Whether a layer has kernels over one or two axes, which are pictures."""
    if "depthwise_kernel" in layer.weights and "pointwise_kernel" not in layer.weights:
        return False
    return len(layer.weights.get(kernel_name(layer), ())) in (3, 4)


def read_kernel(data: RunData, layer: str, index: int) -> Array:
    """Read a convolution's kernel at a recorded step, shaped as that of ``Conv2D``.

    Parameters
    ----------
    data : RunData
        The run.
    layer : str
        A layer for which `has_kernels` holds.
    index : int
        Position of the recorded step.

    Returns
    -------
    ndarray (kernel_y, kernel_x, channel, unit) or (kernel_token, channel, unit)
        Of the units that are recorded. Depthwise kernels have one channel; a group has its own.
        Of a separable convolution, the product of its two kernels, with which it computes.
    """
    name = kernel_name(data.run.layers[layer])
    kernel = data.weight(layer, name, index)
    chosen = (..., slice(None, None, unit_stride(data, layer)))
    last = data.run.array(weight_path(layer, name)).dims[-1]
    if name == "depthwise_kernel":
        point = data.weight(layer, "pointwise_kernel", index)
        mixing = point.reshape(*kernel.shape[-2:], -1)
        return np.asarray(np.einsum("...cm,cmu->...cu", kernel, mixing[chosen]))
    if last.startswith("multiplier"):
        return kernel.reshape(*kernel.shape[:-2], 1, -1)[chosen]
    # Keras keeps transposed kernels as (..., unit, channel).
    return (np.swapaxes(kernel, -1, -2) if last.startswith("in_unit") else kernel)[chosen]


def unit_stride(data: RunData, layer: str) -> int:
    """Give the stride at which a layer's units are recorded; unit numbers count recorded ones."""
    return data.run.layers[layer].unit_stride


def strongest_channels(kernel: Array) -> npt.NDArray[np.intp]:
    """Give the channel whose weights are largest in each unit's kernel: (unit,), by L2 norm.

    Weights that are not finite count as 0.
    """
    weights = kernel_tiles(kernel).astype(np.float64)
    known = np.where(np.isfinite(weights), weights, 0)
    # Relative to the largest weight, so that no square overflows.
    return np.asarray(
        np.linalg.norm(known / (np.abs(known).max() or 1), axis=(2, 3)).argmax(axis=1)
    )


def symmetric(limits: Limits) -> Limits:
    """Make limits symmetric about zero, for signed values."""
    bound = max(abs(limits.low), abs(limits.high))
    return Limits(-bound, bound, signed=True)


def some_of(values: Array) -> Array:
    """Take evenly spaced values, few enough for a quick quantile: (value,)."""
    flat = values.reshape(-1)
    # The counts of units are mostly even: with an odd stride, all units are sampled.
    return flat[:: flat.size // SAMPLED_WEIGHTS | 1]


def kernel_name(layer: Layer) -> str:
    """Name the variable that a layer's kernels are in."""
    return "depthwise_kernel" if "depthwise_kernel" in layer.weights else "kernel"


def is_over_time(layer: Layer) -> bool:
    """Whether a layer's kernels lie along one axis, such as that of tokens."""
    return len(layer.weights[kernel_name(layer)]) == 3
