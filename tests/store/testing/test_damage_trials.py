"""Damaged runs open, or are refused by an error of our own; benchmarks/damage.py has more."""

from __future__ import annotations

import shutil
import tracemalloc
from pathlib import Path

import pytest

import store.storage.location
from store.reading.run import Run, open_run
from store.testing import image_run_spec, seeded, text_run_spec, write_run
from store.testing.damage_trials import damage, outcome

TRIALS = 40
# A root document of 3 MB of empty lists, as Python objects, is the most that any trial takes.
MEMORY_BYTES = 200 * 2**20


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("damage")
    return [
        write_run(folder / "raw.zarr", image_run_spec(), steps=range(70)),
        write_run(folder / "lz4.zarr", image_run_spec(), steps=range(70), compression="lz4"),
        write_run(folder / "text.zarr", text_run_spec(), steps=range(5)),
    ]


def damaged(sound: list[Path], folder: Path, seed: int) -> tuple[Path, str]:
    rng = seeded(seed)
    path = Path(shutil.copytree(rng.choice(sound), folder / "damaged.zarr"))
    return path, damage(path, rng)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(TRIALS))
def test_a_damaged_run_opens_or_is_refused(sound: list[Path], tmp_path: Path, seed: int) -> None:
    path, how = damaged(sound, tmp_path, seed)
    tracemalloc.start()
    try:
        assert outcome(path) in ("opened", "refused", "refused in part"), how
        assert tracemalloc.get_traced_memory()[1] < MEMORY_BYTES, how
    finally:
        tracemalloc.stop()


def test_sound_runs_open(sound: list[Path]) -> None:
    assert [outcome(path) for path in sound] == ["opened"] * len(sound)


def test_the_trials_would_notice_a_missing_check(
    sound: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the check of the root document some of them end in another exception."""
    monkeypatch.setattr(store.storage.location, "root_problems", lambda _: [])
    escaped = []
    for seed in range(TRIALS):
        folder = tmp_path / str(seed)
        folder.mkdir()
        path, how = damaged(sound, folder, seed)
        try:
            outcome(path)
        except Exception as error:
            escaped.append((how, error))
    assert escaped


def test_a_name_that_leaves_the_run_reads_nothing_outside(tmp_path: Path) -> None:
    """Also a reader that is handed such a path by its caller finds no array there."""
    write_run(tmp_path / "other.zarr")
    run: Run = open_run(write_run(tmp_path / "run.zarr"))
    with pytest.raises(KeyError, match="The run has no array"):
        run.read("../other.zarr/step", (0,))
