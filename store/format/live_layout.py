"""How an array that grows step by step is laid out in files.

Two placements, both plain Zarr v3 at every moment and both growing in place:

dense
    Small frames. One uncompressed chunk holds many steps; its file has full size from the
    start (a sparse file), and a step is written at ``slot * frame_bytes``.
shard
    Everything else. One shard holds some tens of steps, each step is an inner chunk (or several,
    for large frames), and the shard's index lies at the start of the file. A checksum stands behind
    each inner chunk; runs of earlier versions lack it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from store.format.codecs import BYTES_CODEC, CRC_BYTES, live_chain
from store.format.compressors import Compressor
from store.format.metadata import Document, array_document

# Above this a frame is worth an inner chunk of its own: readers then fetch one step alone.
DENSE_FRAME_BYTES = 4 * 1024
# A dense chunk is what a generic reader fetches to see one frame.
DENSE_CHUNK_BYTES = 256 * 1024
DENSE_CHUNK_STEPS = 32 * 1024
# 64 steps: few files, and a shard of a 5 MB frame stays mappable everywhere.
SHARD_STEPS = 64
# One page: a write of the index cannot tear.
SHARD_INDEX_BYTES = 4 * 1024
INDEX_ENTRY_BYTES = 16
# Larger inner chunks make generic readers fetch megabytes for one element.
BLOCK_BYTES = 4 * 1024 * 1024
# Inner chunks begin at multiples of the largest data type, so that mapped values are aligned.
ALIGNMENT_BYTES = 8
# File systems and readers with signed 32-bit offsets still exist.
SHARD_FILE_BYTES = 2 * 1024**3 - 1024**2


@dataclass(frozen=True)  # no slots: what is asked for at every frame is computed once
class Placement:
    """Files of one growing array.

    Attributes
    ----------
    steps : int
        Steps in one file.
    frame_shape : tuple of int
        Shape of one step.
    frame_bytes : int
        Uncompressed bytes of one step.
    blocks : int
        Inner chunks of one step, split evenly along the frame's first axis; 0: dense.
    has_checksums : bool
        Whether inner chunks end with one.
    """

    steps: int
    frame_shape: tuple[int, ...]
    frame_bytes: int
    blocks: int
    has_checksums: bool = False

    @cached_property
    def is_dense(self) -> bool:
        """Whether one uncompressed chunk holds all steps of a file."""
        return self.blocks == 0

    @property
    def chunk_shape(self) -> tuple[int, ...]:
        """Zarr's regular grid: one file."""
        return (self.steps, *self.frame_shape)

    @property
    def block_shape(self) -> tuple[int, ...]:
        """Shape of one inner chunk, the step axis first."""
        if self.blocks <= 1:
            return (1, *self.frame_shape)
        first, *rest = self.frame_shape
        return (1, first // self.blocks, *rest)

    @cached_property
    def block_bytes(self) -> int:
        """Uncompressed bytes of one inner chunk."""
        return self.frame_bytes // max(1, self.blocks)

    @cached_property
    def stored_block_bytes(self) -> int:
        """Bytes of one inner chunk as it is stored without compression."""
        return self.block_bytes + (CRC_BYTES if self.has_checksums else 0)

    @cached_property
    def block_stride(self) -> int:
        """Bytes from one uncompressed inner chunk to the next."""
        return _block_stride(self.block_bytes, has_checksums=self.has_checksums)

    @cached_property
    def frame_stride(self) -> int:
        """Bytes from one uncompressed frame to the next."""
        return max(1, self.blocks) * self.block_stride

    @cached_property
    def index_bytes(self) -> int:
        """Bytes of a shard's index, at the start of its file."""
        return self.steps * self.blocks * INDEX_ENTRY_BYTES

    def locate(self, step_index: int) -> tuple[int, int]:
        """File number and slot within that file of a step's index."""
        return divmod(step_index, self.steps)

    def offset(self, slot: int) -> int:
        """Where an uncompressed frame starts in its file."""
        return self.index_bytes + slot * self.frame_stride

    def end(self, steps: int) -> int:
        """Where the last of so many uncompressed frames ends, in bytes."""
        return self.offset(steps) - self.block_stride + self.stored_block_bytes

    def chain(self, dtype: str, compressor: Compressor | None) -> list[Document]:
        """Codecs of one inner chunk; those of dense files are never compressed."""
        used = None if self.is_dense else compressor
        return live_chain(dtype, used, has_checksum=self.has_checksums)

    def document(
        self,
        dtype: str,
        dims: Sequence[str],
        attributes: Mapping[str, Any],
        compressor: Compressor | None,
    ) -> Document:
        """Zarr metadata of the array, with no step yet."""
        chain = self.chain(dtype, compressor)
        if not self.is_dense:
            configuration = {
                "chunk_shape": list(self.block_shape),
                "codecs": chain,
                "index_codecs": [BYTES_CODEC],
                "index_location": "start",
            }
            chain = [{"name": "sharding_indexed", "configuration": configuration}]
        return array_document(
            shape=(0, *self.frame_shape),
            dtype=dtype,
            dims=dims,
            chunk_shape=self.chunk_shape,
            chain=chain,
            attributes=attributes,
        )

    def chunk_key(self, file_number: int) -> str:
        """Zarr key of a file below its array."""
        return f"c.{file_number}" + ".0" * len(self.frame_shape)


def _block_stride(block_bytes: int, *, has_checksums: bool) -> int:
    if not has_checksums:
        return block_bytes
    return -(-(block_bytes + CRC_BYTES) // ALIGNMENT_BYTES) * ALIGNMENT_BYTES


def place(
    frame_shape: tuple[int, ...], item_bytes: int, *, has_checksums: bool = True
) -> Placement:
    """Choose the placement of an array from its frame alone.

    Parameters
    ----------
    frame_shape : tuple of int
        Shape of one step.
    item_bytes : int
        Bytes of an element.
    has_checksums : bool
        Whether inner chunks end with checksums: not in runs of earlier versions.

    Examples
    --------
    >>> place((), 8).steps
    32768
    >>> place((48, 24, 24, 20), 4).chunk_shape
    (64, 48, 24, 24, 20)
    """
    frame_bytes = math.prod(frame_shape) * item_bytes
    if frame_bytes <= DENSE_FRAME_BYTES:
        steps = min(DENSE_CHUNK_STEPS, DENSE_CHUNK_BYTES // frame_bytes)
        return Placement(steps, frame_shape, frame_bytes, 0)
    blocks = _even_blocks(frame_shape[0], frame_bytes)
    stride = blocks * _block_stride(frame_bytes // blocks, has_checksums=has_checksums)
    steps = min(
        SHARD_STEPS,
        SHARD_INDEX_BYTES // (INDEX_ENTRY_BYTES * blocks),
        SHARD_FILE_BYTES // stride,
    )
    return Placement(max(1, steps), frame_shape, frame_bytes, blocks, has_checksums)


def _even_blocks(first_axis: int, frame_bytes: int) -> int:
    """Fewest equal parts of the first axis that make blocks small; else the most there are.

    Unequal parts would be padded by Zarr, which costs disk for nothing.
    """
    needed = -(-frame_bytes // BLOCK_BYTES)
    most = min(first_axis, SHARD_INDEX_BYTES // INDEX_ENTRY_BYTES)
    parts = [blocks for blocks in range(1, most + 1) if first_axis % blocks == 0]
    return next((blocks for blocks in parts if blocks >= needed), parts[-1])
