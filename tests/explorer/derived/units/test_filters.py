"""Kernels as pictures, and patches that excite a unit."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from explorer.derived.units.filters import (
    channel_tiles,
    colour_tiles,
    combined_tiles,
    cut_patches,
    kernel_tiles,
    top_positions,
)

KERNEL = np.random.default_rng(0).normal(size=(3, 2, 4, 5)).astype(np.float32)


def test_tiles_are_slices_of_the_kernel():
    every = kernel_tiles(KERNEL)
    assert every.shape == (5, 4, 3, 2)
    for unit, channel in np.ndindex(5, 4):
        np.testing.assert_array_equal(every[unit, channel], KERNEL[:, :, channel, unit])
        np.testing.assert_array_equal(
            channel_tiles(KERNEL, channel)[unit], KERNEL[:, :, channel, unit]
        )


def test_tiles_over_all_channels():
    sums, sizes = combined_tiles(KERNEL), combined_tiles(KERNEL, how="rms")
    for unit, y, x in np.ndindex(5, 3, 2):
        weights = [float(weight) for weight in KERNEL[y, x, :, unit]]
        assert sums[unit, y, x] == pytest.approx(sum(weights))
        assert sizes[unit, y, x] == pytest.approx((sum(w * w for w in weights) / 4) ** 0.5)


def test_the_sum_is_what_grey_input_sees():
    """A picture whose channels are all alike: the layer does as with the summed kernel alone."""
    import keras

    grey = np.random.default_rng(1).normal(size=(1, 6, 6, 1)).astype(np.float32)
    seen = keras.ops.conv(np.repeat(grey, 4, axis=-1), KERNEL, padding="valid")
    summed = np.transpose(combined_tiles(KERNEL), (1, 2, 0))[:, :, None].astype(np.float32)
    np.testing.assert_allclose(
        np.asarray(seen), np.asarray(keras.ops.conv(grey, summed)), rtol=1e-4, atol=1e-5
    )


def test_a_kernel_of_a_sequence_has_height_1():
    assert kernel_tiles(KERNEL[0]).shape == (5, 4, 1, 2)
    with pytest.raises(ValueError, match=r"shape \(4, 5\) was passed"):
        kernel_tiles(KERNEL[0, 0])


def test_a_channel_that_is_not_there_is_refused():
    with pytest.raises(ValueError, match="Channel 4 was asked for, but the kernel has 4"):
        channel_tiles(KERNEL, 4)


def test_colours_of_a_first_layer():
    kernel = np.zeros((1, 2, 3, 1))
    kernel[0, 0, :, 0] = [2, -2, 0]
    kernel[0, 1, :, 0] = [1, np.nan, 9]
    kernel_of_two = colour_tiles(kernel, bound=2)
    assert kernel_of_two.tolist() == [[[[255, 1, 128], [192, 0, 255]]]]
    assert colour_tiles(kernel)[0, 0, 1].tolist() == [142, 0, 255]
    assert (colour_tiles(np.zeros((2, 2, 3, 1))) == 128).all()
    with pytest.raises(ValueError, match="4 channels was passed; colours need 3"):
        colour_tiles(KERNEL)


# -- patches ----------------------------------------------------------------------------------


@given(
    hnp.arrays(
        np.float32,
        st.tuples(st.integers(1, 5), st.integers(1, 3), st.integers(1, 3)),
        elements=st.sampled_from([-1, 0, 0.5, 2, np.nan, -np.inf]),
    ),
    st.integers(1, 6),
)
@example(np.array([[[np.nan, -np.inf]]], np.float32), 1)
def test_top_positions_are_the_greatest_of_each_probe(maps, most):
    found = top_positions(maps, most=most)
    expected = []
    for probe, values in enumerate(maps):
        best = None
        for y, x in np.ndindex(*values.shape):
            if not np.isnan(values[y, x]) and (best is None or values[y, x] > best[0]):
                best = (values[y, x], probe, y, x)
        expected += [best] if best else []
    expected = sorted(expected, key=lambda entry: (-entry[0], entry[1]))[:most]
    rows = zip(found.value, found.probe, found.y, found.x, strict=True)
    assert [tuple(row) for row in rows] == expected


def test_patches_are_cut_out_and_zero_beyond_the_input():
    inputs = np.arange(1, 25, dtype=np.float32).reshape(2, 3, 4, 1)
    boxes = np.array([[0, 2, 1, 3], [-1, 1, -1, 1], [2, 4, 3, 5], [5, 7, 5, 7]])
    found = cut_patches(inputs, np.array([0, 1, 1, 0]), boxes)
    assert found[..., 0].tolist() == [
        [[2, 3], [6, 7]],
        [[0, 0], [0, 13]],
        [[24, 0], [0, 0]],
        [[0, 0], [0, 0]],
    ]
    assert inputs[0, 0, 0, 0] == 1, "the input is left as it is"


@given(st.integers(-6, 6), st.integers(-6, 6), st.integers(1, 4), st.integers(1, 3))
def test_a_patch_is_a_slice_of_the_padded_input_cut_off_or_not(top, left, height, width):
    inputs = np.random.default_rng(2).normal(size=(2, 5, 4))
    padded = np.pad(inputs, ((0, 0), (10, 10), (10, 10)))
    box = np.array([top, top + height, left, left + width])
    expected = padded[1, 10 + top : 10 + top + height, 10 + left : 10 + left + width]
    np.testing.assert_array_equal(cut_patches(inputs, np.array([1]), box[None])[0], expected)
    cut_off = np.array([*np.clip(box[:2], 0, 5), *np.clip(box[2:], 0, 4)])
    found = cut_patches(inputs, np.array([1]), cut_off[None], size=(height, width))[0]
    np.testing.assert_array_equal(found, expected)


def test_boxes_that_are_cut_off_at_different_borders_make_patches_of_one_size():
    inputs = np.arange(1, 10).reshape(1, 3, 3)
    boxes = np.array([[0, 2, 0, 2], [0, 3, 0, 3], [1, 3, 1, 3], [0, 0, 0, 0], [1, 2, 1, 2]])
    found = cut_patches(inputs, np.zeros(5, int), boxes)
    assert found.tolist() == [
        [[0, 0, 0], [0, 1, 2], [0, 4, 5]],
        [[1, 2, 3], [4, 5, 6], [7, 8, 9]],
        [[5, 6, 0], [8, 9, 0], [0, 0, 0]],
        [[0, 0, 0]] * 3,
        [[5, 0, 0], [0, 0, 0], [0, 0, 0]],
    ]
    whole = cut_patches(inputs, np.array([0]), boxes[1:2], size=(5, 3))
    assert whole[0].tolist() == [[0] * 3, [1, 2, 3], [4, 5, 6], [7, 8, 9], [0] * 3]


@pytest.mark.parametrize("padding", ["valid", "same"])
def test_a_patch_times_the_kernel_is_the_activation(padding):
    """Keras's convolution at the best positions is what patch and kernel make, at borders too."""
    import keras

    kernel = np.random.default_rng(4).normal(size=(3, 3, 4)).astype(np.float32)
    inputs = np.random.default_rng(3).normal(size=(9, 4, 5, 4)).astype(np.float32)
    maps = np.asarray(keras.ops.conv(inputs, kernel[..., None], padding=padding))[..., 0]
    best = top_positions(maps)
    shift = 1 if padding == "same" else 0
    edges = [best.y - shift, best.y - shift + 3, best.x - shift, best.x - shift + 3]
    seen = [np.clip(edge, 0, length) for edge, length in zip(edges, (4, 4, 5, 5), strict=True)]
    patches = cut_patches(inputs, best.probe, np.stack(seen, axis=1), size=(3, 3))
    products = (patches * kernel).sum(axis=(1, 2, 3))
    np.testing.assert_allclose(products, best.value, rtol=1e-4)


def test_no_position_gives_no_patch():
    none = top_positions(np.full((2, 3, 3), np.nan))
    assert none.probe.size == 0
    found = cut_patches(np.zeros((2, 3, 3, 1)), none.probe, np.zeros((0, 4), int))
    assert len(found) == 0


def test_boxes_that_do_not_fit_are_refused():
    inputs = np.zeros((2, 3, 3))
    with pytest.raises(ValueError, match="1 boxes were passed for 2 probes"):
        cut_patches(inputs, np.array([0, 1]), np.array([[0, 2, 0, 2]]))
    with pytest.raises(ValueError, match="A box of 3 places was passed for patches of 2"):
        cut_patches(inputs, np.array([0]), np.array([[0, 2, 0, 3]]), size=(2, 2))
