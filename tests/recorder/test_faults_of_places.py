"""A full disk, a removed folder, a clock that jumps: the training goes on, and says so once."""

from __future__ import annotations

import datetime as dt
import errno
import functools
import itertools
import logging
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import store.live.array
import store.live.commit
import store.storage.files
from recorder import Probe, Recorder, every_n_steps
from store import open_run
from store.tools.verify import verify
from tests.recorder.keras.test_callback import fit, spy
from tests.recorder.networks import conv_model, images, renewed, values_of
from tests.recorder.recording.test_background import wait_until
from tests.recorder.test_faults import trained_without_recorder

pytestmark = pytest.mark.slow

UPDATES = 12
FULL = OSError(errno.ENOSPC, "No space left on device")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "run.zarr"


def trained(
    path: Path, caplog: pytest.LogCaptureFixture, *callbacks: Any, probes: int = 2, **options: Any
) -> tuple[Recorder, list[str]]:
    """Train under a recorder of every step, as without it; give what was said."""
    recorder = Recorder(path, Probe(images()[0][:probes]), schedule=every_n_steps(1), **options)
    model = renewed(conv_model)
    with caplog.at_level(logging.WARNING, logger="trainlapse"):
        fit(model, images(), recorder, *callbacks)
    for variable, expected in zip(model.variables, trained_without_recorder(), strict=True):
        np.testing.assert_array_equal(values_of(variable), expected)
    return recorder, [entry.getMessage() for entry in caplog.records]


def at_update(number: int, function: Callable[[], object]) -> Any:
    """Call a function after so many updates."""
    count = itertools.count()
    return spy(lambda _: function() if next(count) == number else None)


def when_committed(path: Path, function: Callable[[], object]) -> Any:
    """Call a function in the midst of the training, when a step is in the run for certain."""

    def call() -> None:
        wait_until(lambda: len(open_run(path)) > 0)
        function()

    return at_update(5, call)


def steps_of(path: Path) -> list[int]:
    """Steps of a run, whose every value is sound."""
    run = open_run(path)
    assert verify(run).is_sound
    assert np.isfinite(np.asarray(run.activations("softmax"))).all()
    return [int(step) for step in run.steps]


# -- disks ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("at", "pack"), [(1, False), (31, False), (100, False), (100, True)])
def test_a_disk_that_is_full_from_some_write_on(
    path: Path,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    at: int,
    pack: bool,
) -> None:
    write, calls = store.storage.files.write_all, itertools.count(1)

    def full(file: Any, content: Any, offset: int) -> None:
        if next(calls) >= at:
            write(file, bytes(content)[:3], offset)  # a disk fills up in the middle
            raise FULL
        write(file, content, offset)

    monkeypatch.setattr(store.live.array, "write_all", full)
    recorder, said = trained(path, caplog, pack=pack)
    (message,) = said
    assert "No space left" in message
    assert "free space" in message
    assert recorder.report.fault is FULL
    steps = steps_of(path)
    assert steps == list(range(len(steps)))
    assert len(steps) < UPDATES
    assert bool(steps) == (at > 1)
    assert open_run(path).finished is None


def test_a_disk_that_takes_no_commit_any_more(
    path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(source: Path, target: Path) -> Path:
        raise FULL

    monkeypatch.setattr("store.live.writer.COMMIT_SECONDS", 0.0)
    fill = when_committed(path, lambda: monkeypatch.setattr(Path, "replace", full))
    recorder, said = trained(path, caplog, fill)
    monkeypatch.undo()
    assert len(said) == 1
    assert recorder.report.fault is FULL
    steps = steps_of(path)
    assert steps == list(range(len(steps)))
    assert 0 < len(steps) < UPDATES


def test_a_limit_of_the_system(
    path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No patch: the kernel itself refuses to let files grow."""
    resource = pytest.importorskip("resource", reason="Windows has no such limits")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    monkeypatch.setattr("store.live.writer.COMMIT_SECONDS", 0.0)
    low = functools.partial(resource.setrlimit, resource.RLIMIT_FSIZE, (50_000, hard))
    lower = when_committed(path, low)
    try:
        recorder, said = trained(path, caplog, lower, probes=16)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert len(said) == 1
    assert "File too large" in said[0]
    assert recorder.report.fault is not None
    steps = steps_of(path)
    assert steps == list(range(len(steps)))
    assert 0 < len(steps) < UPDATES


# -- folders --------------------------------------------------------------------------------------


@pytest.mark.parametrize("pack", [False, True])
def test_a_folder_that_is_removed(
    path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, pack: bool
) -> None:
    monkeypatch.setattr("store.live.writer.COMMIT_SECONDS", 0.0)

    def remove() -> None:
        while path.exists():  # a file may be made in it meanwhile
            shutil.rmtree(path, ignore_errors=True)

    recorder, said = trained(path, caplog, when_committed(path, remove), pack=pack)
    (message,) = said
    assert recorder.report.fault is not None
    assert str(path) in message
    assert not path.exists(), "it was removed on purpose"


@pytest.mark.parametrize("pack", [False, True])
def test_a_folder_that_is_moved_away(
    path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, pack: bool
) -> None:
    monkeypatch.setattr("store.live.writer.COMMIT_SECONDS", 0.0)
    moved = path.with_name("moved.zarr")
    recorder, said = trained(
        path, caplog, when_committed(path, lambda: path.rename(moved)), pack=pack
    )
    assert len(said) == 1
    assert recorder.report.fault is not None
    steps = steps_of(moved)
    assert steps == list(range(len(steps)))
    assert 0 < len(steps) < UPDATES


def test_a_part_of_a_folder_that_is_removed(
    path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is open goes on being written; what was lost is named by verify, the rest opens."""
    monkeypatch.setattr("store.live.writer.COMMIT_SECONDS", 0.0)
    gone = path / "layers" / "conv"
    _, said = trained(path, caplog, when_committed(path, lambda: shutil.rmtree(gone)))
    assert len(said) <= 1
    run = open_run(path)
    assert {finding.layer for finding in verify(run).findings} == {"conv"}
    assert np.isfinite(np.asarray(run.activations("softmax"))).all()


# -- clocks ---------------------------------------------------------------------------------------


def test_a_clock_that_jumps(
    path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ten years back at every look: nothing of a recording is measured by the time of the day."""
    year = 365 * 86400
    jumps = itertools.count(1)

    class Jumping(dt.datetime):
        @classmethod
        def now(cls, tz: dt.tzinfo | None = None) -> dt.datetime:
            return dt.datetime(2026, 1, 1, tzinfo=tz) - dt.timedelta(seconds=year * next(jumps))

    monkeypatch.setattr(store.live.commit.dt, "datetime", Jumping)
    monkeypatch.setattr(time, "time", lambda: 1.7e9 - year * next(jumps))
    recorder, said = trained(path, caplog)
    monkeypatch.undo()
    assert said == []
    assert recorder.report.fault is None
    assert steps_of(path) == list(range(UPDATES + 1))
    run = open_run(path)
    assert run.finished is not None
    assert run.finished < run.created
    assert (np.diff(run.wall_times) >= 0).all()
