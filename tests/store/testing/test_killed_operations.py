"""Operations on runs, killed with SIGKILL at random moments; benchmarks/kill9.py has more."""

from __future__ import annotations

from pathlib import Path

import pytest

from store.reading.run import open_run
from store.testing import killed_operations, seeded
from store.testing.killed_operations import OPERATIONS, Operation, Trial

KILLS = 1


@pytest.mark.slow
@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
def test_kills_lose_nothing(tmp_path: Path, operation: Operation) -> None:
    trial = Trial(operation, tmp_path)
    killed = [trial.kill(seeded(number)) for number in range(KILLS)]
    assert [each.problems for each in killed] == [[]] * KILLS


# -- the check itself: it must see what it is there to see ---------------------------------------


def spoil(run: Path, out: Path) -> None:
    """Change the run, and make a part of one."""
    (run / "zarr.json").write_bytes(b"")
    out.mkdir(exist_ok=True)
    (out / "zarr.json").write_bytes(b"{")


def test_the_check_detects_a_run_that_changed(tmp_path: Path) -> None:
    work = f"{__name__}:spoil"
    trial = Trial(Operation("a.zarr", work, killed_operations.nothing), tmp_path)
    trial.seconds = 0
    assert "the run has changed" in " ".join(trial.kill(seeded(1)).problems)


def test_the_check_detects_a_run_cut_short(tmp_path: Path) -> None:
    killed_operations.record(tmp_path / "run.zarr")
    assert killed_operations.whole_run(tmp_path / "run.zarr") == []
    chunk = tmp_path / "run.zarr/layers/dense/activation/c.0.0.0"
    chunk.write_bytes(chunk.read_bytes()[:100])
    assert killed_operations.whole_run(tmp_path / "run.zarr")
    assert len(open_run(tmp_path / "run.zarr")) == killed_operations.STEPS
