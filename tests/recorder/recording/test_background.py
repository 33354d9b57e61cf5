"""The queue between the training and the disk: bounded, complete, and safe to be late."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest

from recorder.recording.background import (
    BackgroundWriter,
    MetricsRow,
    TakenStep,
    TakenUp,
    WeightJump,
    as_array,
)
from store.errors import RunClosedError


class Notebook:
    """Stands for a run's writer; can be held up, and can fail at a step."""

    def __init__(self, fails_at: int | None = None) -> None:
        self.steps: list[int] = []
        self.metrics: list[tuple[int, Mapping[str, float]]] = []
        self.values: list[np.ndarray] = []
        self.closed: bool | None = None
        self.commits = 0
        self.not_finite_since: int | None = None
        self.skipped: list[str] = []
        self.weight_jumps: list[int] = []
        self.give_way: Callable[[], None] | None = None
        self.path = "run.zarr"
        self.gate = threading.Event()
        self.gate.set()
        self._fails_at = fails_at

    def append(self, step: int, *, frames: Any, **_: float) -> None:
        self.gate.wait(10)
        if step == self._fails_at:
            raise OSError(28, "No space left on device")
        self.steps.append(step)
        self.values.append(np.array(frames["a"]))

    def append_metrics(self, update: int, values: Mapping[str, float], **_: object) -> None:
        self.metrics.append((update, values))

    def note_not_finite(self, step: int) -> None:
        self.not_finite_since = step

    def note_skipped(self, reason: str) -> None:
        self.skipped.append(reason)

    def note_weight_jump(self, step: int) -> None:
        self.weight_jumps.append(step)

    def on_take_over(self, give_way: Callable[[], None]) -> None:
        self.give_way = give_way

    def commit(self) -> None:
        self.commits += 1

    def commit_if_due(self) -> None:
        self.commits += 1

    def close(self, *, finished: bool) -> None:
        self.closed = finished


def snapshot(step: int, nbytes: int = 8, value: Callable[[], Any] | None = None) -> TakenStep:
    content = value or (lambda: np.full(2, step))
    return TakenStep(step, 0.0, 0.0, lambda: {"a": content()}, nbytes)


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in 10 seconds"
        time.sleep(0.005)


def test_everything_is_written_in_order() -> None:
    notebook = Notebook()
    background = BackgroundWriter(notebook, queue_steps=2)
    for step in range(20):
        background.put(snapshot(step))
        background.put(MetricsRow(step, {"loss": float(step)}))
    background.close(finished=True)
    assert notebook.steps == list(range(20))
    assert notebook.metrics == [(step, {"loss": float(step)}) for step in range(20)]
    assert notebook.closed is True
    assert background.fault is None


@pytest.mark.parametrize(
    ("limits", "fitting"),
    [
        ({"queue_steps": 3, "queue_bytes": 10**9}, 3),
        ({"queue_steps": 99, "queue_bytes": 20}, 2),
        ({"queue_steps": 99, "queue_bytes": 1}, 1),  # one always fits
    ],
)
def test_the_training_waits_when_the_queue_is_full(limits: dict[str, int], fitting: int) -> None:
    notebook = Notebook()
    notebook.gate.clear()
    background = BackgroundWriter(notebook, **limits)
    put: list[int] = []

    def train() -> None:
        for step in range(6):
            background.put(snapshot(step))
            put.append(step)

    training = threading.Thread(target=train)
    training.start()
    wait_until(lambda: len(put) == fitting)
    time.sleep(0.05)
    assert len(put) == fitting, "more was taken than fits"
    notebook.gate.set()
    training.join(10)
    background.close(finished=True)
    assert notebook.steps == list(range(6))
    assert background.waited > 0


def test_an_idle_thread_still_commits() -> None:
    notebook = Notebook()
    background = BackgroundWriter(notebook)
    background.put(snapshot(1))
    wait_until(lambda: notebook.commits >= 3)
    background.close(finished=True)


def test_drain_waits_for_what_was_put() -> None:
    notebook = Notebook()
    background = BackgroundWriter(notebook)
    for step in range(5):
        background.put(snapshot(step))
    background.drain()
    assert notebook.steps == list(range(5))
    background.close(finished=True)


def test_a_fault_ends_the_recording_and_lets_the_training_go() -> None:
    notebook = Notebook(fails_at=2)
    background = BackgroundWriter(notebook, queue_steps=1)
    for step in range(50):
        background.put(snapshot(step))  # a queue that nobody empties would block here
    background.drain()
    background.close(finished=True)
    assert notebook.steps == [0, 1]
    assert isinstance(background.fault, OSError)
    assert notebook.closed is False, "the run is let go of, but not called finished"


def test_closing_again_does_nothing() -> None:
    notebook = Notebook()
    background = BackgroundWriter(notebook)
    background.close(finished=True)
    background.close(finished=False)
    background.put(snapshot(1))
    assert notebook.closed is True
    assert notebook.steps == []


@pytest.mark.parametrize("dtype", ["float32", "float16", "int64", "uint8", "bool"])
def test_tensors_are_viewed_without_a_copy(dtype: str) -> None:
    import tensorflow as tf

    values = np.arange(6).reshape(2, 3).astype(dtype)
    np.testing.assert_array_equal(as_array(tf.constant(values)), values)
    assert as_array(tf.constant(values)).dtype == dtype
    scalar = as_array(tf.constant(values[0, 1]))
    assert (scalar.shape, scalar.dtype) == ((), dtype)


def test_late_conversion_sees_the_weights_of_the_step() -> None:
    """The thread is held up until the training is over; only then are tensors turned to arrays."""
    import tensorflow as tf

    from tests.recorder.networks import conv_model, images, renewed, values_of

    model, (x, y) = renewed(conv_model), images()
    kernel = model.get_layer("logits").kernel
    read = tf.function(lambda: tf.convert_to_tensor(kernel.value), autograph=False)
    notebook = Notebook()
    notebook.gate.clear()
    background = BackgroundWriter(notebook, queue_steps=99)
    copies = []
    for step in range(6):
        held = read()
        background.put(snapshot(step, value=lambda held=held: as_array(held)))
        copies.append(values_of(kernel))
        model.train_on_batch(x, y)
    notebook.gate.set()
    background.close(finished=True)
    for value, copy in zip(notebook.values, copies, strict=True):
        np.testing.assert_array_equal(value, copy)
    assert not np.array_equal(copies[0], copies[-1])


def test_who_gives_way_writes_what_waits_and_takes_no_more() -> None:
    notebook = Notebook()
    background = BackgroundWriter(notebook)
    for step in range(3):
        background.put(snapshot(step))
    assert notebook.give_way is not None
    notebook.give_way()
    assert notebook.steps == [0, 1, 2]
    assert notebook.closed is False
    background.put(snapshot(3))
    assert notebook.steps == [0, 1, 2]
    assert isinstance(background.fault, RunClosedError)
    assert "Another recorder of this process has taken over run.zarr" in str(background.fault)


@pytest.mark.parametrize(("recorded", "jumps"), [(0.1, [9]), (0.25, [])])
def test_a_run_that_is_taken_up_with_other_weights_has_a_jump(
    recorded: float, jumps: list[int]
) -> None:
    notebook = Notebook()
    background = BackgroundWriter(notebook)
    now, then = np.full(2, 0.25, np.float32), np.full(2, recorded, np.float16)
    background.put(TakenUp(8, lambda: {"a": now, "other": now}, {"a": then}))
    background.put(WeightJump(12))
    background.close(finished=True)
    assert notebook.weight_jumps == [*jumps, 12]
