"""What of a layer stands for it: weights, units, and which values are active."""

from __future__ import annotations

import numpy as np
import pytest

from explorer.data.layers import activity_for, by_unit, has_function, main_weight
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
        (layer("ReLU", "activation", max_value="nan"), "above 0"),
        (layer("LeakyReLU", "activation", negative_slope=0.3), "above 0"),
        (layer("Activation", "activation", activation="tanh"), "between -0.98 and 0.98"),
        (layer("Dense", "dense", activation="sigmoid"), "between 0.01 and 0.99"),
        (layer("Dense", "dense"), "below -1e-06 or above 1e-06"),
        (layer("Dense", "dense", activation={"class_name": "Own"}), "above 0"),
    ],
    ids=str,
)
def test_which_values_are_active_follows_from_the_function(given, text):
    assert activity_for(given).text == text


def test_a_softmax_has_no_active_values():
    assert activity_for(layer("Softmax", "softmax")) is None
    assert activity_for(layer("Dense", "dense", activation="softmax")) is None


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
