"""Normalization, with the statistics that Keras uses once a network is trained."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from explorer.derived.network.layer_op import LayerOp
from explorer.derived.network.node import Array, Call, Field, OutputPart
from explorer.derived.network.registry import register

# What Keras adds or bounds by where a layer has no option of its own (`keras.config.epsilon`).
KERAS_EPSILON = 1e-7


@register("BatchNormalization")
class BatchNormalization(LayerOp):
    """``BatchNormalization`` by its moving statistics.

    Ioffe and Szegedy 2015 (arXiv:1502.03167).
    """

    def forward(self, call: Call) -> Array:
        """Scale and shift each unit."""
        scale = self._scale(call)
        shift = -call.weight("moving_mean") * scale
        beta = call.optional("beta", "center")
        if beta is not None:
            shift = shift + beta
        axes = _axes(call)
        return call.x * _along(scale, axes, call.x.ndim) + _along(shift, axes, call.x.ndim)

    def backward(self, call: Call, gradient: Array) -> tuple[Array, ...]:
        """Scale each unit."""
        return (gradient * _along(self._scale(call), _axes(call), gradient.ndim),)

    def weight_gradients(self, call: Call, gradient: Array) -> dict[str, Array]:
        """Give those of scale and shift; a training does not change the statistics by gradients."""
        axes, rank = _axes(call), gradient.ndim
        epsilon = np.float32(call.config.get("epsilon", 1e-3))
        scale = 1 / np.sqrt(call.weight("moving_variance") + epsilon)
        mean = _along(call.weight("moving_mean"), axes, rank)
        return _scale_and_shift(call, gradient, (call.x - mean) * _along(scale, axes, rank))

    def _scale(self, call: Call) -> Array:
        epsilon = np.float32(call.config.get("epsilon", 1e-3))
        scale = 1 / np.sqrt(call.weight("moving_variance") + epsilon)
        gamma = call.optional("gamma", "scale")
        return np.asarray(scale if gamma is None else scale * gamma)


@register("LayerNormalization")
class LayerNormalization(LayerOp):
    """``LayerNormalization``: each input by its own statistics.

    Ba et al. 2016 (arXiv:1607.06450).
    """

    is_affine = False

    def fault(self, config: Mapping[str, Any]) -> str | None:
        """Say that its old option for another normalization is not repeated."""
        if config.get("rms_scaling"):
            return "It has the option rms_scaling, which is not repeated."
        return super().fault(config)

    def forward(self, call: Call) -> Array:
        """Give the normalized input, scaled and shifted."""
        output, _ = self._normalized(call)
        axes = _axes(call)
        gamma, beta = call.optional("gamma", "scale"), call.optional("beta", "center")
        if gamma is not None:
            output = output * _along(gamma, axes, output.ndim)
        return output if beta is None else output + _along(beta, axes, output.ndim)

    def backward(self, call: Call, gradient: Array) -> tuple[Array, ...]:
        """Take the gradient through mean and variance too."""
        output, scale = self._normalized(call)
        axes = _axes(call)
        gamma = call.optional("gamma", "scale")
        if gamma is not None:
            gradient = gradient * _along(gamma, axes, gradient.ndim)
        mean = gradient.mean(axis=axes, keepdims=True)
        tilt = (gradient * output).mean(axis=axes, keepdims=True)
        return (scale * (gradient - mean - output * tilt),)

    def weight_gradients(self, call: Call, gradient: Array) -> dict[str, Array]:
        """Give those of scale and shift."""
        return _scale_and_shift(call, gradient, self._normalized(call)[0])

    def sees(self, part: OutputPart) -> Field:
        """Give all that shares its statistics with the part."""
        return part.along_axis

    def _normalized(self, call: Call) -> tuple[Array, Array]:
        axes = _axes(call)
        centred = call.x - call.x.mean(axis=axes, keepdims=True)
        variance = (centred**2).mean(axis=axes, keepdims=True)
        scale = 1 / np.sqrt(variance + np.float32(call.config.get("epsilon", 1e-3)))
        return centred * scale, scale


@register("RMSNormalization")
class RMSNormalization(LayerOp):
    """``RMSNormalization``: each input by its own root mean square, without centring.

    Zhang and Sennrich 2019 (arXiv:1910.07467).
    """

    is_affine = False

    def forward(self, call: Call) -> Array:
        """Give the normalized input, scaled."""
        output, _ = self._normalized(call)
        return output * _along(call.weight("scale"), _axes(call), output.ndim)

    def backward(self, call: Call, gradient: Array) -> tuple[Array, ...]:
        """Take the gradient through the mean square too."""
        output, scale = self._normalized(call)
        gradient = gradient * _along(call.weight("scale"), _axes(call), gradient.ndim)
        tilt = (gradient * output).mean(axis=_axes(call), keepdims=True)
        return (scale * (gradient - output * tilt),)

    def weight_gradients(self, call: Call, gradient: Array) -> dict[str, Array]:
        """Give that of the scale."""
        others = tuple(axis for axis in range(gradient.ndim) if axis not in _axes(call))
        return {"scale": (gradient * self._normalized(call)[0]).sum(axis=others)}

    def sees(self, part: OutputPart) -> Field:
        """Give all that shares its mean square with the part."""
        return part.along_axis

    def _normalized(self, call: Call) -> tuple[Array, Array]:
        squares = (call.x**2).mean(axis=_axes(call), keepdims=True)
        scale = 1 / np.sqrt(squares + np.float32(call.config.get("epsilon", 1e-6)))
        return call.x * scale, scale


@register("UnitNormalization")
class UnitNormalization(LayerOp):
    """``UnitNormalization``: each vector along an axis gets the length 1."""

    is_affine = False

    def forward(self, call: Call) -> Array:
        """Divide by the length."""
        return np.asarray(call.x / self._length(call))

    def backward(self, call: Call, gradient: Array) -> tuple[Array, ...]:
        """Take off what would only change the length, and divide."""
        output = self.forward(call)
        along = (gradient * output).sum(axis=_axes(call), keepdims=True)
        return ((gradient - along * output) / self._length(call),)

    def sees(self, part: OutputPart) -> Field:
        """Give all that shares a length with the part."""
        return part.along_axis

    def _length(self, call: Call) -> Array:
        squares = (call.x**2).sum(axis=_axes(call), keepdims=True)
        return np.asarray(np.maximum(np.sqrt(squares), np.float32(1e-12)))


@register("Normalization")
class Normalization(LayerOp):
    """``Normalization`` by mean and variance of the data: given, or found by ``adapt``."""

    def forward(self, call: Call) -> Array:
        """Centre and scale; the other way round where it is to be undone."""
        mean, deviation = self._statistics(call)
        if call.config.get("invert"):
            return np.asarray(mean + call.x * deviation)
        return np.asarray((call.x - mean) / deviation)

    def backward(self, call: Call, gradient: Array) -> tuple[Array, ...]:
        """Scale."""
        _, deviation = self._statistics(call)
        return (gradient * deviation if call.config.get("invert") else gradient / deviation,)

    def weight_gradients(self, call: Call, gradient: Array) -> dict[str, Array]:
        """Give none: the statistics are not trained."""
        del call, gradient
        return {}

    def _statistics(self, call: Call) -> tuple[Array, Array]:
        rank = call.x.ndim
        given = [call.config.get(name) for name in ("mean", "variance")]
        found = [
            call.weight(name) if value is None else np.asarray(value, np.float32)
            for name, value in zip(("mean", "variance"), given, strict=True)
        ]
        axes = _axes(call)
        mean, variance = (
            # What has fewer axes than are kept belongs to the last of them.
            _along(each, axes[len(axes) - each.ndim :], rank)
            for each in found
        )
        return mean, np.maximum(np.sqrt(variance), np.float32(KERAS_EPSILON))


def _scale_and_shift(call: Call, gradient: Array, normalized: Array) -> dict[str, Array]:
    """Gradients at gamma and beta, as far as the layer has them."""
    others = tuple(axis for axis in range(gradient.ndim) if axis not in _axes(call))
    found = {}
    if call.optional("gamma", "scale") is not None:
        found["gamma"] = (gradient * normalized).sum(axis=others)
    if call.optional("beta", "center") is not None:
        found["beta"] = gradient.sum(axis=others)
    return found


def _axes(call: Call) -> tuple[int, ...]:
    """Axes that the weights belong to, counted from the front."""
    axis = call.config.get("axis", -1)
    axes = axis if isinstance(axis, list | tuple) else [axis]
    return tuple(sorted(int(entry) % call.x.ndim for entry in axes))


def _along(weight: Array, axes: tuple[int, ...], rank: int) -> Array:
    """Give a weight the rank of the input, with its own axes where they belong."""
    shape = [1] * rank
    for axis, size in zip(axes, weight.shape, strict=True):
        shape[axis] = size
    return weight.reshape(shape)
