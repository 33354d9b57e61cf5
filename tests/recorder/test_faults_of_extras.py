"""Evaluation, triggers and resuming are guests, too: they neither change nor stop a training."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import recorder.recording.background
from recorder import Evaluation, Probe, Recorder, adaptive, every_n_steps, on_event
from recorder.keras import settings
from recorder.keras.counting import BatchMetrics, UpdateCount
from recorder.keras.predictor import Predictor
from recorder.weight_sample import WeightSample
from store import open_run
from tests.recorder.keras.test_callback import fit
from tests.recorder.networks import conv_model, images, renewed, values_of
from tests.recorder.test_faults import failing, trained_without_recorder

pytestmark = pytest.mark.slow


def with_all_extras(path: Path) -> Recorder:
    x, y = images()
    schedule = adaptive("1 MB") | on_event() | every_n_steps(2)
    return Recorder(
        path, Probe(x[:2]), evaluation=Evaluation(x, y, batch_size=5), schedule=schedule
    )


def assert_trained_as_without(model: Any) -> None:
    for variable, expected in zip(model.variables, trained_without_recorder(), strict=True):
        np.testing.assert_array_equal(values_of(variable), expected)


def test_the_trained_weights_are_the_same_bit_for_bit(tmp_path: Path) -> None:
    model, callback = renewed(conv_model), with_all_extras(tmp_path / "run.zarr")
    fit(model, images(), callback)
    assert callback.report.fault is None
    assert_trained_as_without(model)


@pytest.mark.parametrize(
    ("owner", "name", "at"),
    [
        (Predictor, "predict", 2),
        (WeightSample, "now", 2),
        (WeightSample, "change_since", 3),
        (UpdateCount, "begin_epoch", 2),
        (UpdateCount, "end_batch", 4),
        (BatchMetrics, "alone", 4),
        (settings, "learning_rate", 2),
        (settings, "updates_of", 8),
        (recorder.recording.background, "are_finite_weights", 2),
        (recorder.recording.background, "is_finite_loss", 4),
    ],
)
def test_a_fault_ends_the_recording_only(
    owner: Any,
    name: str,
    at: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    error = RuntimeError("a bug of ours")
    monkeypatch.setattr(owner, name, failing(at=at, error=error, original=getattr(owner, name)))
    model, callback = renewed(conv_model), with_all_extras(tmp_path / "run.zarr")
    with caplog.at_level(logging.WARNING, logger="trainlapse.recorder"):
        fit(model, images(), callback)
    assert_trained_as_without(model)
    assert callback.report.fault is error
    (message,) = [
        entry.getMessage()
        for entry in caplog.records
        if entry.name == "trainlapse.recorder" and "stopped" in entry.getMessage()
    ]
    assert "a bug of ours" in message
    run = open_run(tmp_path / "run.zarr")
    assert run.steps[0] == 0
    assert run.finished is None
