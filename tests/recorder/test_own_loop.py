"""Loops of one's own: told before or after an update, broken off, with metrics of any type."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from recorder import Probe, Recorder, every_n_steps, on_event
from store import open_run
from tests.recorder.networks import conv_model, images, renewed
from tests.recorder.witness import Witness, check

PROBES = 2


@pytest.fixture
def model() -> Any:
    return renewed(conv_model)


@pytest.fixture
def witness(model: Any) -> Witness:
    return Witness(model, images()[0][:PROBES])


def recorder_of(path: Path, model: Any, every: int = 1, **options: Any) -> Recorder:
    settings = {"schedule": every_n_steps(every), "model": model, **options}
    return Recorder(path / "run.zarr", Probe(images()[0][:PROBES]), **settings)


def trained(model: Any, updates: int, **options: Any) -> Iterator[dict[str, Any]]:
    """Yield the metrics of each update, as tensors."""
    import keras
    import tensorflow as tf

    optimizer = keras.optimizers.SGD(0.1)
    x, y = images()
    for _ in range(updates):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(
                keras.losses.sparse_categorical_crossentropy(y, model(x, training=True))
            )
        gradients = tape.gradient(loss, model.trainable_variables)
        optimizer.apply_gradients(zip(gradients, model.trainable_variables, strict=True))
        yield {"loss": loss, "rate": optimizer.learning_rate, "gradient": gradients[0]}


def test_told_after_each_update(model: Any, witness: Witness, tmp_path: Path) -> None:
    losses = []
    with recorder_of(tmp_path, model) as recorder:
        witness.note(0)
        for step, metrics in enumerate(trained(model, 4), start=1):
            losses.append(float(metrics["loss"]))
            recorder.record(step, **metrics)
            witness.note(step)
    run = open_run(tmp_path / "run.zarr")
    assert list(run.steps) == [0, 1, 2, 3, 4]
    check(run, witness)
    assert set(map(str, run.metrics)) == {"loss", "rate"}, "an array is no metric"
    np.testing.assert_array_equal(run.metrics["loss"], losses)
    assert recorder.report.fault is None


@pytest.mark.slow
@pytest.mark.parametrize("every", [1, 3])
def test_told_before_each_update(every: int, model: Any, witness: Witness, tmp_path: Path) -> None:
    """After the last update nothing is told: those weights are one step further."""
    with recorder_of(tmp_path, model, every=every) as recorder:
        updates = trained(model, 5)
        for step in range(5):
            recorder.record(step)
            witness.note(step)
            next(updates)
        witness.note(5)
    run = open_run(tmp_path / "run.zarr")
    assert list(run.steps) == ([0, 1, 2, 3, 4, 5] if every == 1 else [0, 3, 5])
    check(run, witness)


@pytest.mark.slow
@pytest.mark.parametrize("told", [False, True])
def test_broken_off(told: bool, model: Any, witness: Witness, tmp_path: Path) -> None:
    """Weights are never recorded under a step that they do not belong to."""

    def loop() -> None:
        with recorder_of(tmp_path, model, every=100) as recorder:
            witness.note(0)
            for step, _ in enumerate(trained(model, 5), start=1):
                witness.note(step)
                if step == 3 and not told:
                    raise ZeroDivisionError
                recorder.record(step)
                if step == 3:
                    raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        loop()
    run = open_run(tmp_path / "run.zarr")
    assert list(run.steps) == [0, 3]
    assert run.finished is None
    check(run, witness)


def test_a_loop_that_does_nothing_has_its_first_step(model: Any, tmp_path: Path) -> None:
    with recorder_of(tmp_path, model):
        pass
    run = open_run(tmp_path / "run.zarr")
    assert list(run.steps) == [0]
    assert run.finished is not None


def test_steps_that_do_not_increase_end_the_recording_not_the_loop(
    model: Any, tmp_path: Path
) -> None:
    with recorder_of(tmp_path, model) as recorder:
        for step, _ in zip([1, 2, 1, 2], trained(model, 4), strict=True):
            recorder.record(step)
    assert list(open_run(tmp_path / "run.zarr").steps) == [0, 1, 2]
    assert "Count the optimizer updates over the whole training" in str(recorder.report.fault)


def test_events_see_the_metrics_as_they_are_told(model: Any, tmp_path: Path) -> None:
    with recorder_of(tmp_path, model, schedule=on_event(after=0)) as recorder:
        for step, _ in enumerate(trained(model, 12), start=1):
            recorder.record(step, loss=50.0 if step == 10 else 1.0)
    assert list(open_run(tmp_path / "run.zarr").steps) == [0, 10, 12]
