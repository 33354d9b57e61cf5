"""Files that are written in place: a bounded number of them open at a time, and made durable."""

from __future__ import annotations

import os
import sys
from collections import OrderedDict
from io import FileIO
from pathlib import Path
from typing import IO

from store.storage.confined import open_file
from store.storage.room import with_room

if sys.platform == "darwin":
    import fcntl
if sys.platform != "win32":
    import resource


# A network may have more arrays than a process may open files; more open ones gain nothing.
MAX_OPEN_FILES = 96
# The training needs most of what the system allows, for its data and its own files.
OPEN_FILES_SHARE = 4
# Systems take no more than 2 GiB at a time, or refuse.
MAX_WRITE_BYTES = 2**30


def most_open_files() -> int:
    """How many files to keep open at a time: a part of what the system allows to this process."""
    if sys.platform == "win32":
        return MAX_OPEN_FILES
    allowed, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if allowed == resource.RLIM_INFINITY:
        return MAX_OPEN_FILES
    return max(1, min(MAX_OPEN_FILES, allowed // OPEN_FILES_SHARE))


def sync_file(file: IO[bytes] | FileIO) -> None:
    """Make a file's content durable."""
    if sys.platform == "darwin":  # where fsync leaves it in the disk's own cache
        fcntl.fcntl(file.fileno(), fcntl.F_FULLFSYNC)
    else:
        os.fsync(file.fileno())


def sync_path(path: Path) -> None:
    """Make the content of a file that is closed durable."""
    # Windows flushes only what is open for writing; elsewhere the file may be read-only.
    with path.open("r+b" if os.name == "nt" else "rb") as file:
        sync_file(file)


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
    view = memoryview(content)
    while view:
        written = _write_at(file, view[:MAX_WRITE_BYTES], offset)
        if not written:
            raise OSError(f"No bytes could be written to {file.name}")
        view = view[written:]
        offset += written


def _write_at(file: FileIO, content: memoryview, offset: int) -> int | None:
    if sys.platform == "win32":
        file.seek(offset)
        return file.write(content)
    return os.pwrite(file.fileno(), content, offset)  # one call of the system in place of two


class OpenFiles:
    """Files open for writing in place, the least recently used closed first.

    Parameters
    ----------
    root : Path
        Directory of the run: no file elsewhere is opened, whatever links lie in it.
    durable : bool
        Remember what was written, for `sync`.
    limit : int, optional
        Files open at a time; by default as the system allows.
    """

    def __init__(self, root: Path, *, durable: bool = False, limit: int | None = None) -> None:
        self._root = root
        self._durable = durable
        self._limit = most_open_files() if limit is None else limit
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
            file = self._opened(path, "r+b")
        except FileNotFoundError:
            file = self._opened(path, "x+b")
            if self._durable:
                self._grown.add(path.parent)
        self._files[path] = file
        if len(self._files) > self._limit:
            self._close_oldest()
        return file

    def _opened(self, path: Path, mode: str) -> FileIO:
        key = path.relative_to(self._root).as_posix()
        return with_room(lambda: open_file(self._root, key, mode), self._close_oldest)

    def _close_oldest(self) -> bool:
        """Close a file; whether there was one."""
        if not self._files:
            return False
        _, oldest = self._files.popitem(last=False)
        oldest.close()
        return True

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
