"""Atomic replacement of small files, and a bounded set of files kept open for writing."""

from __future__ import annotations

import glob
import os
import shutil
import sys
import time
import uuid
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from io import FileIO
from pathlib import Path
from typing import IO

if sys.platform == "darwin":
    import fcntl


# macOS allows 256 open files to a process; a network may have more arrays than that.
MAX_OPEN_FILES = 96
# Windows refuses to replace a file while a reader holds it open; readers let go in milliseconds.
REPLACE_ATTEMPTS = 50
REPLACE_WAIT_SECONDS = 0.01


def replace_file(path: Path, content: bytes, *, sync: bool = False) -> None:
    """Write a file so that a reader sees the old content or the new, never a part.

    Parameters
    ----------
    path : Path
        File to create or replace.
    content : bytes
        Its whole new content.
    sync : bool
        Also wait until the content is on the disk, against power loss.
    """
    temporary = path.with_name(path.name + ".tmp")
    try:
        with temporary.open("wb") as file:
            file.write(content)
            if sync:
                file.flush()
                sync_file(file)
        _replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    if sync:
        sync_directory(path.parent)


def _replace(source: Path, target: Path) -> None:
    for attempt in range(REPLACE_ATTEMPTS):
        try:
            source.replace(target)
        except PermissionError:
            if os.name != "nt" or attempt == REPLACE_ATTEMPTS - 1:
                raise
            time.sleep(REPLACE_WAIT_SECONDS)
        else:
            return


def sync_file(file: IO[bytes] | FileIO) -> None:
    """Make a file's content durable."""
    if sys.platform == "darwin":  # where fsync leaves it in the disk's own cache
        fcntl.fcntl(file.fileno(), fcntl.F_FULLFSYNC)
    else:
        os.fsync(file.fileno())


def sync_directory(path: Path) -> None:
    """Make a directory's entries durable where the platform can."""
    if os.name == "nt":
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_all(file: FileIO, content: memoryview | bytes, offset: int) -> None:
    """Write bytes at an offset; raw files may accept less than they were given."""
    file.seek(offset)
    view = memoryview(content)
    while view:
        written = file.write(view)
        if not written:
            raise OSError(f"No bytes could be written to {file.name}")
        view = view[written:]


class OpenFiles:
    """Files open for writing in place, the least recently used closed first.

    Parameters
    ----------
    durable : bool
        Remember what was written, for `sync`.
    limit : int
        Files open at a time.
    """

    def __init__(self, *, durable: bool = False, limit: int = MAX_OPEN_FILES) -> None:
        self._durable = durable
        self._limit = limit
        self._files: OrderedDict[Path, FileIO] = OrderedDict()
        self._unsynced: set[Path] = set()
        self._grown: set[Path] = set()

    def get(self, path: Path) -> FileIO:
        """File at `path`, opened or created."""
        file = self._files.get(path)
        if file is not None:
            self._files.move_to_end(path)
            return file
        try:
            file = path.open("r+b", buffering=0)
        except FileNotFoundError:
            file = path.open("x+b", buffering=0)
            if self._durable:
                self._grown.add(path.parent)
        self._files[path] = file
        if len(self._files) > self._limit:
            _, oldest = self._files.popitem(last=False)
            oldest.close()
        return file

    def touched(self, path: Path) -> None:
        """Remember that a file has content that is not yet durable."""
        if self._durable:
            self._unsynced.add(path)

    def sync(self) -> None:
        """Make every touched file durable, and the directories that list new ones."""
        for path in self._unsynced:
            sync_file(self.get(path))
        for directory in self._grown:
            sync_directory(directory)
        self._unsynced.clear()
        self._grown.clear()

    def close(self) -> None:
        """Close every file."""
        while self._files:
            _, file = self._files.popitem()
            file.close()


@contextmanager
def new_directory(target: Path) -> Iterator[Path]:
    """Yield an empty directory beside `target` that takes its place when the block ends well.

    What was at `target` stays until then; on any error, and on Ctrl-C, it stays for good and the
    new directory is removed.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    mark = uuid.uuid4().hex[:8]
    fresh = target.with_name(f".{target.name}.partial-{mark}")
    fresh.mkdir()
    try:
        yield fresh
        if target.exists():
            # Visible on purpose: should the machine die between the two, the run is found here.
            old = target.with_name(f"{target.name}.before-{mark}")
            target.rename(old)
            try:
                fresh.rename(target)
            except BaseException:
                old.rename(target)
                raise
            shutil.rmtree(old)
        else:
            fresh.rename(target)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def remove_stale(target: Path) -> None:
    """Remove what a process that was killed was writing to take the place of `target`."""
    for stale in target.parent.glob(f".{glob.escape(target.name)}.partial-*"):
        shutil.rmtree(stale, ignore_errors=True)


@contextmanager
def new_file(target: Path) -> Iterator[Path]:
    """Yield the path of a file to write that takes the place of `target` when all went well."""
    target.parent.mkdir(parents=True, exist_ok=True)
    fresh = target.with_name(f".{target.name}.partial-{uuid.uuid4().hex[:8]}")
    try:
        yield fresh
        fresh.replace(target)
    finally:
        fresh.unlink(missing_ok=True)
