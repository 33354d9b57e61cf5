"""Read arrays of the live form on a local disk, without Zarr.

Files are checked at every use: a map of a file that was cut short would kill the process, and a
path may hold another recording than before. What is no plain file below the run is not opened
(`store.storage.confined`).
"""

from __future__ import annotations

import abc
import math
import mmap
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
from store.format.codecs import Chain, live_chain
from store.format.compressors import LIVE_COMPRESSORS, Compressor
from store.format.live_layout import INDEX_ENTRY_BYTES, Placement, place
from store.format.metadata import Document
from store.format.names import Array
from store.live.array import read_index
from store.reading.arrays import ArrayReader, Index, normalized
from store.storage.files import most_open_files
from store.storage.sources import DirectorySource

# What an array's metadata says about its layout in files.
_LAYOUT = ("chunk_grid", "codecs", "chunk_key_encoding")


def local_reader(
    source: DirectorySource, path: str, document: Document, maps: MappedFiles
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
    """
    if is_raw(document):
        return RawArray(source, path, document, maps)
    for compressor in LIVE_COMPRESSORS.values():
        if _is_laid_out_for(document, compressor):
            return CompressedArray(source, path, document, compressor)
    if _is_one_file(document):
        return OneFileArray(source, path, document)
    return None


def is_raw(document: Document) -> bool:
    """Whether `RawArray` can read an array: exactly what `LiveArray` writes uncompressed."""
    return _is_laid_out_for(document, None)


def _is_laid_out_for(document: Document, compressor: Compressor | None) -> bool:
    shape = document["shape"]
    if not shape or 0 in shape[1:]:
        return False
    dtype, dims = document["data_type"], document["dimension_names"]
    placement = place(tuple(shape[1:]), np.dtype(dtype).itemsize)
    expected = placement.document(dtype, dims, {}, compressor)
    return all(document.get(key) == expected[key] for key in _LAYOUT)


def _is_one_file(document: Document) -> bool:
    grid = {"name": "regular", "configuration": {"chunk_shape": document["shape"]}}
    return (
        bool(document["chunk_grid"] == grid)
        and document["codecs"] == live_chain(document["data_type"], None)
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
        self._lock = threading.Lock()

    def get(self, source: DirectorySource, key: str, least_bytes: int) -> mmap.mmap:
        """Map of a file of at least `least_bytes`; mapped anew when it grew or was replaced."""
        at = (source.directory, key)
        status = sized(source, key, least_bytes)
        with self._lock:
            known, mapped = self._maps.get(at, (None, None))
            if mapped is None or known != _identity(status) or len(mapped) < least_bytes:
                file, status = opened(source, key, least_bytes)
                with file:
                    mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
                self._maps[at] = (_identity(status), mapped)
                if len(self._maps) > self._limit:
                    self._maps.popitem(last=False)  # closed when its last view is gone
            self._maps.move_to_end(at)
        if len(mapped) < least_bytes:
            raise RunFormatError(f"{source.directory / key} was cut short while it was opened.")
        return mapped


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
    """

    def __init__(self, source: DirectorySource, path: str, document: Document) -> None:
        self.shape: tuple[int, ...] = tuple(document["shape"])
        self.dtype: np.dtype[Any] = np.dtype(document["data_type"]).newbyteorder("<")
        self.dims: tuple[str, ...] = tuple(document["dimension_names"])
        self._placement = place(self.shape[1:], self.dtype.itemsize)
        self._source = source
        self._path = path

    def read(self, index: Index) -> Array:
        """Elements at `index`, as a new array."""
        first, *others = normalized(index, self.shape)
        rest = tuple(others)
        budget = ByteBudget(self._path)
        if isinstance(first, int):
            return np.asarray(self._frame(first, budget)[rest])
        steps = range(self.shape[0])[first]
        rising = steps if steps.step > 0 else steps[::-1]
        # All files first: a damaged length must not reserve memory.
        for number, slots, _ in _by_file(rising, self._placement.steps):
            sized(self._source, self._key(number), self._least_bytes(slots[-1] + 1))
        sample = np.broadcast_to(np.empty((), self.dtype), self.shape[1:])[rest]
        values = np.empty((len(steps), *sample.shape), self.dtype)
        for number, slots, where in _by_file(rising, self._placement.steps):
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
    def _frame(self, position: int, budget: ByteBudget) -> Array:
        """One whole step."""


class CompressedArray(GrowingArray):
    """A growing array with compressed frames.

    Parameters
    ----------
    source, path, document
        As for `GrowingArray`.
    compressor : Compressor
        What the frames were compressed with.
    """

    def __init__(
        self, source: DirectorySource, path: str, document: Document, compressor: Compressor
    ) -> None:
        super().__init__(source, path, document)
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
            values[place_in_values] = self._frame(start + slot, budget)[rest]

    def _frame(self, position: int, budget: ByteBudget) -> Array:
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
        return frame


class RawArray(GrowingArray):
    """A growing array without compression.

    Parameters
    ----------
    source, path, document
        As for `GrowingArray`.
    maps : MappedFiles
        Shared by all arrays of the run.
    """

    def __init__(
        self, source: DirectorySource, path: str, document: Document, maps: MappedFiles
    ) -> None:
        super().__init__(source, path, document)
        self._maps = maps

    def _least_bytes(self, steps: int) -> int:
        return self._placement.offset(steps)

    def _read_file(
        self,
        number: int,
        slots: range,
        rest: Index,
        values: Array,
        budget: ByteBudget,  # noqa: ARG002 - the file holds every byte
    ) -> None:
        count = slots[-1] + 1
        placement = self._placement
        mapped = self._maps.get(self._source, self._key(number), placement.offset(count))
        items = count * (placement.frame_bytes // self.dtype.itemsize)
        flat = np.frombuffer(mapped, self.dtype, items, placement.index_bytes)
        view = flat.reshape(count, *placement.frame_shape)
        values[:] = view[(slice(slots.start, slots.stop, slots.step), *rest)]

    def _frame(self, position: int, budget: ByteBudget) -> Array:  # noqa: ARG002 - as above
        placement = self._placement
        number, slot = placement.locate(position)
        key, start = self._key(number), placement.offset(slot)
        file, _ = opened(self._source, key, start + placement.frame_bytes)
        with file:
            frame = np.empty(placement.frame_shape, self.dtype)
            file.seek(start)
            rest = frame.reshape(-1).view(np.uint8).data
            while rest:
                count = file.readinto(rest)
                if not count:
                    raise RunFormatError(
                        f"{self._source.directory / key} was cut short while it was read."
                    )
                rest = rest[count:]
        return frame


class OneFileArray:
    """An array that does not grow: one file of plain bytes."""

    def __init__(self, source: DirectorySource, path: str, document: Document) -> None:
        self.shape = tuple(document["shape"])
        self.dtype = np.dtype(document["data_type"]).newbyteorder("<")
        self.dims = tuple(document["dimension_names"])
        self._source = source
        self._key = f"{path}/{PLAIN_KEYS.key(0 for _ in self.shape)}"

    def read(self, index: Index) -> Array:
        """Elements at `index`, as a new array."""
        where = normalized(index, self.shape)
        items = math.prod(self.shape)
        file, _ = opened(self._source, self._key, items * self.dtype.itemsize)
        with file:
            return np.asarray(np.fromfile(file, self.dtype, items).reshape(self.shape)[where])


def _by_file(steps: range, size: int) -> Iterator[tuple[int, range, slice]]:
    """File number, slots in that file, and places in the result, for rising steps."""
    done = 0
    while done < len(steps):
        number = steps[done] // size
        end = min(len(steps), len(range(steps.start, (number + 1) * size, steps.step)))
        start = number * size
        yield (
            number,
            range(steps[done] - start, steps[end - 1] - start + 1, steps.step),
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
            starts = placement.offset(slot) + placement.block_bytes * np.arange(placement.blocks)
            sound = np.array_equal(index[slot, :, 0], starts.astype("<u8")) and bool(
                np.all(index[slot, :, 1] == placement.block_bytes)
            )
            if not sound:
                bad.append(start + slot)
    return bad
