"""Write an array in its packed layout, each file once, over a few threads, in bounded memory."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import Executor, Future
from pathlib import Path
from typing import BinaryIO, TypeVar

import numpy as np

from store.format.codecs import CRC_BYTES, Chain, checksum
from store.format.compressors import Compressor
from store.format.live_layout import INDEX_ENTRY_BYTES
from store.format.names import Array
from store.format.packed_layout import BlockSlices, Layout, parts

# What one thread reads and encodes at a time.
SLAB_BYTES = 16 * 1024**2
# Slabs under way: both threads busy, one waiting to be written.
SLABS_AHEAD = 3

# Gives the elements of a region; called from several threads.
ReadRegion = Callable[[BlockSlices], Array]
Result = TypeVar("Result")
Item = TypeVar("Item")


def write_array(
    directory: Path,
    layout: Layout,
    dtype: str,
    compressor: Compressor,
    read: ReadRegion,
    pool: Executor,
    *,
    progress: Callable[[int], None] = lambda _: None,
) -> int:
    """Write every file of an array.

    Parameters
    ----------
    directory : Path
        The array's own directory, which exists.
    layout : Layout
        Where its elements go.
    dtype : str
        Data type stored.
    compressor : Compressor
        What makes its blocks small.
    read : callable
        Gives the elements of a region; called from several threads.
    pool : Executor
        Threads that read and encode.
    progress : callable
        Called with the number of raw bytes done since the last call.

    Returns
    -------
    int
        Bytes written.
    """
    item = np.dtype(dtype)
    chain = Chain(layout.chain(dtype, compressor), item, layout.block_shape)
    written = 0
    for position, region in layout.shards():
        slabs = parts(region, layout.block_shape, item.itemsize, SLAB_BYTES)

        def encode(
            slab: BlockSlices, region: BlockSlices = region
        ) -> list[tuple[tuple[int, ...], bytes]]:
            return list(_encoded_blocks(read(slab), slab, region, layout, chain))

        name = ".".join(["c", *map(str, position)])
        with (directory / name).open("xb") as file:
            shard = _Shard(file, layout)
            for slab, blocks in ordered(pool, encode, slabs):
                for at, content in blocks:
                    shard.add(at, content)
                sizes = [part.stop - part.start for part in slab]
                progress(int(np.prod(sizes, dtype=np.int64)) * item.itemsize)
            written += shard.finish()
    return written


def ordered(
    pool: Executor, work: Callable[[Item], Result], items: Iterable[Item]
) -> Generator[tuple[Item, Result]]:
    """Results of `work` in the order of `items`, a few of them computed ahead."""
    waiting: deque[tuple[Item, Future[Result]]] = deque()
    try:
        for item in items:
            waiting.append((item, pool.submit(work, item)))
            if len(waiting) >= SLABS_AHEAD:
                done, future = waiting.popleft()
                yield done, future.result()
        while waiting:
            done, future = waiting.popleft()
            yield done, future.result()
    finally:
        for _, future in waiting:
            future.cancel()


def _encoded_blocks(
    values: Array, slab: BlockSlices, region: BlockSlices, layout: Layout, chain: Chain
) -> Iterator[tuple[tuple[int, ...], bytes]]:
    """Blocks of a slab with their place in the file's grid."""
    block = layout.block_shape
    counts = [-(-size // part) for size, part in zip(values.shape, block, strict=True)]
    first = [
        (part.start - whole.start) // size
        for part, whole, size in zip(slab, region, block, strict=True)
    ]
    for at in np.ndindex(*counts):
        cut = tuple(
            slice(number * size, (number + 1) * size)
            for number, size in zip(at, block, strict=True)
        )
        place = tuple(number + start for number, start in zip(at, first, strict=True))
        yield place, chain.encode(_padded(values[cut], block))


def _padded(values: Array, shape: Sequence[int]) -> Array:
    """Block of full shape: Zarr stores what lies over the array's edge, too."""
    if values.shape == tuple(shape):
        return values
    full = np.zeros(shape, values.dtype)
    full[tuple(map(slice, values.shape))] = values
    return full


class _Shard:
    """A file under construction: blocks as they come, then the index with its checksum."""

    def __init__(self, file: BinaryIO, layout: Layout) -> None:
        self._file = file
        self._sharded = layout.is_sharded
        missing = np.iinfo(np.uint64).max
        self._index = np.full((*layout.blocks_per_shard, 2), missing, "<u8")
        self._end = 0

    def add(self, at: tuple[int, ...], content: bytes) -> None:
        """Append a block."""
        self._file.write(content)
        self._index[at] = (self._end, len(content))
        self._end += len(content)

    def finish(self) -> int:
        """Append the index; returns the size of the file."""
        if self._sharded:
            index = self._index.tobytes()
            self._file.write(index + checksum(index))
            self._end += self._index.size // 2 * INDEX_ENTRY_BYTES + CRC_BYTES
        return self._end
