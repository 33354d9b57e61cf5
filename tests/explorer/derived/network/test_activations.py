"""What is said of each activation function: slope by its value, oddness, whether a unit can die."""

from __future__ import annotations

import numpy as np
import pytest

from explorer.derived.network.activations import NAMED, elu, relu

# Without the corners, at which a slope is a matter of taste.
X = np.concatenate([np.linspace(-7.97, 7.97, 318), [-2e-3, 2e-3]])
OF_ELEMENTS = {name: one for name, one in NAMED.items() if one.slope is not None}
CAN_DIE = {
    "relu",
    "relu6",
    "hard_tanh",
    "hard_shrink",
    "soft_shrink",
    "hard_sigmoid",
    "sparse_sigmoid",
    "hard_silu",
    "hard_swish",
    "sparse_plus",
}


def test_every_function_of_keras_is_known():
    """But those that change the number of units, or need an argument that has no default."""
    import keras

    there = {name for name in dir(keras.activations) if callable(getattr(keras.activations, name))}
    assert there - set(NAMED) <= {
        "deserialize",
        "get",
        "serialize",
        "glu",
        "threshold",
        "sparsemax",
    }


@pytest.mark.parametrize("name", OF_ELEMENTS)
def test_the_slope_is_that_of_the_values(name):
    function = NAMED[name]
    near = 1e-6
    rise = (function.value(X + near) - function.value(X - near)) / (2 * near)
    np.testing.assert_allclose(function.slope(X), rise, atol=1e-5)
    if function.slope_of_value is not None:
        by_value = function.slope_of_value(function.value(X))
        np.testing.assert_allclose(by_value, function.slope(X), atol=1e-5)


@pytest.mark.parametrize("name", OF_ELEMENTS)
def test_a_unit_can_die_where_the_slope_is_0_over_an_interval(name):
    near = X[np.abs(X) < 4]  # farther out some slopes are rounded to 0
    flat = OF_ELEMENTS[name].slope(near) == 0
    assert NAMED[name].can_die == (name in CAN_DIE) == bool((flat[1:] & flat[:-1]).any())


@pytest.mark.parametrize("name", OF_ELEMENTS)
def test_an_odd_function_turns_with_its_argument(name):
    value = OF_ELEMENTS[name].value
    assert OF_ELEMENTS[name].is_odd == np.allclose(value(-X), -value(X), atol=1e-12)


@pytest.mark.parametrize("name", sorted(set(OF_ELEMENTS) - {"exponential"}))
def test_the_steepest_slope(name):
    """To within what an overshoot adds (SiLU, SELU), which is no matter of orders of magnitude."""
    steepest = OF_ELEMENTS[name].slope(X).max()
    assert OF_ELEMENTS[name].steepest <= steepest * 1.02
    assert steepest <= 1.8 * OF_ELEMENTS[name].steepest


def test_a_slope_below_zero_keeps_a_unit_alive():
    assert relu().can_die
    assert not relu(negative_slope=0.01).can_die
    assert not elu(alpha=0.1).can_die


def test_what_a_function_gives():
    given = {name: one.gives for name, one in NAMED.items() if one.gives != "numbers"}
    assert given == {
        "sigmoid": "probability",
        "hard_sigmoid": "probability",
        "sparse_sigmoid": "probability",
        "log_sigmoid": "log probability",
        "softmax": "shares",
        "log_softmax": "log shares",
    }
    assert NAMED["softmax"].hides_logits
    assert not NAMED["relu"].hides_logits
