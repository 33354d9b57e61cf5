"""What each activation function of Keras is: its value, its slope, and what follows from them.

This is the one place that says so: whether a unit can die, whether a value is saturated, whether a
unit's sign is free, whether an output is a probability.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

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
# Keras's defaults: below this size the two shrinking functions are 0; how round squareplus is.
SHRUNK = 0.5
SQUAREPLUS_B = 4


# What a function gives: any numbers; one probability or its logarithm a unit; shares of one
# probability, or their logarithms, over all units.
Gives = Literal["numbers", "probability", "log probability", "shares", "log shares"]


@dataclass(frozen=True, slots=True, kw_only=True)
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
        The derivative at an argument, of a function that takes each element alone.
    slope_of_value : callable or None
        The derivative where the function has a value. None where several arguments have one value
        and other derivatives, and where the derivative has no formula in the value.
    steepest : float
        The greatest slope, about; of a function without one, the slope that is usual.
    can_die : bool
        Whether the slope is exactly 0 over an interval, so that a unit can get no gradient at all.
        A slope that only comes near to 0 lets one pass.
    is_odd : bool
        Whether f(-x) = -f(x): then a unit with all of its weights turned in sign does the same.
    from_output : bool
        Whether `pull` may be given the function's value in place of its argument.
    gives : {"numbers", "probability", "log probability", "shares", "log shares"}
        How its values are to be read.
    """

    value: Function
    pull: Callable[[Array, Array], Array]
    slope: Function | None = None
    slope_of_value: Function | None = None
    steepest: float = 1.0
    can_die: bool = False
    is_odd: bool = False
    from_output: bool = False
    gives: Gives = "numbers"

    @property
    def hides_logits(self) -> bool:
        """Whether it squeezes logits into probabilities: gradients vanish where it is sure."""
        return self.gives != "numbers"


def elementwise(value: Function, slope: Function, **options: Any) -> Activation:
    """Make an activation that takes each element alone, from its value and its derivative.

    Parameters
    ----------
    value, slope : callable
        See `Activation`.
    **options
        Further attributes of `Activation`.
    """
    return Activation(
        value=value, pull=lambda x, gradient: gradient * slope(x), slope=slope, **options
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
        is_below = True if max_value is None else x < max_value
        return np.where(x > threshold, np.asarray(is_below, np.float32), np.float32(negative_slope))

    tells = not threshold and negative_slope >= 0
    return elementwise(
        value,
        slope,
        slope_of_value=slope if tells else None,
        steepest=max(1.0, abs(negative_slope)),
        can_die=not negative_slope,
        from_output=tells,
    )


def elu(alpha: float = 1) -> Activation:
    """Make the exponential linear unit (Clevert et al. 2015, arXiv:1511.07289)."""

    def value(x: Array) -> Array:
        return np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0)))

    return elementwise(
        value,
        lambda x: np.where(x > 0, 1, alpha * np.exp(np.minimum(x, 0))),
        slope_of_value=lambda y: np.where(y > 0, 1, np.maximum(y + alpha, 0)),
    )


def softmax_over(axis: Any = -1) -> Activation:
    """Make a softmax over one axis or several."""
    axes = tuple(axis) if isinstance(axis, list | tuple) else axis

    def pull(x: Array, gradient: Array) -> Array:
        shares = softmax(x, axis=axes)
        return np.asarray(
            shares * (gradient - (gradient * shares).sum(axis=axes, keepdims=True)), np.float32
        )

    return Activation(value=lambda x: softmax(x, axis=axes), pull=pull, gives="shares")


def _log_softmax() -> Activation:
    def pull(x: Array, gradient: Array) -> Array:
        return np.asarray(gradient - softmax(x, axis=-1) * gradient.sum(axis=-1, keepdims=True))

    return Activation(value=lambda x: log_softmax(x, axis=-1), pull=pull, gives="log shares")


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


def _hard_shrink(x: Array) -> Array:
    return np.where(np.abs(x) > SHRUNK, x, np.float32(0))


def _soft_shrink(x: Array) -> Array:
    return np.asarray(np.sign(x) * np.maximum(np.abs(x) - SHRUNK, 0))


def _beyond_shrunk(x: Array) -> Array:
    return np.asarray(np.abs(x) > SHRUNK, np.float32)


def _is_not_zero(y: Array) -> Array:
    return np.asarray(y != 0, np.float32)


def _sparse_plus(x: Array) -> Array:
    return np.where(x <= -1, 0, np.where(x < 1, (x + 1) ** 2 / 4, x))


def _squareplus(x: Array) -> Array:
    return np.asarray((x + np.sqrt(x * x + SQUAREPLUS_B)) / 2)


def _between(low: float, high: float, steep: float = 1.0) -> Function:
    """Make the slope of a function that is flat but between two bounds."""
    return lambda x: np.where((x > low) & (x < high), np.float32(steep), np.float32(0))


LINEAR = Activation(
    value=lambda x: x,
    pull=lambda _, gradient: gradient,
    slope=np.ones_like,
    slope_of_value=np.ones_like,
    is_odd=True,
    from_output=True,
)
_SIGMOID = elementwise(
    expit,
    lambda x: expit(x) * expit(-x),
    slope_of_value=lambda y: y * (1 - y),
    steepest=1 / 4,
    gives="probability",
)
_SILU = elementwise(ACTIVATIONS["silu"], lambda x: expit(x) * (1 + x * expit(-x)))
_HARD_SILU = elementwise(
    lambda x: x * ACTIVATIONS["hard_sigmoid"](x), _hard_silu_slope, can_die=True
)

NAMED: dict[str, Activation] = {
    "linear": LINEAR,
    "relu": relu(),
    "relu6": relu(max_value=6),
    "leaky_relu": relu(negative_slope=0.2),
    "elu": elu(),
    "celu": elu(),  # the same function with Keras's own alpha
    "selu": elementwise(
        _selu,
        _selu_slope,
        slope_of_value=lambda y: np.where(
            y > 0, SELU_SCALE, np.maximum(y + SELU_SCALE * SELU_ALPHA, 0)
        ),
    ),
    "gelu": elementwise(ACTIVATIONS["gelu"], _gelu_slope),
    "gelu_approximate": elementwise(_gelu_by_tanh, _gelu_by_tanh_slope),
    "silu": _SILU,
    "swish": _SILU,
    "mish": elementwise(lambda x: x * np.tanh(np.logaddexp(x, 0)), _mish_slope),
    "tanh": elementwise(
        np.tanh,
        lambda x: 1 - np.tanh(x) ** 2,
        slope_of_value=lambda y: 1 - y * y,
        is_odd=True,
    ),
    "tanh_shrink": elementwise(lambda x: x - np.tanh(x), lambda x: np.tanh(x) ** 2, is_odd=True),
    "hard_tanh": elementwise(
        lambda x: np.clip(x, -1, 1),
        lambda x: (np.abs(x) <= 1).astype(np.float32),
        slope_of_value=_between(-1, 1),
        can_die=True,
        is_odd=True,
    ),
    "hard_shrink": elementwise(
        _hard_shrink, _beyond_shrunk, slope_of_value=_is_not_zero, can_die=True, is_odd=True
    ),
    "soft_shrink": elementwise(
        _soft_shrink, _beyond_shrunk, slope_of_value=_is_not_zero, can_die=True, is_odd=True
    ),
    "sigmoid": _SIGMOID,
    "log_sigmoid": elementwise(
        lambda x: -np.logaddexp(-x, 0),
        lambda x: expit(-x),
        slope_of_value=lambda y: -np.expm1(y),
        gives="log probability",
    ),
    "hard_sigmoid": elementwise(
        ACTIVATIONS["hard_sigmoid"],
        _hard_sigmoid_slope,
        slope_of_value=_between(0, 1, 1 / 6),
        steepest=1 / 6,
        can_die=True,
        gives="probability",
    ),
    "sparse_sigmoid": elementwise(
        lambda x: np.clip((x + 1) / 2, 0, 1),
        _between(-1, 1, 1 / 2),
        slope_of_value=_between(0, 1, 1 / 2),
        steepest=1 / 2,
        can_die=True,
        gives="probability",
    ),
    "hard_silu": _HARD_SILU,
    "hard_swish": _HARD_SILU,
    "softplus": elementwise(ACTIVATIONS["softplus"], expit, slope_of_value=lambda y: -np.expm1(-y)),
    "squareplus": elementwise(
        _squareplus,
        lambda x: (1 + x / np.sqrt(x * x + SQUAREPLUS_B)) / 2,
        slope_of_value=lambda y: y * y / (y * y + SQUAREPLUS_B / 4),
    ),
    "sparse_plus": elementwise(
        _sparse_plus,
        lambda x: np.clip((x + 1) / 2, 0, 1),
        slope_of_value=lambda y: np.sqrt(np.clip(y, 0, 1)),
        can_die=True,
    ),
    "softsign": elementwise(
        ACTIVATIONS["softsign"],
        lambda x: 1 / (1 + np.abs(x)) ** 2,
        slope_of_value=lambda y: (1 - np.abs(y)) ** 2,
        is_odd=True,
    ),
    "exponential": elementwise(np.exp, np.exp, slope_of_value=lambda y: y),
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
