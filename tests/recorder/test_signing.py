"""What a user records is signed from its first step on; what somebody else has begun never is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from recorder import LoopRecorder, Probe
from store import open_run
from store.tools import trust
from tests.recorder import numpy_training as training
from tests.recorder.numpy_backend import NumpyBackend, Perceptron

pytestmark = pytest.mark.usefixtures("user_settings")


def is_signed(path: Path) -> bool:
    return trust.is_signed(open_run(path))


def go_on(path: Path, **options: Any) -> None:
    """Record one step more."""
    x, _ = training.data()
    probe, net = Probe(x[: training.PROBES]), Perceptron(training.SIZES, training.SEED)
    with LoopRecorder(
        path, probe, model=net, backend=NumpyBackend(), resume=training.UPDATES, **options
    ) as recorder:
        recorder.record(training.UPDATES + 1)
    assert open_run(path).steps[-1] == training.UPDATES + 1


def test_a_run_is_signed_before_its_first_step(tmp_path: Path) -> None:
    path = tmp_path / "run.zarr"
    x, _ = training.data()
    net = Perceptron(training.SIZES, training.SEED)
    with LoopRecorder(path, Probe(x[:4]), model=net, backend=NumpyBackend()) as recorder:
        recorder.record(0)
        assert is_signed(path)
        recorder.record(1)
    assert is_signed(path)


def test_a_run_of_ones_own_is_signed_by_another_name_too(tmp_path: Path) -> None:
    path = tmp_path / "run.zarr"
    training.record(path)
    go_on(path, name="renamed")
    assert open_run(path).name == "renamed"
    assert is_signed(path)


def test_a_run_that_somebody_else_has_begun_stays_foreign(
    tmp_path: Path, user_settings: Path
) -> None:
    path = tmp_path / "run.zarr"
    training.record(path)
    (user_settings / "key").unlink()  # as if on another machine
    assert not is_signed(path)
    go_on(path)
    assert not is_signed(path)


def test_where_no_signature_can_be_kept_the_training_is_recorded_all_the_same(
    tmp_path: Path, user_settings: Path, recwarn: pytest.WarningsRecorder
) -> None:
    signed = training.record(tmp_path / "signed.zarr")
    folder = user_settings / "signatures"
    for file in folder.iterdir():
        file.unlink()
    folder.rmdir()
    folder.write_text("a file, where the folder should be")
    recorder = training.record(tmp_path / "run.zarr")
    assert recorder.report.steps == signed.report.steps
    assert list(open_run(tmp_path / "run.zarr").steps) == training.STEPS
    assert not is_signed(tmp_path / "run.zarr")
    assert not recwarn.list


def test_nothing_is_written_outside_of_the_settings(tmp_path: Path, user_settings: Path) -> None:
    training.record(tmp_path / "run.zarr")
    assert sorted(file.name for file in tmp_path.iterdir()) == ["run.zarr", "settings"]
    assert len(list((user_settings / "signatures").iterdir())) == 1
