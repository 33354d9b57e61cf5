"""Steps are updates, where not every batch is one: gradients are added up, or updates left out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras  # noqa: TID253 - its models and optimizers are classes of Keras
import numpy as np
import pytest
import tensorflow as tf  # noqa: TID253

from recorder import Probe, Recorder, every_n_steps
from store import open_run
from tests.recorder.networks import CLASSES, rows

pytestmark = pytest.mark.slow

LOSS = keras.losses.SparseCategoricalCrossentropy(from_logits=True)


class ByHand(keras.Sequential):
    """Adds gradients up, and applies them every so many batches."""

    def __init__(self, every: int, *, by_optimizer: bool = True) -> None:
        super().__init__([keras.Input((5,)), keras.layers.Dense(CLASSES, name="out")])
        self.every, self.by_optimizer = every, by_optimizer
        self.batches = tf.Variable(0, trainable=False)
        self.sums = [
            tf.Variable(tf.zeros(each.shape), trainable=False) for each in self.trainable_variables
        ]

    def train_step(self, data):
        x, y = data
        with tf.GradientTape() as tape:
            loss = self.compute_loss(y=y, y_pred=self(x, training=True))
            scaled = self.optimizer.scale_loss(loss)
        gradients = tape.gradient(scaled, self.trainable_variables)
        for held, gradient in zip(self.sums, gradients, strict=True):
            held.assign_add(gradient)
        self.batches.assign_add(1)
        tf.cond(self.batches % self.every == 0, self.update, lambda: None)
        return {"loss": loss}

    def update(self) -> None:
        if self.by_optimizer:
            self.optimizer.apply_gradients(zip(self.sums, self.trainable_variables, strict=True))
        else:
            for variable, held in zip(self.trainable_variables, self.sums, strict=True):
                variable.assign_sub(0.1 * held)
        for held in self.sums:
            held.assign(tf.zeros_like(held))


class SecondBatchOnly(keras.optimizers.SGD):
    """Leaves out every other update."""

    def __init__(self) -> None:
        super().__init__(0.1)
        self.calls = tf.Variable(0, trainable=False)

    def apply(self, grads, trainable_variables=None):
        self.calls.assign_add(1)
        update = super().apply
        tf.cond(self.calls % 2 == 0, lambda: update(grads, trainable_variables), lambda: None)


def compiled(model: keras.Model, optimizer: Any, **options: Any) -> keras.Model:
    model.compile(optimizer, LOSS, **options)
    if not isinstance(optimizer, str):
        optimizer.build(model.trainable_variables)
    return model


def plain(optimizer: Any, **options: Any) -> keras.Model:
    layers = [keras.Input((5,)), keras.layers.Dense(CLASSES, name="out")]
    return compiled(keras.Sequential(layers), optimizer, **options)


def sgd(**options: Any) -> keras.optimizers.Optimizer:
    return keras.optimizers.SGD(0.1, **options)


def scaled() -> keras.optimizers.Optimizer:
    """An optimizer whose first gradients are too large, so that it leaves them out."""
    return keras.optimizers.LossScaleOptimizer(sgd(), initial_scale=2.0**126)


CASES = {
    "by hand, in twos": lambda: compiled(ByHand(2), sgd()),
    "by hand, in fours": lambda: compiled(ByHand(4), sgd()),
    "by hand, over an epoch": lambda: compiled(ByHand(6), sgd()),
    "without an optimizer": lambda: compiled(ByHand(2, by_optimizer=False), sgd()),
    "without an optimizer, each batch": lambda: compiled(ByHand(1, by_optimizer=False), sgd()),
    "several batches at a time": lambda: compiled(ByHand(4), sgd(), steps_per_execution=2),
    "by an optimizer of one's own": lambda: plain(SecondBatchOnly()),
    "by Keras, in twos": lambda: plain(sgd(gradient_accumulation_steps=2)),
    "by Keras, in fours": lambda: plain(sgd(gradient_accumulation_steps=4)),
    "loss scaled": lambda: plain(scaled(), loss_weights=[99.0]),
    "loss scaled, by hand": lambda: compiled(ByHand(1), scaled(), loss_weights=[99.0]),
    "loss scaled and added up": lambda: compiled(ByHand(2), scaled(), loss_weights=[99.0]),
}


class Updates(keras.callbacks.Callback):
    """Keeps the weights after each batch that changed them."""

    def __init__(self) -> None:
        super().__init__()
        self.kept: list[list[np.ndarray]] = []

    def on_epoch_begin(self, *_: Any, **__: Any) -> None:
        self.keep()

    def on_train_batch_end(self, *_: Any, **__: Any) -> None:
        self.keep()

    def keep(self) -> None:
        now = [np.array(each) for each in self.model.get_weights()]
        if not self.kept or any(map(np.any, map(np.not_equal, now, self.kept[-1]))):
            self.kept.append(now)


def fit(model: keras.Model, *callbacks: Any, epochs: int = 2) -> None:
    x, y = rows(24)
    model.fit(x, y, batch_size=4, epochs=epochs, verbose=0, callbacks=list(callbacks))


def recorder_at(path: Path, **options: Any) -> Recorder:
    return Recorder(path / "run.zarr", Probe(rows(2)[0]), schedule=every_n_steps(1), **options)


def assert_steps_are(path: Path, kept: list[list[np.ndarray]]) -> None:
    run = open_run(path / "run.zarr")
    assert list(run.steps) == list(range(len(kept)))
    for step, (kernel, bias) in enumerate(kept):
        np.testing.assert_array_equal(run.weights("out", "kernel")[step], kernel)
        np.testing.assert_array_equal(run.weights("out", "bias")[step], bias)


@pytest.mark.parametrize("case", CASES)
def test_a_step_is_an_update_and_not_a_batch(case: str, tmp_path: Path) -> None:
    keras.utils.set_random_seed(1)  # how soon a scale is small enough depends on the weights
    model, updates, recorder = CASES[case](), Updates(), recorder_at(tmp_path)
    fit(model, recorder, updates)
    assert recorder.report.fault is None
    assert_steps_are(tmp_path, updates.kept)
    assert 1 < len(updates.kept) <= 13


def test_what_is_added_up_over_the_end_of_a_fit_is_one_update(tmp_path: Path) -> None:
    model, updates, recorder = compiled(ByHand(4), sgd()), Updates(), recorder_at(tmp_path)
    for _ in range(3):
        fit(model, recorder, updates, epochs=1)
    assert_steps_are(tmp_path, updates.kept)


def test_another_optimizer_counts_anew(tmp_path: Path) -> None:
    """The first counts each batch; the next one waits, and then is not used at all."""
    model, updates, recorder = compiled(ByHand(1), sgd()), Updates(), recorder_at(tmp_path)
    fit(model, recorder, updates, epochs=1)
    model.every = 4
    compiled(model, sgd())
    fit(model, recorder, updates, epochs=2)
    model.by_optimizer = False
    compiled(model, sgd())
    fit(model, recorder, updates, epochs=2)
    assert_steps_are(tmp_path, updates.kept)


def test_a_resumed_training_goes_on_adding_up(tmp_path: Path) -> None:
    model, updates = compiled(ByHand(4), sgd()), Updates()
    fit(model, recorder_at(tmp_path), updates)
    fit(model, recorder_at(tmp_path, resume=True), updates)
    assert_steps_are(tmp_path, updates.kept)


def test_where_nothing_is_trained_every_batch_is_a_step(tmp_path: Path) -> None:
    model = keras.Sequential([keras.Input((5,)), keras.layers.Dense(CLASSES, trainable=False)])
    model.compile("sgd", LOSS)
    with pytest.warns(UserWarning, match="does not have any trainable weights"):
        fit(model, recorder_at(tmp_path))
    run = open_run(tmp_path / "run.zarr")
    assert list(run.steps) == list(range(13))
    assert list(run.metrics["update"].values) == list(range(1, 13))
