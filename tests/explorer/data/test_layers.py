"""What of a layer stands for it: weights, units, and which values are active."""

from __future__ import annotations

import numpy as np
import pytest

from explorer.data.layers import (
    active_where,
    by_unit,
    can_die,
    has_function,
    is_output,
    main_weight,
    unit_function,
)
from explorer.derived.network.activations import NAMED
from explorer.derived.units.activity import ACTIVE_SLOPE
from store.format.layers import Layer


def layer(class_name, kind="other", weights=None, **config):
    return Layer("any", class_name, kind, config, (), (3,), 0, weights or {}, True)


def test_the_main_weight_is_the_kernel_or_else_the_largest():
    assert main_weight(layer("Dense", weights={"bias": (900,), "kernel": (2, 3)})) == "kernel"
    assert main_weight(layer("Own", weights={"a": (2,), "b": (2, 2)})) == "b"
    assert main_weight(layer("Flatten")) is None


@pytest.mark.parametrize(
    ("given", "text"),
    [
        (layer("ReLU", "activation"), "above 0"),
        (layer("ReLU", "activation", max_value=6.0), "between 0 and 6"),
        (
            layer("ReLU", "activation", negative_slope=0.1),
            "where the slope of ReLU is at least 4 % of its steepest",
        ),
        (layer("Activation", "activation", activation="tanh"), "between -0.98 and 0.98"),
        (layer("Dense", "dense", activation="sigmoid"), "between 0.01 and 0.99"),
        (
            layer("LeakyReLU", "activation", negative_slope=0.3),
            "where the slope of LeakyReLU is at least 4 % of its steepest",
        ),
        (
            layer("Conv2D", "conv", activation="gelu"),
            "where the slope of gelu is at least 4 % of its steepest",
        ),
        (layer("Dense", "dense"), "not 0"),
    ],
    ids=str,
)
def test_which_values_are_active_follows_from_the_function(given, text):
    assert active_where(given) == text


@pytest.mark.parametrize(("name", "low", "high"), [("tanh", -0.98, 0.98), ("sigmoid", 0.01, 0.99)])
def test_the_bounds_in_a_caption_are_those_of_the_slope(name, low, high):
    function = NAMED[name]
    slope = function.slope_of_value(np.array([low, high])) / function.steepest
    np.testing.assert_allclose(slope, ACTIVE_SLOPE, atol=5e-4)


@pytest.mark.parametrize(
    ("given", "dies"),
    [
        (layer("ReLU", "activation"), True),
        (layer("ReLU", "activation", negative_slope=0.1), False),
        (layer("LeakyReLU", "activation", negative_slope=0.3), False),
        (layer("LeakyReLU", "activation", negative_slope=0.0), True),
        (layer("ELU", "activation", alpha=1.0), False),
        (layer("PReLU", "activation"), False),
        (layer("Activation", "activation", activation="hard_silu"), True),
        (layer("Dense", "dense", activation="relu6"), True),
        (layer("Dense", "dense", activation="gelu"), False),
        (layer("Dense", "dense", activation="tanh"), False),
        (layer("Conv3D", "conv", activation="relu"), True),
        (layer("SimpleRNN", "recurrent", activation="relu"), True),
        (layer("LSTM", "recurrent", activation="relu"), False),
        (
            layer(
                "TimeDistributed", layer={"class_name": "Dense", "config": {"activation": "relu"}}
            ),
            True,
        ),
        (
            layer("Bidirectional", "recurrent", layer={"config": {"activation": "tanh"}}),
            False,
        ),
    ],
    ids=str,
)
def test_where_a_unit_can_die(given, dies):
    assert has_function(given)
    assert can_die(given) == dies


def test_a_softmax_is_no_function_of_each_unit():
    assert unit_function(layer("Softmax", "softmax")) is None
    assert unit_function(layer("Dense", "dense", activation="softmax")) is None
    assert unit_function(layer("Dense", "dense", activation={"class_name": "Own"})) is None


def test_the_output_is_also_what_it_only_passes_on(image_run, text_run):
    assert is_output(image_run, "softmax")
    assert not is_output(image_run, "dense")
    assert is_output(text_run, "output")


def test_units_fall_silent_only_under_a_function():
    assert has_function(layer("ReLU", "activation"))
    assert has_function(layer("Activation", "activation", activation="relu"))
    assert has_function(layer("Conv2D", "conv", activation="relu"))
    assert has_function(layer("LSTM", "recurrent", activation="tanh"))
    assert not has_function(layer("Activation", "activation", activation="linear"))
    assert not has_function(layer("Conv2D", "conv", activation="linear"))
    assert not has_function(layer("Flatten", "reshape"))
    assert not has_function(layer("Dense", "dense", activation="softmax"))
    assert not has_function(layer("Softmax", "softmax"))


def test_units_of_weights_are_found_where_keras_puts_them():
    values = np.arange(24.0)
    conv = values.reshape(2, 3, 4)
    np.testing.assert_array_equal(by_unit(layer("Conv1D", filters=4), conv), conv)
    transposed = by_unit(layer("Conv1DTranspose", filters=3), conv)
    np.testing.assert_array_equal(transposed[..., 1], conv[:, 1, :])
    depthwise = by_unit(layer("DepthwiseConv1D", depth_multiplier=4), conv)
    np.testing.assert_array_equal(depthwise[..., 5], conv[:, 1, 1])
    gated = by_unit(layer("LSTM", units=2), values.reshape(3, 8))
    np.testing.assert_array_equal(gated[..., 1], values.reshape(3, 8)[:, 1::2])
    assert by_unit(layer("Bidirectional", units=2), values.reshape(3, 8)) is None
    assert by_unit(layer("Own"), np.float32(3)) is None
