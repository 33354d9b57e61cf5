"""Replace a file or a directory at once: readers see the old one or the new one, never a part.

Every write of Trainlapse that replaces something goes through the three functions here. They
write under a temporary name in the same directory, rename that at the end, and remove it when
anything fails. What is replaced keeps its permissions, and a file has them from its first byte on:
what replaces a private file is never readable by others.

Links. A link that a user names (`new_file`, `new_directory`) is followed: what it points to is
replaced, and the link stays. A link inside a run (`replace_file`) is never followed, since a run
may come from a stranger: a plain file takes the place of the link.

Leftovers. A killed process leaves what it was writing. Under POSIX it is held by a lock that the
system frees with the process, so that the next one who writes into the same folder can tell it from
what another process is writing, and removes it.

Durability. What a user keeps survives a power failure: its content is on the disk before it
replaces anything. With ``sync=False`` it survives the death of the process alone. That is for
commits, of which a recording makes hundreds (see ``durability`` of `store.RunWriter.create`), and
for caches, which are computed anew.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import stat
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from store.storage.files import sync_directory, sync_file, sync_path

if sys.platform != "win32":
    import fcntl

# Names that nobody can guess, and put something in the way of: of a file of a run, which the next
# writer of that run removes if it is left, and of what is replaced for a user.
TEMPORARY = re.compile(r"\.(?P<of>.+)\.tmp-[0-9a-f]{8}")
_PARTIAL = re.compile(r"\..+\.partial-[0-9a-f]{8}")
# Versions before 0.1 wrote what `share` made into folders of such names, and held no lock.
_EARLIER = re.compile(r"\.trainlapse-[a-z0-9_]{8}")
# Nobody still writes into one that has not changed for so long.
EARLIER_STALE_SECONDS = 24 * 3600
# File systems take 255 bytes of a name; what is appended has at most 24.
MOST_STEM_BYTES = 224
# Windows refuses to replace a file while a reader holds it open; readers let go in milliseconds.
REPLACE_ATTEMPTS = 50
REPLACE_WAIT_SECONDS = 0.01


def replace_file(path: Path, content: bytes, *, sync: bool) -> None:
    """Write a file of a run, of which there is one writer at a time.

    Parameters
    ----------
    path : Path
        File to create or to replace.
    content : bytes
        Its whole new content.
    sync : bool
        Whether to wait until the content is on the disk.

    Raises
    ------
    OSError
        The disk refused; the old file is untouched.
    """
    temporary = _beside(path, "tmp")
    try:
        with _created(temporary, target=path) as file:
            file.write(content)
            if sync:
                file.flush()
                sync_file(file)
        _take_place(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    if sync:
        sync_directory(path.parent)


@contextmanager
def new_file(target: Path, *, follow_link: bool = True, sync: bool = True) -> Iterator[Path]:
    """Yield a path to write to; the file there replaces `target` when the block ends well.

    Several processes may replace the same file: each writes under a name of its own, and the last
    one to end wins.

    Parameters
    ----------
    target : Path
        File to create or to replace; its directory is made if necessary.
    follow_link : bool
        Whether a link at `target` stays and what it points to is replaced.
    sync : bool
        Whether to wait until the content is on the disk.

    Yields
    ------
    Path
        An empty file in the directory of `target`.

    Raises
    ------
    OSError
        The disk refused; the old file is untouched.
    """
    if follow_link:
        target = _without_links(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    if sync:
        remove_stale(target.parent)
    with _held_beside(target, lambda fresh: _created(fresh, target=target).close()) as fresh:
        try:
            yield fresh
            if sync:
                sync_path(fresh)
            _take_place(fresh, target)
        finally:
            fresh.unlink(missing_ok=True)
    if sync:
        sync_directory(target.parent)


@contextmanager
def new_directory(target: Path) -> Iterator[Path]:
    """Yield an empty directory that replaces `target` when the block ends well.

    What was at `target` stays until then. After any error, Ctrl-C included, it stays for good and
    the new directory is removed. A link at `target` is followed.

    Parameters
    ----------
    target : Path
        Directory to create or to replace; its parent is made if necessary.

    Yields
    ------
    Path
        The new directory, beside `target`.

    Raises
    ------
    OSError
        The disk refused; the old directory is untouched.
    """
    target = _without_links(target)
    with temporary_directory(target) as fresh:
        yield fresh
        if target.exists():
            _exchange(fresh, target)
        else:
            fresh.rename(target)


@contextmanager
def temporary_directory(beside: Path) -> Iterator[Path]:
    """Yield an empty directory that is gone when the block ends.

    Parameters
    ----------
    beside : Path
        What is made with its help; the directory lies in the same folder, which is made if
        necessary.

    Yields
    ------
    Path
        The directory.
    """
    beside.parent.mkdir(parents=True, exist_ok=True)
    remove_stale(beside.parent)
    with _held_beside(beside, Path.mkdir) as fresh:
        try:
            yield fresh
        finally:
            shutil.rmtree(fresh, ignore_errors=True)


def remove_stale(folder: Path) -> None:
    """Remove what killed processes of this user left of what they were writing in a folder."""
    if sys.platform == "win32":  # which tells nobody whether a process is still there
        return
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        names = [entry.name for entry in entries]
        for name in names:
            path = folder / name
            if not (_PARTIAL.fullmatch(name) or (_EARLIER.fullmatch(name) and _is_old(path))):
                continue
            lock = _locked(path)
            if lock is None:
                continue
            try:
                if os.fstat(lock).st_uid == os.geteuid():
                    shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
            finally:
                os.close(lock)


def _is_old(folder: Path) -> bool:
    """Whether nothing in a folder, nor the folder, has changed for long; a link is nobody's."""
    if folder.is_symlink():
        return False
    places = (Path(place) for place, _, _ in os.walk(folder))
    newest = max((place.stat().st_mtime for place in places), default=time.time())
    return time.time() - newest > EARLIER_STALE_SECONDS


@contextmanager
def _held_beside(target: Path, make: Callable[[Path], None]) -> Iterator[Path]:
    """Make something with a name of its own beside `target`, and hold it as this process's."""
    while True:
        fresh = _beside(target, "partial")
        make(fresh)
        lock = _locked(fresh)
        # Between the two, another process may have taken it for what was left, and removed it.
        if lock is None or fresh.exists():
            break
        os.close(lock)
    try:
        yield fresh
    finally:
        if lock is not None:
            os.close(lock)


def _locked(path: Path) -> int | None:
    """Descriptor of what lies at a path, locked; None where another holds it, or none can."""
    if sys.platform == "win32":
        return None
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        return None
    return descriptor


def _exchange(fresh: Path, target: Path) -> None:
    """Put a new directory in the place of an old one, and then remove the old one."""
    _sync_below(fresh)
    fresh.chmod(stat.S_IMODE(target.stat().st_mode))
    # Visible on purpose: should the machine die between the two renames, the run is found here.
    old = target.with_name(f"{_stem(target)}.before-{uuid.uuid4().hex[:8]}")
    target.rename(old)
    try:
        fresh.rename(target)
    except BaseException:
        old.rename(target)
        raise
    sync_directory(target.parent)
    shutil.rmtree(old)


def _created(path: Path, *, target: Path) -> IO[bytes]:
    """Create a file where nothing is; never write through a link.

    Nobody may read it who may not read `target`.
    """
    mode = _permissions(target)
    allowed = 0o666 if mode is None else mode | stat.S_IWUSR

    def opener(name: str, flags: int) -> int:
        return os.open(name, flags, allowed)

    return open(path, "xb", opener=opener)


def _permissions(target: Path) -> int | None:
    """Permissions of a file; None where there is none, or only a link."""
    try:
        mode = target.lstat().st_mode
    except FileNotFoundError:
        return None
    return stat.S_IMODE(mode) if stat.S_ISREG(mode) else None


def _take_place(fresh: Path, target: Path) -> None:
    """Rename a file over another one, whose permissions it takes over."""
    mode = _permissions(target)
    if mode is not None:
        fresh.chmod(mode)
    for attempt in range(REPLACE_ATTEMPTS):
        try:
            fresh.replace(target)
        except PermissionError:
            if os.name != "nt" or attempt == REPLACE_ATTEMPTS - 1:
                raise
            time.sleep(REPLACE_WAIT_SECONDS)
        else:
            return


def _without_links(path: Path) -> Path:
    """Where a path leads; links that lead nowhere are followed as far as they go."""
    return Path(os.path.realpath(path))


def _beside(target: Path, word: str) -> Path:
    """Name that no other process uses, in the same directory; hidden, so that runs skip it."""
    return target.with_name(f".{_stem(target)}.{word}-{uuid.uuid4().hex[:8]}")


def _stem(target: Path) -> str:
    """Begin of a name beside a target: its own name, cut where file systems allow no more."""
    content = os.fsencode(target.name)
    if len(content) <= MOST_STEM_BYTES:
        return target.name
    return content[:MOST_STEM_BYTES].decode(errors="ignore")


def _sync_below(directory: Path) -> None:
    """Wait until every file below a directory is on the disk."""
    for folder, _, names in os.walk(directory):
        for name in names:
            sync_path(Path(folder, name))
        sync_directory(Path(folder))
