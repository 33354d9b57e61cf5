"""Read arrays of the live form on a local disk, without Zarr.

Files are checked at every use: a map of a file that was cut short would kill the process, and a
path may hold another recording than before. What is no plain file below the run is not opened
(`store.storage.confined`).
"""

from __future__ import annotations

import abc
import itertools
import math
import mmap
import operator
import os
import threading
from collections import OrderedDict
from collections.abc import Iterator
from io import FileIO
from pathlib import Path
from typing import Any

import numpy as np

from store.errors import ChunkDamagedError, RunFormatError
from store.format.byte_budget import ByteBudget
from store.format.chunk_keys import PLAIN_KEYS, ChunkKeys
from store.format.codecs import CRC_BYTES, CRC_CODEC, Chain, checksum, live_chain
from store.format.compressors import LIVE_COMPRESSORS, Compressor
from store.format.live_layout import INDEX_ENTRY_BYTES, Placement, place
from store.format.metadata import Document
from store.format.names import Array
from store.live.array import read_index
from store.reading.arrays import ArrayReader, Index, normalized
from store.storage.files import most_open_files
from store.storage.room import keep_spare, with_room
from store.storage.sources import DirectorySource

# What an array's metadata says about its layout in files.
_LAYOUT = ("chunk_grid", "codecs", "chunk_key_encoding")


def local_reader(
    source: DirectorySource,
    path: str,
    document: Document,
    maps: MappedFiles,
    *,
    checks_frames: bool = False,
) -> ArrayReader | None:
    """Reader for an array that is laid out as in the live form; None for any other.

    Parameters
    ----------
    source : DirectorySource
        Holds the run.
    path : str
        The array's path.
    document : Document
        Its metadata, with the committed length.
    maps : MappedFiles
        Shared by all arrays of a run.
    checks_frames : bool
        Whether frames are held against their checksums also where files are mapped.
    """
    raw = raw_placement(document)
    if raw is not None:
        return RawArray(source, path, document, raw, maps, checks_frames=checks_frames)
    for compressor in LIVE_COMPRESSORS.values():
        placement = _placement(document, compressor)
        if placement is not None:
            return CompressedArray(source, path, document, placement, compressor)
    if _is_one_file(document):
        return OneFileArray(source, path, document)
    return None


def raw_placement(document: Document) -> Placement | None:
    """How an array lies in its files if `RawArray` can read it: what `LiveArray` writes."""
    return _placement(document, None)


def _placement(document: Document, compressor: Compressor | None) -> Placement | None:
    shape = document["shape"]
    if not shape or 0 in shape[1:]:
        return None
    dtype, dims = document["data_type"], document["dimension_names"]
    for has_checksums in (True, False):
        placement = place(tuple(shape[1:]), np.dtype(dtype).itemsize, has_checksums=has_checksums)
        expected = placement.document(dtype, dims, {}, compressor)
        if all(document.get(key) == expected[key] for key in _LAYOUT):
            return placement
    return None


def _is_one_file(document: Document) -> bool:
    grid = {"name": "regular", "configuration": {"chunk_shape": document["shape"]}}
    dtype = document["data_type"]
    return (
        bool(document["chunk_grid"] == grid)
        and any(
            document["codecs"] == live_chain(dtype, None, has_checksum=has) for has in (True, False)
        )
        and ChunkKeys.of(document["chunk_key_encoding"]) == PLAIN_KEYS
    )


def opened(source: DirectorySource, key: str, least_bytes: int) -> tuple[FileIO, os.stat_result]:
    """Open a file that must hold at least so many bytes, and give its status.

    Raises
    ------
    RunFormatError
        It is missing, shorter, or no plain file of the run.
    """
    try:
        file, status = source.open(key)
    except FileNotFoundError:
        raise _missing(source, key) from None
    if status.st_size < least_bytes:
        file.close()
        raise _short(source, key, status.st_size, least_bytes)
    return file, status


def sized(source: DirectorySource, key: str, least_bytes: int) -> os.stat_result:
    """Status of a file that must hold at least so many bytes; raises as `opened` does."""
    try:
        status = source.status(key)
    except FileNotFoundError:
        raise _missing(source, key) from None
    if status.st_size < least_bytes:
        raise _short(source, key, status.st_size, least_bytes)
    return status


def _missing(source: DirectorySource, key: str) -> RunFormatError:
    return RunFormatError(f"{source.directory / key} is missing; the run is damaged.")


def _short(source: DirectorySource, key: str, size: int, least: int) -> RunFormatError:
    return RunFormatError(
        f"{source.directory / key} ends after {size} of {least} bytes; the run is damaged."
    )


class MappedFiles:
    """Memory maps of read-only files, the least recently used dropped first.

    Maps cost address space, not memory; a file each.
    """

    def __init__(self, limit: int | None = None) -> None:
        self._limit = most_open_files() if limit is None else limit
        self._maps: OrderedDict[tuple[Path, str], tuple[tuple[int, int], mmap.mmap]] = OrderedDict()
        self._lock = threading.RLock()  # to open a file may mean to drop a map
        keep_spare(self)

    def get(
        self, source: DirectorySource, key: str, least_bytes: int, most_bytes: int
    ) -> mmap.mmap:
        """Map of a file, or of its first `most_bytes`, of which it has at least `least_bytes`.

        It is mapped anew when it was replaced, or has grown to what is needed.
        """
        with self._lock:
            mapped = with_room(lambda: self._latest(source, key, least_bytes, most_bytes))
        if len(mapped) < least_bytes:
            raise RunFormatError(f"{source.directory / key} was cut short while it was opened.")
        return mapped

    def _latest(
        self, source: DirectorySource, key: str, least_bytes: int, most_bytes: int
    ) -> mmap.mmap:
        at = (source.directory, key)
        status = sized(source, key, least_bytes)
        known, mapped = self._maps.get(at, (None, None))
        if mapped is None or known != _identity(status) or len(mapped) < least_bytes:
            file, status = opened(source, key, least_bytes)
            with file:
                size = min(status.st_size, most_bytes)
                mapped = mmap.mmap(file.fileno(), size, access=mmap.ACCESS_READ)
            self._maps[at] = (_identity(status), mapped)
            if len(self._maps) > self._limit:
                self._maps.popitem(last=False)
        self._maps.move_to_end(at)
        return mapped

    def drop_oldest(self) -> bool:
        """Drop a map, which is closed when its last view is gone; whether there was one."""
        if not self._lock.acquire(blocking=False):  # its holder may be waiting for one of ours
            return False
        try:
            if not self._maps:
                return False
            self._maps.popitem(last=False)
            return True
        finally:
            self._lock.release()


def _identity(status: os.stat_result) -> tuple[int, int]:
    return status.st_dev, status.st_ino


class GrowingArray(abc.ABC):
    """An array in the live form; a subclass knows how a frame is stored.

    Parameters
    ----------
    source : DirectorySource
        Holds the run.
    path : str
        The array's path.
    document : Document
        Its metadata, with the committed length.
    placement : Placement
        How it lies in its files.
    """

    def __init__(
        self, source: DirectorySource, path: str, document: Document, placement: Placement
    ) -> None:
        self.shape: tuple[int, ...] = tuple(document["shape"])
        self.dtype: np.dtype[Any] = np.dtype(document["data_type"]).newbyteorder("<")
        self.dims: tuple[str, ...] = tuple(document["dimension_names"])
        self._placement = placement
        self._source = source
        self._path = path

    def read(self, index: Index) -> Array:
        """Elements at `index`, as a new array."""
        first, *others = normalized(index, self.shape)
        rest = tuple(others)
        budget = ByteBudget(self._path)
        if isinstance(first, int):
            return np.asarray(self._frame(first, rest, budget))
        steps = range(self.shape[0])[first]
        rising = steps if steps.step > 0 else steps[::-1]
        # All files first: a damaged length must not reserve memory.
        for number, slots, _ in _by_part(rising, self._placement.steps):
            sized(self._source, self._key(number), self._least_bytes(slots[-1] + 1))
        sample = np.broadcast_to(np.empty((), self.dtype), self.shape[1:])[rest]
        values = np.empty((len(steps), *sample.shape), self.dtype)
        for number, slots, where in _by_part(rising, self._placement.steps):
            self._read_file(number, slots, rest, values[where], budget)
        return values if rising is steps else values[::-1]

    def _key(self, number: int) -> str:
        return f"{self._path}/{self._placement.chunk_key(number)}"

    @abc.abstractmethod
    def _least_bytes(self, steps: int) -> int:
        """Least size of a file with so many steps."""

    @abc.abstractmethod
    def _read_file(
        self, number: int, slots: range, rest: Index, values: Array, budget: ByteBudget
    ) -> None:
        """Read several steps of one file into `values`."""

    @abc.abstractmethod
    def _frame(self, position: int, rest: Index, budget: ByteBudget) -> Array:
        """Elements of one step."""


class CompressedArray(GrowingArray):
    """A growing array with compressed frames.

    Parameters
    ----------
    source, path, document, placement
        As for `GrowingArray`.
    compressor : Compressor
        What the frames were compressed with.
    """

    def __init__(
        self,
        source: DirectorySource,
        path: str,
        document: Document,
        placement: Placement,
        compressor: Compressor,
    ) -> None:
        super().__init__(source, path, document, placement)
        chain = self._placement.chain(document["data_type"], compressor)
        self._chain = Chain(chain, self.dtype, self._placement.block_shape)

    def _least_bytes(self, steps: int) -> int:
        assert steps
        return self._placement.index_bytes

    def _read_file(
        self, number: int, slots: range, rest: Index, values: Array, budget: ByteBudget
    ) -> None:
        start = number * self._placement.steps
        for place_in_values, slot in enumerate(slots):
            values[place_in_values] = self._frame(start + slot, rest, budget)

    def _frame(self, position: int, rest: Index, budget: ByteBudget) -> Array:
        placement = self._placement
        number, slot = placement.locate(position)
        key = self._key(number)
        entry_bytes = placement.blocks * INDEX_ENTRY_BYTES
        frame = np.empty(placement.frame_shape, self.dtype)
        blocks = frame.reshape(placement.blocks, *placement.block_shape)
        file, status = opened(self._source, key, placement.index_bytes)
        with file:
            file.seek(slot * entry_bytes)
            entries = np.frombuffer(file.read(entry_bytes), "<u8").reshape(-1, 2).tolist()
            for block, (start, length) in zip(blocks, entries, strict=True):
                if start < placement.index_bytes or start + length > status.st_size:
                    raise RunFormatError(
                        f"{self._source.directory / key}: the index of step {position} is damaged."
                    )
                budget.spend(placement.block_bytes, stored=length, at=(number, start))
                file.seek(start)
                try:
                    self._chain.decode(file.read(length), block)
                except ChunkDamagedError as error:
                    raise ChunkDamagedError(
                        f"{self._source.directory / key}: a block of step {position} {error}."
                    ) from None
        return np.asarray(frame[rest])


class RawArray(GrowingArray):
    """A growing array without compression.

    Parameters
    ----------
    source, path, document, placement
        As for `GrowingArray`.
    maps : MappedFiles
        Shared by all arrays of the run.
    checks_frames : bool
        Whether frames are held against their checksums when they are first read: for whoever
        writes them again. Frames on the screen are not, which takes as long as reading them.
    """

    def __init__(
        self,
        source: DirectorySource,
        path: str,
        document: Document,
        placement: Placement,
        maps: MappedFiles,
        *,
        checks_frames: bool = False,
    ) -> None:
        super().__init__(source, path, document, placement)
        self._maps = maps
        self._sound: set[int] | None = set() if checks_frames and placement.has_checksums else None

    def _least_bytes(self, steps: int) -> int:
        return self._placement.end(steps)

    def _read_file(
        self,
        number: int,
        slots: range,
        rest: Index,
        values: Array,
        budget: ByteBudget,  # noqa: ARG002 - the file holds every byte
    ) -> None:
        placement = self._placement
        mapped = self._mapped(number, slots)
        if self._sound is not None:
            self._check(number, slots, mapped)
        steps = slice(slots.start, slots.stop, slots.step)
        pieces = self._pieces
        if pieces == 1:
            values[:] = self._view(mapped, slots, 0, placement.frame_shape)[(steps, *rest)]
            return
        first, *others = rest
        size = placement.frame_shape[0] // pieces
        shape = (size, *placement.frame_shape[1:])
        if isinstance(first, int):
            piece, row = divmod(first, size)
            values[:] = self._view(mapped, slots, piece, shape)[(steps, row, *others)]
            return
        rows = range(placement.frame_shape[0])[first]
        rising = rows if rows.step > 0 else rows[::-1]
        target = values if rising is rows else values[:, ::-1]
        for piece, inside, where in _by_part(rising, size):
            taken = slice(inside.start, inside.stop, inside.step)
            view = self._view(mapped, slots, piece, shape)
            target[:, where] = view[(steps, taken, *others)]

    def _frame(self, position: int, rest: Index, budget: ByteBudget) -> Array:  # noqa: ARG002
        placement = self._placement
        number, slot = placement.locate(position)
        key, start = self._key(number), placement.offset(slot)
        if self._sound is not None:
            slots = range(slot, slot + 1)
            self._check(number, slots, self._mapped(number, slots))
        # Of one probe, its bytes alone: a frame holds those of all.
        rows, within = _rows_of(rest, placement.frame_shape)
        part = np.empty((len(rows), *placement.frame_shape[1:]), self.dtype)
        row_bytes = math.prod(part.shape[1:]) * self.dtype.itemsize
        size = math.prod(placement.frame_shape[:1]) // self._pieces
        file, _ = opened(self._source, key, placement.end(slot + 1))
        with file:
            for piece, inside, where in _by_part(rows, size):
                file.seek(start + piece * placement.block_stride + inside.start * row_bytes)
                if not _fill(part[where].reshape(-1).view(np.uint8).data, file):
                    raise RunFormatError(
                        f"{self._source.directory / key} was cut short while it was read."
                    )
        return np.asarray(part[within])

    def _mapped(self, number: int, slots: range) -> mmap.mmap:
        """Map of a file that must hold some slots."""
        least = self._placement.end(slots[-1] + 1)
        most = self._placement.end(self._placement.steps)
        return self._maps.get(self._source, self._key(number), least, most)

    @property
    def _pieces(self) -> int:
        """Parts of a frame between which something else lies."""
        return self._placement.blocks if self._placement.has_checksums else 1

    def _view(self, mapped: mmap.mmap, slots: range, piece: int, shape: tuple[int, ...]) -> Array:
        """Show a piece of every frame up to the last of some slots: (slot, *shape), not copied."""
        placement = self._placement
        sizes = itertools.accumulate(reversed(shape[1:]), operator.mul, initial=self.dtype.itemsize)
        within = tuple(sizes)[::-1] if shape else ()
        return np.ndarray(
            (slots[-1] + 1, *shape),
            self.dtype,
            mapped,
            placement.index_bytes + piece * placement.block_stride,
            (placement.frame_stride, *within),
        )

    def _check(self, number: int, slots: range, mapped: mmap.mmap) -> None:
        """Hold frames of a file against their checksums, each once."""
        assert self._sound is not None
        placement, content = self._placement, np.frombuffer(mapped, np.uint8)
        for slot in slots:
            position = number * placement.steps + slot
            if position in self._sound:
                continue
            for block in range(placement.blocks):
                start = placement.offset(slot) + block * placement.block_stride
                end = start + placement.block_bytes
                if checksum(content[start:end]) != content[end : end + CRC_BYTES].tobytes():
                    raise ChunkDamagedError(
                        f"{self._source.directory / self._key(number)}: a block of step "
                        f"{position} fails its checksum."
                    )
            self._sound.add(position)


def _fill(buffer: memoryview, file: FileIO) -> bool:
    """Read on until a buffer is full; whether the file has as many bytes."""
    while buffer:
        count = file.readinto(buffer)
        if not count:
            return False
        buffer = buffer[count:]
    return True


class OneFileArray:
    """An array that does not grow: one file of plain bytes, in later versions with a checksum."""

    def __init__(self, source: DirectorySource, path: str, document: Document) -> None:
        self.shape = tuple(document["shape"])
        self.dtype = np.dtype(document["data_type"]).newbyteorder("<")
        self.dims = tuple(document["dimension_names"])
        self._has_checksum = CRC_CODEC in document["codecs"]
        self._source = source
        self._key = f"{path}/{PLAIN_KEYS.key(0 for _ in self.shape)}"

    def read(self, index: Index) -> Array:
        """Elements at `index`, as a new array."""
        where = normalized(index, self.shape)
        size = math.prod(self.shape) * self.dtype.itemsize
        stored = size + (CRC_BYTES if self._has_checksum else 0)
        file, _ = opened(self._source, self._key, stored)
        with file:
            values = np.empty(self.shape, self.dtype)
            content = values.reshape(-1).view(np.uint8)
            _fill(content.data, file)
            if self._has_checksum and checksum(content) != file.read(CRC_BYTES):
                raise ChunkDamagedError(f"{self._source.directory / self._key} fails its checksum.")
        return np.asarray(values[where])


def _rows_of(index: Index, shape: tuple[int, ...]) -> tuple[range, Index]:
    """Give the rows of a frame from the first to the last that is taken, and the index in them."""
    if not shape:
        return range(1), (0,)
    first, *others = index
    if isinstance(first, int):
        return range(first, first + 1), (0, *others)
    taken = range(shape[0])[first]
    rows = range(min(taken), max(taken) + 1) if taken else range(0)
    return rows, (slice(None, None, first.step), *others)


def _by_part(positions: range, size: int) -> Iterator[tuple[int, range, slice]]:
    """Give each part: its number, positions in it, places in the result; for rising positions."""
    done = 0
    while done < len(positions):
        number = positions[done] // size
        end = min(len(positions), len(range(positions.start, (number + 1) * size, positions.step)))
        start = number * size
        yield (
            number,
            range(positions[done] - start, positions[end - 1] - start + 1, positions.step),
            slice(done, end),
        )
        done = end


def check_index(directory: Path, placement: Placement, steps: int, *, begins: int = 0) -> list[int]:
    """List committed steps that a raw live shard's index does not point to as it should.

    Parameters
    ----------
    directory : Path
        The array's own directory.
    placement : Placement
        How the array lies in files.
    steps : int
        Committed steps.
    begins : int
        The first of them that is stored.
    """
    if placement.is_dense:
        return []
    bad: list[int] = []
    first_file = begins - begins % placement.steps
    for start in range(first_file, steps, placement.steps):
        number, _ = placement.locate(start)
        index = read_index(
            directory / placement.chunk_key(number), placement.steps, placement.blocks
        ).reshape(-1, placement.blocks, 2)
        for slot in range(max(0, begins - start), min(placement.steps, steps - start)):
            starts = placement.offset(slot) + placement.block_stride * np.arange(placement.blocks)
            sound = np.array_equal(index[slot, :, 0], starts.astype("<u8")) and bool(
                np.all(index[slot, :, 1] == placement.stored_block_bytes)
            )
            if not sound:
                bad.append(start + slot)
    return bad
