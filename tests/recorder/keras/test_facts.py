"""Facts that change while a network trains: which optimizer, loss, frozen layers, batch size."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from recorder import Probe, Recorder, every_n_steps
from store import open_run
from store.tools.info import describe, render

pytestmark = [
    pytest.mark.slow,
    # Keras's own callbacks convert variables in a way that NumPy 2 calls old.
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
]

INPUTS = np.random.default_rng(0).normal(size=(40, 3)).astype(np.float32)


def two_layers() -> Any:
    import keras
    from keras import layers

    return keras.Sequential(
        [keras.Input((3,)), layers.Dense(4, name="base"), layers.Dense(1, name="head")]
    )


def recorder_at(path: Path, **options: Any) -> Recorder:
    return Recorder(path, Probe(INPUTS[:4]), schedule=every_n_steps(1), **options)


def fit(model: Any, recorder: Recorder, *others: Any, **options: Any) -> None:
    options = {"batch_size": 8, "verbose": 0, **options}
    model.fit(INPUTS, INPUTS[:, :1], callbacks=[recorder, *others], **options)


def test_a_fine_tuning_in_two_phases_holds_the_facts_of_both(tmp_path: Path) -> None:
    import keras

    recorder, model = recorder_at(tmp_path / "run.zarr"), two_layers()
    model.get_layer("base").trainable = False
    model.compile(keras.optimizers.SGD(0.1), "mse")
    fit(model, recorder)
    frozen = open_run(tmp_path / "run.zarr")
    assert not frozen.weights("base", "kernel").attrs["trainable"]
    assert frozen.attributes["optimizer"]["class"] == "SGD"

    model.get_layer("base").trainable = True
    model.compile(keras.optimizers.Adam(0.01), "mae")
    fit(model, recorder, epochs=2, initial_epoch=1, batch_size=10)
    run = open_run(tmp_path / "run.zarr")
    assert list(run.steps) == list(range(10))
    kernel = run.weights("base", "kernel")
    assert (kernel.sel(step=5).values == kernel.sel(step=0).values).all()
    assert (kernel.sel(step=6).values != kernel.sel(step=5).values).any()
    assert kernel.attrs["trainable"], "it moved"
    assert [entry["step"] for entry in run.facts] == [0, 5]
    for step in (0, 4):
        before = run.settings(step)
        assert before["optimizer"]["class"] == "SGD"
        assert before["loss"] == "mse"
        assert before["batch_size"] == 8
        base = [f"layers/base/weights/{name}" for name in ("kernel", "bias")]
        assert before["not_trained"] == base
    for step in (5, 9, None):
        after = run.settings(step)
        assert after["optimizer"]["class"] == "Adam"
        assert after["loss"] == "mae"
        assert after["batch_size"] == 10
        assert after["not_trained"] == []
    assert run.attributes["optimizer"] == run.settings()["optimizer"]
    assert describe(run)["facts"] == run.facts
    assert "from step 5" in render(describe(run))


def test_layers_that_are_frozen_within_a_fit_are_noted_at_that_step(tmp_path: Path) -> None:
    import keras

    class Freeze(keras.callbacks.Callback):  # type: ignore[misc]
        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:  # noqa: ARG002
            self.model.get_layer("base").trainable = batch < 2

    model = two_layers()
    model.compile("sgd", "mse")
    recorder = recorder_at(tmp_path / "run.zarr")
    model.fit(INPUTS, INPUTS[:, :1], batch_size=8, verbose=0, callbacks=[Freeze(), recorder])
    run = open_run(tmp_path / "run.zarr")
    assert run.settings(2)["not_trained"] == []
    assert run.settings(3)["not_trained"] == [
        "layers/base/weights/kernel",
        "layers/base/weights/bias",
    ]
    assert run.weights("base", "kernel").attrs["trainable"]


def test_a_rate_that_falls_is_a_metric_and_no_new_fact(tmp_path: Path) -> None:
    import keras

    recorder, model = recorder_at(tmp_path / "run.zarr"), two_layers()
    model.compile(keras.optimizers.SGD(0.1), "mse")
    falling = keras.callbacks.LearningRateScheduler(lambda epoch, _: 0.1 / (epoch + 1))
    fit(model, recorder, falling, epochs=3)
    fit(model, recorder, falling, epochs=2)
    run = open_run(tmp_path / "run.zarr")
    assert len(run.facts) == 1
    assert run.settings()["optimizer"]["learning_rate"] == pytest.approx(0.1)
    rates = run.metrics["learning_rate"].values
    assert set(np.round(rates[~np.isnan(rates)], 4)) == {0.1, 0.05, 0.0333}


# -- several optimizers ----------------------------------------------------------------------


def own_step(optimizers: dict[str, Any], *, used: tuple[str, ...], hidden: bool = False) -> Any:
    """Make a model that trains by a step of its own, with some of its optimizers."""
    import keras
    import tensorflow as tf

    class Own(keras.Model):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.net = two_layers()

        def compile(self) -> None:
            super().compile()
            if hidden:
                self.kept = list(optimizers.values())
            else:
                for name, optimizer in optimizers.items():
                    setattr(self, name, optimizer)

        def train_step(self, data: Any) -> Any:
            inputs = data[0] if isinstance(data, tuple) else data
            for name in used:
                with tf.GradientTape() as tape:
                    loss = tf.reduce_mean(self.net(inputs) ** 2)
                variables = self.net.trainable_weights
                optimizers[name].apply_gradients(
                    zip(tape.gradient(loss, variables), variables, strict=True)
                )
            return {"loss": loss}

    model = Own()
    model.compile()
    return model


@pytest.mark.parametrize("hidden", [False, True])
def test_an_idle_optimizer_is_not_the_trainings(tmp_path: Path, hidden: bool) -> None:
    import keras

    adam = keras.optimizers.Adam(1e-5)
    model = own_step({"own": adam}, used=("own",), hidden=hidden)
    model.fit(
        INPUTS,
        batch_size=8,
        verbose=0,
        callbacks=[recorder_at(tmp_path / "run.zarr", model=model.net)],
    )
    run = open_run(tmp_path / "run.zarr")
    rates = run.metrics["learning_rate"].values
    np.testing.assert_allclose(rates[~np.isnan(rates)], 1e-5, rtol=1e-6)
    assert [entry["step"] for entry in run.facts] == [0]
    assert run.settings(0)["optimizer"]["class"] == "Adam"
    assert run.attributes["optimizer"]["class"] == "Adam"


def test_several_optimizers_have_a_name_and_a_rate_each(tmp_path: Path) -> None:
    import keras

    optimizers = {"d": keras.optimizers.Adam(0.01), "g": keras.optimizers.SGD(0.1)}
    model = own_step(optimizers, used=("d", "g"))
    recorder = recorder_at(tmp_path / "run.zarr", model=model.net)
    model.fit(INPUTS, batch_size=8, verbose=0, callbacks=[recorder])
    run = open_run(tmp_path / "run.zarr")
    held = run.settings(0)
    assert held["optimizer"] is None
    assert {name: each["class"] for name, each in held["optimizers"].items()} == {
        "d": "Adam",
        "g": "SGD",
    }
    for name, rate in (("d", 0.01), ("g", 0.1)):
        values = run.metrics[f"learning_rate.{name}"].values
        np.testing.assert_allclose(values[~np.isnan(values)], rate, rtol=1e-6)
    assert "learning_rate" not in run.metrics


def test_what_trains_a_loop_is_seen_when_it_has_done_an_update(tmp_path: Path) -> None:
    import keras

    model = two_layers()
    model.compile(keras.optimizers.Adam(0.01), "mse")
    with recorder_at(tmp_path / "used.zarr", model=model) as recorder:
        for step in range(1, 4):
            loss = model.train_on_batch(INPUTS, INPUTS[:, :1])
            recorder.record(step, loss=loss)
    assert open_run(tmp_path / "used.zarr").settings(0)["optimizer"]["class"] == "Adam"
    with recorder_at(tmp_path / "idle.zarr", model=model) as recorder:
        for step in range(1, 4):
            kernel = model.get_layer("head").kernel
            kernel.assign(kernel * 0.9)  # by hand: the compiled optimizer does nothing
            recorder.record(step)
    assert open_run(tmp_path / "idle.zarr").attributes["optimizer"] is None


def test_of_a_model_that_its_first_batch_builds_the_facts_hold_from_the_first_step(
    tmp_path: Path,
) -> None:
    import keras

    model = keras.Sequential([keras.layers.Dense(1, name="head")])
    model.data = [list(range(10**5))]  # not to be searched for optimizers
    model.compile("sgd", "mse")
    fit(model, recorder_at(tmp_path / "run.zarr"))
    run = open_run(tmp_path / "run.zarr")
    assert [entry["step"] for entry in run.facts] == [0]
    assert set(run.facts[0]) == {"step", "optimizer", "loss", "not_trained", "batch_size"}
