"""Where the bytes of a run lie: named objects that can be read in part.

A source knows nothing of Zarr. `DirectorySource` is here; zip files are in
`store.storage.zip_source`, web servers in `store.storage.web`, buckets in `store.storage.bucket`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from io import FileIO
from pathlib import Path
from typing import Protocol

from store.storage.confined import ConfinedFiles

# Reading through a gap costs less than asking twice: a local seek against a round trip.
LOCAL_GAP_BYTES = 16 * 1024
REMOTE_GAP_BYTES = 256 * 1024
# A file of a server that is read to its end: no chunk or document of a sound run is larger.
MOST_REMOTE_BYTES = 256 * 1024**2


class Source(Protocol):
    """Read-only objects by key; safe to share between threads.

    Attributes
    ----------
    location : str
        Where the source is, for messages.
    gap_bytes : int
        A gap between two ranges that is read through rather than asked around.
    is_remote : bool
        Whether reads wait for a network, so that they gain from running side by side.
    """

    location: str
    gap_bytes: int
    is_remote: bool

    def read(self, key: str, start: int = 0, length: int | None = None) -> bytes:
        """Bytes of an object from `start` (from its end, if negative) on.

        Fewer than `length` come back where the object ends.

        Raises
        ------
        FileNotFoundError
            There is no such object.
        RunFormatError
            The key leads out of the run (`store.storage.confined.segments`).
        """
        ...

    def sizes(self) -> Mapping[str, int] | None:
        """Bytes that every object takes, by key; None where a source cannot list."""
        ...


class DirectorySource:
    """Files below a local directory."""

    gap_bytes = LOCAL_GAP_BYTES
    is_remote = False

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.location = str(directory)
        self._plain = ConfinedFiles(directory)

    def read(self, key: str, start: int = 0, length: int | None = None) -> bytes:
        """Bytes of a file."""
        file, status = self.open(key)
        with file:
            file.seek(start if start >= 0 else max(0, status.st_size + start))
            return file.read(-1 if length is None else min(length, status.st_size)) or b""

    def open(self, key: str) -> tuple[FileIO, os.stat_result]:
        """Open a plain file below the directory, and give its status; raises as `read` does."""
        return self._plain.open(key)

    def status(self, key: str) -> os.stat_result:
        """Status of a plain file below the directory; raises as `read` does."""
        return self._plain.status(key)

    def sizes(self) -> Mapping[str, int]:
        """Bytes of every file."""
        return {key: status.st_size for key, status in self._files()}

    def taken(self) -> Mapping[str, int]:
        """Bytes that every file takes on the disk: a sparse one takes fewer than it has."""
        return {
            key: min(status.st_size, getattr(status, "st_blocks", status.st_size) * 512)
            for key, status in self._files()
        }

    def _files(self) -> Iterator[tuple[str, os.stat_result]]:
        for folder, _, names in os.walk(self.directory):
            for name in names:
                file = Path(folder, name)
                yield file.relative_to(self.directory).as_posix(), file.lstat()
