"""Layouts of the packed form: how arrays are cut into shards and blocks."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from store.format.packed_layout import Layout, frames_layout, history_layout, parts

DIMS = {
    "image": ("step", "probe", "y", "x", "unit"),
    "tokens": ("step", "probe", "token", "unit"),
    "kernel": ("step", "kernel_y", "kernel_x", "in_unit", "unit"),
    "dense": ("step", "in_unit", "unit"),
    "scalar": ("step",),
}
SIZES = st.one_of(st.integers(1, 8), st.integers(1, 300), st.sampled_from([512, 784, 4096]))


@given(data=st.data())
def test_layouts_keep_their_promises(data: st.DataObject) -> None:
    dims = data.draw(st.sampled_from(list(DIMS.values())))
    shape = (data.draw(st.sampled_from([0, 1, 7, 8, 100, 128, 3000, 100_000])),)
    shape += tuple(data.draw(SIZES) for _ in dims[1:])
    item = data.draw(st.sampled_from([1, 2, 4, 8]))
    frames, history = frames_layout(shape, item, dims), history_layout(shape, item, dims)
    for layout, limit in ((frames, 1024**2), (history, 128 * 1024)):
        if layout is None:
            continue
        assert layout.shape == shape
        grid = list(zip(layout.shard_shape, layout.block_shape, strict=True))
        assert all(shard % block == 0 for shard, block in grid)
        assert math.prod(layout.block_shape) * item <= limit
        assert math.prod(layout.blocks_per_shard) <= 4096
        pairs = zip(shape, layout.block_shape, strict=True)
        padded = math.prod(-(-size // block) * block for size, block in pairs)
        assert shape[0] == 0 or padded <= 2 * math.prod(shape)
    if math.prod(shape[1:]) * item > 32 * 1024 and frames.is_sharded:
        assert frames.block_shape[0] == 1


@given(
    grid=st.lists(st.tuples(st.integers(1, 9), st.integers(1, 4)), min_size=1, max_size=3),
    limit=st.integers(1, 400),
)
def test_parts_cover_a_region_once_and_by_whole_blocks(
    grid: list[tuple[int, int]], limit: int
) -> None:
    shape = tuple(size for size, _ in grid)
    block = tuple(part for _, part in grid)
    seen = np.zeros(shape, int)
    for part in parts(tuple(slice(0, size) for size in shape), block, 4, limit):
        seen[part] += 1
        assert all(one.start % size == 0 for one, size in zip(part, block, strict=True))
        sizes = [one.stop - one.start for one in part]
        single = all(size <= most for size, most in zip(sizes, block, strict=True))
        assert single or math.prod(sizes) * 4 <= limit
    assert np.all(seen == 1)


def test_a_layout_of_one_block_has_no_index() -> None:
    layout = frames_layout((100,), 8, ("step",))
    assert layout == Layout((100,), (100,), (100,))
    assert not layout.is_sharded
