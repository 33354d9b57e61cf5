"""Any kind of training: steps, weights and activations are those of Keras at each step."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from recorder import Probe, Recorder, every_n_steps
from store import open_run
from tests.recorder.matrix_steps import OWN_STEPS, batches
from tests.recorder.networks import compiled, conv_model, images, renewed, rows
from tests.recorder.witness import Witness, check

pytestmark = pytest.mark.slow

PROBES = 4


def recorder_at(path: Path, x: Any, **options: Any) -> Recorder:
    return Recorder(path / "run.zarr", Probe(x[:PROBES]), schedule=every_n_steps(1), **options)


@pytest.mark.parametrize("name", OWN_STEPS)
def test_a_training_step_of_ones_own(name: str, tmp_path: Path) -> None:
    import keras

    keras.utils.set_random_seed(7)
    model, x = OWN_STEPS[name](), rows(24)[0]
    witness, recorder = Witness(model, x[:PROBES]), recorder_at(tmp_path, x)
    model.fit(x, batch_size=8, verbose=0, callbacks=[recorder, witness.callback()])
    assert recorder.report.fault is None
    run = open_run(tmp_path / "run.zarr")
    assert list(run.steps) == [0, 1, 2, 3]
    check(run, witness)
    losses = [metric for metric in run.metrics if "loss" in str(metric)]
    assert losses
    assert all(np.isfinite(run.metrics[metric]).all() for metric in losses)


@pytest.fixture(params=["mixed_float16", "mixed_bfloat16"])
def policy(request: pytest.FixtureRequest) -> Iterator[str]:
    import keras

    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(request.param)
    yield request.param
    keras.config.set_dtype_policy(before)


def test_mixed_precision(policy: str, tmp_path: Path) -> None:
    model, (x, y) = compiled(conv_model), images(24)
    witness, recorder = Witness(model, x[:PROBES]), recorder_at(tmp_path, x)
    model.fit(x, y, batch_size=8, verbose=0, callbacks=[recorder, witness.callback()])
    assert recorder.report.fault is None
    run = open_run(tmp_path / "run.zarr")
    # In float16 an update whose gradients overflow is skipped, and the loss scaled down.
    assert run.steps[-1] == int(model.optimizer.iterations)
    assert len(run.steps) >= 3
    check(run, witness, precision=policy.removeprefix("mixed_"))
    # bfloat16 has no type in Zarr's core and is widened.
    expected = "float16" if policy == "mixed_float16" else "float32"
    assert run.activations("conv").dtype == expected
    assert run.weights("conv", "kernel").dtype == "float32"


@pytest.mark.parametrize(
    ("options", "stride"),
    [
        ({"jit_compile": True}, 1),
        ({"steps_per_execution": 2}, 2),
        ({"steps_per_execution": 2, "jit_compile": True}, 2),
        ({"run_eagerly": True}, 1),
    ],
    ids=str,
)
def test_ways_to_compile(options: dict[str, Any], stride: int, tmp_path: Path) -> None:
    model, (x, y) = compiled(conv_model, **options), images()
    witness, recorder = Witness(model, x[:PROBES]), recorder_at(tmp_path, x)
    model.fit(x, y, batch_size=8, verbose=0, callbacks=[recorder, witness.callback(stride)])
    assert recorder.report.fault is None
    run = open_run(tmp_path / "run.zarr")
    assert list(run.steps) == list(range(0, 5, stride))
    check(run, witness)


def test_several_devices(tmp_path: Path) -> None:
    import tensorflow as tf

    devices = tf.config.list_logical_devices("CPU")
    strategy = tf.distribute.MirroredStrategy([device.name for device in devices])
    with strategy.scope():
        model = compiled(conv_model)
    x, y = images()
    witness, recorder = Witness(model, x[:PROBES]), recorder_at(tmp_path, x)
    model.fit(x, y, batch_size=8, verbose=0, callbacks=[recorder, witness.callback()])
    assert recorder.report.fault is None
    run = open_run(tmp_path / "run.zarr")
    assert list(run.steps) == [0, 1, 2, 3, 4]
    check(run, witness)


def test_a_model_that_is_built_by_its_first_batch(tmp_path: Path) -> None:
    import keras

    layers = [keras.layers.Dense(4, name="first"), keras.layers.Dense(3, name="second")]
    model, (x, y) = compiled(lambda: keras.Sequential(layers)), rows()
    witness, recorder = Witness(model, x[:PROBES]), recorder_at(tmp_path, x)
    model.fit(x, y, batch_size=8, verbose=0, callbacks=[recorder, witness.callback()])
    run = open_run(tmp_path / "run.zarr")
    assert list(run.steps) == [0, 1, 2, 3, 4]
    check(run, witness)


def test_a_dataset_with_class_weights(tmp_path: Path) -> None:
    import tensorflow as tf

    model, (x, y) = renewed(conv_model), images()
    data = tf.data.Dataset.from_tensor_slices((x, y)).shuffle(32, seed=1).batch(8).prefetch(2)
    witness, recorder = Witness(model, x[:PROBES]), recorder_at(tmp_path, x)
    model.fit(
        data,
        epochs=2,
        verbose=0,
        shuffle=False,  # the dataset does so itself
        class_weight={0: 1.0, 1: 5.0, 2: 0.0},
        callbacks=[recorder, witness.callback()],
    )
    run = open_run(tmp_path / "run.zarr")
    assert list(run.steps) == list(range(9))
    np.testing.assert_allclose(run.epochs, np.arange(9) / 4)
    check(run, witness)


@pytest.mark.parametrize("recorder_first", [True, False])
def test_early_stopping_restores_after_the_last_step(recorder_first: bool, tmp_path: Path) -> None:
    import keras

    model, (x, y) = renewed(conv_model), images()
    witness, recorder = Witness(model, x[:PROBES]), recorder_at(tmp_path, x)
    stopper = keras.callbacks.EarlyStopping(
        monitor="loss", mode="max", patience=1, restore_best_weights=True
    )
    callbacks = [recorder, stopper] if recorder_first else [stopper, recorder]
    model.fit(x, y, batch_size=8, epochs=9, verbose=0, callbacks=[witness.callback(), *callbacks])
    run = open_run(tmp_path / "run.zarr")
    assert list(run.steps) == list(range(9))
    check(run, witness)
    last = np.asarray(run.weights("conv", "kernel").sel(step=8))
    assert not np.array_equal(last, model.get_layer("conv").kernel.numpy()), "nothing was restored"


def test_several_fits(tmp_path: Path) -> None:
    model, (x, y) = renewed(conv_model), images()
    witness, recorder = Witness(model, x[:PROBES]), recorder_at(tmp_path, x)
    for start in (0, 4):
        notes = witness.callback(start=start)
        model.fit(x, y, batch_size=8, verbose=0, callbacks=[recorder, notes])
    run = open_run(tmp_path / "run.zarr")
    assert list(run.steps) == list(range(9))
    check(run, witness)


def test_a_loop_with_two_optimizers(tmp_path: Path) -> None:
    model = OWN_STEPS["gan"]()
    x = rows()[0]
    witness = Witness(model, x[:PROBES])
    with recorder_at(tmp_path, x, model=model) as recorder:
        witness.note(0)
        for step, batch in enumerate(batches(), start=1):
            metrics = model.train_step(batch)
            recorder.record(step, **metrics)  # tensors, not numbers
            witness.note(step)
    run = open_run(tmp_path / "run.zarr")
    assert list(run.steps) == [0, 1, 2, 3]
    check(run, witness)
    assert run.finished is not None
    assert sorted(map(str, run.metrics)) == ["critic_loss", "generator_loss"]
    assert run.metrics["critic_loss"].shape == (3,)
