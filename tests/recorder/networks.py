"""Small networks and real trainings that the tests of the recorder share."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

CLASSES = 3


def images(count: int = 32) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(1)
    return (
        generator.normal(size=(count, 8, 8, 1)).astype(np.float32),
        generator.integers(0, CLASSES, count),
    )


def sentences(count: int = 32) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(2)
    tokens = generator.integers(1, 12, (count, 6)).astype(np.int32)
    tokens[:, 4:] *= generator.integers(0, 2, (count, 1), dtype=np.int32)  # some are shorter
    return tokens, generator.integers(0, CLASSES, count)


def rows(count: int = 32) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(3)
    return (
        generator.normal(size=(count, 5)).astype(np.float32),
        generator.integers(0, CLASSES, count),
    )


def conv_model() -> Any:
    import keras
    from keras import layers

    return keras.Sequential(
        [
            keras.Input((8, 8, 1), name="image"),
            layers.Conv2D(4, 3, name="conv"),
            layers.Activation("relu", name="relu"),
            layers.MaxPooling2D(name="pool"),
            layers.Flatten(name="flatten"),
            layers.Dropout(0.3, name="dropout"),
            layers.Dense(CLASSES, name="logits"),
            layers.Softmax(name="softmax"),
        ],
        name="conv_net",
    )


def lstm_model() -> Any:
    import keras
    from keras import layers

    return keras.Sequential(
        [
            keras.Input((6,), dtype="int32", name="tokens"),
            layers.Embedding(12, 4, mask_zero=True, name="embedding"),
            layers.LSTM(5, return_sequences=True, name="lstm"),
            layers.Bidirectional(layers.GRU(3, name="gru"), name="both"),
            layers.Dense(CLASSES, activation="softmax", name="out"),
        ],
        name="lstm_net",
    )


def branched_model() -> Any:
    import keras
    from keras import layers

    inputs = keras.Input((5,), name="row")
    left = layers.Dense(4, activation="tanh", name="left")(inputs)
    right = layers.Dense(4, name="right")(inputs)
    right = layers.BatchNormalization(name="norm")(right)
    merged = layers.Add(name="joined")([left, right])
    summed = merged + left * 0.5
    outputs = layers.Dense(CLASSES, activation="softmax", name="out")(summed)
    return keras.Model(inputs, outputs, name="branched")


def nested_model() -> Any:
    import keras
    from keras import layers

    block = keras.Sequential(
        [
            keras.Input((5,)),
            layers.Dense(5, activation="relu", name="dense"),
            layers.LayerNormalization(name="norm"),
        ],
        name="block",
    )
    inputs = keras.Input((5,), name="row")
    hidden = layers.Dense(5, name="dense")(inputs)
    outputs = layers.Dense(CLASSES, activation="softmax", name="out")(block(hidden))
    return keras.Model(inputs, outputs, name="outer")


@dataclass(frozen=True)
class Network:
    """How to build a network, and what to train it on."""

    build: Callable[[], Any]
    data: Callable[[], tuple[np.ndarray, np.ndarray]]


NETWORKS = {
    "conv": Network(conv_model, images),
    "lstm": Network(lstm_model, sentences),
    "branched": Network(branched_model, rows),
    "nested": Network(nested_model, rows),
}


def compiled(build: Callable[[], Any], *, seed: int = 7, **options: Any) -> Any:
    """Give a new network. SGD unless told otherwise: to trace Adam takes twice as long."""
    import keras

    keras.utils.set_random_seed(seed)
    model = build()
    settings = {"optimizer": "sgd", "loss": "sparse_categorical_crossentropy", **options}
    model.compile(**settings)
    return model


def renewed(build: Callable[[], Any], *, seed: int = 7, **options: Any) -> Any:
    """Give a network as `compiled` does, by one that is traced once for all tests.

    To trace a training takes longer than all else in a test. The model is the same one every
    time: whoever asks next takes it over.
    """
    import keras

    model = _kept(build, tuple(options.items()))
    keras.utils.set_random_seed(seed)
    own = [*model.weights, *seed_states(model)]
    fresh = build()
    for variable, value in zip(own, [*fresh.weights, *seed_states(fresh)], strict=True):
        variable.assign(value)
    model.optimizer.iterations.assign(0)
    return model


@functools.cache
def _kept(build: Callable[[], Any], options: tuple[tuple[str, Any], ...]) -> Any:
    return compiled(build, **dict(options))


def seed_states(model: Any) -> list[Any]:
    """States of random generators, which change in a training beside the weights."""
    return [variable for variable in model.variables if "seed_generator" in variable.path]


def values_of(variable: Any) -> np.ndarray:
    """Copy what a variable holds."""
    return np.array(variable.numpy())


def keras_outputs(model: Any, inputs: np.ndarray) -> dict[str, np.ndarray]:
    """Every layer's output by Keras alone: one model that ends at all of them."""
    import keras

    plain = [layer for layer in model.layers if not is_container(layer)]
    outer = {layer.name: layer.output for layer in plain if type(layer).__name__ != "InputLayer"}
    found = keras.Model(model.inputs[0], outer)(inputs, training=False)
    results = {name: np.asarray(value) for name, value in found.items()}
    for block in filter(is_container, model.layers):
        fed = keras.Model(model.inputs[0], block._inbound_nodes[-1].input_tensors[0])(inputs)
        inner = keras_outputs(block, np.asarray(fed))
        results |= {f"{block.name}.{name}": value for name, value in inner.items()}
    return results


def is_container(layer: Any) -> bool:
    import keras

    return isinstance(layer, keras.Model)
