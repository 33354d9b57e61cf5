"""Files that are written in place: a bounded number of them open at a time, and made durable."""

from __future__ import annotations

import os
import sys
from collections import OrderedDict
from io import FileIO
from pathlib import Path
from typing import IO

if sys.platform == "darwin":
    import fcntl


# macOS allows 256 open files to a process; a network may have more arrays than that.
MAX_OPEN_FILES = 96


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
