"""Shades of grey, places of maps on their input, and the steps of a film strip."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from explorer.derived.network.receptive_field import extent
from explorer.plots.pictures import grey_codes, grey_limits, grey_palette, spaced_steps


def test_the_grey_palette_goes_from_black_to_white():
    palette = grey_palette().reshape(256, 3)
    assert palette.dtype == np.uint8
    for level in (0, 1, 128, 255):
        assert palette[level].tolist() == [level] * 3


def test_colours_are_as_bright_as_the_eye_finds_them():
    images = np.zeros((1, 1, 4, 3))
    images[0, 0, 0], images[0, 0, 1], images[0, 0, 2] = (1, 0, 0), (0, 1, 0), (1, 1, 1)
    expected = [1 + 254 * 0.299, 1 + 254 * 0.587, 255, 1]
    np.testing.assert_allclose(grey_codes(images)[0, 0], expected, atol=0.51)


def test_other_channels_are_averaged_and_a_fourth_is_left_out():
    values = np.arange(8.0).reshape(1, 2, 2, 2)
    means = np.array([[0.5, 2.5], [4.5, 6.5]])
    np.testing.assert_allclose(grey_codes(values)[0], 1 + 254 * (means - 0.5) / 6, atol=0.51)
    coloured = np.random.default_rng(0).random((2, 3, 3, 3))
    with_alpha = np.concatenate([coloured, np.full((2, 3, 3, 1), 9.0)], axis=-1)
    np.testing.assert_array_equal(grey_codes(with_alpha), grey_codes(coloured))


@pytest.mark.parametrize("value", [0.0, -3.0, np.nan])
def test_images_of_one_value_have_limits(value):
    limits = grey_limits(np.full((2, 2), value))
    assert limits.low < limits.high
    assert (grey_codes(np.full((1, 2, 2, 1), value)) == (0 if np.isnan(value) else 1)).all()


def test_unknown_pixels_are_see_through():
    images = np.array([[[[0.0], [np.nan], [1.0]]]])
    assert grey_codes(images).tolist() == [[[1, 0, 255]]]


@pytest.mark.parametrize(
    ("spans", "length", "expected"),
    [
        ([[0, 5], [1, 6], [2, 7]], 7, (2.0, 5.0)),
        ([[-2, 12], [0, 14], [2, 16]], 14, (4.0, 10.0)),
        ([[0, 6]], 10, (0.0, 6.0)),
        ([[0, 9], [0, 9], [0, 9]], 9, (0.0, 9.0)),
        (np.zeros((0, 2)), 9, (0.0, 9.0)),
    ],
    ids=["valid", "strides", "alone", "all see the same", "none"],
)
def test_a_position_lies_in_the_middle_of_what_it_sees(spans, length, expected):
    assert extent(spans, length) == expected


@given(
    st.integers(-20, 20), st.integers(1, 9), st.integers(1, 30), st.integers(2, 40), st.integers(1)
)
def test_positions_are_a_stride_wide(start, stride, size, count, length):
    starts = start + stride * np.arange(count)
    top, bottom = extent(np.stack([starts, starts + size], axis=1), length)
    assert bottom - top == pytest.approx(stride * count)
    assert (top + bottom) / 2 == pytest.approx((starts[0] + starts[-1] + size) / 2)


@given(st.lists(st.integers(0, 10**7), max_size=200, unique=True), st.integers(2, 24))
def test_a_strip_goes_from_the_first_to_the_last_step_each_at_most_once(steps, most):
    steps = sorted(steps)
    chosen = spaced_steps(steps, most)
    assert chosen == sorted(set(chosen))
    assert len(chosen) == min(most, len(steps))
    if steps:
        assert (chosen[0], chosen[-1]) == (0, len(steps) - 1)


def test_steps_are_spaced_by_their_logarithm():
    assert spaced_steps(np.arange(1001), 4) == [0, 9, 99, 1000]
