"""One writer a run: a lock that the operating system frees when a process dies."""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Callable
from pathlib import Path

import filelock

from store.errors import RunFormatError, RunLockedError, RunNotFoundError

LOCK_NAME = ".writer.lock"
# A reader that asks whether a run is being recorded holds the lock for an instant.
PATIENCE_SECONDS = 0.2

# Device and inode of a lock file, the same by whatever path it is reached.
_Identity = tuple[int, int]


class RunLock:
    """Held from construction to `release`.

    Parameters
    ----------
    directory : Path
        Directory of the run.
    take_over : bool
        Whether another holder in this process is asked to give way, by default False.

    Attributes
    ----------
    give_way : callable or None
        Ends the writing of this holder and releases the lock; called, from any thread, when another
        one of this process takes over. None: this holder does not give way.

    Raises
    ------
    RunLockedError
        Another writer holds it.
    RunFormatError
        A link lies where the lock file should be.
    OSError
        The directory cannot be written to.
    """

    def __init__(self, directory: Path, *, take_over: bool = False) -> None:
        self._directory = directory
        self._path = directory / LOCK_NAME
        self._lock = filelock.FileLock(self._path, thread_local=False)
        self._process = os.getpid()
        self.give_way: Callable[[], None] | None = None
        holder = _held_here(self._path)
        if holder is not None and take_over and holder.give_way is not None:
            holder.give_way()
        # A writer that just ended may have removed the file between our opening and locking it.
        self._identity: _Identity | None = None
        while self._identity is None:
            self._lock.release()
            self._acquire()
            self._identity = _identity_of(self._path)
        _held[self._identity] = self

    def _acquire(self) -> None:
        if not _is_ours_or_missing(self._path):
            raise self._not_plain()
        try:
            self._lock.acquire(timeout=PATIENCE_SECONDS, poll_interval=PATIENCE_SECONDS / 10)
        except filelock.Timeout:
            who = "Another process" if _held_here(self._path) is None else "This process"
            raise RunLockedError(
                f"{who} is recording into {self._directory}. Choose another path, or stop it first."
            ) from None
        except OSError as error:
            if _is_ours_or_missing(self._path):
                raise
            raise self._not_plain() from error

    def _not_plain(self) -> RunFormatError:
        return RunFormatError(
            f"{self._path} is not a plain file of its own, but a link or another file's second "
            "name, which is not followed: what it stands for would be emptied. Remove it."
        )

    def check(self) -> None:
        """Raise `RunNotFoundError` if the directory is gone, or is a new one at the old path.

        Committing there would damage whatever took the place.
        """
        if _identity_of(self._path) != self._identity:
            raise RunNotFoundError(
                f"{self._directory} was removed or replaced while it was being recorded."
            )

    def release(self) -> None:
        """Let another writer in; again does nothing."""
        if self._identity is not None and _held.get(self._identity) is self:
            del _held[self._identity]
        self._lock.release()

    def remove(self) -> None:
        """Let another writer in and leave no file behind, since Zarr readers warn of it."""
        if self._lock.is_locked and _identity_of(self._path) == self._identity:
            # Windows removes no open file, and elsewhere a lock must not outlive its name.
            if os.name == "nt":
                self.release()
            with contextlib.suppress(OSError):
                self._path.unlink()
        self.release()


# The locks that this process holds: the operating system would refuse it its own.
_held: dict[_Identity, RunLock] = {}


def is_being_written(directory: Path) -> bool:
    """Whether a writer, of this process or another, holds the lock of a run."""
    path = directory / LOCK_NAME
    if _held_here(path) is not None:
        return True
    if not path.exists() or not _is_ours_or_missing(path):
        return False
    lock = filelock.FileLock(path, thread_local=False)
    try:
        lock.acquire(timeout=0)
    except filelock.Timeout:
        return True
    except OSError:  # a read-only place: nobody writes there
        return False
    lock.release()
    return False


def _held_here(path: Path) -> RunLock | None:
    """Give the lock of this process at a path; what a fork inherits is not held by the child."""
    identity = _identity_of(path)
    holder = None if identity is None else _held.get(identity)
    return holder if holder is not None and holder._process == os.getpid() else None


def _is_ours_or_missing(path: Path) -> bool:
    """Whether locking would touch nothing else: locking opens a file, and empties it."""
    try:
        status = path.lstat()
    except FileNotFoundError:
        return True
    return stat.S_ISREG(status.st_mode) and status.st_nlink == 1


def _identity_of(path: Path) -> _Identity | None:
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    return status.st_dev, status.st_ino
