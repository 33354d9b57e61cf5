"""A training that breaks down is recorded as one, with the step at which it began."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from recorder import Probe, Recorder, every_n_steps
from recorder.recording.background import are_finite_weights
from store import open_run
from tests.recorder.networks import conv_model, images, renewed

BREAKS_AT = 5


def breaking(value: float) -> Any:
    """Callback that puts a value into the weights before update `BREAKS_AT`."""
    import keras

    class Break(keras.callbacks.Callback):
        def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:  # noqa: ARG002
            if batch == BREAKS_AT - 1:
                kernel = self.model.get_layer("logits").kernel
                kernel.assign(np.full(kernel.shape, value))

    return Break()


def fit(path: Path, *callbacks: Any, every: int = 1, **options: Any) -> Any:
    x, y = images()
    recorder = Recorder(path, Probe(x[:2]), schedule=every_n_steps(every), **options)
    model = renewed(conv_model)
    model.fit(x, y, batch_size=4, verbose=0, callbacks=[recorder, *callbacks])
    assert recorder.report.fault is None
    return open_run(path)


@pytest.mark.slow
@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("every", [1, 100])
def test_the_step_at_which_the_loss_broke_down(value: float, every: int, tmp_path: Path) -> None:
    run = fit(tmp_path / "run.zarr", breaking(value), every=every)
    assert run.not_finite_since == BREAKS_AT
    assert run.finished is not None
    assert np.isnan(np.asarray(run.weights("logits", "kernel").isel(step=-1))).any()


@pytest.mark.slow
def test_a_sound_training_has_no_such_step(tmp_path: Path) -> None:
    assert fit(tmp_path / "run.zarr").not_finite_since is None


def test_weights_that_break_down_without_a_loss(tmp_path: Path) -> None:
    model, (x, _) = renewed(conv_model), images()
    path = tmp_path / "run.zarr"
    with Recorder(path, Probe(x[:2]), model=model, schedule=every_n_steps(2)) as recorder:
        for step in range(1, 7):
            if step == 3:
                bias = model.get_layer("conv").bias
                bias.assign(np.full(bias.shape, np.inf))
            recorder.record(step)
    assert open_run(path).not_finite_since == 4, "the first recorded step of broken weights"


def test_a_metric_that_has_nothing_to_count_is_no_breakdown(tmp_path: Path) -> None:
    model, (x, _) = renewed(conv_model), images()
    path = tmp_path / "run.zarr"
    with Recorder(path, Probe(x[:2]), model=model) as recorder:
        recorder.record(1, loss=0.5, precision=float("nan"))
    assert open_run(path).not_finite_since is None


def test_going_back_before_the_breakdown_forgets_it(tmp_path: Path) -> None:
    model, (x, _) = renewed(conv_model), images()
    path = tmp_path / "run.zarr"
    for resume, losses in ((False, {4: np.nan, 5: np.nan}), (4, {5: 0.5}), (3, {4: 0.5})):
        options = {"model": model, "schedule": every_n_steps(1), "resume": resume}
        with Recorder(path, Probe(x[:2]), **options) as recorder:
            for step, loss in losses.items():
                if resume is False and step == 4:
                    recorder.record(3, loss=0.5)
                recorder.record(step, loss=loss)
        assert recorder.report.fault is None
        assert open_run(path).not_finite_since == (None if resume == 3 else 4)


def test_large_weights_are_finite() -> None:
    large = np.full(1000, np.finfo(np.float32).max)
    assert are_finite_weights({"layers/a/weights/kernel": large})
    large[500] = np.nan
    assert not are_finite_weights({"layers/a/weights/kernel": large})
    assert are_finite_weights({"layers/a/activation": large}), "a probe may be what it likes"
