"""How the packed form lays an array out: as frames for one step, as histories for one unit.

Each array has one grid of files (shards) and a finer one of blocks (inner chunks). In the frames
layout a block holds one step, in the history layout it holds many steps of few elements.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from store.format.codecs import BYTES_CODEC, CRC_CODEC, packed_chain
from store.format.compressors import Compressor
from store.format.metadata import Document, array_document
from store.format.names import PROBE_DIM, UNIT_DIM

# An array up to this size is one block: it is fetched whole, and needs no twin.
WHOLE_BYTES = 1024**2
# Larger blocks make a reader decode megabytes for one feature map.
FRAME_BLOCK_BYTES = 1024**2
# Smaller frames share a block with their neighbours in time: tiny blocks compress badly.
SMALL_FRAME_BYTES = 32 * 1024
# What one history costs to fetch and decode. Smaller blocks would split feature maps, and rows
# of units.
HISTORY_BLOCK_BYTES = 128 * 1024
HISTORY_STEPS = 128
# Long runs take longer blocks: else one history is hundreds of requests.
LONG_HISTORY_STEPS = 512
LONG_RUN_STEPS = 2048
# Fewer steps are as quickly read frame by frame.
LEAST_HISTORY_STEPS = 8
# A reader fetches a shard's whole index (64 KiB) before its first block.
SHARD_BLOCKS = 4096
SHARD_BYTES = 256 * 1024**2

BlockSlices = tuple[slice, ...]


@dataclass(frozen=True, slots=True)
class Layout:
    """Grids of one array.

    Attributes
    ----------
    shape : tuple of int
        Of the array.
    block_shape : tuple of int
        Of a block: what is compressed as one.
    shard_shape : tuple of int
        Of a file; equal to `block_shape` where a file is one block without an index.
    time_last : bool
        Whether the first axis is the innermost one inside a block.
    """

    shape: tuple[int, ...]
    block_shape: tuple[int, ...]
    shard_shape: tuple[int, ...]
    time_last: bool = False

    @property
    def is_sharded(self) -> bool:
        """Whether a file has an index of blocks."""
        return self.block_shape != self.shard_shape

    @property
    def blocks_per_shard(self) -> tuple[int, ...]:
        """Blocks of one file along each axis."""
        return tuple(
            shard // block for shard, block in zip(self.shard_shape, self.block_shape, strict=True)
        )

    def shards(self) -> Iterator[tuple[tuple[int, ...], BlockSlices]]:
        """Grid position of every file, with what of the array lies in it."""
        counts = [-(-size // part) for size, part in zip(self.shape, self.shard_shape, strict=True)]
        for position in np.ndindex(*counts):
            starts = [at * part for at, part in zip(position, self.shard_shape, strict=True)]
            stops = map(min, np.add(starts, self.shard_shape).tolist(), self.shape)
            yield position, tuple(map(slice, starts, stops))

    def chain(self, dtype: str, compressor: Compressor) -> list[Document]:
        """Codecs of one block."""
        return packed_chain(dtype, compressor, ndim=len(self.shape), time_last=self.time_last)

    def document(
        self,
        dtype: str,
        dims: Sequence[str],
        attributes: Mapping[str, Any],
        compressor: Compressor,
    ) -> Document:
        """Zarr metadata of the array."""
        chain = self.chain(dtype, compressor)
        if self.is_sharded:
            configuration = {
                "chunk_shape": list(self.block_shape),
                "codecs": chain,
                "index_codecs": [BYTES_CODEC, CRC_CODEC],
                "index_location": "end",
            }
            chain = [{"name": "sharding_indexed", "configuration": configuration}]
        return array_document(
            shape=self.shape,
            dtype=dtype,
            dims=dims,
            chunk_shape=self.shard_shape,
            chain=chain,
            attributes=attributes,
        )


def frames_layout(shape: tuple[int, ...], item_bytes: int, dims: Sequence[str]) -> Layout:
    """Layout that gives one step quickly.

    Examples
    --------
    >>> frames_layout((128, 64, 24, 24, 20), 4, ("step", "probe", "y", "x", "unit")).block_shape
    (1, 16, 24, 24, 20)
    >>> frames_layout((128, 10), 4, ("step", "unit")).block_shape
    (128, 10)
    """
    least_one = tuple(max(1, size) for size in shape)
    if math.prod(least_one) * item_bytes <= WHOLE_BYTES:
        return Layout(shape, least_one, least_one)
    frame_bytes = math.prod(shape[1:]) * item_bytes
    together = max(1, min(shape[0], SMALL_FRAME_BYTES // frame_bytes))
    block = _split((together, *shape[1:]), _split_order(dims), FRAME_BLOCK_BYTES // item_bytes)
    return Layout(shape, block, _shard(shape, block, item_bytes))


def history_layout(shape: tuple[int, ...], item_bytes: int, dims: Sequence[str]) -> Layout | None:
    """Layout that gives one element at every step quickly; None where frames do that as well.

    Examples
    --------
    >>> history_layout((128, 64, 24, 24, 20), 4, ("step", "probe", "y", "x", "unit")).block_shape
    (128, 1, 8, 24, 1)
    """
    if math.prod(shape) * item_bytes <= WHOLE_BYTES or shape[0] < LEAST_HISTORY_STEPS:
        return None
    most = HISTORY_STEPS if shape[0] <= LONG_RUN_STEPS else LONG_HISTORY_STEPS
    steps = min(shape[0], most)
    order = _split_order(dims)
    if dims[1] == PROBE_DIM:
        # One unit of one probe is what histories ask for, so units are split before places.
        order = [1, len(dims) - 1, *(axis for axis in order[1:] if axis != len(dims) - 1)]
    block = _split((steps, *shape[1:]), order, HISTORY_BLOCK_BYTES // item_bytes)
    return Layout(shape, block, _shard(shape, block, item_bytes), time_last=True)


def _split_order(dims: Sequence[str]) -> list[int]:
    """Axes in the order in which blocks split them; never the first, which is time."""
    axes = list(range(1, len(dims)))
    if dims[1:] and dims[1] != PROBE_DIM and dims[-1].startswith(UNIT_DIM):
        axes.insert(0, axes.pop())
    return axes


def _split(block: tuple[int, ...], order: Sequence[int], items: int) -> tuple[int, ...]:
    """Split axes one after the other until a block has no more than `items`."""
    sizes = list(block)
    for axis in order:
        parts = -(-math.prod(sizes) // items)
        if parts <= 1:
            break
        sizes[axis] = _part(sizes[axis], parts)
    return tuple(sizes)


def _part(size: int, parts: int) -> int:
    """Size of one of at least `parts` parts; even parts if there are some of nearly that size."""
    even = next((count for count in range(parts, min(2 * parts, size) + 1) if size % count == 0), 0)
    return size // even if even else max(1, size // parts)


def _shard(shape: tuple[int, ...], block: tuple[int, ...], item_bytes: int) -> tuple[int, ...]:
    """As many blocks as a file may have, whole frames first and then more steps."""
    block_bytes = math.prod(block) * item_bytes
    left = max(1, min(SHARD_BLOCKS, SHARD_BYTES // block_bytes))
    shard = list(block)
    for axis in [*range(len(shape) - 1, 0, -1), 0]:
        wanted = max(1, -(-shape[axis] // block[axis]))
        taken = min(wanted, left)
        shard[axis] = block[axis] * taken
        left //= taken
    return tuple(shard)


def parts(
    region: BlockSlices, block: tuple[int, ...], item_bytes: int, limit: int
) -> Iterator[BlockSlices]:
    """Cut a region into parts of whole blocks, of at most `limit` bytes where one block is less.

    Parameters
    ----------
    region : tuple of slice
        Starts at a block's edge.
    block : tuple of int
        Shape of a block.
    item_bytes : int
        Bytes of an element.
    limit : int
        Bytes of a part.
    """
    sizes = [part.stop - part.start for part in region]
    total = math.prod(sizes) * item_bytes
    axis = next((a for a, size in enumerate(sizes) if size > block[a]), None)
    if total <= limit or axis is None:
        yield region
        return
    row = total // sizes[axis] * block[axis]
    stride = max(1, limit // row) * block[axis]
    for start in range(region[axis].start, region[axis].stop, stride):
        stop = min(start + stride, region[axis].stop)
        inner = (*region[:axis], slice(start, stop), *region[axis + 1 :])
        yield from parts(inner, block, item_bytes, limit)
