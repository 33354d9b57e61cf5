"""The runs of a folder: found wherever they are, each described in a line."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import zarr

from store import RunWriter, open_run
from store.errors import RunNotFoundError
from store.packed.pack import pack
from store.storage.run_lock import LOCK_NAME
from store.testing import append_steps, image_run_spec, write_run
from store.tools.folder import MOST_DEPTH, find_runs, is_folder, summarize
from store.tools.share import share


def test_runs_are_found_in_folders_of_folders_and_nothing_else(tmp_path: Path) -> None:
    wanted = [
        write_run(tmp_path / "a.zarr"),
        write_run(tmp_path / "seeds" / "1.zarr"),
        write_run(tmp_path / "seeds" / "deep" / "2.zarr"),
        pack(write_run(tmp_path / "packed.zarr")).path,
        share(tmp_path / "a.zarr", tmp_path / "shared.zip").path,
    ]
    write_run(tmp_path / ".hidden" / "run.zarr")
    write_run(tmp_path.joinpath(*"abcdefgh"[:MOST_DEPTH]) / "far.zarr")
    zarr.create_group(tmp_path / "foreign.zarr").create_array("x", data=np.zeros(3))
    (tmp_path / "notes.txt").write_text("no run")
    (tmp_path / "no.zip").write_text("no zip")
    assert find_runs(tmp_path) == sorted(wanted)
    assert is_folder(tmp_path)
    assert not is_folder(tmp_path / "a.zarr")
    assert not is_folder(tmp_path / "shared.zip")
    assert not is_folder("https://example.org/runs")


def test_a_folder_that_is_not_there_is_said() -> None:
    with pytest.raises(RunNotFoundError, match="There is no folder"):
        find_runs(Path("nowhere"))


@pytest.mark.skipif(os.name == "nt", reason="links as POSIX has them")
def test_links_in_a_circle_end(tmp_path: Path) -> None:
    write_run(tmp_path / "in" / "a.zarr")
    (tmp_path / "in" / "again").symlink_to(tmp_path)
    assert tmp_path / "in" / "a.zarr" in find_runs(tmp_path)


def test_a_run_in_a_line(tmp_path: Path) -> None:
    path = write_run(tmp_path / "a.zarr", image_run_spec("mine"), steps=(0, 5, 9))
    summary, run = summarize(path), open_run(path)
    assert (summary.name, summary.state, summary.reason) == ("mine", "finished", "")
    assert (summary.steps, summary.last_step) == (3, 9)
    assert summary.created == run.created.isoformat()
    taken = sum(
        min(each.stat().st_size, each.stat().st_blocks * 512)
        for each in path.rglob("*")
        if each.is_file()
    )
    assert summary.bytes == taken
    for name, value in summary.metrics.items():
        logged = run.metrics[name].values
        assert value == logged[~np.isnan(logged)][-1]
    assert summary.metrics.keys() == set(run.metrics.data_vars)


def test_a_run_is_recorded_finished_or_interrupted(tmp_path: Path) -> None:
    with RunWriter.create(tmp_path / "now.zarr", image_run_spec()) as writer:
        append_steps(writer, 0, 1)
        writer.commit()
        assert summarize(tmp_path / "now.zarr").state == "recording"
    assert summarize(tmp_path / "now.zarr").state == "finished"
    killed = write_run(tmp_path / "killed.zarr", finished=False)
    (killed / LOCK_NAME).touch()
    assert summarize(killed).state == "interrupted"
    assert (killed / LOCK_NAME).exists()
    empty = write_run(tmp_path / "empty.zarr", steps=(), finished=False)
    assert (summarize(empty).steps, summarize(empty).last_step) == (0, None)


@pytest.mark.parametrize("content", ["", "{", '{"attributes": {"trainlapse": {}}}', "[" * 100_000])
def test_a_broken_run_is_listed_with_its_reason(content: str, tmp_path: Path) -> None:
    broken, sound = write_run(tmp_path / "broken.zarr"), write_run(tmp_path / "sound.zarr")
    (broken / "zarr.json").write_text(content)
    assert find_runs(tmp_path) == [broken, sound]
    summary = summarize(broken)
    assert summary.state == "broken"
    assert summary.reason
    assert summarize(sound).state == "finished"


def test_a_run_whose_metrics_are_damaged_is_broken(tmp_path: Path) -> None:
    path = write_run(tmp_path / "a.zarr")
    for file in (path / "metrics" / "loss").glob("c*"):
        file.unlink()
    assert summarize(path).state in ("broken", "finished")
