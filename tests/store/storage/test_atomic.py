"""Replacing at once: permissions, links, failures, and what survives a power failure."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from store.format.spec import RunSpec
from store.live.writer import RunWriter
from store.packed.pack import pack
from store.reading.run import open_run
from store.storage import atomic
from store.storage.atomic import (
    new_directory,
    new_file,
    remove_stale,
    replace_file,
    temporary_directory,
)
from store.testing import image_run_spec, write_run

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
    for link in (path, path.with_name("zarr.json.tmp")):
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
        shutil.copy(file, file.with_name(f"{file.name}.tmp"))
        shutil.copy(file, file.with_name(f".{file.name}.tmp-0123abcd"))
    RunWriter.create(path, RunSpec("another", ()), overwrite=True).close()
    assert not list(path.rglob("*.tmp*"))


def test_resuming_removes_what_a_killed_writer_left_and_nothing_else(tmp_path: Path) -> None:
    path = write_run(tmp_path / "run.zarr")
    for folder in (path, path / "step"):
        (folder / ".zarr.json.tmp-0123abcd").write_bytes(b"{")
        (folder / ".mine.tmp-0123abcd").write_bytes(b"mine")
    (path / "zarr.json.tmp").mkdir()  # no name that can be guessed is in the way
    RunWriter.resume(path, image_run_spec()).close()
    left = [file.name for file in path.rglob("*.tmp*")]
    assert sorted(left) == [".mine.tmp-0123abcd"] * 2 + ["zarr.json.tmp"]


KILLED = """
import os, sys
from pathlib import Path
from store.storage.atomic import new_directory, new_file, temporary_directory

target = Path(sys.argv[1])
for make in (new_file, new_directory, temporary_directory):
    held = make(target)
    held.__enter__()
    globals()[make.__name__] = held
print("ready", flush=True)
sys.stdin.read(1)
os._exit(0)
"""


@posix
@pytest.mark.parametrize("again", ["another.zip", "made"])
def test_what_a_killed_process_was_writing_is_removed_by_the_next(
    tmp_path: Path, again: str
) -> None:
    (tmp_path / ".private.partial-notes").mkdir()
    command = [sys.executable, "-c", KILLED, str(tmp_path / "made")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdout.readline()
        remove_stale(tmp_path)
        assert len(list(tmp_path.glob(".made.partial-????????"))) == 3  # they are being written
        process.kill()
        process.wait()
    by_new_file(tmp_path / again, b"new")
    assert sorted(file.name for file in tmp_path.iterdir()) == [".private.partial-notes", again]


@posix
def test_what_is_left_is_not_looked_for_behind_links(tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.mkdir()
    (tmp_path / ".x.partial-0123abcd").symlink_to(precious)
    with temporary_directory(tmp_path / "made"):
        assert precious.is_dir()


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


@posix
def test_what_an_earlier_version_left_is_removed_once_it_is_old(tmp_path: Path) -> None:
    long_ago = time.time() - 2 * atomic.EARLIER_STALE_SECONDS
    for name in (".trainlapse-ab12_xyz", ".trainlapse-newer123", ".trainlapse-notes"):
        (tmp_path / name / "run").mkdir(parents=True)
        for place in (tmp_path / name / "run", tmp_path / name):
            os.utime(place, (long_ago, long_ago))
    os.utime(tmp_path / ".trainlapse-newer123" / "run")  # somebody still writes there
    (tmp_path / ".trainlapse-linked12").symlink_to(tmp_path / ".trainlapse-notes")
    remove_stale(tmp_path)
    assert sorted(entry.name for entry in tmp_path.iterdir()) == [
        ".trainlapse-linked12",
        ".trainlapse-newer123",
        ".trainlapse-notes",
    ]
