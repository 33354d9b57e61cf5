"""Replacing at once: permissions, links, failures, and what survives a power failure."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from store.format.spec import RunSpec
from store.live.writer import RunWriter
from store.packed.pack import pack
from store.reading.run import open_run
from store.storage import atomic
from store.storage.atomic import TEMPORARY_SUFFIX, new_directory, new_file, replace_file
from store.testing import write_run

Write = Callable[[Path, bytes], None]


def by_replace_file(path: Path, content: bytes) -> None:
    replace_file(path, content, sync=False)


def by_new_file(path: Path, content: bytes) -> None:
    with new_file(path) as fresh:
        fresh.write_bytes(content)


def by_new_directory(path: Path, content: bytes) -> None:
    with new_directory(path) as fresh:
        (fresh / "file").write_bytes(content)


def put(path: Path, write: Write) -> None:
    """Something at `path` that `write` may replace."""
    if write is by_new_directory:
        path.mkdir()
        (path / "file").write_bytes(b"old")
    else:
        path.write_bytes(b"old")


def content(path: Path) -> bytes:
    return (path / "file" if path.is_dir() else path).read_bytes()


EVERY = pytest.mark.parametrize("write", [by_replace_file, by_new_file, by_new_directory])
posix = pytest.mark.skipif(os.name == "nt", reason="links and permissions as POSIX has them")


@EVERY
@posix
def test_permissions_stay(tmp_path: Path, write: Write) -> None:
    path = tmp_path / "mine"
    put(path, write)
    path.chmod(0o700)
    write(path, b"new")
    assert content(path) == b"new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o700


@pytest.mark.parametrize("write", [by_new_file, by_new_directory])
@posix
def test_a_link_that_a_user_names_is_followed(tmp_path: Path, write: Write) -> None:
    (tmp_path / "large_disk").mkdir()
    path, link = tmp_path / "large_disk" / "mine", tmp_path / "link"
    put(path, write)
    link.symlink_to(path)
    write(link, b"new")
    assert link.is_symlink()
    assert content(path) == b"new"
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["large_disk", "link"]
    assert [entry.name for entry in path.parent.iterdir()] == ["mine"]


@posix
def test_a_run_behind_a_link_is_packed_where_it_lies(tmp_path: Path) -> None:
    (tmp_path / "large_disk").mkdir()
    run = write_run(tmp_path / "large_disk" / "run.zarr")
    link = tmp_path / "run.zarr"
    link.symlink_to(run)
    pack(link)
    assert link.is_symlink()
    assert open_run(run).attributes["form"] == "packed"


@posix
def test_nothing_is_written_through_a_link_inside_a_run(tmp_path: Path) -> None:
    """A run may come from a stranger, and its links may lead anywhere."""
    precious = tmp_path / "precious"
    precious.write_bytes(b"precious")
    path = tmp_path / "zarr.json"
    for link in (path, path.with_name(path.name + TEMPORARY_SUFFIX)):
        link.symlink_to(precious)
    replace_file(path, b"new", sync=False)
    assert precious.read_bytes() == b"precious"
    assert not path.is_symlink()
    assert path.read_bytes() == b"new"


@EVERY
@pytest.mark.parametrize("there", [False, True])
def test_after_a_failure_the_old_one_is_there_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, write: Write, there: bool
) -> None:
    path = tmp_path / "mine"
    if there:
        put(path, write)

    def full(*_: object) -> Path:
        raise OSError("No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    if write is by_new_directory:
        monkeypatch.setattr(Path, "rename", full)
    with pytest.raises(OSError, match="No space left"):
        write(path, b"new")
    assert [entry.name for entry in tmp_path.iterdir()] == (["mine"] if there else [])
    assert not there or content(path) == b"old"


def test_what_a_killed_process_left_is_no_hindrance(tmp_path: Path) -> None:
    path = write_run(tmp_path / "run.zarr")
    for file in (path / "zarr.json", path / "probe" / "input" / "c.0.0.0.0"):
        shutil.copy(file, file.with_name(file.name + TEMPORARY_SUFFIX))
    RunWriter.create(path, RunSpec("another", ()), overwrite=True).close()
    assert not list(path.rglob(f"*{TEMPORARY_SUFFIX}"))


# -- durability ------------------------------------------------------------------------------


@pytest.fixture
def events(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """What is synced, renamed and removed, in order, by name."""
    noted: list[tuple[str, str]] = []

    def note(where: Any, name: str, word: str) -> None:
        real = getattr(where, name)

        def noting(what: Any, *rest: Any, **options: Any) -> Any:
            noted.append((word, Path(getattr(what, "name", what)).name))
            return real(what, *rest, **options)

        monkeypatch.setattr(where, name, noting)

    note(atomic, "sync_file", "sync")
    note(atomic, "sync_path", "sync")
    note(Path, "replace", "rename")
    note(Path, "rename", "rename")
    note(shutil, "rmtree", "remove")
    return noted


def test_a_file_is_on_the_disk_before_it_replaces_another(
    tmp_path: Path, events: list[tuple[str, str]]
) -> None:
    by_new_file(tmp_path / "mine", b"new")
    assert [what for what, _ in events] == ["sync", "rename"]
    events.clear()
    replace_file(tmp_path / "mine", b"newer", sync=True)
    assert [what for what, _ in events] == ["sync", "rename"]


def test_without_sync_nothing_waits_for_the_disk(
    tmp_path: Path, events: list[tuple[str, str]]
) -> None:
    replace_file(tmp_path / "mine", b"new", sync=False)
    with new_file(tmp_path / "mine", sync=False) as fresh:
        fresh.write_bytes(b"newer")
    assert [what for what, _ in events] == ["rename", "rename"]


def test_a_run_is_removed_only_when_the_one_in_its_place_is_on_the_disk(
    tmp_path: Path, events: list[tuple[str, str]]
) -> None:
    path = tmp_path / "mine"
    put(path, by_new_directory)
    events.clear()
    by_new_directory(path, b"new")
    assert events[0] == ("sync", "file")
    assert [what for what, _ in events[1:4]] == ["rename", "rename", "remove"]


@posix
def test_what_replaces_a_private_file_is_private_from_its_first_byte(tmp_path: Path) -> None:
    file = tmp_path / "numbers.csv"
    file.write_bytes(b"old")
    file.chmod(0o600)
    with new_file(file) as fresh:
        with fresh.open("wb") as opened:
            opened.write(b"new")
        assert stat.S_IMODE(fresh.stat().st_mode) == 0o600
    assert file.read_bytes() == b"new"
