"""Gradients by the weights are those of TensorFlow."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from explorer.derived.network.engine import Network
from explorer.derived.network.node import Node
from explorer.derived.recurrent.equations import NotDerivableError
from tests.explorer.derived.network.operations.test_layers import CASES, SEQUENCE, normal

pytestmark = pytest.mark.slow

TRAINED = ("Dense", "Conv", "Dep", "Sep", "B", "La", "PR", "RMS", "Ein")
RECURRENT: list[tuple[str, tuple[Any, ...], dict[str, Any], tuple[tuple[int, ...], ...]]] = [
    ("SimpleRNN", (3,), {"return_sequences": True}, (SEQUENCE,)),
    ("SimpleRNN", (3,), {"use_bias": False, "activation": "relu"}, (SEQUENCE,)),
    ("LSTM", (3,), {}, (SEQUENCE,)),
    ("LSTM", (3,), {"return_sequences": True, "go_backwards": True}, (SEQUENCE,)),
    ("GRU", (3,), {"return_sequences": True}, (SEQUENCE,)),
    ("GRU", (3,), {"reset_after": False}, (SEQUENCE,)),
    ("GRU", (3,), {"use_bias": False}, (SEQUENCE,)),
]


def by_tensorflow(layer: Any, inputs: list[np.ndarray], seed: np.ndarray) -> list[np.ndarray]:
    """Gradients of the seeded output at the layer's trainable variables."""
    import tensorflow as tf

    with tf.GradientTape() as tape:
        total = tf.reduce_sum(layer(inputs[0] if len(inputs) == 1 else inputs) * seed)
    gradients = tape.gradient(total, layer.trainable_variables)
    return [tf.convert_to_tensor(gradient).numpy() for gradient in gradients]


@pytest.mark.parametrize(
    ("name", "arguments", "options", "shapes"),
    [case for case in CASES if case[0].startswith(TRAINED)] + RECURRENT,
    ids=str,
)
def test_of_one_layer(
    name: str,
    arguments: tuple[Any, ...],
    options: dict[str, Any],
    shapes: tuple[tuple[int, ...], ...],
    single: Callable[..., Any],
    close: Callable[..., None],
) -> None:
    import keras

    from store.format.keras_names import weight_names

    layer = getattr(keras.layers, name)(*arguments, **options)
    inputs = [normal(*shape, seed=number) for number, shape in enumerate(shapes)]
    network, weights, given = single(layer, inputs)
    found = network.forward(given, weights)
    seed = np.random.default_rng(1).normal(size=found["layer"].shape).astype(np.float32)
    gradients = network.weight_gradients(found, weights, {"layer": seed}).get("layer", {})
    names = weight_names([variable.path for variable in layer.weights])
    paths = [variable.path for variable in layer.weights]
    expected = by_tensorflow(layer, inputs, seed)
    trainable = [names[paths.index(variable.path)] for variable in layer.trainable_variables]
    assert set(gradients) == set(trainable)
    for weight, values in zip(trainable, expected, strict=True):
        assert gradients[weight].dtype == np.float32
        close(gradients[weight], values)


def test_of_a_whole_network_with_a_layer_called_twice(
    recorded: Callable[..., Any], close: Callable[..., None]
) -> None:
    import keras
    import tensorflow as tf
    from keras import layers

    x = keras.Input((6,), dtype="int32")
    embedded = layers.Embedding(9, 4, mask_zero=True, name="embedding")(x)
    lstm = layers.LSTM(5, return_sequences=True, name="lstm")(embedded)
    shared = layers.Dense(5, activation="tanh", name="shared")
    mean = layers.GlobalAveragePooling1D(name="mean")(layers.Dropout(0.5)(lstm))
    out = layers.Dense(3, activation="softmax", name="out")(shared(shared(mean)))
    model = keras.Model(x, out)
    tokens = np.array([[1, 2, 3, 0, 0, 0], [8, 8, 1, 4, 5, 0]], np.int32)
    one = recorded(model, {"input": tokens})
    labels = np.array([2, 0])
    with tf.GradientTape() as tape:
        losses = keras.losses.sparse_categorical_crossentropy(labels, model(tokens))
        total = tf.reduce_sum(losses)
    expected = tape.gradient(total, model.trainable_variables)
    found = one.network.forward(one.inputs, one.weights)
    seed = found["out"] - np.eye(3, dtype=np.float32)[labels]
    gradients = one.network.weight_gradients(
        found, one.weights, {"out": seed}, before_activation=True
    )
    assert set(gradients) == {"embedding", "lstm", "shared", "out"}
    for variable, values in zip(model.trainable_variables, expected, strict=True):
        *_, layer, name = variable.path.replace("lstm_cell/", "").split("/")
        close(gradients[layer][name], tf.convert_to_tensor(values).numpy())


@pytest.mark.parametrize("options", [{}, {"return_sequences": True}])
@pytest.mark.parametrize("merge", ["concat", "mul", "ave", "sum"])
def test_of_two_directions(
    merge: str, options: dict[str, Any], single: Callable[..., Any], close: Callable[..., None]
) -> None:
    import keras

    from store.format.keras_names import weight_names

    layer = keras.layers.Bidirectional(keras.layers.LSTM(3, **options), merge_mode=merge)
    x = normal(*SEQUENCE)
    network, weights, given = single(layer, [x])
    found = network.forward(given, weights)
    seed = np.random.default_rng(1).normal(size=found["layer"].shape).astype(np.float32)
    gradients = network.weight_gradients(found, weights, {"layer": seed})["layer"]
    names = weight_names([variable.path for variable in layer.weights])
    assert set(gradients) == set(names)
    for name, expected in zip(names, by_tensorflow(layer, [x], seed), strict=True):
        close(gradients[name], expected)


def test_weights_whose_gradient_is_not_repeated_are_named(single: Callable[..., Any]) -> None:
    import keras

    layer = keras.layers.TimeDistributed(keras.layers.Dense(2))
    network, weights, given = single(layer, [normal(*SEQUENCE)])
    found = network.forward(given, weights)
    with pytest.raises(
        NotDerivableError, match=r"'layer' \(TimeDistributed\): The gradient by its"
    ):
        network.weight_gradients(found, weights, {"layer": np.ones_like(found["layer"])})


def test_what_passes_through_an_unknown_layer_is_refused() -> None:
    nodes = [
        Node("x", "InputLayer"),
        Node("first", "Dense", {}, ("x",)),
        Node("odd", "Odd", {}, ("first",)),
        Node("d", "Dense", {}, ("odd",)),
    ]
    dense = {"kernel": np.ones((2, 2), np.float32), "bias": np.zeros(2, np.float32)}
    last = {"kernel": np.ones((2, 3), np.float32), "bias": np.zeros(3, np.float32)}
    weights = {"first": dense, "d": last}
    x = np.ones((4, 2), np.float32)
    found = Network(nodes).forward({}, weights, start={"x": x, "first": x, "odd": x})
    with pytest.raises(NotDerivableError, match="'odd'"):
        Network(nodes).weight_gradients(found, weights, {"d": np.ones((4, 3), np.float32)})


def test_the_way_ends_at_the_first_layer_with_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    nodes = [
        Node("x", "InputLayer"),
        Node("odd", "Odd", {}, ("x",)),
        Node("d", "Dense", {}, ("odd",)),
    ]
    weights = {"d": {"kernel": np.ones((2, 3), np.float32), "bias": np.zeros(3, np.float32)}}
    x = np.arange(8, dtype=np.float32).reshape(4, 2)
    network = Network(nodes)
    found = network.forward({}, weights, start={"x": x, "odd": x})
    monkeypatch.setattr(type(network.op("d")), "backward", None)  # nobody asks for the input's
    by = network.weight_gradients(found, weights, {"d": np.ones((4, 3), np.float32)})
    np.testing.assert_allclose(by["d"]["kernel"], np.repeat(x.sum(axis=0)[:, None], 3, axis=1))
