"""Backpropagation through time is TensorFlow's, for every cell, direction, mask and merge."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from explorer.derived.network.engine import Network

pytestmark = pytest.mark.slow

MASK = np.array([[1, 1, 1, 1, 1], [1, 1, 0, 0, 0], [0, 1, 0, 1, 1]], bool)
UNITS = 3

CELLS: list[tuple[str, dict[str, Any]]] = [
    ("SimpleRNN", {}),
    ("SimpleRNN", {"activation": "relu", "use_bias": False}),
    ("LSTM", {}),
    ("LSTM", {"activation": "gelu", "recurrent_activation": "hard_sigmoid"}),
    ("GRU", {}),
    ("GRU", {"reset_after": False, "activation": "silu"}),
    ("GRU", {"use_bias": False, "recurrent_activation": "softsign"}),
]


def inputs() -> np.ndarray:
    """Tokens (probe, token, in_unit); masked ones hold zeros, as `Masking` finds them."""
    x = np.random.default_rng(0).normal(size=(3, 5, 4)).astype(np.float32)
    return x * MASK[..., None]


def check(
    layer: Any, masked: bool, single: Callable[..., Any], close: Callable[..., None]
) -> Network:
    """Compare a layer with itself in Keras: its output, and the gradient at its input."""
    import tensorflow as tf

    x = inputs()
    network, weights, given = single(layer, [x], is_masked=masked)
    tensor = tf.constant(x)
    with tf.GradientTape() as tape:
        tape.watch(tensor)
        output = layer(tensor, mask=tf.constant(MASK) if masked else None)
        seed = np.random.default_rng(1).normal(size=output.shape).astype(np.float32)
        total = tf.reduce_sum(output * seed)
    found = network.forward(given, weights)
    close(found["layer"], output)
    back = network.backward(found, weights, {"layer": seed})
    close(back["input0"], tape.gradient(total, tensor))
    return network


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("sequences", [False, True])
@pytest.mark.parametrize(("name", "options"), CELLS, ids=str)
def test_one_direction(
    name: str,
    options: dict[str, Any],
    sequences: bool,
    masked: bool,
    single: Callable[..., Any],
    close: Callable[..., None],
) -> None:
    import keras

    layer = getattr(keras.layers, name)(UNITS, return_sequences=sequences, **options)
    check(layer, masked, single, close)


@pytest.mark.parametrize("zeroed", [False, True])
def test_backwards_in_time(
    zeroed: bool, single: Callable[..., Any], close: Callable[..., None]
) -> None:
    import keras

    options = {"return_sequences": True, "zero_output_for_mask": zeroed}
    check(keras.layers.GRU(UNITS, go_backwards=True, **options), True, single, close)
    check(keras.layers.LSTM(UNITS, go_backwards=True), True, single, close)


@pytest.mark.parametrize("sequences", [False, True])
@pytest.mark.parametrize("merge_mode", ["concat", "sum", "ave", "mul"])
def test_two_directions(
    merge_mode: str, sequences: bool, single: Callable[..., Any], close: Callable[..., None]
) -> None:
    import keras

    inner = keras.layers.GRU(UNITS, return_sequences=sequences)
    check(keras.layers.Bidirectional(inner, merge_mode=merge_mode), True, single, close)


def test_two_layers_of_different_kinds(
    single: Callable[..., Any], close: Callable[..., None]
) -> None:
    import keras

    forward = keras.layers.LSTM(UNITS, return_sequences=True)
    backward = keras.layers.SimpleRNN(2, return_sequences=True, go_backwards=True)
    layer = keras.layers.Bidirectional(forward, backward_layer=backward)
    check(layer, False, single, close)


@pytest.mark.parametrize(
    ("name", "options", "reason"),
    [
        ("LSTM", {"stateful": True}, "keeps its state from batch to batch"),
        ("GRU", {"return_state": True}, "gives its state too"),
        ("GRU", {"activation": "mish"}, "The activation 'mish' is not known in a recurrent layer"),
        ("Bidirectional", {"merge_mode": None}, "has two outputs"),
        ("Bidirectional", {"layer": "ConvLSTM1D"}, "only SimpleRNN, LSTM, GRU"),
        ("Bidirectional", {"go_backwards": True}, "Its forward layer reads backwards"),
    ],
)
def test_what_is_not_repeated_says_why(name: str, options: dict[str, Any], reason: str) -> None:
    from explorer.derived.network.node import Node

    config = dict(options)
    if name == "Bidirectional":
        inner = {"class_name": options.get("layer", "GRU"), "config": options}
        config = {"layer": inner, "merge_mode": options.get("merge_mode", "concat")}
    network = Network([Node("x", "InputLayer"), Node("layer", name, config, ("x",))])
    assert reason in network.unsupported["layer"]
