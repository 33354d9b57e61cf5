"""A training that goes on from a checkpoint goes on in its run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from recorder import Evaluation, Probe, Recorder, every_n_steps
from store import open_run
from store.errors import RunExistsError, SpecError
from tests.recorder.networks import CLASSES, compiled, conv_model, images, renewed, rows
from tests.recorder.witness import Witness, check

PROBES = 3
# Keras saves its variables by np.array(), which its TensorFlow backend does not fully support yet.
pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings(
        "ignore:__array__ implementation doesn't accept a copy keyword:DeprecationWarning"
    ),
]


def recorder_at(path: Path, **options: Any) -> Recorder:
    probe = Probe(images()[0][:PROBES])
    return Recorder(path / "run.zarr", probe, schedule=every_n_steps(1), **options)


def fit(model: Any, epochs: int, *callbacks: Any, **options: Any) -> None:
    """4 updates an epoch."""
    x, y = images()
    model.fit(x, y, batch_size=8, epochs=epochs, verbose=0, callbacks=list(callbacks), **options)


def test_a_training_goes_on_in_its_run(tmp_path: Path) -> None:
    model = renewed(conv_model)
    witness = Witness(model, images()[0][:PROBES])
    fit(model, 2, recorder_at(tmp_path), witness.callback())
    model.save(tmp_path / "model.keras")
    first = open_run(tmp_path / "run.zarr")

    import keras

    again = keras.models.load_model(tmp_path / "model.keras")
    witness.model = again
    recorder = recorder_at(tmp_path, resume=True)
    fit(again, 3, recorder, witness.callback(start=8), initial_epoch=2)
    assert recorder.report.fault is None
    run = open_run(tmp_path / "run.zarr")
    assert run.id == first.id
    assert list(run.steps) == list(range(13))
    np.testing.assert_allclose(run.epochs, np.arange(13) / 4)
    assert (np.diff(run.wall_times) > 0).all()
    assert list(run.metrics["update"].values) == list(range(1, 13))
    assert len(run.attributes["resumed"]) == 1
    check(run, witness)


def test_epochs_go_on_too_when_they_are_counted_from_zero_again(tmp_path: Path) -> None:
    model = renewed(conv_model)
    fit(model, 2, recorder_at(tmp_path))
    fit(model, 1, recorder_at(tmp_path, resume=True))
    np.testing.assert_allclose(open_run(tmp_path / "run.zarr").epochs, np.arange(13) / 4)


def test_going_back_to_an_earlier_checkpoint_drops_what_came_later(tmp_path: Path) -> None:
    import keras

    model = renewed(conv_model)
    checkpoint = keras.callbacks.ModelCheckpoint(tmp_path / "{epoch}.keras")
    fit(model, 3, recorder_at(tmp_path), checkpoint)
    earlier = keras.models.load_model(tmp_path / "1.keras")
    fit(earlier, 2, recorder_at(tmp_path, resume=True), initial_epoch=1)
    run = open_run(tmp_path / "run.zarr")
    assert list(run.steps) == list(range(9))
    np.testing.assert_allclose(run.epochs, np.arange(9) / 4)


def test_a_backup_that_another_callback_restores(tmp_path: Path) -> None:
    """It is loaded when the training begins, also when the recorder is told of that first."""
    import keras

    class Broken(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:  # noqa: ARG002
            if epoch == 2:
                raise RuntimeError("the power is gone")

    def backup() -> Any:
        return keras.callbacks.BackupAndRestore(tmp_path / "backup")

    recorder = recorder_at(tmp_path)
    with pytest.raises(RuntimeError, match="the power is gone"):
        fit(compiled(conv_model), 3, recorder, backup(), Broken())
    del recorder
    fit(compiled(conv_model, seed=99), 3, recorder_at(tmp_path, resume=True), backup())
    run = open_run(tmp_path / "run.zarr")
    assert list(run.steps) == list(range(13))
    np.testing.assert_allclose(run.epochs, np.arange(13) / 4)
    kernel = np.asarray(run.weights("conv", "kernel"))
    changes = np.abs(np.diff(kernel, axis=0)).max(axis=(1, 2, 3, 4))
    assert changes[8] < 3 * changes[:8].max(), "the weights jumped: those of another seed"


def test_resuming_where_there_is_no_run_begins_one(tmp_path: Path) -> None:
    fit(renewed(conv_model), 1, recorder_at(tmp_path, resume=True))
    assert list(open_run(tmp_path / "run.zarr").steps) == [0, 1, 2, 3, 4]


def test_a_model_that_was_trained_before_begins_at_its_own_step(tmp_path: Path) -> None:
    model = renewed(conv_model)
    fit(model, 1)
    fit(model, 2, recorder_at(tmp_path), initial_epoch=1)
    run = open_run(tmp_path / "run.zarr")
    assert list(run.steps) == [4, 5, 6, 7, 8]
    np.testing.assert_allclose(run.epochs, [1, 1.25, 1.5, 1.75, 2])


def test_a_run_is_not_dropped_for_a_model_that_was_not_restored(tmp_path: Path) -> None:
    fit(renewed(conv_model), 1, recorder_at(tmp_path))
    with pytest.raises(SpecError, match=r"holds steps up to 4, but .* has done no update"):
        fit(renewed(conv_model), 1, recorder_at(tmp_path, resume=True))
    assert list(open_run(tmp_path / "run.zarr").steps) == [0, 1, 2, 3, 4]
    with pytest.raises(RunExistsError, match="resume=True to go on with it"):
        recorder_at(tmp_path)


def test_another_model_cannot_go_on(tmp_path: Path) -> None:
    import keras

    model = renewed(conv_model)
    fit(model, 1, recorder_at(tmp_path))
    other = compiled(
        lambda: keras.Sequential([*conv_model().layers[:-2], keras.layers.Dense(3, name="new")])
    )
    fit(other, 1)
    with pytest.raises(SpecError, match="cannot be resumed"):
        fit(other, 1, recorder_at(tmp_path, resume=True))


def test_a_loop_goes_on_from_the_last_step_or_from_the_one_given(tmp_path: Path) -> None:
    model, (x, y) = renewed(conv_model), images()
    for resume, steps in ((False, range(1, 5)), (True, range(5, 8)), (6, range(7, 9))):
        with recorder_at(tmp_path, model=model, resume=resume) as recorder:
            for step in steps:
                recorder.record(step, loss=model.train_on_batch(x, y))
        assert recorder.report.fault is None
    assert list(open_run(tmp_path / "run.zarr").steps) == list(range(9))


def test_gradients_that_are_accumulated_are_one_update(tmp_path: Path) -> None:
    import keras

    optimizer = keras.optimizers.SGD(0.1, gradient_accumulation_steps=2)
    model = compiled(conv_model, optimizer=optimizer)
    fit(model, 2, recorder_at(tmp_path))
    run = open_run(tmp_path / "run.zarr")
    assert list(run.steps) == [0, 1, 2, 3, 4]
    kernel = np.asarray(run.weights("conv", "kernel"))
    assert (np.abs(np.diff(kernel, axis=0)).max(axis=(1, 2, 3, 4)) > 0).all()
    np.testing.assert_array_equal(kernel[-1], model.get_layer("conv").kernel.numpy())


# What a loss asks of labels that are 0 and 1 in three columns, of a network with three outputs.
ASKED = {
    "binary_crossentropy": "tags",
    "mse": "values",
    "categorical_crossentropy": "classes",
    "of_my_own": None,
}
# What is said in the first recording, if anything is.
SAID = [(loss, None) for loss in ASKED] + [("mse", "tags"), ("binary_crossentropy", "classes")]


def one_hot(count: int) -> tuple[np.ndarray, np.ndarray]:
    x, y = rows(count)
    return x, np.eye(CLASSES, dtype=np.float32)[y]


def of_my_own(answers: Any, given: Any) -> Any:
    """A loss that nobody knows."""
    return (answers - given) ** 4


def scoring(loss: str) -> Any:
    """A network whose outputs any loss takes."""
    import keras

    layers = [keras.Input((5,)), keras.layers.Dense(CLASSES, "sigmoid", name="out")]
    model = keras.Sequential(layers, name="scoring")
    model.compile("sgd", globals().get(loss, loss))
    return model


def asking(path: Path, task: str | None = None, **options: Any) -> Recorder:
    x, y = one_hot(8)
    return Recorder(
        path / "run.zarr",
        Probe(x[:PROBES], y[:PROBES], task=task),
        evaluation=Evaluation(x, y, role="train"),
        schedule=every_n_steps(1),
        **options,
    )


@pytest.mark.parametrize(("loss", "task"), SAID)
@pytest.mark.parametrize("later", ASKED)
def test_what_labels_ask_does_not_change_with_the_loss(
    loss: str, task: str | None, later: str, tmp_path: Path
) -> None:
    x, y = one_hot(8)
    model = scoring(loss)
    model.fit(x, y, batch_size=4, verbose=0, callbacks=[asking(tmp_path, task)])
    before = open_run(tmp_path / "run.zarr")
    model.compile(model.optimizer, globals().get(later, later))
    recorder = asking(tmp_path, resume=True)
    model.fit(x, y, batch_size=4, verbose=0, callbacks=[recorder])
    assert recorder.report.fault is None
    run = open_run(tmp_path / "run.zarr")
    assert list(run.steps) == [0, 1, 2, 3, 4]
    assert run.probe.task == (task or ASKED[loss])
    assert run.nodes["evaluation_train"]["attributes"]["task"] == run.probe.task
    np.testing.assert_array_equal(run.probe.labels, before.probe.labels)
    for step, asked in ((0, loss), (1, loss), (2, later), (4, later)):
        assert asked in str(run.settings(step=step)["loss"])


def test_labels_that_are_said_to_ask_something_else_are_refused(tmp_path: Path) -> None:
    x, y = one_hot(8)
    model = scoring("binary_crossentropy")
    model.fit(x, y, verbose=0, callbacks=[asking(tmp_path)])
    with pytest.raises(SpecError, match=r"in task \('tags' then, 'values' now\)"):
        model.fit(x, y, verbose=0, callbacks=[asking(tmp_path, "values", resume=True)])
    model.fit(x, y, verbose=0, callbacks=[asking(tmp_path, "tags", resume=True)])
    assert list(open_run(tmp_path / "run.zarr").steps) == [0, 1, 2]
