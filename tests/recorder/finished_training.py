"""A training that ended before anybody thought of recording it, and a recording of the same."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from recorder import Probe, Recorder, every_epoch
from tests.recorder.networks import CLASSES, compiled, images

EPOCHS, BATCH = 3, 8  # 32 examples: 4 updates an epoch
STEPS = [4, 8, 12]
PROBES = 5


def build_model() -> Any:
    """A network with what is saved in ways of its own: dropout and batch statistics."""
    import keras
    from keras import layers

    return keras.Sequential(
        [
            keras.Input((8, 8, 1), name="image"),
            layers.Conv2D(4, 3, name="conv"),
            layers.BatchNormalization(name="norm"),
            layers.Flatten(name="flatten"),
            layers.Dropout(0.3, name="dropout"),
            layers.Dense(CLASSES, name="logits"),
            layers.Softmax(name="softmax"),
        ],
        name="net",
    )


@dataclass(frozen=True)
class Finished:
    """Where everything lies."""

    folder: Path
    recorded: Path
    probe: Path

    @property
    def log(self) -> Path:
        return self.folder / "log.csv"


def train(folder: Path) -> Finished:
    """Train once, and leave every kind of checkpoint, a log and a recording behind."""
    import keras
    import tensorflow as tf
    from keras.callbacks import CSVLogger, LambdaCallback, ModelCheckpoint

    model, (x, y) = compiled(build_model, optimizer="adam", metrics=["accuracy"]), images()
    whole = tf.train.Checkpoint(net=model, optimizer=model.optimizer)
    manager = tf.train.CheckpointManager(whole, str(folder / "manager"), max_to_keep=None)
    only_model = tf.train.Checkpoint(model)
    recorded = folder / "recorded.zarr"
    probe = Probe(x[:PROBES], labels=y[:PROBES], class_names=["a", "b", "c"])
    model.fit(
        x,
        y,
        epochs=EPOCHS,
        batch_size=BATCH,
        verbose=0,
        validation_data=(x, y),
        callbacks=[
            ModelCheckpoint(str(folder / "whole-{epoch:02d}-{val_loss:.2f}.keras")),
            ModelCheckpoint(str(folder / "epoch{epoch}.weights.h5"), save_weights_only=True),
            ModelCheckpoint(str(folder / "legacy-{epoch}.h5")),
            LambdaCallback(
                on_epoch_end=lambda epoch, _: (
                    manager.save(),
                    only_model.write(str(folder / f"bare-{epoch + 1}")),
                )
            ),
            CSVLogger(str(folder / "log.csv")),
            Recorder(recorded, probe, schedule=every_epoch()),
        ],
    )
    (folder / "model.json").write_text(model.to_json())
    keras.Sequential([keras.Input((5,)), keras.layers.Dense(2)]).save(folder / "other-9.keras")
    np.savez(
        folder / "probe.npz",
        x=x[:PROBES],
        labels=y[:PROBES],
        class_names=np.array(["a", "b", "c"]),
    )
    return Finished(folder, recorded, folder / "probe.npz")
