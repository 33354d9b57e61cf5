"""Small trainings, recorded, beside the Keras models that they left."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from store import Run, open_run
from tests.recorder.networks import compiled


@dataclass(frozen=True)
class Trained:
    """A recorded training, and its model as it was at the recorded steps."""

    run: Run
    model: Any
    inputs: Any
    labels: Any
    weights: dict[int, list[np.ndarray]]

    def keras_at(self, step: int) -> Any:
        """Give the model with the weights of a step, as the training had them."""
        self.model.set_weights(self.weights[step])
        return self.model


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Trained]:
    """Record two updates of a model: ``trained(build, data)``; the same one is trained once."""

    @functools.cache
    def train(build: Callable[[], Any], data: Callable[[], Any], **options: Any) -> Trained:
        import keras

        from recorder import Probe, Recorder, every_n_steps

        loss = options.pop("loss", "sparse_categorical_crossentropy")
        model = compiled(build, loss=dict(loss) if isinstance(loss, tuple) else loss)
        x, y = data()
        shown = _rows(x, slice(0, 6))
        labels = None if isinstance(y, dict) else y[:6]
        path = tmp_path_factory.mktemp("trained") / "run.zarr"
        recorder = Recorder(path, Probe(shown, labels=labels), schedule=every_n_steps(1), **options)
        weights: dict[int, list[np.ndarray]] = {}

        class Note(keras.callbacks.Callback):
            def on_train_begin(self, logs: Any = None) -> None:
                del logs
                weights[0] = model.get_weights()

            def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
                del logs
                weights[batch + 1] = model.get_weights()

        model.fit(
            x, y, batch_size=16, epochs=1, verbose=0, shuffle=False, callbacks=[recorder, Note()]
        )
        return Trained(open_run(path), model, shown, labels, weights)

    return train


def _rows(x: Any, rows: slice) -> Any:
    if isinstance(x, dict):
        return {name: values[rows] for name, values in x.items()}
    return [values[rows] for values in x] if isinstance(x, list) else x[rows]


@pytest.fixture(scope="session")
def taped() -> Callable[..., Any]:
    """Gradient of one unit by the input, by TensorFlow alone."""

    def gradient(of: Callable[[Any], Any], x: Any, target: int) -> Any:
        import tensorflow as tf

        given = (
            {name: tf.constant(v) for name, v in x.items()}
            if isinstance(x, dict)
            else tf.constant(x)
        )
        with tf.GradientTape() as tape:
            tape.watch(given)
            value = of(given)[..., target]
        found = tape.gradient(value, given)
        return (
            {name: np.asarray(v) for name, v in found.items()}
            if isinstance(x, dict)
            else np.asarray(found)
        )

    return gradient
