"""Runs in the packed form, and layouts small enough that a tiny run has every kind of edge."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from store.format import packed_layout
from store.live.writer import RunWriter
from store.packed.pack import pack
from store.testing import image_run_spec, small_files, write_run

STEPS = (0, 1, 2, 3, 4, 7, 10, 20, 33, 50, 64, 80, 100)


@pytest.fixture
def small_layouts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks and files of some hundred bytes: many of both, and parts at every edge."""
    monkeypatch.setattr(packed_layout, "WHOLE_BYTES", 200)
    monkeypatch.setattr(packed_layout, "FRAME_BLOCK_BYTES", 1000)
    monkeypatch.setattr(packed_layout, "SMALL_FRAME_BYTES", 600)
    monkeypatch.setattr(packed_layout, "HISTORY_BLOCK_BYTES", 500)
    monkeypatch.setattr(packed_layout, "HISTORY_STEPS", 5)
    monkeypatch.setattr(packed_layout, "SHARD_BLOCKS", 12)


@pytest.fixture
def live_run(tmp_path: Path) -> Path:
    """A small finished run in the live form."""
    return write_run(tmp_path / "live.zarr", steps=STEPS, updates_per_epoch=30)


@pytest.fixture
def packed_run(live_run: Path, small_layouts: None) -> Path:
    """The same run in the packed form, in many blocks and files."""
    return pack(live_run, live_run.with_name("packed.zarr")).path


def digest(directory: Path) -> dict[str, str]:
    """Content of every file below a directory."""
    return {
        file.relative_to(directory).as_posix(): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in sorted(directory.rglob("*"))
        if file.is_file()
    }


@pytest.fixture(params=[None, "lz4"])
def writer(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[RunWriter]:
    """A recording under way, in files so small that a few steps cross every boundary."""
    with small_files():
        made = RunWriter.create(tmp_path / "run.zarr", image_run_spec(), compression=request.param)
        yield made
        made.abandon()


@pytest.fixture(scope="session")
def sound_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Seventy steps in the live form; not to be changed."""
    folder = tmp_path_factory.mktemp("sound")
    return write_run(folder / "run.zarr", image_run_spec(), steps=range(70))


@pytest.fixture
def own(sound_run: Path, tmp_path: Path) -> Path:
    """A run that a test may damage."""
    return Path(shutil.copytree(sound_run, tmp_path / "run.zarr"))
