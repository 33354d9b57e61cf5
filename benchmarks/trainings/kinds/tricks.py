"""Ways to train: what is done to optimizers, precisions, devices and processes."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import layers, ops

from benchmarks.trainings.attempt import Attempt, Parts
from benchmarks.trainings.catalogue import training
from benchmarks.trainings.data import CLASSES, images, rows


def small_network(features: int = 6) -> Any:
    """A network of dense layers."""
    return keras.Sequential(
        [
            keras.Input((features,)),
            layers.Dense(8, activation="relu"),
            layers.BatchNormalization(),
            layers.Dense(CLASSES),
        ]
    )


def of_logits() -> Any:
    """The loss of its outputs."""
    return keras.losses.SparseCategoricalCrossentropy(from_logits=True)


@training()
def gradient_accumulation(attempt: Attempt) -> None:
    """Every second batch is an update, by Keras's own optimizer."""
    x, y = rows(48)
    model = keras.Sequential([keras.Input((6,)), layers.Dense(8, "relu"), layers.Dense(CLASSES)])
    model.compile(keras.optimizers.Adam(0.01, gradient_accumulation_steps=2), of_logits())
    callbacks = attempt.callbacks(
        model, x[:6], y[:6], count=lambda: int(model.optimizer.iterations)
    )
    model.fit(x, y, batch_size=8, epochs=2, verbose=0, callbacks=callbacks)


class Accumulating(keras.Model):
    """Adds up gradients in variables of its own, and applies them every so many batches."""

    def __init__(self, every: int, **options: Any) -> None:
        super().__init__(**options)
        self.every = every
        self.batches = tf.Variable(0, trainable=False, dtype=tf.int32)
        self.hidden, self.answer = layers.Dense(8, activation="relu"), layers.Dense(CLASSES)
        self.build((None, 6))
        self.sums = [
            tf.Variable(tf.zeros(weight.shape), trainable=False)
            for weight in self.trainable_variables
        ]

    def build(self, shape: Any) -> None:
        """Build both layers."""
        self.hidden.build(shape)
        self.answer.build((None, 8))
        self.built = True

    def call(self, inputs: Any) -> Any:
        """Give (row, class)."""
        return self.answer(self.hidden(inputs))

    def train_step(self, data: Any) -> Mapping[str, Any]:
        """Add up, and now and then apply."""
        x, y = data
        with tf.GradientTape() as tape:
            loss = self.compute_loss(y=y, y_pred=self(x, training=True))
        for held, gradient in zip(
            self.sums, tape.gradient(loss, self.trainable_variables), strict=True
        ):
            held.assign_add(gradient / self.every)
        self.batches.assign_add(1)
        tf.cond(tf.equal(self.batches % self.every, 0), self.apply, lambda: None)
        return {"loss": loss}

    def apply(self) -> None:
        """Update, and begin to add up anew."""
        self.optimizer.apply_gradients(zip(self.sums, self.trainable_variables, strict=True))
        for held in self.sums:
            held.assign(tf.zeros_like(held))


@training()
def accumulation_by_hand(attempt: Attempt) -> None:
    """Gradients are added up in variables that Keras does not know."""
    x, y = rows(48)
    model = Accumulating(2)
    model.compile(keras.optimizers.SGD(0.1), of_logits())
    callbacks = attempt.callbacks(
        model, x[:6], y[:6], count=lambda: int(model.optimizer.iterations)
    )
    model.fit(x, y, batch_size=8, epochs=2, verbose=0, callbacks=callbacks)


@training()
def ema(attempt: Attempt) -> None:
    """A mean of the weights over time, which is put into the model after the training."""
    x, y = rows()
    model = small_network()
    model.compile(keras.optimizers.SGD(0.1, use_ema=True, ema_momentum=0.5), of_logits())
    callbacks = attempt.callbacks(model, x[:6], y[:6])
    swap = keras.callbacks.SwapEMAWeights()
    data = {"validation_data": (x[:8], y[:8])}
    model.fit(x, y, batch_size=8, epochs=2, verbose=0, callbacks=[*callbacks, swap], **data)


@training()
def lora(attempt: Attempt) -> None:
    """The kernels stand still; what is added to them is a product of two thin matrices."""
    x, y = rows()
    model = small_network()
    model.compile("sgd", of_logits())
    model.fit(x, y, batch_size=8, verbose=0)
    for layer in model.layers:
        if isinstance(layer, layers.Dense):
            layer.enable_lora(2)
        else:
            layer.trainable = False
    model.compile(keras.optimizers.AdamW(1e-2), of_logits())
    callbacks = attempt.callbacks(model, x[:6], y[:6])
    model.fit(x, y, batch_size=8, epochs=2, verbose=0, callbacks=callbacks)


@training()
def lora_by_hand(attempt: Attempt) -> None:
    """A layer that holds another one, frozen, and adds its own two to it."""

    class Lora(layers.Layer):
        def __init__(self, original: Any, rank: int, **options: Any) -> None:
            super().__init__(name=original.name, **options)
            self.original = original
            original.trainable = False
            self.down = layers.Dense(rank, use_bias=False, name="lora_a")
            self.up = layers.Dense(
                original.units, use_bias=False, kernel_initializer="zeros", name="lora_b"
            )

        def call(self, inputs: Any) -> Any:
            return self.original(inputs) + 2.0 * self.up(self.down(inputs))

    x, y = rows()
    inputs = keras.Input((6,))
    known = layers.Dense(8, name="query")
    known.build((None, 6))
    hidden = layers.Activation("tanh")(Lora(known, 2)(inputs))
    model = keras.Model(inputs, layers.Dense(CLASSES)(hidden))
    model.compile("adam", of_logits())
    callbacks = attempt.callbacks(model, x[:6], y[:6])
    model.fit(x, y, batch_size=8, epochs=2, verbose=0, callbacks=callbacks)


@training(tolerance=1e-2)
def mixed_precision(attempt: Attempt) -> None:
    """Half precision; the first gradients overflow, and their updates are left out."""
    x, y = images()
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_float16")
    try:
        model = keras.Sequential(
            [
                keras.Input(x.shape[1:]),
                layers.Conv2D(4, 3, activation="relu"),
                layers.BatchNormalization(),
                layers.GlobalAveragePooling2D(),
                layers.Dense(CLASSES),
                layers.Activation("softmax", dtype="float32"),
            ]
        )
    finally:
        keras.config.set_dtype_policy(before)
    optimizer = keras.optimizers.LossScaleOptimizer(
        keras.optimizers.Adam(0.01), initial_scale=2.0**20, dynamic_growth_steps=3
    )
    model.compile(optimizer, "sparse_categorical_crossentropy")
    callbacks = attempt.callbacks(
        model, x[:6], y[:6], count=lambda: int(optimizer.inner_optimizer.iterations)
    )
    model.fit(x, y, batch_size=4, epochs=3, verbose=0, callbacks=callbacks)


@training(tolerance=1e-2)
def bfloat16(attempt: Attempt) -> None:
    """Half precision of a wide range, which Zarr has no type for."""
    x, y = rows()
    model = keras.Sequential(
        [
            keras.Input((6,)),
            layers.Dense(8, activation="relu", dtype="mixed_bfloat16"),
            layers.Dense(CLASSES, dtype="mixed_bfloat16"),
            layers.Activation("softmax", dtype="float32"),
        ]
    )
    model.compile("sgd", "sparse_categorical_crossentropy")
    callbacks = attempt.callbacks(model, x[:6], y[:6])
    model.fit(x, y, batch_size=8, epochs=2, verbose=0, callbacks=callbacks)


@training()
def jit(attempt: Attempt) -> None:
    """The training step is compiled by XLA."""
    x, y = rows()
    model = small_network()
    model.compile("adam", of_logits(), metrics=["accuracy"], jit_compile=True)
    callbacks = attempt.callbacks(model, x[:6], y[:6])
    model.fit(x, y, batch_size=8, epochs=2, verbose=0, callbacks=callbacks)


@training()
def steps_per_execution(attempt: Attempt) -> None:
    """Three batches in one call; the last of an epoch are fewer."""
    x, y = rows(32)
    model = small_network()
    model.compile("adam", of_logits(), steps_per_execution=3)
    callbacks = attempt.callbacks(
        model, x[:6], y[:6], count=lambda: int(model.optimizer.iterations)
    )
    model.fit(x, y, batch_size=8, epochs=2, verbose=0, callbacks=callbacks)


@training()
def eager(attempt: Attempt) -> None:
    """A layer that computes with NumPy, for which the training runs eagerly."""

    class Standardized(layers.Layer):
        def call(self, inputs: Any) -> Any:
            values = np.asarray(inputs)
            return tf.constant((values - values.mean(axis=1, keepdims=True)).astype(np.float32))

    x, y = rows()
    model = keras.Sequential([Standardized(), layers.Dense(6, "tanh"), layers.Dense(CLASSES)])
    model.compile("sgd", of_logits(), run_eagerly=True)
    callbacks = attempt.callbacks(model, x[:6], y[:6])
    model.fit(x, y, batch_size=8, epochs=2, verbose=0, callbacks=callbacks)


@training()
def mirrored(attempt: Attempt) -> None:
    """Over several devices, by a strategy: here over those of one machine."""
    x, y = rows()
    devices = [device.name for device in tf.config.list_logical_devices("CPU")]
    with tf.distribute.MirroredStrategy(devices).scope():
        model = small_network()
        model.compile(keras.optimizers.Adam(0.01), of_logits(), metrics=["accuracy"])
    callbacks = attempt.callbacks(model, x[:6], y[:6])
    data = tf.data.Dataset.from_tensor_slices((x, y)).batch(8)
    model.fit(data, epochs=2, verbose=0, callbacks=callbacks)


class Killer(keras.callbacks.Callback):
    """Ends its process as a machine does that is taken away."""

    def on_train_batch_end(self, batch: int, logs: Mapping[str, Any] | None = None) -> None:
        """End in the midst of the second epoch."""
        if int(self.model.optimizer.iterations) == 7:
            os.kill(os.getpid(), signal.SIGKILL)


def restored_fit(folder: Path, is_recorded: bool, more: list[Any]) -> Attempt:
    """Train with a backup every third batch, from the last one on if there is one."""
    keras.utils.set_random_seed(7)
    attempt = Attempt(folder, is_recorded=is_recorded)
    x, y = rows(40)
    model = small_network()
    model.compile(keras.optimizers.Adam(0.01), of_logits())
    backup = keras.callbacks.BackupAndRestore(folder / "backup", save_freq=3)
    callbacks = attempt.callbacks(
        model, x[:6], y[:6], count=lambda: int(model.optimizer.iterations), resume=True
    )
    callbacks = [backup, *callbacks, *more]
    model.fit(x, y, batch_size=8, epochs=3, shuffle=False, verbose=0, callbacks=callbacks)
    return attempt


def killed_fit(folder: Path, is_recorded: bool) -> None:
    """The same, until it is killed."""
    restored_fit(folder, is_recorded, [Killer()])


@training()
def backup_and_restore(attempt: Attempt) -> None:
    """Killed in the midst of an epoch, and taken up by another process."""
    methods = multiprocessing.get_all_start_methods()
    context = multiprocessing.get_context("forkserver" if "forkserver" in methods else "spawn")
    if "forkserver" in methods:
        context.set_forkserver_preload([__name__])  # for all three attempts at once
    killed = context.Process(target=killed_fit, args=(attempt.folder, attempt.is_recorded))
    killed.start()
    killed.join()
    if killed.exitcode != -signal.SIGKILL:
        raise RuntimeError(f"the first process ended with the code {killed.exitcode}")
    second = restored_fit(attempt.folder, attempt.is_recorded, [])
    attempt.seen, attempt.losses = second.seen, second.losses
    attempt.recorders = second.recorders


@training()
def schedules(attempt: Attempt) -> None:
    """A learning rate that falls by a schedule, clipped gradients, class weights, decay."""
    x, y = rows()
    rates = keras.optimizers.schedules.CosineDecay(0.0, 16, warmup_target=0.05, warmup_steps=2)
    model = small_network()
    model.compile(keras.optimizers.AdamW(rates, global_clipnorm=1.0), of_logits())
    callbacks = attempt.callbacks(model, x[:6], y[:6])
    weights = {0: 1.0, 1: 2.0, 2: 0.5}
    model.fit(x, y, batch_size=8, epochs=2, class_weight=weights, verbose=0, callbacks=callbacks)


@training()
def plateaus(attempt: Attempt) -> None:
    """Callbacks that change the rate, stop early, and put the best weights back."""
    x, y = rows()
    model = small_network()
    model.compile(keras.optimizers.RMSprop(0.05), of_logits())
    changing = [
        keras.callbacks.ReduceLROnPlateau(monitor="loss", patience=1, min_delta=9.0),
        keras.callbacks.LearningRateScheduler(lambda _, rate: rate * 0.9),
        keras.callbacks.EarlyStopping("loss", mode="max", patience=2, restore_best_weights=True),
    ]
    callbacks = attempt.callbacks(model, x[:6], y[:6])
    model.fit(x, y, batch_size=8, epochs=6, verbose=0, callbacks=[*callbacks, *changing])


@training()
def regularized(attempt: Attempt) -> None:
    """Penalties on weights and activations, constraints, spectral normalization."""
    x, y = images()
    model = keras.Sequential(
        [
            keras.Input(x.shape[1:]),
            layers.SpectralNormalization(layers.Conv2D(4, 3, kernel_regularizer="l2")),
            layers.GroupNormalization(2),
            layers.PReLU(shared_axes=[1, 2]),
            layers.Flatten(),
            layers.Dense(6, kernel_constraint="max_norm", activity_regularizer="l1"),
            layers.GaussianNoise(0.1),
            layers.Dense(CLASSES, kernel_constraint=keras.constraints.UnitNorm()),
        ]
    )
    model.compile(keras.optimizers.Lion(1e-3), of_logits())
    callbacks = attempt.callbacks(model, x[:6], y[:6])
    model.fit(x, y, batch_size=8, epochs=2, verbose=0, callbacks=callbacks)


class Distiller(keras.Model):
    """A student learns what a teacher says, which stays as it is."""

    def __init__(self, student: Any, teacher: Any, **options: Any) -> None:
        super().__init__(**options)
        self.teacher, self.student = teacher, student

    def call(self, inputs: Any) -> Any:
        """Give what the student says."""
        return self.student(inputs)

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> Any:
        """Compare with the teacher at a high temperature, and with the labels."""
        said = self.teacher(x, training=False)
        soft = ops.softmax(said / 3.0), ops.softmax(y_pred / 3.0)
        return ops.mean(keras.losses.kl_divergence(*soft)) + ops.mean(self.loss(y, y_pred))


@training()
def distillation(attempt: Attempt) -> None:
    """A model that calls one of its parts, and asks the other in its loss."""
    x, y = rows()
    teacher = small_network()
    teacher.compile("sgd", of_logits())
    teacher.fit(x, y, batch_size=8, verbose=0)
    model = Distiller(keras.Sequential([keras.Input((6,)), layers.Dense(CLASSES)]), teacher)
    model.compile("adam", of_logits())
    callbacks = attempt.callbacks(model, x[:6], y[:6])
    model.fit(x, y, batch_size=8, epochs=2, verbose=0, callbacks=callbacks)


@training()
def two_tasks(attempt: Attempt) -> None:
    """Two models in one loop of one's own, in one traced step, with an optimizer each."""
    x, y = rows()
    parts = {"even": small_network(), "odd": small_network()}
    optimizers = {name: keras.optimizers.SGD(0.1) for name in parts}

    @tf.function
    def learn(inputs: Any, labels: Any) -> dict[str, Any]:
        losses = {}
        for name, model in parts.items():
            with tf.GradientTape() as tape:
                losses[name] = of_logits()(labels, model(inputs, training=True))
            weights = model.trainable_variables
            gradients = tape.gradient(losses[name], weights)
            optimizers[name].apply_gradients(zip(gradients, weights, strict=True))
        return losses

    with attempt.loop(parts, Parts(even=x[:6], odd=x[:6])) as record:
        for step in range(1, 5):
            chosen = slice(8 * step - 8, 8 * step)
            record(step, **learn(x[chosen], y[chosen]))


@training()
def own_loop(attempt: Attempt) -> None:
    """A loop with a tape, a metric of its own, and a model that is not compiled."""
    x, y = rows()
    model, optimizer = small_network(), keras.optimizers.Adam(0.01)
    accuracy = keras.metrics.SparseCategoricalAccuracy()
    with attempt.loop(model, x[:6], y[:6]) as record:
        for step in range(1, 9):
            chosen = slice(8 * (step % 4), 8 * (step % 4) + 8)
            with tf.GradientTape() as tape:
                said = model(x[chosen], training=True)
                loss = of_logits()(y[chosen], said)
            gradients = tape.gradient(loss, model.trainable_variables)
            optimizer.apply_gradients(zip(gradients, model.trainable_variables, strict=True))
            accuracy.update_state(y[chosen], said)
            record(step, loss=loss, accuracy=accuracy.result())
