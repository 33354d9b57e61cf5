"""Open and make what lies below a directory, and nothing else, whatever a run claims.

A run may come from a stranger. A key with ``..`` or a link in any of its folders would lead out of
it, a pipe would hang whoever opens it. The directory itself is what a user names: a link there is
followed.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Sequence
from io import FileIO
from pathlib import Path

from store.errors import RunFormatError
from store.storage.room import with_room

_IS_WINDOWS = os.name == "nt"
_NO_FOLLOW = getattr(os, "O_NOFOLLOW", 0)
_FOLDER = os.O_RDONLY | getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_CLOEXEC", 0)
# A pipe is opened at once, so that it can be refused.
_FILE = _NO_FOLLOW | getattr(os, "O_NONBLOCK", 0)
_READ = os.O_RDONLY | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0) | _FILE
_NO_NAMES = frozenset(("", ".", ".."))
_FOREIGN = frozenset("\0\\:" if _IS_WINDOWS else "\0")
# What systems say of a link, of a file where a folder should be, and of a folder, pipe or socket.
_NOT_PLAIN = (errno.ELOOP, errno.EMLINK, errno.ENOTDIR, errno.EISDIR, errno.ENXIO)


def segments(key: str) -> list[str]:
    """Names that a key is made of, each of a file or folder within the one before.

    Raises
    ------
    RunFormatError
        The key is empty, absolute, or leads upwards.

    Examples
    --------
    >>> segments("layers/conv1/zarr.json")
    ['layers', 'conv1', 'zarr.json']
    """
    names = key.split("/")
    if not _NO_NAMES.isdisjoint(names) or not _FOREIGN.isdisjoint(key):
        raise RunFormatError(f"{key!r:.200} is not a path within the run; the run is damaged.")
    return names


def checked_key(key: str) -> str:
    """Give a key as it is, if it leads to something below the run; raises as `segments` does."""
    segments(key)
    return key


def open_file(root: Path, key: str, mode: str = "rb") -> FileIO:
    """Open a plain file below a directory, without a buffer.

    Parameters
    ----------
    root : Path
        Directory of the run.
    key : str
        Names of folders and of the file, with ``/`` between them.
    mode : {"rb", "r+b", "x+b"}
        To read it, to write in it, or to create it.

    Raises
    ------
    FileNotFoundError
        There is no such file.
    FileExistsError
        The file that is to be created is there.
    RunFormatError
        It is not a plain file, or a link lies on the way to it.
    """
    names = segments(key)

    def opener(_: str, flags: int) -> int:
        return _open_at(root, names, flags | _FILE)

    try:
        file = with_room(lambda: FileIO(str(root / key), mode, opener=opener))
    except OSError as error:
        raise (_not_plain(root / key) if error.errno in _NOT_PLAIN else error) from None
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise _not_plain(root / key)
    return file


def make_folder(root: Path, key: str) -> Path:
    """Make a folder below a directory, with those that it lies in; what is there stays.

    Raises
    ------
    RunFormatError
        A link or a file lies where a folder should be.
    """
    path = root
    for name in segments(key):
        path /= name
        try:
            path.mkdir()
        except FileExistsError:
            if not _is_folder(path):
                raise _not_plain(path) from None
    return path


def folder(root: Path, key: str) -> Path:
    """Path of a folder below a directory, after a look at each folder on the way.

    Raises
    ------
    RunFormatError
        A link or a file lies where a folder should be.
    FileNotFoundError
        There is no such folder.
    """
    path = root
    for name in segments(key):
        path /= name
        if not _is_folder(path):
            raise _not_plain(path)
    return path


class ConfinedFiles:
    """Plain files below a directory, to read again and again.

    Each folder on the way is looked at once, which frames of microseconds could not bear every
    time. (Who can put a link in the place of a folder later on could as well write into the run;
    and he would lead to files that are called as chunks are.)

    Parameters
    ----------
    root : Path
        Directory of the run.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._folders: set[str] = set()

    def open(self, key: str) -> tuple[FileIO, os.stat_result]:
        """Open a file, without a buffer; give its status as well.

        Raises
        ------
        FileNotFoundError
            There is no such file.
        RunFormatError
            It is not a plain file, or a link lies on the way to it.
        """
        path = self._path(key)
        if not _NO_FOLLOW:
            _of_plain(path, os.lstat(path))
        try:
            descriptor = with_room(lambda: os.open(path, _READ))
        except OSError as error:
            raise (_not_plain(Path(path)) if error.errno in _NOT_PLAIN else error) from None
        try:
            status = _of_plain(path, os.fstat(descriptor))
        except RunFormatError:
            os.close(descriptor)
            raise
        return FileIO(descriptor), status

    def status(self, key: str) -> os.stat_result:
        """Status of a file; raises as `open` does."""
        path = self._path(key)
        return _of_plain(path, os.lstat(path))

    def _path(self, key: str) -> str:
        parent, slash, name = key.rpartition("/")
        if slash and parent not in self._folders:
            folder(self._root, parent)
            self._folders.add(parent)
        segments(name)
        return f"{self._root}{os.sep}{key}"


def _of_plain(path: str, status: os.stat_result) -> os.stat_result:
    if not stat.S_ISREG(status.st_mode) or _is_junction(status):
        raise _not_plain(Path(path))
    return status


def _open_at(root: Path, names: Sequence[str], flags: int) -> int:
    """Descriptor of a file; folder by folder, so that no link can be slipped in between."""
    *folders, last = names
    if os.open not in os.supports_dir_fd:
        if folders:
            folder(root, "/".join(folders))
        if not _is_plain_or_missing(root.joinpath(*names)):
            raise _not_plain(root.joinpath(*names))
        return os.open(root.joinpath(*names), flags, 0o666)
    at = os.open(root, _FOLDER)
    try:
        for name in folders:
            inner = os.open(name, _FOLDER | _NO_FOLLOW, dir_fd=at)
            os.close(at)
            at = inner
        return os.open(last, flags, 0o666, dir_fd=at)
    finally:
        os.close(at)


def _is_folder(path: Path) -> bool:
    status = path.lstat()
    return stat.S_ISDIR(status.st_mode) and not _is_junction(status)


def _is_plain_or_missing(path: Path) -> bool:
    try:
        status = path.lstat()
    except FileNotFoundError:
        return True
    return stat.S_ISREG(status.st_mode) and not _is_junction(status)


def _is_junction(status: os.stat_result) -> bool:
    """Whether Windows leads elsewhere from here, by a link or what it calls a junction."""
    attributes: int = getattr(status, "st_file_attributes", 0)
    return bool(attributes & getattr(stat, "FILE_ATTRIBUTE_REPARSE_POINT", 0))


def _not_plain(path: Path) -> RunFormatError:
    return RunFormatError(f"{path} is not a plain file or folder of a run; the run is damaged.")
