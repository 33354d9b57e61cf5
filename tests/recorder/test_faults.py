"""A fault in the recorder never reaches the training, and a dying training leaves a sound run."""

from __future__ import annotations

import functools
import gc
import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import recorder.keras.subject
import recorder.recording.recording
from recorder import Probe, Recorder, every_n_steps
from recorder.keras.trace import Trace
from store import open_run
from store.live.writer import RunWriter
from tests.recorder.keras.test_callback import fit, spy
from tests.recorder.networks import conv_model, images, renewed, values_of

pytestmark = pytest.mark.slow


@functools.cache
def trained_without_recorder() -> list[np.ndarray]:
    model = renewed(conv_model)
    fit(model, images())
    return [values_of(variable) for variable in model.variables]


def failing(*, at: int, error: Exception, original: Any) -> Any:
    calls = 0

    def function(*args: Any, **kwargs: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls >= at:
            raise error
        return original(*args, **kwargs)

    return function


FULL_DISK = OSError(28, "No space left on device")
BUG = RuntimeError("a bug of ours")


@pytest.mark.parametrize(
    ("owner", "name", "at", "error"),
    [
        (RunWriter, "append", 1, FULL_DISK),
        (RunWriter, "append", 4, FULL_DISK),
        (RunWriter, "append", 4, BUG),
        (RunWriter, "append_metrics", 3, FULL_DISK),
        (RunWriter, "commit_if_due", 2, FULL_DISK),
        (RunWriter, "close", 1, FULL_DISK),
        (Trace, "read", 1, BUG),
        (Trace, "read", 3, BUG),
        (Trace, "activations", 3, BUG),
        (recorder.recording.recording, "due_since", 5, BUG),
    ],
)
def test_the_training_ends_as_without_the_recorder(
    owner: Any,
    name: str,
    at: int,
    error: Exception,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(owner, name, failing(at=at, error=error, original=getattr(owner, name)))
    model = renewed(conv_model)
    path = tmp_path / "run.zarr"
    callback = Recorder(path, Probe(images()[0][:2]), schedule=every_n_steps(1))
    with caplog.at_level(logging.WARNING, logger="trainlapse.recorder"):
        fit(model, images(), callback)
    for variable, expected in zip(model.variables, trained_without_recorder(), strict=True):
        np.testing.assert_array_equal(values_of(variable), expected)
    messages = [entry.getMessage() for entry in caplog.records if "trainlapse" in entry.name]
    assert len(messages) == 1, "a fault is reported once"
    assert str(error) in messages[0]
    assert ("free space" in messages[0]) == isinstance(error, OSError)
    assert callback.report.fault is error


def test_a_model_that_cannot_be_described_is_trained_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: Any) -> None:
        raise AttributeError("a layer that nobody thought of")

    monkeypatch.setattr(recorder.keras.subject, "describe", fail)
    model = renewed(conv_model)
    fit(model, images(), Recorder(tmp_path / "run.zarr", Probe(images()[0][:2])))
    for variable, expected in zip(model.variables, trained_without_recorder(), strict=True):
        np.testing.assert_array_equal(values_of(variable), expected)
    (message,) = [entry.getMessage() for entry in caplog.records if "trainlapse" in entry.name]
    assert "a layer that nobody thought of" in message


def test_what_was_recorded_before_a_fault_can_be_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    error = OSError(28, "No space left on device")
    monkeypatch.setattr(RunWriter, "append", failing(at=4, error=error, original=RunWriter.append))
    path = tmp_path / "run.zarr"
    fit(renewed(conv_model), images(), Recorder(path, Probe(images()[0][:2])))
    run = open_run(path)
    assert list(run.steps) == [0, 1, 2]
    assert np.isfinite(np.asarray(run.activations("softmax"))).all()
    assert run.finished is None


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
def test_an_interrupted_fit_leaves_a_sound_run(error: type[BaseException], tmp_path: Path) -> None:
    updates = 0
    copies = []

    def interrupt(model: Any) -> None:
        nonlocal updates
        copies.append(values_of(model.weights[0]))
        updates += 1
        if updates == 7:
            raise error

    path = tmp_path / "run.zarr"

    def train() -> None:
        callback = Recorder(path, Probe(images()[0][:2]), schedule=every_n_steps(1))
        fit(renewed(conv_model), images(), callback, spy(interrupt))

    with pytest.raises(error):
        train()
    gc.collect()  # the recorder is gone with the training, and closes the run
    run = open_run(path)
    assert list(run.steps) == list(range(7))
    assert run.finished is None
    for step, copy in enumerate(copies):
        np.testing.assert_array_equal(
            np.asarray(run.weights("conv", "kernel").sel(step=step)), copy
        )


def test_a_fit_after_an_interrupted_one_goes_on(tmp_path: Path) -> None:
    updates = 0

    def interrupt(model: Any) -> None:
        nonlocal updates
        updates += 1
        if updates == 4:
            raise KeyboardInterrupt

    path, model = tmp_path / "run.zarr", renewed(conv_model)
    callback = Recorder(path, Probe(images()[0][:2]), schedule=every_n_steps(1))
    with pytest.raises(KeyboardInterrupt):
        fit(model, images(), callback, spy(interrupt))
    fit(model, images(), callback, epochs=1)
    run = open_run(path)
    assert list(run.steps) == [0, 1, 2, 3, 4, 5, 6, 7]
    assert run.finished is not None
