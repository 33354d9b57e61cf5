"""Read a run out of a zip file in place: members by their offset, nothing ever unpacked.

Members must be stored, not compressed: a part of one is then a part of the file. Names inside
are looked up, never used as paths. `zipfile` is not used for reading: it reads forward on every
seek (Python 3.11), and needs a request for every member's header on a web server.
"""

from __future__ import annotations

import os
import struct
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple, Protocol

from store.errors import RunFormatError, RunNotFoundError
from store.storage.confined import checked_key
from store.storage.sources import LOCAL_GAP_BYTES, REMOTE_GAP_BYTES

# Read at once from the end: a directory of some thousand members, and the root document.
TAIL_BYTES = 256 * 1024
# 100,000 arrays of some files each; a larger directory is damage or malice.
MAX_DIRECTORY_BYTES = 256 * 1024**2

_END = struct.Struct("<4s4H2LH")
_END_MAGIC = b"PK\x05\x06"
_END64_LOCATOR = struct.Struct("<4sLQL")
_END64_LOCATOR_MAGIC = b"PK\x06\x07"
_END64 = struct.Struct("<4sQ2H2L4Q")
_END64_MAGIC = b"PK\x06\x06"
_ENTRY = struct.Struct("<4s6H3L5H2L")
_ENTRY_MAGIC = b"PK\x01\x02"
_LOCAL = struct.Struct("<4s5H3L2H")
_LOCAL_MAGIC = b"PK\x03\x04"
# More than the extra fields of any zip program; else something lies between two members.
_MAX_EXTRA = 64
_FULL32 = 0xFFFFFFFF
_ZIP64_EXTRA = 1
_ENCRYPTED, _STREAMED, _UTF8 = 0x1, 0x8, 0x800


class ByteFile(Protocol):
    """One file that can be read in part."""

    location: str
    is_remote: bool

    def read(self, start: int, length: int | None = None) -> bytes:
        """Bytes from `start` (from the end, if negative) on."""
        ...

    def size(self) -> int:
        """Bytes of the whole file; asked for after the first read."""
        ...


class LocalFile:
    """A file on a local disk, kept open."""

    is_remote = False

    def __init__(self, path: Path) -> None:
        self.location = str(path)
        self._file = path.open("rb", buffering=0)
        self._size = os.fstat(self._file.fileno()).st_size
        self._lock = threading.Lock()

    def read(self, start: int, length: int | None = None) -> bytes:
        """Bytes of the file."""
        if start < 0:
            start = max(0, self._size + start)
        length = self._size - start if length is None else length
        with self._lock:  # Windows has no pread
            self._file.seek(start)
            return self._file.read(max(0, length)) or b""

    def size(self) -> int:
        """Bytes of the file."""
        return self._size

    def __del__(self) -> None:
        file = getattr(self, "_file", None)
        if file is not None:
            file.close()


class _Member(NamedTuple):
    """What the central directory says about a member."""

    name: str
    name_bytes: int
    header: int
    size: int
    is_streamed: bool
    # Where the content starts; None: the member's own header says so.
    start: int | None = None


class ZipSource:
    """The run inside a zip file, at its top or in its one folder.

    Parameters
    ----------
    file : ByteFile
        The archive.

    Raises
    ------
    RunFormatError
        Not a zip file, damaged, or compressed.
    RunNotFoundError
        A zip file without a run.
    """

    def __init__(self, file: ByteFile) -> None:
        self.location = file.location
        self.is_remote = file.is_remote
        self.gap_bytes = REMOTE_GAP_BYTES if file.is_remote else LOCAL_GAP_BYTES
        self._file = file
        # The end holds the directory and, in an archive of our own, the root document.
        self._tail = file.read(-TAIL_BYTES)
        self._tail_start = file.size() - len(self._tail)
        self._members = _members(self)
        self._prefix = self._find_run()

    def read(self, key: str, start: int = 0, length: int | None = None) -> bytes:
        """Bytes of a member."""
        name = self._prefix + checked_key(key)
        member = self._members.get(name)
        if member is None:
            raise FileNotFoundError(f"{self.location} has no member {name!r}")
        if member.start is None:
            member = member._replace(start=_local_start(self, member.header))
            self._members[name] = member
        offset, size = member.start, member.size
        assert offset is not None
        first = max(0, size + start) if start < 0 else min(start, size)
        last = size if length is None else min(size, first + length)
        return self.read_at(offset + first, last - first)

    def read_at(self, start: int, length: int) -> bytes:
        """Bytes of the archive itself."""
        if start >= self._tail_start:
            start -= self._tail_start
            return self._tail[start : start + length]
        return self._file.read(start, length)

    def sizes(self) -> Mapping[str, int]:
        """Bytes of every member of the run."""
        cut = len(self._prefix)
        return {
            name[cut:]: member.size
            for name, member in self._members.items()
            if name.startswith(self._prefix)
        }

    def _find_run(self) -> str:
        roots = [name for name in self._members if name.split("/")[-1] == "zarr.json"]
        shallowest = min(roots, key=lambda name: name.count("/"), default="")
        if not shallowest or shallowest.count("/") > 1:
            raise RunNotFoundError(f"{self.location} is a zip file without a run.")
        return shallowest.removesuffix("zarr.json")


def _members(archive: ZipSource) -> dict[str, _Member]:
    """Read the central directory."""
    start, length, count = _directory(archive)
    content = archive.read_at(start, length)
    found: list[_Member] = []
    at = 0
    for _ in range(count):
        entry = content[at : at + _ENTRY.size]
        if len(entry) < _ENTRY.size or not entry.startswith(_ENTRY_MAGIC):
            raise _damaged(archive, "its directory is cut short")
        fields = _ENTRY.unpack(entry)
        flags, method, stored, size = fields[3], fields[4], fields[8], fields[9]
        name_length, extra_length, comment_length, header = (*fields[10:13], fields[16])
        at += _ENTRY.size
        raw_name = content[at : at + name_length]
        extra = content[at + name_length : at + name_length + extra_length]
        at += name_length + extra_length + comment_length
        name = raw_name.decode("utf-8" if flags & _UTF8 else "cp437", "replace")
        size, stored, header = _wide(extra, size, stored, header)
        if method != 0 or flags & _ENCRYPTED or size != stored:
            raise RunFormatError(
                f"{archive.location}: {name!r:.200} is compressed or encrypted; a run is read in "
                "place. Make the file with: trainlapse share RUN -o run.zip (or zip -0 -r)"
            )
        found.append(_Member(name, name_length, header, size, bool(flags & _STREAMED)))
    return _placed(archive, found, start)


def _placed(archive: ZipSource, found: list[_Member], directory: int) -> dict[str, _Member]:
    """Members by name, without folders; from afar with a guess of where each content starts.

    A content ends where the next member's header starts. The local headers say it exactly, but
    would cost a request each.
    """
    found.sort(key=lambda member: member.header)
    edges = [*(member.header for member in found), directory]
    members: dict[str, _Member] = {}
    for member, end in zip(found, edges[1:], strict=True):
        if member.name.endswith("/"):
            continue
        if member.name in members or member.header + member.size > directory:
            raise _damaged(archive, f"{member.name!r:.200} is listed twice or lies outside")
        extra = end - member.size - member.header - _LOCAL.size - member.name_bytes
        is_known = archive.is_remote and not member.is_streamed and 0 <= extra <= _MAX_EXTRA
        members[member.name] = member._replace(start=end - member.size if is_known else None)
    return members


def _local_start(archive: ZipSource, header: int) -> int:
    local = archive.read_at(header, _LOCAL.size)
    if len(local) < _LOCAL.size or not local.startswith(_LOCAL_MAGIC):
        raise _damaged(archive, "a member's header is missing")
    name_length, extra_length = _LOCAL.unpack(local)[-2:]
    return int(header + _LOCAL.size + name_length + extra_length)


def _directory(archive: ZipSource) -> tuple[int, int, int]:
    """Start, length and number of entries of the central directory."""
    tail, base = archive._tail, archive._tail_start
    at = tail.rfind(_END_MAGIC)
    while at >= 0 and not _reaches_end(tail, at):  # a comment may look like an end, too
        at = tail.rfind(_END_MAGIC, 0, at)
    if at < 0:
        raise RunFormatError(f"{archive.location} is not a zip file, or was cut short.")
    fields = _END.unpack_from(tail, at)
    count, length, start = fields[4], fields[5], fields[6]
    locator = tail[max(0, at - _END64_LOCATOR.size) : at]
    if locator.startswith(_END64_LOCATOR_MAGIC) and len(locator) == _END64_LOCATOR.size:
        wide = archive.read_at(_END64_LOCATOR.unpack(locator)[2], _END64.size)
        if len(wide) < _END64.size or not wide.startswith(_END64_MAGIC):
            raise _damaged(archive, "its end is damaged")
        count, length, start = _END64.unpack(wide)[7:]
    if length > MAX_DIRECTORY_BYTES or count > length // _ENTRY.size or start + length > base + at:
        raise _damaged(archive, "its directory lies outside")
    return start, length, count


def _reaches_end(tail: bytes, at: int) -> bool:
    """Whether an end record and its comment end where the file does."""
    if at + _END.size > len(tail):
        return False
    return at + _END.size + int(_END.unpack_from(tail, at)[-1]) == len(tail)


def _wide(extra: bytes, size: int, stored: int, header: int) -> tuple[int, int, int]:
    """Sizes and offset beyond 4 GiB, from the zip64 field."""
    at = 0
    while at + 4 <= len(extra):
        kind, length = struct.unpack_from("<2H", extra, at)
        if kind == _ZIP64_EXTRA:
            field = extra[at + 4 : at + 4 + length]
            numbers = iter(struct.unpack(f"<{len(field) // 8}Q", field[: len(field) // 8 * 8]))
            size = next(numbers, size) if size == _FULL32 else size
            stored = next(numbers, stored) if stored == _FULL32 else stored
            header = next(numbers, header) if header == _FULL32 else header
            break
        at += 4 + length
    return size, stored, header


def _damaged(archive: ZipSource, what: str) -> RunFormatError:
    return RunFormatError(f"{archive.location}: the zip file is damaged: {what}.")
