"""A real recording, killed with SIGKILL at random moments: no committed step is ever lost."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from store.live.writer import Compression, Durability, RunWriter
from store.reading.run import open_run
from store.testing import crash_trials, seeded

KILLS = 8


@pytest.mark.slow
@pytest.mark.parametrize(("compression", "durability"), [(None, "process"), ("lz4", "power")])
def test_kills_lose_no_committed_step(
    tmp_path: Path, compression: Compression, durability: Durability
) -> None:
    path = tmp_path / "run.zarr"
    rng = seeded(len(durability))
    deaths = [
        crash_trials.kill_one(path, rng, compression=compression, durability=durability)
        for _ in range(KILLS // 2)
    ]
    assert [death.problems for death in deaths] == [[]] * len(deaths)
    assert all(death.acknowledged <= death.committed for death in deaths)
    # Each life goes on where the last one was cut off.
    committed = [death.committed for death in deaths]
    assert committed == sorted(committed)
    assert committed[-1] > 0
    assert crash_trials.problems(path, committed[-1], rng, everything=True) == []


# -- the check itself: it must see what it is there to see ---------------------------------------


@pytest.fixture
def run(tmp_path: Path) -> Path:
    path = tmp_path / "run.zarr"
    crash_trials.record(path, None, "process", steps=10)
    assert crash_trials.problems(path, 10, seeded(0), everything=True) == []
    return path


def test_the_check_detects_a_lost_step(run: Path) -> None:
    with crash_trials.small_blocks():
        RunWriter.resume(run, crash_trials.spec(), after_step=8).close()
    found = crash_trials.problems(run, 10, seeded(0))
    assert found == ["1 of 10 committed steps are lost"]


def test_the_check_detects_a_lost_run(tmp_path: Path) -> None:
    found = crash_trials.problems(tmp_path / "run.zarr", 3, seeded(0))
    assert found == ["there is no run, 3 steps were committed"]


def test_the_check_detects_a_step_that_was_not_written(run: Path) -> None:
    """What a writer would leave that commits before its data."""
    array = "layers/conv/activation"
    chunk = run / array / "c.0.0.0.0.0"
    content = np.fromfile(chunk, np.uint8)
    frame = open_run(run).read(array, (9,)).nbytes
    content[-frame:] = 0
    chunk.write_bytes(content.tobytes())
    assert crash_trials.problems(run, 10, seeded(0)) == [f"{array} is wrong at step 9"]


def test_the_check_detects_a_step_recorded_twice(run: Path) -> None:
    steps = np.fromfile(run / "step" / "c.0", "<i8")
    steps[9] = 10
    (run / "step" / "c.0").write_bytes(steps.tobytes())
    assert crash_trials.problems(run, 10, seeded(0)) == ["the steps are not those recorded"]
