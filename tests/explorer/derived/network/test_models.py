"""Whole models, described by the recorder: every layer forwards, every gradient backwards."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

pytestmark = pytest.mark.slow

IMAGES = np.random.default_rng(0).random(size=(4, 12, 12, 1)).astype(np.float32)
TOKENS = np.array([[3, 1, 4, 1, 5, 0, 0, 0], [2, 7, 1, 8, 2, 8, 1, 8], [1, 6, 0, 3, 0, 0, 0, 0]])


def lenet() -> Any:
    import keras
    from keras import layers

    return keras.Sequential(
        [
            keras.Input((12, 12, 1), name="image"),
            layers.Conv2D(3, 5, padding="same", name="conv1"),
            layers.Activation("relu", name="relu1"),
            layers.MaxPooling2D(2, name="pool1"),
            layers.Conv2D(4, 3, activation="tanh", name="conv2"),
            layers.AveragePooling2D(2, name="pool2"),
            layers.Flatten(name="flatten"),
            layers.Dense(6, activation="relu", name="dense"),
            layers.Dense(5, activation="softmax", name="classes"),
        ]
    )


def alexnet() -> Any:
    import keras
    from keras import layers

    return keras.Sequential(
        [
            keras.Input((12, 12, 1), name="image"),
            layers.Rescaling(2.0, offset=-1.0, name="rescaling"),
            layers.Conv2D(4, 3, name="conv1"),
            layers.ReLU(name="relu1"),
            layers.BatchNormalization(name="norm1"),
            layers.MaxPooling2D(3, strides=2, name="pool1"),
            layers.Conv2D(6, 3, padding="same", name="conv2"),
            layers.LeakyReLU(name="relu2"),
            layers.MaxPooling2D(3, strides=2, padding="same", name="pool2"),
            layers.Flatten(name="flatten"),
            layers.Dropout(0.5, name="dropout"),
            layers.Dense(5, name="fc"),
            layers.Softmax(name="softmax"),
        ]
    )


def residual() -> Any:
    """Two branches that meet, one layer called twice, and a gate over the channels."""
    import keras
    from keras import layers

    image = keras.Input((12, 12, 1), name="image")
    start = layers.Conv2D(4, 3, strides=2, padding="same", name="start")(image)
    shared = layers.Conv2D(4, 3, padding="same", activation="relu", name="shared")
    branch = shared(shared(start))
    gate = layers.Dense(4, activation="sigmoid", name="gate")(
        layers.GlobalAveragePooling2D(keepdims=True, name="mean")(branch)
    )
    gated = layers.Multiply(name="gated")([branch, gate])
    both = layers.Add(name="both")([start, gated])
    wide = layers.Concatenate(name="wide")([both, start])
    pooled = layers.GlobalMaxPooling2D(name="pooled")(wide)
    return keras.Model(image, layers.Dense(1, activation="sigmoid", name="yes")(pooled))


def convlstm() -> Any:
    import keras
    from keras import layers

    return keras.Sequential(
        [
            keras.Input((8,), dtype="int32", name="tokens"),
            layers.Embedding(9, 4, mask_zero=True, name="embedding"),
            layers.SpatialDropout1D(0.5, name="dropout"),
            layers.LSTM(3, return_sequences=True, name="lstm"),
            layers.TimeDistributed(layers.Dense(3, activation="relu"), name="each"),
            layers.GlobalAveragePooling1D(name="mean"),
            layers.Dense(2, name="logits"),
            layers.Softmax(name="softmax"),
        ]
    )


def bigru() -> Any:
    import keras
    from keras import layers

    return keras.Sequential(
        [
            keras.Input((8,), dtype="int32", name="tokens"),
            layers.Embedding(9, 4, name="embedding"),
            layers.Conv1D(4, 3, padding="causal", name="conv"),
            layers.MaxPooling1D(2, name="pool"),
            layers.Bidirectional(layers.GRU(3, return_sequences=True), name="bigru"),
            layers.LayerNormalization(name="norm"),
            layers.GRU(3, name="gru"),
            layers.Dense(2, activation="softmax", name="softmax"),
        ]
    )


MODELS = [
    (lenet, IMAGES),
    (alexnet, IMAGES),
    (residual, IMAGES),
    (convlstm, TOKENS),
    (bigru, TOKENS),
]


@pytest.fixture(scope="module", params=MODELS, ids=lambda param: param[0].__name__)
def small(request: Any, recorded: Callable[..., Any], randomized: Callable[..., None]) -> Any:
    """A small model with random weights, and what the recorder says of it."""
    build, inputs = request.param
    model = build()
    randomized(model)
    name = "image" if inputs is IMAGES else "tokens"
    return recorded(model, {name: inputs.astype(np.int32 if inputs is TOKENS else np.float32)})


def test_forwards(small: Any, close: Callable[..., None]) -> None:
    assert small.network.unsupported == {}
    expected = small.by_keras()
    found = small.network.forward(small.inputs, small.weights)
    assert list(found) == list(small.network.nodes)
    for layer, values in expected.items():
        close(found[layer], values)
    deviations = small.network.deviations({**small.inputs, **expected}, small.weights)
    assert deviations.keys() == expected.keys()
    assert max(deviations.values()) < 1e-5


def test_backwards(small: Any, close: Callable[..., None]) -> None:
    """The gradient at every layer is that of TensorFlow at the tensor of that layer."""
    activations = {**small.inputs, **small.by_keras()}
    seed = np.random.default_rng(5).normal(size=activations[small.output].shape)
    seed = seed.astype(np.float32)
    found = small.network.backward(activations, small.weights, {small.output: seed})
    expected = small.gradients(seed)
    for layer, gradient in expected.items():
        close(found[layer], gradient)
    assert expected.keys() == {*small.names[:-1]}
    assert found.keys() == {*small.network.nodes}


def test_gradients_of_rounded_activations_are_near(small: Any, close: Callable[..., None]) -> None:
    exact = small.network.forward(small.inputs, small.weights)
    rounded = {
        name: values.astype(np.float16) if values.dtype == np.float32 else values
        for name, values in exact.items()
    }
    seed = {small.output: np.ones_like(exact[small.output])}
    options = {"before_activation": True, "wanted": [small.names[0]]}
    first = small.network.backward(exact, small.weights, seed, **options)
    second = small.network.backward(rounded, small.weights, seed, **options)
    close(second[small.names[0]], first[small.names[0]], 2e-2)


def test_the_logits_have_a_gradient_where_the_softmax_is_sure(
    recorded: Callable[..., Any], randomized: Callable[..., None], close: Callable[..., None]
) -> None:
    import tensorflow as tf

    model = lenet()
    randomized(model)
    dense = model.get_layer("classes")
    dense.kernel.assign(1000 * dense.kernel)
    run = recorded(model, {"image": IMAGES})
    found = run.network.forward(IMAGES, run.weights)
    seed = {"classes": np.tile(np.eye(5, dtype=np.float32)[2], (4, 1))}
    vanished = run.network.backward(found, run.weights, seed)
    assert np.abs(vanished["image"]).max() < 1e-5
    back = run.network.backward(found, run.weights, seed, before_activation=True)
    assert "classes" not in back
    image = tf.constant(IMAGES)
    with tf.GradientTape() as tape:
        tape.watch(image)
        hidden = image
        for layer in model.layers[:-1]:
            hidden = layer(hidden)
        logits = hidden @ dense.kernel + dense.bias
        total = tf.reduce_sum(logits[:, 2])
    close(run.network.logits("classes", found, run.weights), logits)
    close(back["image"], tape.gradient(total, image))
