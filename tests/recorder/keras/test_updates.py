"""Single updates of Keras trainings, against a callback that copies the weights at every batch."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from recorder import Probe, Recorder, adaptive, at_steps, every_epoch, every_n_steps
from recorder.recording.updates import UpdateMeter
from store import open_run
from store.errors import SpecError
from tests.recorder.keras.test_callback import BATCH, EPOCHS, fit, spy
from tests.recorder.networks import (
    branched_model,
    compiled,
    conv_model,
    images,
    lstm_model,
    renewed,
    rows,
    sentences,
    values_of,
)

pytestmark = pytest.mark.slow

LAST = EPOCHS * 32 // BATCH


def recorded(path: Path, model: Any, data: Any, schedule: Any, **options: Any) -> tuple[Any, list]:
    """Train and record; give the run, and the weights after each call of `on_train_batch_end`."""
    moments: list[list[np.ndarray]] = []
    witness = spy(lambda model: moments.append([values_of(w) for w in model.trainable_variables]))
    recorder = Recorder(path, Probe(data[0][:2]), schedule=schedule)
    fit(model, data, witness, recorder, **options)
    assert recorder.report.fault is None
    return open_run(path), moments


def assert_single_updates(run: Any, moments: list, steps: list[int], paths: list[str]) -> None:
    for step in steps:
        found = run.updates.sel(step=step)
        assert int(found["count"]) == 1
        for number, path in enumerate(paths):
            before, after = (moments[at][number].astype(float) for at in (step - 1, step))
            mine = found.sel(variable=path)
            move = after - before
            assert float(mine["norm"]) == pytest.approx(np.linalg.norm(move), rel=1e-6)
            assert float(mine["weight"]) == pytest.approx(np.linalg.norm(before), rel=1e-6)
            if step > 1:
                last = before - moments[step - 2][number]
                cosine = (move * last).sum() / np.linalg.norm(move) / np.linalg.norm(last)
                assert float(mine["cosine"]) == pytest.approx(cosine, rel=1e-5, abs=1e-7)
            else:
                assert np.isnan(mine["cosine"])


@pytest.mark.parametrize("schedule", [at_steps([1, 2, 6]), adaptive("1 MB", change=1e-9)])
def test_each_recorded_step_has_its_one_update(schedule: Any, tmp_path: Path) -> None:
    run, moments = recorded(tmp_path / "run.zarr", renewed(conv_model), images(), schedule)
    assert run.steps[-1] == LAST
    paths = [
        f"layers/{layer}/weights/{name}"
        for layer in ("conv", "logits")
        for name in ("kernel", "bias")
    ]
    assert list(run.updates["variable"].values) == paths
    assert_single_updates(run, moments, list(run.steps[1:]), paths)
    assert np.isnan(run.updates["gradient"]).all(), "none were given"


@pytest.mark.filterwarnings("ignore:Your input ran out of data")  # so Keras finds the length
def test_the_end_of_an_epoch_of_unknown_length_is_measured(tmp_path: Path) -> None:
    """The length of an epoch is not known before its end; the default schedule records it."""
    import tensorflow as tf

    x, y = images()

    def batches() -> Any:
        for at in range(0, len(x), BATCH):
            yield x[at : at + BATCH], y[at : at + BATCH]

    kinds = (tf.TensorSpec((None, *x.shape[1:])), tf.TensorSpec((None,), tf.int64))
    data = tf.data.Dataset.from_generator(batches, output_signature=kinds)
    recorder = Recorder(tmp_path / "run.zarr", Probe(x[:2]), schedule=every_epoch())
    renewed(conv_model).fit(data, epochs=2, verbose=0, shuffle=False, callbacks=[recorder])
    run = open_run(tmp_path / "run.zarr")
    assert list(run.steps) == [0, 4, 8]
    np.testing.assert_array_equal(run.updates["count"], [0, 1, 1])
    assert np.isfinite(run.updates["cosine"].isel(step=slice(1, None))).all()


def test_what_is_not_trained_has_no_update(tmp_path: Path) -> None:
    model = compiled(branched_model)
    model.get_layer("left").trainable = False
    model.compile("sgd", "sparse_categorical_crossentropy")
    run, _ = recorded(tmp_path / "run.zarr", model, rows(), every_n_steps(1))
    known = np.isfinite(run.updates["norm"].isel(step=-1))
    names = {str(path) for path in known["variable"].values[known.values]}
    assert names == {
        f"layers/{layer}/weights/{name}"
        for layer, names in {
            "right": ("kernel", "bias"),
            "norm": ("gamma", "beta"),
            "out": ("kernel", "bias"),
        }.items()
        for name in names
    }


def test_steps_that_run_at_once_are_measured_as_one(tmp_path: Path) -> None:
    model = compiled(conv_model, steps_per_execution=2)
    run, moments = recorded(tmp_path / "run.zarr", model, images(), every_n_steps(4))
    assert list(run.steps) == [0, 4, 8, 12]
    np.testing.assert_array_equal(run.updates["count"], [0, 2, 2, 2])
    kernel = run.updates.sel(variable="layers/conv/weights/kernel")
    for place, at in enumerate((2, 4, 6), start=1):
        move = moments[at][0].astype(float) - moments[at - 1][0]
        last = moments[at - 1][0].astype(float) - moments[at - 2][0]
        assert float(kernel["norm"][place]) == pytest.approx(np.linalg.norm(move), rel=1e-6)
        cosine = (move * last).sum() / np.linalg.norm(move) / np.linalg.norm(last)
        assert float(kernel["cosine"][place]) == pytest.approx(cosine, rel=1e-5)


def test_gradients_of_embeddings_count_each_row_once(tmp_path: Path) -> None:
    """The gradient of an embedding holds rows of the batch, some of them several times."""
    import keras
    import tensorflow as tf

    model, (x, y) = renewed(lstm_model), sentences()
    optimizer = keras.optimizers.SGD(0.1)
    with Recorder(tmp_path / "run.zarr", Probe(x[:2]), model=model) as recorder:
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(keras.losses.sparse_categorical_crossentropy(y, model(x)))
        gradients = tape.gradient(loss, model.trainable_variables)
        optimizer.apply_gradients(zip(gradients, model.trainable_variables, strict=True))
        recorder.record(1, gradients=gradients)
    found = open_run(tmp_path / "run.zarr").updates.sel(step=1)
    np.testing.assert_allclose(found["norm"], 0.1 * found["gradient"], rtol=1e-3)


@pytest.mark.parametrize("given", [5, [1.0]])
def test_gradients_that_are_not_those_of_the_model_are_named(
    given: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    model = renewed(lstm_model)
    with Recorder(tmp_path / "run.zarr", Probe(sentences()[0][:2]), model=model) as recorder:
        recorder.record(1, gradients=given)
    assert isinstance(recorder.report.fault, SpecError)
    assert "record(gradients=...) expects one gradient, or None, for each" in caplog.text
    assert "report this" not in caplog.text


@pytest.mark.parametrize(
    ("policy", "jit"), [("float32", False), ("float32", True), ("mixed_float16", False)]
)
def test_gradients_of_a_fit_are_noted_on_demand(policy: str, jit: bool, tmp_path: Path) -> None:
    """Of plain gradient descent an update is the gradient times the learning rate."""
    import keras

    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        model = compiled(lstm_model if policy == "float32" else conv_model, jit_compile=jit)
    finally:
        keras.config.set_dtype_policy(before)
    x, y = sentences() if policy == "float32" else images()
    recorder = Recorder(
        tmp_path / "run.zarr", Probe(x[:2]), schedule=every_n_steps(5), gradients=True
    )
    fit(model, (x, y), recorder)
    assert recorder.report.fault is None
    found = open_run(tmp_path / "run.zarr").updates.isel(step=slice(1, None))
    rate = float(model.optimizer.learning_rate.numpy())
    moved = found["count"] > 0  # a scaled loss that overflows does no update
    assert moved.any()
    np.testing.assert_allclose(
        found["norm"][moved.values], rate * found["gradient"][moved.values], rtol=2e-3
    )
    optimizer = getattr(model.optimizer, "inner_optimizer", model.optimizer)
    assert "apply" not in vars(optimizer), "the optimizer is left as it was"


@pytest.mark.parametrize("end", [KeyboardInterrupt, RuntimeError])
def test_an_interrupted_fit_leaves_neither_model_nor_optimizer_changed(
    end: type[BaseException], tmp_path: Path
) -> None:
    """A fit that ends so tells no callback of it."""
    import keras

    def interrupt(batch: int, logs: Any) -> None:
        assert "apply" not in vars(model.optimizer), "also between two batches"
        pickle.loads(pickle.dumps(model.optimizer))  # noqa: S301 - our own
        if batch == 2:
            raise end

    model, (x, y) = renewed(conv_model), images()
    keep = []  # a notebook keeps the recorder of an interrupted cell

    def recorder(name: str) -> Recorder:
        keep.append(
            Recorder(tmp_path / name, Probe(x[:2]), schedule=every_n_steps(5), gradients=True)
        )
        return keep[-1]

    with pytest.raises(end):
        fit(
            model,
            (x, y),
            recorder("a.zarr"),
            keras.callbacks.LambdaCallback(on_train_batch_end=interrupt),
        )
    assert "apply" not in vars(model.optimizer)
    fit(model, (x, y), recorder("b.zarr"))
    assert keep[-1].report.fault is None
    found = open_run(tmp_path / "b.zarr").updates.isel(step=slice(1, None))
    rate = float(model.optimizer.learning_rate.numpy())
    np.testing.assert_allclose(found["norm"], rate * found["gradient"], rtol=2e-3)
    with pytest.raises(end):
        fit(
            model,
            (x, y),
            recorder("c.zarr"),
            keras.callbacks.LambdaCallback(on_train_batch_end=interrupt),
        )
    fit(model, (x, y))
    assert model.train_function.__module__.startswith("keras."), "nobody listens any more"


def test_a_recorder_that_gives_up_lets_the_model_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = renewed(conv_model)
    recorder = Recorder(tmp_path / "run.zarr", Probe(images()[0][:2]), gradients=True)
    monkeypatch.setattr(UpdateMeter, "measure", None)
    seen = []
    fit(model, images(), recorder, spy(lambda model: seen.append(model.train_function)))
    assert recorder.report.fault is not None
    assert seen[-1].__module__.startswith("keras.")
    assert "apply" not in vars(model.optimizer)


def test_other_trainings_of_the_model_end_the_noting_and_no_old_norm_is_recorded(
    tmp_path: Path,
) -> None:
    import keras

    model, (x, y) = renewed(conv_model), images()
    own = keras.callbacks.LambdaCallback(
        on_train_batch_begin=lambda batch, logs: (  # noqa: ARG005
            model.train_on_batch(x, y) if batch == 2 else None
        )
    )
    recorder = Recorder(
        tmp_path / "run.zarr", Probe(x[:2]), schedule=every_n_steps(1), gradients=True
    )
    fit(model, (x, y), own, recorder, epochs=1)
    assert recorder.report.fault is None
    known = np.isfinite(open_run(tmp_path / "run.zarr").updates["gradient"]).all("variable")
    assert known.values.tolist() == [False, True, True, False, False]
