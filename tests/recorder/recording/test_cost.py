"""What a recording costs: measured, said, bounded; and packing when all is done."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest

import recorder.recording.cost
import recorder.recording.packing
from recorder import Probe, Recorder, every_n_steps
from recorder.recording.cost import Cost
from store import open_run
from store.live.writer import RunWriter
from tests.recorder.keras.test_callback import fit
from tests.recorder.networks import conv_model, images, renewed


def train(path: Path, **options: Any) -> Recorder:
    options = {"schedule": every_n_steps(1), **options}
    callback = Recorder(path, Probe(images()[0][:2]), **options)
    fit(renewed(conv_model), images(), callback)
    return callback


def said(caplog: pytest.LogCaptureFixture, level: int) -> list[str]:
    return [
        entry.getMessage()
        for entry in caplog.records
        if entry.name == "trainlapse.recorder" and entry.levelno == level
    ]


def test_the_share_is_reported_in_one_line(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    # However slow the machine is, this limit is kept.
    report = train(tmp_path / "run.zarr", cost_limit=1).report
    assert 0 < report.share < 1
    assert report.background_seconds > 0
    assert report.skipped == {}
    (line,) = said(caplog, logging.INFO)
    assert line.startswith("Recorded 13 steps")
    assert f"{report.share:.1%} of the training's" in line
    assert not said(caplog, logging.WARNING)


def test_a_recorder_above_its_limit_says_so_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recorder.recording.cost, "SPAN_SECONDS", 0.0)
    callback = train(tmp_path / "run.zarr", cost_limit=1e-6)
    (warning,) = said(caplog, logging.WARNING)
    assert "more than the 0.0001 % of cost_limit" in warning
    assert "thin=True" in warning
    assert callback.report.steps == 13, "nothing is left out without being asked"


class Training:
    """A training on a clock of its own: seconds pass when it says so."""

    def __init__(self, **options: Any) -> None:
        self.now = 100.0
        self.cost = Cost(clock=lambda: self.now, **options)

    def trace(self, seconds: float) -> None:
        self.cost.begin(self.now)
        self.now += seconds
        self.cost.opening += seconds

    def run(self, seconds: float, share: float) -> None:
        for _ in range(round(seconds * 10)):  # ten batches a second
            self.now += 0.1
            self.cost.recording += 0.1 * share
            self.cost.warn_once(logging.getLogger("trainlapse.recorder"))


def test_tracing_is_no_steady_cost(caplog: pytest.LogCaptureFixture) -> None:
    training = Training()
    training.trace(30.0)
    training.run(1.0, share=0.9)  # the first steps, which run what was traced for the first time
    training.run(600.0, share=0.04)
    assert not said(caplog, logging.WARNING)
    assert training.cost.steady_share == pytest.approx(0.04)
    assert training.cost.seconds > 30.0, "the report has it all the same"


def test_the_warning_gives_the_steady_share(caplog: pytest.LogCaptureFixture) -> None:
    training = Training()
    training.trace(30.0)
    training.run(15.0, share=0.2)
    assert not said(caplog, logging.WARNING), "too early to tell"
    training.run(600.0, share=0.2)
    (warning,) = said(caplog, logging.WARNING)
    assert "Recording takes 20 % of the training's time, more than the 5 %" in warning


def test_a_moment_of_much_cost_is_no_steady_cost(caplog: pytest.LogCaptureFixture) -> None:
    training = Training()
    training.trace(1.0)
    for _ in range(20):
        training.run(6.0, share=0.01)
        training.run(2.0, share=0.8)  # the end of an epoch
    assert not said(caplog, logging.WARNING)


def test_each_fit_has_a_beginning_of_its_own(caplog: pytest.LogCaptureFixture) -> None:
    training = Training()
    for _ in range(40):  # a fit for each epoch, each of which opens the run again
        training.trace(0.5)
        training.run(1.0, share=0.9)
        training.run(7.0, share=0.01)
        training.cost.end(training.now)
    assert not said(caplog, logging.WARNING)


def test_a_thinning_recorder_keeps_first_last_and_epochs_and_notes_the_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recorder.recording.cost, "LEAST_SECONDS", 0.0)
    callback = train(tmp_path / "run.zarr", cost_limit=1e-6, thin=True)
    run = open_run(tmp_path / "run.zarr")
    assert list(run.steps) == [0, 4, 8, 12]
    # The ends of epochs are left out at the end of their batch, and recorded at their own.
    assert run.attributes["skipped"] == callback.report.skipped == {"cost_limit": 9}


def test_thinning_lets_pass_what_fits() -> None:
    cost = Cost(limit=0.1, thin=True)
    assert cost.allows()
    cost.recording = 0.1 * recorder.recording.cost.LEAST_SECONDS - 0.1
    cost.note_step(0.05)
    assert cost.allows()
    for _ in range(5):
        cost.note_step(0.2)
    assert not cost.allows(), "the next one would be too much"
    assert Cost(limit=0.0).allows(), "unless it is asked to, it leaves nothing out"


def test_a_count_of_what_was_left_out_outlives_a_resume(tmp_path: Path) -> None:
    train(tmp_path / "run.zarr")
    spec = open_run(tmp_path / "run.zarr")
    assert spec.attributes["skipped"] == {}
    writer = RunWriter.create(tmp_path / "other.zarr", _spec())
    writer.note_skipped("cost_limit")
    writer.close()
    with RunWriter.resume(tmp_path / "other.zarr", _spec()) as resumed:
        resumed.note_skipped("cost_limit")
    assert open_run(tmp_path / "other.zarr").attributes["skipped"] == {"cost_limit": 2}


def _spec() -> Any:
    from store.testing import image_run_spec

    return image_run_spec()


# -- packing ---------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_run_is_packed_when_the_training_has_ended(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    train(tmp_path / "run.zarr", pack=True)
    run = open_run(tmp_path / "run.zarr")
    assert run.attributes["form"] == "packed"
    assert list(run.steps) == list(range(13))
    assert any(line.startswith("Packed ") for line in said(caplog, logging.INFO))


@pytest.mark.slow
@pytest.mark.parametrize("error", [KeyboardInterrupt(), OSError(28, "No space left on device")])
def test_packing_that_fails_or_is_interrupted_harms_nothing(
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    error: BaseException,
) -> None:
    original = recorder.recording.packing.pack

    def broken(path: Path, progress: Any) -> Any:
        def interrupt(*_: Any) -> None:
            raise error

        return original(path, progress=interrupt)

    monkeypatch.setattr(recorder.recording.packing, "pack", broken)
    callback = train(tmp_path / "run.zarr", pack=True)
    assert callback.report.fault is None
    run = open_run(tmp_path / "run.zarr")
    assert run.attributes["form"] == "live"
    assert list(run.steps) == list(range(13))
    (warning,) = said(caplog, logging.WARNING)
    assert "trainlapse pack" in warning
    assert [entry.name for entry in tmp_path.iterdir()] == ["run.zarr"], "no half-packed rest"


def test_an_interrupted_training_is_not_packed(tmp_path: Path) -> None:
    model = renewed(conv_model)
    probe = Probe(images()[0][:2])
    with (
        pytest.raises(RuntimeError, match="the loop broke"),
        Recorder(tmp_path / "run.zarr", probe, model=model, pack=True),
    ):
        raise RuntimeError("the loop broke")
    assert open_run(tmp_path / "run.zarr").attributes["form"] == "live"
