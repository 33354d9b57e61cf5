"""Activation functions of Keras and their derivatives."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import erf, expit, log_softmax, softmax

from explorer.derived.network.node import Array
from explorer.derived.recurrent.equations import ACTIVATIONS, NotDerivableError

Function = Callable[[Array], Array]

# Klambauer et al. 2017 (arXiv:1706.02515), as Keras rounds them.
SELU_ALPHA = 1.6732632423543772
SELU_SCALE = 1.0507009873554805
# Hendrycks and Gimpel 2016 (arXiv:1606.08415): the approximation by tanh.
GELU_CUBIC = 0.044715
GELU_SCALE = (2 / np.pi) ** 0.5


@dataclass(frozen=True, slots=True)
class Activation:
    """An activation function.

    Attributes
    ----------
    value : callable
        ndarray (batch, ...) to ndarray of the same shape.
    pull : callable
        Takes the function's argument and a gradient at its value, gives the gradient at the
        argument.
    slope : callable or None
        The derivative, of a function that takes each element alone.
    from_output : bool
        Whether `pull` may be given the function's value in place of its argument.
    hides_logits : bool
        Whether it squeezes logits into probabilities, so that gradients vanish where it is sure.
    """

    value: Function
    pull: Callable[[Array, Array], Array]
    slope: Function | None = None
    from_output: bool = False
    hides_logits: bool = False


def elementwise(
    value: Function, slope: Function, *, from_output: bool = False, hides_logits: bool = False
) -> Activation:
    """Make an activation that takes each element alone, from its value and its derivative."""
    return Activation(
        value, lambda x, gradient: gradient * slope(x), slope, from_output, hides_logits
    )


def relu(
    negative_slope: float = 0, max_value: float | None = None, threshold: float = 0
) -> Activation:
    """Make Keras's ``relu``: linear from a threshold to a greatest value, with a slope below."""

    def value(x: Array) -> Array:
        above = x if max_value is None else np.minimum(x, max_value)
        if not threshold and not negative_slope:
            return np.maximum(above, 0)
        return np.where(x > threshold, above, negative_slope * (x - threshold))

    def slope(x: Array) -> Array:
        most = np.inf if max_value is None else max_value
        return np.where(x > threshold, (x < most).astype(np.float32), np.float32(negative_slope))

    return elementwise(value, slope, from_output=not threshold and negative_slope >= 0)


def elu(alpha: float = 1) -> Activation:
    """Make the exponential linear unit (Clevert et al. 2015, arXiv:1511.07289)."""

    def value(x: Array) -> Array:
        return np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0)))

    return elementwise(value, lambda x: np.where(x > 0, 1, alpha * np.exp(np.minimum(x, 0))))


def softmax_over(axis: Any = -1) -> Activation:
    """Make a softmax over one axis or several."""
    axes = tuple(axis) if isinstance(axis, list | tuple) else axis

    def pull(x: Array, gradient: Array) -> Array:
        shares = softmax(x, axis=axes)
        return np.asarray(
            shares * (gradient - (gradient * shares).sum(axis=axes, keepdims=True)), np.float32
        )

    return Activation(lambda x: softmax(x, axis=axes), pull, hides_logits=True)


def _log_softmax() -> Activation:
    def pull(x: Array, gradient: Array) -> Array:
        return np.asarray(gradient - softmax(x, axis=-1) * gradient.sum(axis=-1, keepdims=True))

    return Activation(lambda x: log_softmax(x, axis=-1), pull, hides_logits=True)


def _gelu_slope(x: Array) -> Array:
    density = np.exp(-x * x / 2) / (2 * np.pi) ** 0.5
    return np.asarray((1 + erf(x / 2**0.5)) / 2 + x * density)


def _gelu_by_tanh(x: Array) -> Array:
    return np.asarray(x * (1 + np.tanh(GELU_SCALE * (x + GELU_CUBIC * x**3))) / 2)


def _gelu_by_tanh_slope(x: Array) -> Array:
    bent = np.tanh(GELU_SCALE * (x + GELU_CUBIC * x**3))
    tilt = GELU_SCALE * (1 + 3 * GELU_CUBIC * x**2)
    return np.asarray((1 + bent + x * (1 - bent**2) * tilt) / 2)


def _mish_slope(x: Array) -> Array:
    bent = np.tanh(np.logaddexp(x, 0))
    return np.asarray(bent + x * (1 - bent**2) * expit(x))


def _selu(x: Array) -> Array:
    return SELU_SCALE * np.where(x > 0, x, SELU_ALPHA * np.expm1(np.minimum(x, 0)))


def _selu_slope(x: Array) -> Array:
    return SELU_SCALE * np.where(x >= 0, 1, SELU_ALPHA * np.exp(np.minimum(x, 0)))


def _hard_sigmoid_slope(x: Array) -> Array:
    return np.where(np.abs(x) < 3, np.float32(1 / 6), np.float32(0))


def _hard_silu_slope(x: Array) -> Array:
    return np.asarray(ACTIVATIONS["hard_sigmoid"](x) + x * _hard_sigmoid_slope(x))


LINEAR = Activation(lambda x: x, lambda _, gradient: gradient, np.ones_like, from_output=True)
_SIGMOID = elementwise(expit, lambda x: expit(x) * expit(-x), hides_logits=True)
_SILU = elementwise(ACTIVATIONS["silu"], lambda x: expit(x) * (1 + x * expit(-x)))
_HARD_SILU = elementwise(lambda x: x * ACTIVATIONS["hard_sigmoid"](x), _hard_silu_slope)

NAMED: dict[str, Activation] = {
    "linear": LINEAR,
    "relu": relu(),
    "relu6": relu(max_value=6),
    "leaky_relu": relu(negative_slope=0.2),
    "elu": elu(),
    "celu": elu(),  # the same function with Keras's own alpha
    "selu": elementwise(_selu, _selu_slope),
    "gelu": elementwise(ACTIVATIONS["gelu"], _gelu_slope),
    "gelu_approximate": elementwise(_gelu_by_tanh, _gelu_by_tanh_slope),
    "silu": _SILU,
    "swish": _SILU,
    "mish": elementwise(lambda x: x * np.tanh(np.logaddexp(x, 0)), _mish_slope),
    "tanh": elementwise(np.tanh, lambda x: 1 - np.tanh(x) ** 2),
    "tanh_shrink": elementwise(lambda x: x - np.tanh(x), lambda x: np.tanh(x) ** 2),
    "hard_tanh": elementwise(
        lambda x: np.clip(x, -1, 1), lambda x: (np.abs(x) <= 1).astype(np.float32)
    ),
    "sigmoid": _SIGMOID,
    "log_sigmoid": elementwise(
        lambda x: -np.logaddexp(-x, 0), lambda x: expit(-x), hides_logits=True
    ),
    "hard_sigmoid": elementwise(
        ACTIVATIONS["hard_sigmoid"], _hard_sigmoid_slope, hides_logits=True
    ),
    "hard_silu": _HARD_SILU,
    "hard_swish": _HARD_SILU,
    "softplus": elementwise(ACTIVATIONS["softplus"], expit),
    "softsign": elementwise(ACTIVATIONS["softsign"], lambda x: 1 / (1 + np.abs(x)) ** 2),
    "exponential": elementwise(np.exp, np.exp),
    "softmax": softmax_over(),
    "log_softmax": _log_softmax(),
}


def named_activation(name: Any) -> Activation:
    """Find an activation function by Keras's name for it; None is the linear one.

    Raises
    ------
    NotDerivableError
        It has no such name, or none that is known here.
    """
    if name is None:
        return LINEAR
    if isinstance(name, str) and name in NAMED:
        return NAMED[name]
    raise NotDerivableError(
        f"The activation {name!r} is not known here; known are {', '.join(NAMED)}."
    )
