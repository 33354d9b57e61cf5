"""How arrays are laid out in files."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from store.format.live_layout import (
    BLOCK_BYTES,
    DENSE_CHUNK_BYTES,
    DENSE_FRAME_BYTES,
    SHARD_FILE_BYTES,
    SHARD_INDEX_BYTES,
    SHARD_STEPS,
    place,
)

frames = st.lists(st.integers(1, 3000), max_size=4).map(tuple)
items = st.sampled_from((1, 2, 4, 8))


@given(frame=frames, item_bytes=items)
def test_every_frame_has_a_sound_placement(frame: tuple[int, ...], item_bytes: int) -> None:
    placement = place(frame, item_bytes)
    assert placement.frame_bytes == math.prod(frame) * item_bytes
    assert placement.chunk_shape == (placement.steps, *frame)
    assert placement.steps >= 1
    assert placement.is_dense == (placement.frame_bytes <= DENSE_FRAME_BYTES)
    if placement.is_dense:
        assert placement.index_bytes == 0
        assert placement.offset(placement.steps) <= DENSE_CHUNK_BYTES
        return
    assert placement.index_bytes <= SHARD_INDEX_BYTES
    assert placement.steps <= SHARD_STEPS
    # The blocks of a frame cover it exactly, as Zarr's grid and as bytes.
    assert placement.block_shape[1] * placement.blocks == frame[0]
    assert placement.block_shape[2:] == frame[1:]
    assert placement.block_bytes * placement.blocks == placement.frame_bytes
    if placement.steps > 1:
        assert placement.offset(placement.steps) <= SHARD_FILE_BYTES + SHARD_INDEX_BYTES


@given(frame=frames, item_bytes=items, step=st.integers(0, 10**6))
def test_steps_fill_one_file_after_another(
    frame: tuple[int, ...], item_bytes: int, step: int
) -> None:
    placement = place(frame, item_bytes)
    number, slot = placement.locate(step)
    assert number * placement.steps + slot == step
    assert 0 <= slot < placement.steps
    assert placement.offset(slot) == placement.index_bytes + slot * placement.frame_stride
    assert placement.offset(slot) % min(item_bytes, placement.frame_bytes) == 0
    assert placement.frame_stride - placement.frame_bytes <= 16 * placement.blocks


@pytest.mark.parametrize(
    ("frame", "blocks"),
    [
        ((1024, 1024), 1),  # exactly 4 MiB of float32
        ((1030, 1024), 2),
        ((2 * 1009, 4096), 2),  # few divisors: the most parts that there are
        ((10_007, 1024), 1),  # prime: one block, since unequal ones would be padded
        ((7, 3_000_000), 7),
        ((4096, 4096), 16),
        ((5000,), 1),
    ],
)
def test_blocks_split_large_frames_evenly(frame: tuple[int, ...], blocks: int) -> None:
    placement = place(frame, 4)
    assert placement.blocks == blocks
    if blocks > 1 and frame[0] % 1009:
        assert placement.block_bytes <= BLOCK_BYTES or blocks == frame[0]


def test_a_huge_frame_takes_a_file_of_its_own() -> None:
    placement = place((30_000, 30_000), 4)
    assert placement.steps == 1
    assert placement.index_bytes <= SHARD_INDEX_BYTES


@pytest.mark.parametrize(("frame", "key"), [((), "c.3"), ((4,), "c.3.0"), ((4, 5), "c.3.0.0")])
def test_chunk_keys_follow_zarr(frame: tuple[int, ...], key: str) -> None:
    assert place(frame, 4).chunk_key(3) == key
