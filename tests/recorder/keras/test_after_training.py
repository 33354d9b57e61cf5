"""The weights after the training: averaged, restored, or changed by later callbacks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from recorder import Probe, Recorder, at_steps, every_epoch
from store import Run, open_run
from store.tools.verify import verify

pytestmark = [
    pytest.mark.slow,
    # Keras's own callbacks convert variables in a way that NumPy 2 calls old.
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
]

RNG = np.random.default_rng(0)
INPUTS = RNG.normal(size=(40, 3)).astype(np.float32)
TARGETS = INPUTS[:, :1]


def model(**options: Any) -> Any:
    import keras
    from keras import layers

    keras.utils.set_random_seed(3)
    net = keras.Sequential(
        [keras.Input((3,)), layers.Dense(4, activation="relu", name="hid"), layers.Dense(1)]
    )
    net.compile(**{"optimizer": "sgd", "loss": "mse", **options})
    return net


def trained(path: Path, net: Any, *callbacks: Any, **options: Any) -> Run:
    """Train with a recorder between callbacks: None stands for it."""
    recorder = Recorder(path, Probe(INPUTS[:4]), schedule=options.pop("schedule", every_epoch()))
    given = [recorder if each is None else each for each in callbacks or (None,)]
    options = {"epochs": 3, "batch_size": 8, "verbose": 0, **options}
    net.fit(INPUTS, TARGETS, callbacks=given, **options)
    assert recorder.report.fault is None
    assert not recorder._recording.is_open
    return open_run(path)


def assert_is_what_the_training_left(run: Run, net: Any) -> None:
    after = run.after_training
    assert after is not None
    assert after.step == run.steps[-1]
    kernel = net.get_layer("hid").kernel.numpy()
    np.testing.assert_array_equal(after.weights("hid", "kernel").values, kernel)
    hidden = np.maximum(INPUTS[:4] @ kernel + net.get_layer("hid").bias.numpy(), 0)
    np.testing.assert_allclose(after.activations("hid").values, hidden, rtol=1e-5, atol=1e-6)
    assert verify(run).is_sound


class Halved:
    """Make a callback that halves the weights when the training ends."""

    def __new__(cls) -> Any:
        import keras

        class Callback(keras.callbacks.Callback):  # type: ignore[misc]
            def on_train_end(self, logs: Any = None) -> None:  # noqa: ARG002
                for variable in self.model.trainable_variables:
                    variable.assign(variable * 0.5)

        return Callback()


def test_a_training_that_leaves_its_last_step_has_nothing_more(tmp_path: Path) -> None:
    run = trained(tmp_path / "run.zarr", model())
    assert run.after_training is None
    assert run.finished is not None


def test_averages_that_the_optimizer_puts_in_at_the_end(tmp_path: Path) -> None:
    import keras

    averaging = keras.optimizers.SGD(0.1, use_ema=True, ema_momentum=0.9)
    net = model(optimizer=averaging)
    last = []
    note = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda *_, **__: last.append(net.get_layer("hid").kernel.numpy())
    )
    run = trained(tmp_path / "run.zarr", net, note, None)
    np.testing.assert_array_equal(run.weights("hid", "kernel").values[-1], last[-1])
    assert_is_what_the_training_left(run, net)


@pytest.mark.parametrize("order", ["before", "behind"])
@pytest.mark.parametrize("schedule", [every_epoch(), at_steps([1])])
def test_the_best_weights_restored_by_a_callback(tmp_path: Path, order: str, schedule: Any) -> None:
    import keras

    rates = keras.callbacks.LearningRateScheduler(lambda epoch, _: 0.01 if epoch < 2 else 3.0)
    stop = keras.callbacks.EarlyStopping("loss", patience=1, restore_best_weights=True)
    last = []
    net = model()
    note = keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda *_, **__: last.append(net.get_layer("hid").kernel.numpy())
    )
    order_of = [rates, note, stop, None] if order == "before" else [rates, note, None, stop]
    run = trained(tmp_path / "run.zarr", net, *order_of, epochs=20, schedule=schedule)
    assert len(last) < 100, "it stopped early"
    assert run.steps[-1] == len(last)
    np.testing.assert_array_equal(run.weights("hid", "kernel").values[-1], last[-1])
    assert_is_what_the_training_left(run, net)


def test_callbacks_behind_the_recorder_are_awaited(tmp_path: Path) -> None:
    net = model()
    run = trained(tmp_path / "run.zarr", net, None, Halved(), Halved())
    assert_is_what_the_training_left(run, net)
    assert run.finished is not None


def test_two_recorders_and_a_history_of_the_users_own(tmp_path: Path) -> None:
    import keras

    net = model()
    other = Recorder(tmp_path / "other.zarr", Probe(INPUTS[:4]), schedule=every_epoch())
    run = trained(tmp_path / "run.zarr", net, None, other, Halved())
    for each in (run, open_run(tmp_path / "other.zarr")):
        assert_is_what_the_training_left(each, net)
    assert "on_train_end" not in vars(net.history)
    # A history before the recorder says nothing of those behind it.
    run = trained(tmp_path / "own.zarr", net, keras.callbacks.History(), Halved(), None)
    assert_is_what_the_training_left(run, net)
    assert run.finished is not None


def test_a_callback_that_fails_at_the_end_leaves_the_run_whole_and_unfinished(
    tmp_path: Path,
) -> None:
    import keras

    fails = keras.callbacks.LambdaCallback(on_train_end=lambda _: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        trained(tmp_path / "run.zarr", model(), None, fails)
    run = open_run(tmp_path / "run.zarr")
    assert list(run.steps) == [0, 5, 10, 15]
    assert run.finished is None


def test_a_training_that_goes_on_goes_on_from_its_last_step(tmp_path: Path) -> None:
    net, path = model(), tmp_path / "run.zarr"
    recorder = Recorder(path, Probe(INPUTS[:4]), schedule=every_epoch())
    for _ in range(2):
        net.fit(INPUTS, TARGETS, batch_size=8, verbose=0, callbacks=[recorder, Halved()])
        assert_is_what_the_training_left(open_run(path), net)
    run = open_run(path)
    assert list(run.steps) == [0, 5, 10]
    resumed = Recorder(path, Probe(INPUTS[:4]), schedule=every_epoch(), resume=True)
    net.fit(INPUTS, TARGETS, batch_size=8, verbose=0, callbacks=[resumed])
    run = open_run(path)
    assert list(run.steps) == [0, 5, 10, 15]
    assert run.after_training is None


def test_callbacks_that_are_called_by_hand_end_at_once(tmp_path: Path) -> None:
    import keras

    net = model()
    net.fit(INPUTS, TARGETS, verbose=0)  # leaves a history of an earlier fit
    recorder = Recorder(tmp_path / "run.zarr", Probe(INPUTS[:4]))
    callbacks = keras.callbacks.CallbackList([recorder], model=net)
    callbacks.on_train_begin()
    callbacks.on_epoch_begin(0)
    callbacks.on_train_batch_begin(0)
    net.train_on_batch(INPUTS, TARGETS)
    callbacks.on_train_batch_end(0, {})
    callbacks.on_epoch_end(0, {})
    callbacks.on_train_end()
    assert open_run(tmp_path / "run.zarr").finished is not None
