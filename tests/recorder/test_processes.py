"""Ctrl-C, SIGTERM, errors and several devices: each in a process of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from store import open_run
from store.tools.verify import verify
from tests.recorder.processes import Ended, run_programs

pytestmark = pytest.mark.slow

STEPS = 6

# A training that comes to its sixth update, and there is ended in one way or another.
TRAINING = """
import os, signal, sys, time
import keras
from recorder import Probe, Recorder, every_n_steps
from tests.recorder.networks import compiled, conv_model, images

{before}

class End(keras.callbacks.Callback):
    seen = 0

    def on_train_batch_end(self, batch, logs=None):
        self.seen += 1
        if self.seen == {steps}:
            {end}

x, y = images()
recorder = Recorder({path!r}, Probe(x[:2]), schedule=every_n_steps(1))
model = compiled(conv_model, run_eagerly=True)  # eight updates are done before a graph is traced
model.fit(x, y, batch_size=4, verbose=0, callbacks=[recorder, End()])
{after}
"""
# The signal comes while the training is at work; without a handler that lets it go on, it stays.
SIGNAL = "os.kill(os.getpid(), signal.{}); time.sleep({})"

HANDLER = """
def handler(number, frame):
    print("handled", flush=True)

signal.signal(signal.SIGTERM, handler)
"""

# (before the training, what ends it, after it)
WAYS = {
    "an_error": ("", "raise RuntimeError('the training is broken')", ""),
    # The background jobs of a shell, and what they start, do not hear of it by themselves.
    "ctrl_c": (
        "signal.signal(signal.SIGINT, signal.default_int_handler)",
        SIGNAL.format("SIGINT", 60),
        "",
    ),
    "sigterm": ("", SIGNAL.format("SIGTERM", 60), ""),
    "sigterm_handled": (
        HANDLER,
        SIGNAL.format("SIGTERM", 0),
        "print(signal.getsignal(signal.SIGTERM) is handler)",
    ),
    "sigterm_exits": (
        "signal.signal(signal.SIGTERM, lambda *_: sys.exit(3))",
        SIGNAL.format("SIGTERM", 60),
        "",
    ),
}

TWO_DEVICES = """
from pathlib import Path
import tensorflow as tf
from tests.recorder.test_matrix_training import test_several_devices

(device,) = tf.config.list_physical_devices("CPU")
two = [tf.config.LogicalDeviceConfiguration()] * 2
tf.config.set_logical_device_configuration(device, two)
test_several_devices(Path({folder!r}))
print(len(tf.config.list_logical_devices("CPU")))
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("processes")


@pytest.fixture(scope="module")
def ended(folder: Path) -> dict[str, Ended]:
    """How each way to end a training ended it."""
    programs = {
        name: TRAINING.format(
            before=before, end=end, after=after, steps=STEPS, path=str(folder / f"{name}.zarr")
        )
        for name, (before, end, after) in WAYS.items()
    }
    return run_programs({**programs, "two_devices": TWO_DEVICES.format(folder=str(folder))}, folder)


def assert_sound(path: Path, steps: int = STEPS) -> None:
    run = open_run(path)
    assert list(run.steps) == list(range(steps + 1))
    assert run.metrics["loss"].shape == (steps,)
    assert not (path / ".writer.lock").exists(), "the run was let go of"
    assert verify(run).findings == ()
    assert (run.finished is None) == (steps == STEPS)


@pytest.mark.parametrize(
    ("name", "codes", "said"),
    [
        ("an_error", {1}, "RuntimeError: the training is broken"),
        ("ctrl_c", {1, -2}, "KeyboardInterrupt"),
        ("sigterm", {-15}, ""),  # ends the process, as without the recorder
        ("sigterm_exits", {3}, ""),
    ],
)
def test_a_process_that_dies_leaves_a_sound_run(
    name: str, codes: set[int], said: str, ended: dict[str, Ended], folder: Path
) -> None:
    assert ended[name].code in codes, ended[name].err
    assert said in ended[name].err
    assert_sound(folder / f"{name}.zarr")


def test_sigterm_is_handed_on_to_a_handler_that_lets_the_training_end(
    ended: dict[str, Ended], folder: Path
) -> None:
    done = ended["sigterm_handled"]
    assert done.code == 0, done.err
    assert done.out.split() == ["handled", "True"]
    assert_sound(folder / "sigterm_handled.zarr", 8)


def test_two_devices(ended: dict[str, Ended]) -> None:
    """In a process of its own: devices are set up once."""
    done = ended["two_devices"]
    assert done.code == 0, done.err
    assert done.out.split()[-1] == "2"
