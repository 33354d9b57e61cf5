"""One writer a run: a lock that the operating system frees when a process dies."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

import filelock

from store.errors import RunFormatError, RunLockedError, RunNotFoundError

LOCK_NAME = ".writer.lock"


class RunLock:
    """Held from construction to `release`.

    Parameters
    ----------
    directory : Path
        Directory of the run.

    Raises
    ------
    RunLockedError
        Another writer holds it.
    RunFormatError
        A link lies where the lock file should be.
    OSError
        The directory cannot be written to.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._path = directory / LOCK_NAME
        self._lock = filelock.FileLock(self._path, thread_local=False)
        # A writer that just ended may have removed the file between our opening and locking it.
        self._identity: tuple[int, int] | None = None
        while self._identity is None:
            self._lock.release()
            self._acquire()
            self._identity = self._look()

    def _acquire(self) -> None:
        try:
            self._lock.acquire(timeout=0)
        except filelock.Timeout:
            raise RunLockedError(
                f"Another process is recording into {self._directory}. Choose another path, or "
                "stop it first."
            ) from None
        except OSError as error:
            if not self._path.is_symlink():
                raise
            raise RunFormatError(
                f"{self._path} is a link, which is not followed: what it points to would be "
                "emptied. Remove the link."
            ) from error

    def check(self) -> None:
        """Raise `RunNotFoundError` if the directory is gone, or is a new one at the old path.

        Committing there would damage whatever took the place.
        """
        if self._look() != self._identity:
            raise RunNotFoundError(
                f"{self._directory} was removed or replaced while it was being recorded."
            )

    def release(self) -> None:
        """Let another writer in; again does nothing."""
        self._lock.release()

    def remove(self) -> None:
        """Let another writer in and leave no file behind, since Zarr readers warn of it."""
        if self._lock.is_locked and self._look() == self._identity:
            # Windows removes no open file, and elsewhere a lock must not outlive its name.
            if os.name == "nt":
                self._lock.release()
            with contextlib.suppress(OSError):
                self._path.unlink()
        self._lock.release()

    def _look(self) -> tuple[int, int] | None:
        try:
            status = self._path.stat()
        except FileNotFoundError:
            return None
        return status.st_dev, status.st_ino
