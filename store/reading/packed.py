"""Read a chunked or sharded array from any source by asking for just the bytes it needs.

For the chains of `store.format.codecs` alone: what another codec makes of a few bytes is not known
before it is made. Beside a local directory this serves zip files, web servers and
buckets: the blocks of one file are asked for together where they lie together, those of several
files side by side.
"""

from __future__ import annotations

import itertools
import math
import operator
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from store.errors import ChunkDamagedError, RunFormatError
from store.format.byte_budget import ByteBudget, check_at_once
from store.format.chunk_keys import ChunkKeys
from store.format.codecs import BYTES_CODEC, CRC_BYTES, CRC_CODEC, Chain, checked
from store.format.live_layout import INDEX_ENTRY_BYTES
from store.format.metadata import Document
from store.format.names import Array
from store.reading.arrays import Index
from store.reading.cache import ArrayCache
from store.storage.sources import Source

# Requests and decoders side by side; web servers are asked by browsers for about as many.
THREADS = 8
# One request or read; more are done side by side.
LOCAL_RUN_BYTES = 512 * 1024
REMOTE_RUN_BYTES = 8 * 1024**2
# Files whose indexes are looked at before their blocks are read: bounds memory on a whole scan.
SHARDS_AT_ONCE = 64
MAX_FILE_BYTES = 2**48
# Far more files than an array of a sound run has.
MAX_FILES = 1_000_000
# What finding and placing a block costs, in bytes decoded.
BLOCK_COST_BYTES = 32 * 1024
# An encoded block is never much larger than its elements.
ENCODING_OVERHEAD_BYTES = 4096

_MISSING = np.iinfo(np.uint64).max


@cache
def block_pool() -> Executor:
    """Threads that fetch and decode blocks; what runs there waits for no other of its tasks."""
    return ThreadPoolExecutor(THREADS, thread_name_prefix="trainlapse-blocks")


@cache
def request_pool() -> Executor:
    """Threads that wait for whole reads, which in turn wait for `block_pool`."""
    return ThreadPoolExecutor(THREADS, thread_name_prefix="trainlapse-reads")


@dataclass(frozen=True, slots=True)
class _Block:
    """A block that a read touches: where it lies, and what of it goes where."""

    key: str
    at: tuple[int, ...]
    inside: tuple[slice, ...]
    target: tuple[slice, ...]
    start: int
    length: int


class ChunkedArray:
    """An array in chunks, sharded or not.

    Parameters
    ----------
    source : Source
        Holds the run.
    path : str
        The array's path.
    document : Document
        Its metadata, with the committed length.
    cache : ArrayCache
        Shared by the arrays of a run.

    Raises
    ------
    ValueError
        The array uses codecs that are not read here.
    """

    def __init__(self, source: Source, path: str, document: Document, cache: ArrayCache) -> None:
        self.shape = tuple(document["shape"])
        self.dtype = np.dtype(document["data_type"]).newbyteorder("<")
        self.dims = tuple(document["dimension_names"])
        self.path = path
        self._source = source
        self._cache = cache
        self._keys = ChunkKeys.of(document["chunk_key_encoding"])
        self.shard_shape = tuple(document["chunk_grid"]["configuration"]["chunk_shape"])
        codecs = document["codecs"]
        self.is_sharded = codecs[0]["name"] == "sharding_indexed"
        self.block_shape = self.shard_shape
        if self.is_sharded:
            settings = codecs[0]["configuration"]
            if len(codecs) > 1 or settings["index_codecs"] not in (
                [BYTES_CODEC],
                [BYTES_CODEC, CRC_CODEC],
            ):
                raise ValueError("this kind of shard is not known here")
            self._index_has_checksum = len(settings["index_codecs"]) > 1
            self._index_at_start = settings.get("index_location", "end") == "start"
            self.block_shape = tuple(settings["chunk_shape"])
            codecs = settings["codecs"]
        if len(self.shard_shape) != len(self.shape) or any(
            size < 1 or shard < size or shard % size
            for shard, size in zip(self.shard_shape, self.block_shape, strict=True)
        ):
            raise ValueError(f"chunks {self.shard_shape}, {self.block_shape} do not fit")
        self._per_shard = tuple(np.floor_divide(self.shard_shape, self.block_shape).tolist())
        self.chain = Chain(codecs, self.dtype, self.block_shape)
        # What is compressed may be a bomb, and a server decides how long its files are.
        self._is_bounded = self.chain.is_compressed or source.is_remote
        self._most_bytes = 2 * self.chain.chunk_bytes + ENCODING_OVERHEAD_BYTES

    @classmethod
    def or_none(
        cls, source: Source, path: str, document: Document, cache: ArrayCache
    ) -> ChunkedArray | None:
        """Make the array, or give None if it must be read otherwise."""
        try:
            return cls(source, path, document, cache)
        except (ValueError, KeyError, TypeError, IndexError, AttributeError):
            return None

    def read(self, index: Index) -> Array:
        """Elements at `index`, as a new array.

        Raises
        ------
        ChunkDamagedError
            A part of what was asked for is missing or damaged.
        """
        wanted = ranges(index, self.shape)
        forward = [each if each.step > 0 else each[::-1] for each in wanted]
        files = self._files_with(forward)
        if self._is_bounded:
            check_at_once(self.path, self.chain.chunk_bytes)
        # All claims first: a damaged length must not reserve memory.
        if math.prod(map(len, files)) > MAX_FILES:
            raise RunFormatError(
                f"{self.path}: shape {self.shape} needs more files than a run has."
            )
        try:
            values = np.empty([len(each) for each in forward], self.dtype)
        except (MemoryError, ValueError) as error:
            raise RunFormatError(f"{self.path}: shape {self.shape} does not fit memory.") from error
        if values.size:
            self._fill(values, forward, files)
        flips = tuple(slice(None, None, -1 if each.step < 0 else 1) for each in wanted)
        scalars = tuple(slice(None) if isinstance(part, slice) else 0 for part in index)
        return np.asarray(values[flips][scalars])

    @property
    def files(self) -> int:
        """Files that the array claims to have."""
        return math.prod(self._files_along)

    @property
    def index_bytes(self) -> int:
        """Bytes of the index of a file; 0: it has none."""
        if not self.is_sharded:
            return 0
        size: int = math.prod(self._per_shard) * INDEX_ENTRY_BYTES
        return size + (CRC_BYTES if self._index_has_checksum else 0)

    @property
    def most_file_bytes(self) -> int:
        """Bytes that a file of the array can have at most."""
        blocks: int = math.prod(self._per_shard)
        return blocks * (self._most_bytes + INDEX_ENTRY_BYTES) + CRC_BYTES

    @property
    def last_key(self) -> str:
        """Key of the last of them in the source."""
        return f"{self.path}/{self._key(tuple(count - 1 for count in self._files_along))}"

    def cost(self, index: Index) -> int:
        """Estimate what a read would decode, in bytes, blocks weighing a little more."""
        blocks = 1
        for wanted, size in zip(ranges(index, self.shape), self.block_shape, strict=True):
            span = abs(wanted[-1] // size - wanted[0] // size) + 1 if wanted else 0
            blocks *= min(len(wanted), span)
        return blocks * (self.chain.chunk_bytes + BLOCK_COST_BYTES)

    # -- inside ------------------------------------------------------------------------------

    @property
    def _files_along(self) -> list[int]:
        return [-(-size // part) for size, part in zip(self.shape, self.shard_shape, strict=True)]

    def _files_with(self, wanted: list[range]) -> list[Sequence[int]]:
        """Numbers of files along each axis that hold something of ascending ranges."""
        return [_touched(each, size) for each, size in zip(wanted, self.shard_shape, strict=True)]

    def _fill(self, values: Array, wanted: list[range], files: list[Sequence[int]]) -> None:
        shards = itertools.product(*files)
        budget = ByteBudget(self.path)
        while some := list(itertools.islice(shards, SHARDS_AT_ONCE)):
            if self.is_sharded:
                self._parallel(self._index, some)
            blocks: list[_Block] = []
            for shard in some:
                for block in self._blocks(shard, wanted):
                    known = self._cache.get((self.path, block.key, block.at))
                    if known is None:
                        blocks.append(block)
                    else:
                        values[block.target] = known[block.inside]
            self._parallel(lambda run: self._read_run(run, values, budget), self._runs(blocks))

    def _parallel(self, work: Callable[[Any], Any], items: Iterable[Any]) -> None:
        every = list(items)
        if len(every) < 2 or not (self._source.is_remote or self.chain.chunk_bytes >= 64 * 1024):
            for item in every:
                work(item)
            return
        for _ in block_pool().map(work, every):
            pass

    def _blocks(self, shard: tuple[int, ...], wanted: list[range]) -> Iterator[_Block]:
        """Blocks of one file that a read touches, with their place in the file."""
        key = self._key(shard)
        index = self._index(shard) if self.is_sharded else None
        axes = []
        for at, each, size, count in zip(
            shard, wanted, self.block_shape, self._per_shard, strict=True
        ):
            here = range(at * count, (at + 1) * count)
            axes.append([_cut(each, size, number) for number in _touched(each, size, here)])
        for cuts in itertools.product(*axes):
            # All are empty for a scalar, which has no axis.
            inside, target = tuple(cut[1] for cut in cuts), tuple(cut[2] for cut in cuts)
            place = tuple(map(operator.mod, (cut[0] for cut in cuts), self._per_shard))
            start, length = 0, self._most_bytes
            if index is not None:
                start, length = self._entry(index, place, key)
            yield _Block(key, place, inside, target, start, length)

    def _entry(self, index: Array, at: tuple[int, ...], key: str) -> tuple[int, int]:
        start, length = (int(number) for number in index[at])
        if start == _MISSING:
            raise ChunkDamagedError(f"{self.path}: block {at} of {key} is missing.")
        if length > self._most_bytes or start >= MAX_FILE_BYTES:
            raise ChunkDamagedError(f"{self.path}: block {at} of {key} cannot be where it should.")
        return start, length

    def _runs(self, blocks: list[_Block]) -> Iterator[list[_Block]]:
        """Blocks that are read with one request."""
        limit = REMOTE_RUN_BYTES if self._source.is_remote else LOCAL_RUN_BYTES
        run: list[_Block] = []
        for block in sorted(blocks, key=lambda block: (block.key, block.start)):
            if run and block.key == run[0].key:
                near = block.start - run[-1].start - run[-1].length <= self._source.gap_bytes
                if near and block.start + block.length - run[0].start <= limit:
                    run.append(block)
                    continue
            if run:
                yield run
            run = [block]
        if run:
            yield run

    def _read_run(self, run: list[_Block], values: Array, budget: ByteBudget) -> None:
        first = run[0]
        end = max(block.start + block.length for block in run)
        content = self._fetch(first.key, first.start, end - first.start)
        made = len(run) * self.chain.chunk_bytes
        budget.spend(made, stored=len(content), at=(first.key, first.start))
        for block in run:
            offset = block.start - first.start
            part = content[offset : offset + block.length]
            where: tuple[Any, ...] = (*block.target, ...)  # a view, of a scalar as well
            target = values[where]
            is_whole = target.shape == self.block_shape
            try:
                decoded = self.chain.decode(part, target if is_whole else None)
            except ChunkDamagedError as error:
                raise ChunkDamagedError(
                    f"{self.path}: block {block.at} of {block.key} {error}."
                ) from None
            if not np.may_share_memory(decoded, target):
                target[...] = decoded[block.inside]
            if not is_whole:
                self._cache.put((self.path, block.key, block.at), decoded)

    def _index(self, shard: tuple[int, ...]) -> Array:
        """Offset and length of every block of a file: (…blocks…, 2), uint64."""
        key = self._key(shard)
        known = self._cache.get((self.path, key))
        if known is not None:
            return known
        stored = self.index_bytes
        content = self._fetch(key, 0 if self._index_at_start else -stored, stored)
        try:
            if len(content) != stored:
                raise ChunkDamagedError("is cut short")
            content = checked(content) if self._index_has_checksum else content
        except ChunkDamagedError as error:
            raise ChunkDamagedError(f"{self.path}: the index of {key} {error}.") from None
        index = np.frombuffer(content, "<u8").reshape(*self._per_shard, 2)
        self._cache.put((self.path, key), index)
        return index

    def _fetch(self, key: str, start: int, length: int) -> bytes:
        try:
            return self._source.read(f"{self.path}/{key}", start, length)
        except FileNotFoundError:
            raise ChunkDamagedError(f"{self.path}: the file {key} is missing.") from None

    def _key(self, shard: tuple[int, ...]) -> str:
        return self._keys.key(shard)


def ranges(index: Index, shape: tuple[int, ...]) -> list[range]:
    """Positions along each axis that a basic index means; missing axes are whole.

    Examples
    --------
    >>> ranges((-1, slice(None, None, 2)), (4, 6, 2))
    [range(3, 4), range(0, 6, 2), range(0, 2)]
    """
    if len(index) > len(shape):
        raise IndexError(f"{len(index)} indices for {len(shape)} dimensions")
    found = []
    for axis, size in enumerate(shape):
        part = index[axis] if axis < len(index) else slice(None)
        if isinstance(part, slice):
            found.append(range(*part.indices(size)))
            continue
        position = int(part) + (size if part < 0 else 0)
        if not 0 <= position < size:
            raise IndexError(f"index {part} is out of bounds for axis {axis} of size {size}")
        found.append(range(position, position + 1))
    return found


def _touched(wanted: range, size: int, inside: range | None = None) -> Sequence[int]:
    """Numbers of the chunks of `size` along one axis that hold something of an ascending range."""
    if not wanted:
        return ()
    first, last = wanted[0] // size, wanted[-1] // size
    if inside is not None:
        first, last = max(first, inside.start), min(last, inside.stop - 1)
    numbers = range(first, last + 1)
    if wanted.step <= size:
        return numbers
    return [number for number in numbers if _cut(wanted, size, number)[1].start is not None]


def _cut(wanted: range, size: int, number: int) -> tuple[int, slice, slice]:
    """Chunk `number` along one axis: what of it is wanted, and where that goes."""
    start, stop = number * size, (number + 1) * size
    first = max(0, -(-(start - wanted.start) // wanted.step))
    last = min(len(wanted), -(-(stop - wanted.start) // wanted.step))
    if first >= last:
        return number, slice(None, 0), slice(0, 0)
    offset = wanted[first] - start
    inside = slice(offset, wanted[last - 1] - start + 1, wanted.step)
    return number, inside, slice(first, last)
