"""The list of a folder's runs: at once, then filled; what is opened from it."""

from __future__ import annotations

import pytest

from explorer.server import folder as module
from explorer.server.folder import RunFolder, run_list
from explorer.server.runs import RunRegistry
from store.testing import image_run_spec, write_run


@pytest.fixture
def folder(tmp_path):
    """Two runs, one of them in a folder of its own, and one that is broken."""
    runs = tmp_path / "runs"
    write_run(runs / "a.zarr", image_run_spec("first"), steps=(0, 1))
    write_run(runs / "deep" / "b.zarr", image_run_spec("second"), steps=(0, 1, 7))
    (write_run(runs / "c.zarr") / "zarr.json").write_text("{")
    return RunFolder(runs)


@pytest.fixture
def registry():
    return RunRegistry([], [], of_folder=True)


def test_every_run_has_a_row(folder, registry):
    widget = run_list(folder, registry)
    rows = {row["where"]: row for row in widget.rows}
    assert list(rows) == ["a.zarr", "c.zarr", "deep/b.zarr"]
    assert rows["deep/b.zarr"]["last_step"] == 7
    assert rows["a.zarr"]["name"] == "first"
    assert rows["a.zarr"]["metrics"]
    assert rows["c.zarr"]["state"] == "broken"
    assert "JSON" in rows["c.zarr"]["reason"]
    assert registry.every == []  # nothing is opened for the list


def test_a_run_is_opened_and_two_are_compared(folder, registry):
    widget = run_list(folder, registry)
    widget.asked = [[str(folder.path / "deep" / "b.zarr")], 1]
    assert widget.opened == [[1], 1]
    assert registry.switch == [("/run?number=1", "second")]
    widget.asked = [[str(folder.path / "a.zarr"), str(folder.path / "deep" / "b.zarr")], 2]
    assert widget.opened == [[2, 1], 2]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["c.zarr", "gone.zarr", "../elsewhere.zarr"])
def test_what_cannot_be_opened_is_a_sentence(folder, registry, tmp_path, name):
    write_run(tmp_path / "elsewhere.zarr")
    widget = run_list(folder, registry)
    widget.asked = [[str(folder.path / name)], 1]
    assert widget.opened == []
    said, count = widget.said
    assert ("JSON" if name == "c.zarr" else "not there any more") in said
    assert count == 1


def test_runs_are_read_again_only_when_they_have_changed(folder, registry, monkeypatch):
    read = []

    def summarize(path, whole=module.summarize):
        read.append(path.name)
        return whole(path)

    monkeypatch.setattr(module, "summarize", summarize)
    run_list(folder, registry)
    run_list(folder, registry)
    assert read == ["a.zarr", "c.zarr", "b.zarr"]
    write_run(folder.path / "d.zarr", steps=(0,))
    assert len(run_list(folder, registry).rows) == 4
    assert read[3:] == ["d.zarr"]


def test_a_fault_in_one_run_hides_no_other(folder, registry, monkeypatch):
    def fail(_):
        raise RuntimeError("a bug of ours")

    monkeypatch.setattr(module, "summarize", fail)
    rows = run_list(folder, registry).rows
    assert {row["reason"] for row in rows} == {"RuntimeError: a bug of ours"}


def test_the_rows_come_first_and_are_filled_in_parts(folder, monkeypatch):
    monkeypatch.setattr(module, "REPORT_S", 0.0)
    reports = []
    folder.read(folder.find(), reports.append)
    assert [[row["where"] for row in rows] for rows in reports] == [
        ["a.zarr"], ["c.zarr"], ["deep/b.zarr"], [],
    ]  # fmt: skip
