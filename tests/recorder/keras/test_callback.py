"""Recordings of real trainings: what is in the run, and that the training does not notice."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from explorer.derived.time.batch_values import batch_values
from recorder import Probe, Recorder, every_epoch, every_n_steps, log_spaced
from store import open_run
from store.errors import RunExistsError, SpecError
from store.tools.info import describe
from tests.recorder.networks import (
    NETWORKS,
    compiled,
    conv_model,
    images,
    nested_model,
    renewed,
    rows,
    values_of,
)

pytestmark = pytest.mark.slow

PROBES = 6
EPOCHS, BATCH = 3, 8  # 32 examples: 4 updates an epoch


def spy(function: Callable[[Any], None]) -> Any:
    """Callback that calls `function` with the model at step 0 and after every update."""
    import keras

    class Spy(keras.callbacks.Callback):
        def on_train_begin(self, *_: Any, **__: Any) -> None:
            function(self.model)

        def on_train_batch_end(self, *_: Any, **__: Any) -> None:
            function(self.model)

    return Spy()


def fit(model: Any, data: tuple[np.ndarray, np.ndarray], *callbacks: Any, **options: Any) -> Any:
    x, y = data
    settings = {"epochs": EPOCHS, "batch_size": BATCH, "verbose": 0, **options}
    return model.fit(x, y, callbacks=list(callbacks), **settings)


def weights_at(run: Any, step: int) -> dict[str, np.ndarray]:
    return {
        f"{name}/{weight}": np.asarray(run.weights(name, weight).sel(step=step))
        for name, layer in run.layers.items()
        for weight in layer.weights
    }


@pytest.mark.parametrize(("name", "optimizer"), [("conv", "adam"), ("branched", "sgd")])
def test_the_trained_weights_are_the_same_bit_for_bit(
    name: str, optimizer: str, tmp_path: Path
) -> None:
    """By two new networks each; test_matrix.py compares every kind of network."""
    data, results = NETWORKS[name].data(), []
    for recorded in (False, True):
        model = compiled(NETWORKS[name].build, optimizer=optimizer)
        first = [values_of(variable) for variable in model.variables]
        probe = Probe(data[0][:PROBES])
        callbacks = [Recorder(tmp_path / "run.zarr", probe, schedule=every_n_steps(1))]
        history = fit(model, data, *(callbacks if recorded else []), validation_data=data)
        last = [values_of(variable) for variable in [*model.variables, *model.optimizer.variables]]
        results.append((first, last, history.history))
    (first, plain, plain_history), (_, recorded_too, recorded_history) = results
    assert plain_history == recorded_history
    for one, other in zip(plain, recorded_too, strict=True):
        np.testing.assert_array_equal(one, other)
    assert not np.array_equal(first[0], plain[0]), "nothing was trained"


def drawing_model(draw: str, built: str) -> Any:
    """Model that is not built yet, and draws or counts in every call, also in inference."""
    import keras
    import tensorflow as tf
    from keras import layers

    class Drawing(keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.hidden, self.answer = layers.Dense(6), layers.Dense(1)
            self.own = keras.random.SeedGenerator(1)
            self.calls = self.add_weight(shape=(), initializer="zeros", trainable=False)

        def call(self, x: Any) -> Any:
            x = self.hidden(x)
            if draw == "own generator":
                x += keras.random.normal(keras.ops.shape(x), seed=self.own)
            elif draw == "global generator":
                x += keras.random.normal(keras.ops.shape(x))
            elif draw == "TensorFlow":
                x += tf.random.normal(tf.shape(x))
            else:
                self.calls.assign_add(1)
                x *= self.calls
            return self.answer(x)

    model = Drawing()
    model.compile(keras.optimizers.SGD(0.01), "mse", run_eagerly=built == "nothing, run eagerly")
    if built == "its layers are not":
        model.built = True
    return model


@pytest.mark.parametrize("built", ["nothing", "nothing, run eagerly", "its layers are not"])
@pytest.mark.parametrize("draw", ["own generator", "global generator", "TensorFlow", "counter"])
def test_a_model_that_the_probe_builds_draws_and_counts_as_without(
    draw: str, built: str, tmp_path: Path
) -> None:
    import keras

    x, results = rows()[0], []
    for recorded in (False, True):
        keras.backend.clear_session()
        keras.utils.set_random_seed(5)
        model = drawing_model(draw, built)
        recorder = Recorder(tmp_path / "run.zarr", Probe(x[:PROBES]))
        history = fit(model, (x, x[:, :1]), *([recorder] if recorded else []), shuffle=False)
        last = [values_of(variable) for variable in model.variables]
        results.append((history.history, last))
    (plain_history, plain), (recorded_history, recorded_too) = results
    assert recorder.report.fault is None
    assert plain_history == recorded_history
    for one, other in zip(plain, recorded_too, strict=True):
        np.testing.assert_array_equal(one, other)
    run = open_run(tmp_path / "run.zarr")
    assert run.steps[0] == 0
    np.testing.assert_array_equal(run.weights("dense", "kernel")[-1], model.hidden.kernel)


def test_weights_go_under_their_own_name(tmp_path: Path) -> None:
    model = renewed(nested_model)
    fit(model, rows(), Recorder(tmp_path / "run.zarr", Probe(rows()[0][:2])))
    found = weights_at(open_run(tmp_path / "run.zarr"), EPOCHS * 4)
    block = model.get_layer("block")
    for name, layer in {
        "dense": model.get_layer("dense"),
        "block.dense": block.get_layer("dense"),
        "block.norm": block.get_layer("norm"),
    }.items():
        for variable in layer.weights:
            np.testing.assert_array_equal(found[f"{name}/{variable.name}"], values_of(variable))


@pytest.mark.parametrize(
    ("schedule", "between"),
    [
        (every_n_steps(5), [5, 10]),
        (every_n_steps(1000), []),
        (every_epoch(), [4, 8]),
        (log_spaced(2), [1, 3, 10]),
        (every_n_steps(5) | every_epoch(), [4, 5, 8, 10]),
    ],
)
def test_first_and_last_step_are_there_whatever_the_schedule(
    schedule: Any, between: list[int], tmp_path: Path
) -> None:
    recorder = Recorder(tmp_path / "run.zarr", Probe(images()[0][:2]), schedule=schedule)
    fit(renewed(conv_model), images(), recorder)
    run = open_run(tmp_path / "run.zarr")
    assert list(run.steps) == [0, *between, 12]
    assert recorder.report.steps == len(between) + 2


def test_the_default_schedule_ends_every_epoch(tmp_path: Path) -> None:
    fit(renewed(conv_model), images(), Recorder(tmp_path / "run.zarr", Probe(images()[0][:2])))
    run = open_run(tmp_path / "run.zarr")
    assert list(run.steps) == list(range(13))
    np.testing.assert_allclose(np.asarray(run.tree["epoch"]), np.arange(13) / 4)
    seconds = np.asarray(run.tree["wall_time"])
    assert (np.diff(seconds) > 0).all()


def test_metrics_have_a_cadence_of_their_own(tmp_path: Path) -> None:
    entries: list[dict[str, float]] = []
    import keras

    watcher = keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda _, logs: entries.append(dict(logs))
    )
    recorder = Recorder(tmp_path / "run.zarr", Probe(images()[0][:2]), schedule=every_n_steps(1000))
    model = compiled(conv_model, metrics=["accuracy"])
    history = fit(model, images(), watcher, recorder, validation_data=images()).history
    metrics = open_run(tmp_path / "run.zarr").metrics
    assert list(metrics["update"].values) == list(range(1, 13))
    for name in ("loss", "accuracy"):
        np.testing.assert_array_equal(metrics[name].values, [entry[name] for entry in entries])
    held_out = metrics["val_loss"].values
    np.testing.assert_array_equal(held_out[3::4], history["val_loss"])
    assert np.isnan(np.delete(held_out, [3, 7, 11])).all()
    rate = metrics["learning_rate"].values
    np.testing.assert_allclose(rate[3::4], 0.01)


def test_values_of_batches_are_found_in_the_means_that_fit_gives(tmp_path: Path) -> None:
    import keras

    # Of what is the same in training and afterwards, and with weights that stay.
    model = keras.Sequential([keras.layers.Flatten(), keras.layers.Dense(3, "softmax")])
    model.compile(
        keras.optimizers.SGD(0.0), "sparse_categorical_crossentropy", metrics=["accuracy"]
    )
    x, y = images()
    x, y = x[:28], y[:28]
    recorder = Recorder(tmp_path / "run.zarr", Probe(x[:2]), schedule=every_n_steps(1000))
    fit(model, (x, y), recorder, shuffle=False, validation_data=(x[:5], y[:5]))
    metrics = open_run(tmp_path / "run.zarr").metrics
    assert metrics.coords["epoch_samples"].values.tolist() == [8, 16, 24, 28] * EPOCHS
    assert {name for name, each in metrics.items() if each.attrs} == {"loss", "accuracy"}
    batches = [slice(at, at + BATCH) for at in range(0, 28, BATCH)]
    expected = [model.evaluate(x[at], y[at], verbose=0, return_dict=True) for at in batches]
    for name in ("loss", "accuracy"):
        found = batch_values(metrics[name].values, metrics["epoch_samples"].values)
        np.testing.assert_allclose(found, [each[name] for each in expected] * EPOCHS, atol=1e-5)


def test_what_is_no_mean_over_the_samples_is_not_taken_apart(tmp_path: Path) -> None:
    import keras

    model = keras.Sequential([keras.layers.Flatten(), keras.layers.Dense(1)])
    root = keras.metrics.RootMeanSquaredError()
    model.compile("sgd", "mse", metrics=["mae", root], weighted_metrics=["mape"])
    x, y = images()
    recorder = Recorder(tmp_path / "run.zarr", Probe(x[:2]))
    fit(model, (x, y), recorder, sample_weight=np.linspace(0.1, 3, len(x)))
    metrics = open_run(tmp_path / "run.zarr").metrics
    assert {root.name, "mape"} <= {*metrics}
    assert {name for name, each in metrics.items() if each.attrs} == {"loss", "mae"}


@pytest.mark.parametrize("kind", ["sample weights", "class weights", "masks"])
def test_weights_and_masks_that_begin_later_end_what_is_known_of_batches(
    kind: str, tmp_path: Path
) -> None:
    import keras

    x = np.ones((32, 5), np.int32)
    y = np.repeat([0, 1, 1, 0], BATCH)  # the second batch and the third are weighted
    options: dict[str, Any] = {}
    if kind == "masks":
        x[BATCH + 2, 3:] = 0
        y = np.tile(y[:, None], (1, 5))
    elif kind == "sample weights":
        options["sample_weight"] = np.where(y == 1, np.linspace(0.1, 3, 32), 1.0)
    else:
        options["class_weight"] = {0: 1.0, 1: 3.0}
    layers = [keras.layers.Embedding(4, 3, mask_zero=kind == "masks")]
    if kind != "masks":
        layers.append(keras.layers.Flatten())
    model = keras.Sequential([*layers, keras.layers.Dense(2, "softmax")])
    named = ["accuracy"]
    model.compile(
        "sgd",
        "sparse_categorical_crossentropy",
        metrics=named if kind == "masks" else [],
        weighted_metrics=[] if kind == "masks" else named,
    )
    entries: list[dict[str, float]] = []
    watcher = keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda _, logs: entries.append(dict(logs))
    )
    recorder = Recorder(tmp_path / "run.zarr", Probe(x[:2]), schedule=every_n_steps(2))
    fit(model, (x, y), recorder, watcher, epochs=2, shuffle=False, **options)
    metrics = open_run(tmp_path / "run.zarr").metrics
    assert metrics["accuracy"].attrs == {"epoch_mean": True, "epoch_mean_until": 1}
    assert metrics["loss"].attrs == {"epoch_mean": True}, "a mean over the samples all the same"
    assert metrics["accuracy"].values.tolist() == [entry["accuracy"] for entry in entries]


def test_a_training_step_of_ones_own_says_itself_what_its_metrics_are(tmp_path: Path) -> None:
    import keras

    class Own(keras.Sequential):  # type: ignore[misc]
        def train_step(self, data: Any) -> dict[str, float]:  # noqa: ARG002
            weight = self.trainable_variables[0]
            weight.assign(weight + 1)
            return {"loss": 7.0}

    model = Own(conv_model().layers)
    model.compile("sgd", "sparse_categorical_crossentropy")
    recorder = Recorder(tmp_path / "run.zarr", Probe(images()[0][:2]))
    fit(model, images(), recorder, epochs=1)
    metrics = open_run(tmp_path / "run.zarr").metrics
    assert metrics["loss"].attrs == {}
    assert "epoch_samples" not in metrics.coords
    assert set(metrics["loss"].values[:-1].tolist()) == {7.0}  # at its end Keras gives its own


def test_what_is_known_about_the_training_is_kept(tmp_path: Path) -> None:
    import keras

    model = compiled(conv_model, seed=11, optimizer="adam")
    probe = Probe(images()[0][:2], labels=[0, 2], class_names=["a", "b", "c"])
    recorder = Recorder(
        tmp_path / "my run.zarr", probe, schedule=every_epoch(), notes="a note", name=None
    )
    fit(model, images(), recorder, epochs=1)
    run = open_run(tmp_path / "my run.zarr")
    attributes = run.attributes
    assert attributes["name"] == "my run"
    assert attributes["notes"] == "a note"
    assert attributes["seed"] == 11
    assert attributes["schedule"] == "every_epoch()"
    assert attributes["loss"] == "sparse_categorical_crossentropy"
    assert attributes["optimizer"]["class"] == "Adam"
    assert attributes["versions"]["keras"] == keras.__version__
    assert attributes["outputs"] == ["softmax"]
    assert attributes["finished"]
    again = keras.saving.deserialize_keras_object(run.model_config)
    again.set_weights(model.get_weights())
    np.testing.assert_array_equal(again(images()[0]), model(images()[0]))


def test_a_second_fit_goes_on_where_the_first_ended(tmp_path: Path) -> None:
    model = renewed(conv_model)
    recorder = Recorder(tmp_path / "run.zarr", Probe(images()[0][:2]), schedule=every_n_steps(3))
    fit(model, images(), recorder, epochs=2)
    fit(model, images(), recorder, epochs=1)
    run = open_run(tmp_path / "run.zarr")
    assert list(run.steps) == [0, 3, 6, 8, 9, 12]
    np.testing.assert_allclose(np.asarray(run.tree["epoch"]), np.asarray(run.steps) / 4)
    assert list(run.metrics["update"].values) == list(range(1, 13))
    assert recorder.report.fault is None


def test_epochs_that_are_counted_on_are_not_counted_twice(tmp_path: Path) -> None:
    model = renewed(conv_model)
    recorder = Recorder(tmp_path / "run.zarr", Probe(images()[0][:2]), schedule=every_epoch())
    fit(model, images(), recorder, epochs=2)
    fit(model, images(), recorder, epochs=3, initial_epoch=2)
    run = open_run(tmp_path / "run.zarr")
    np.testing.assert_allclose(np.asarray(run.tree["epoch"]), [0, 1, 2, 3])


def test_several_updates_between_two_callbacks_are_counted(tmp_path: Path) -> None:
    model = compiled(conv_model, steps_per_execution=2)
    recorder = Recorder(tmp_path / "run.zarr", Probe(images()[0][:2]), schedule=every_n_steps(3))
    fit(model, images(), recorder)
    # 3 and 9 fall between two callbacks; the first moment after them stands for each.
    assert list(open_run(tmp_path / "run.zarr").steps) == [0, 4, 6, 10, 12]


def test_a_model_that_is_built_by_its_first_batch(tmp_path: Path) -> None:
    import keras

    model = compiled(lambda: keras.Sequential([keras.layers.Dense(3, name="dense")]))
    fit(model, rows(), Recorder(tmp_path / "run.zarr", Probe(rows()[0][:2])), epochs=1)
    run = open_run(tmp_path / "run.zarr")
    assert list(run.steps) == [0, 1, 2, 3, 4]


def test_restored_best_weights_are_not_taken_for_those_of_the_last_step(tmp_path: Path) -> None:
    import keras

    last: list[np.ndarray] = []
    stopper = keras.callbacks.EarlyStopping(
        monitor="loss", mode="max", patience=2, restore_best_weights=True
    )
    model = renewed(conv_model)
    recorder = Recorder(tmp_path / "run.zarr", Probe(images()[0][:2]), schedule=every_n_steps(1000))
    watcher = spy(lambda m: last.append(values_of(m.weights[0])))
    fit(model, images(), watcher, stopper, recorder, epochs=20)
    run = open_run(tmp_path / "run.zarr")
    assert list(run.steps) == [0, 12]
    recorded = np.asarray(run.weights("conv", "kernel").sel(step=12))
    np.testing.assert_array_equal(recorded, last[-1])
    assert not np.array_equal(recorded, values_of(model.weights[0]))


def test_a_loop_of_ones_own(tmp_path: Path) -> None:
    model, (x, y) = renewed(conv_model), images()
    copies = [values_of(model.weights[0])]
    path = tmp_path / "run.zarr"
    with Recorder(path, Probe(x[:2]), model=model, schedule=every_n_steps(2)) as recorder:
        for step in range(1, 6):
            loss = model.train_on_batch(x, y)
            copies.append(values_of(model.weights[0]))
            recorder.record(step, loss=loss, note="not a number")
    run = open_run(path)
    assert list(run.steps) == [0, 2, 4, 5]
    for step in run.steps:
        recorded = run.weights("conv", "kernel").sel(step=step)
        np.testing.assert_array_equal(np.asarray(recorded), copies[step])
    assert list(run.metrics["update"].values) == [1, 2, 3, 4, 5]
    assert list(run.metrics.data_vars) == ["loss"]


def test_a_loop_that_fails_leaves_its_last_step(tmp_path: Path) -> None:
    model, (x, y) = renewed(conv_model), images()
    path = tmp_path / "run.zarr"
    recorder = Recorder(path, Probe(x[:2]), model=model, schedule=every_n_steps(10))

    def loop() -> None:
        with recorder:
            for step in range(1, 6):
                model.train_on_batch(x, y)
                recorder.record(step)
                if step == 3:
                    raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        loop()
    run = open_run(path)
    assert list(run.steps) == [0, 3]
    assert run.finished is None


def test_a_loop_needs_a_model(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="model=model"):
        Recorder(tmp_path / "run.zarr", Probe(images()[0][:2])).record(1)


def test_a_run_is_not_overwritten_unless_asked(tmp_path: Path) -> None:
    path, probe = tmp_path / "run.zarr", Probe(images()[0][:2])
    fit(renewed(conv_model), images(), Recorder(path, probe), epochs=1)
    with pytest.raises(RunExistsError, match="overwrite=True"):
        Recorder(path, probe)
    recorder = Recorder(path, probe, overwrite=True)
    assert len(open_run(path).steps) == 5, "nothing is touched before the training begins"
    fit(renewed(conv_model), images(), recorder)
    assert len(open_run(path).steps) == 13


def test_a_probe_that_does_not_fit_stops_before_the_training(tmp_path: Path) -> None:
    model = renewed(conv_model)
    before = values_of(model.weights[0])
    with pytest.raises(SpecError, match=r"any, 8, 8, 1.*\(2, 9, 9, 1\)"):
        fit(model, images(), Recorder(tmp_path / "run.zarr", Probe(np.zeros((2, 9, 9, 1)))))
    np.testing.assert_array_equal(values_of(model.weights[0]), before)
    assert not (tmp_path / "run.zarr").exists()


def test_a_probe_that_a_subclassed_model_cannot_take(tmp_path: Path) -> None:
    import keras

    class Net(keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.dense = keras.layers.Dense(3)

        def call(self, inputs: Any) -> Any:
            return self.dense(inputs)

    model = compiled(Net)
    model(rows()[0])
    recorder = Recorder(tmp_path / "run.zarr", Probe(np.zeros((2, 9))))
    with pytest.raises(SpecError, match="cannot be sent through the model"):
        fit(model, rows(), recorder)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"probe": np.zeros((2, 5))},
            r"expects a Probe such as Probe\(x_test\[:64\], y_test\[:64\]\), got array",
        ),
        ({"schedule": 5}, "expects what functions such as every_n_steps.*got 5"),
        ({"model": "net"}, "model must be a keras.Model, got str"),
    ],
)
def test_wrong_arguments_are_refused(options: Any, message: str, tmp_path: Path) -> None:
    settings = {"probe": Probe(np.zeros((2, 5))), **options}
    with pytest.raises(TypeError, match=message):
        Recorder(tmp_path / "run.zarr", **settings)


def test_the_recorder_is_a_keras_callback() -> None:
    import keras

    assert issubclass(Recorder, keras.callbacks.Callback)


def test_the_report_adds_up(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "run.zarr", Probe(images()[0][:2]))
    assert (recorder.report.steps, recorder.report.share) == (0, 0.0)
    fit(renewed(conv_model), images(), recorder)
    report = recorder.report
    run = open_run(tmp_path / "run.zarr")
    stored = {path.split("/")[1] for path in run.nodes if path.endswith("/activation")}
    shapes = [
        shape
        for layer in run.layers.values()
        for shape in [
            *layer.weights.values(),
            *([(2, *layer.output_shape)] if layer.name in stored else []),
        ]
    ]
    # All are float32; step, epoch and time take 8 bytes each, and so do the count of updates and
    # four numbers of each variable.
    beside = 8 * (3 + 1 + 4 * sum(len(layer.weights) for layer in run.layers.values()))
    assert report.nbytes == 13 * (4 * sum(map(math.prod, shapes)) + beside)
    assert report.nbytes == describe(run)["step_bytes"], "as trainlapse info has it"
    assert 0 < report.seconds < report.wall_seconds
    assert report.share == report.seconds / report.wall_seconds
