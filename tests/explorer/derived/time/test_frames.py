"""Pictures of activations: layout, limits, colour codes."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from explorer.derived.time.frames import (
    HIGHEST_CODE,
    LOWEST_CODE,
    NAN_CODE,
    Limits,
    picture_of,
    quantize,
    robust_limits,
    sample_indices,
)

FLOAT32 = float(np.finfo(np.float32).max)


def labelled(dims, shape):
    """A frame whose every value tells its own index, and those indices by dimension name."""
    frame = np.arange(np.prod(shape, dtype=int)).reshape(shape)
    return frame, dict(zip(dims, np.indices(shape), strict=True)) if shape else {}


@pytest.mark.parametrize(
    "dims", [("y", "x", "unit"), ("unit", "y", "x"), ("y", "unit", "x")], ids="-".join
)
def test_each_units_map_is_in_its_tile_whatever_the_order_of_axes(dims):
    sizes = {"y": 3, "x": 4, "unit": 5}
    shape = tuple(sizes[dim] for dim in dims)
    frame, _ = labelled(dims, shape)
    picture = picture_of(dims, shape)
    tiles = picture.arrange(frame)
    assert (picture.mode, tiles.shape) == ("tiles", (5, 3, 4))
    for unit, y, x in itertools.product(range(5), range(3), range(4)):
        at = {"unit": unit, "y": y, "x": x}
        assert tiles[unit, y, x] == frame[tuple(at[dim] for dim in dims)]


@pytest.mark.parametrize("dims", [("token", "unit"), ("unit", "token")], ids="-".join)
def test_tokens_go_right_and_units_down(dims):
    sizes = {"token": 4, "unit": 3}
    shape = tuple(sizes[dim] for dim in dims)
    frame, at = labelled(dims, shape)
    picture = picture_of(dims, shape)
    matrix = picture.arrange(frame)
    assert (picture.mode, matrix.shape) == ("matrix", (1, 3, 4))
    for value, token, unit in zip(
        frame.ravel(), at["token"].ravel(), at["unit"].ravel(), strict=True
    ):
        assert matrix[0, unit, token] == value


def test_units_without_extent_are_a_cell_each():
    picture = picture_of(["unit"], [10])
    np.testing.assert_array_equal(picture.arrange(np.arange(10)), np.arange(10).reshape(10, 1, 1))


def test_a_sequence_of_maps_is_a_tile_for_each_unit_and_token():
    dims, shape = ("token", "y", "x", "unit"), (2, 3, 4, 5)
    frame, _ = labelled(dims, shape)
    tiles = picture_of(dims, shape).arrange(frame)
    assert tiles.shape == (10, 3, 4)
    for unit, token in itertools.product(range(5), range(2)):
        np.testing.assert_array_equal(tiles[2 * unit + token], frame[token, :, :, unit])


@pytest.mark.parametrize(
    ("dims", "shape", "expected"),
    [
        (("y", "x"), (3, 4), (1, 3, 4)),
        (("token",), (6,), (6, 1, 1)),
        ((), (), (1, 1, 1)),
        (("z", "y", "x", "unit"), (2, 3, 4, 5), (10, 3, 4)),
    ],
    ids=["map without units", "values without units", "one value", "volume"],
)
def test_what_has_no_usual_shape_is_shown_whole(dims, shape, expected):
    frame, _ = labelled(dims, shape)
    tiles = picture_of(dims, shape).arrange(frame)
    assert tiles.shape == expected
    assert sorted(tiles.ravel()) == sorted(frame.ravel())


# -- limits -----------------------------------------------------------------------------------

finite_samples = st.lists(
    hnp.arrays(np.float64, st.integers(1, 50), elements=st.floats(-1e30, 1e30)),
    min_size=1,
    max_size=5,
)


@given(finite_samples)
def test_limits_are_symmetric_exactly_where_both_signs_occur(samples):
    limits = robust_limits(samples)
    every = np.concatenate(samples)
    assert limits.low < limits.high
    assert limits.signed == bool(every.min() < 0 < every.max())
    if limits.signed:
        assert limits.low == -limits.high


@given(finite_samples)
def test_what_is_not_finite_does_not_move_limits(samples):
    spoiled = [np.concatenate([sample, [np.nan, np.inf, -np.inf]]) for sample in samples]
    assert robust_limits([*spoiled, np.full(3, np.nan)]) == robust_limits(samples)


def test_values_without_a_negative_one_start_at_zero():
    assert robust_limits([np.linspace(2, 5, 100)]).low == 0


def test_one_stray_value_does_not_wash_out_a_picture():
    values = np.linspace(0, 1, 10_000)
    values[0] = 1e6
    assert robust_limits([values]).high == pytest.approx(1, abs=0.01)


def test_a_few_active_positions_are_seen_though_nearly_all_are_zero():
    values = np.zeros(10_000)
    values[:5] = 0.25
    assert robust_limits([values]) == Limits(0, 0.25, signed=False)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([0.0, 0.0], Limits(0, 1, signed=False)),
        ([3.0, 3.0], Limits(0, 3, signed=False)),
        ([-3.0, -3.0], Limits(-3, -2, signed=False)),
        ([-1e16], Limits(-1e16, -1e16 + 1e7, signed=False)),
        ([np.nan], Limits(0, 1, signed=False)),
        ([], Limits(0, 1, signed=False)),
    ],
    ids=["zero", "positive", "negative", "huge", "nan", "nothing"],
)
def test_limits_of_a_constant(values, expected):
    assert robust_limits([np.array(values)]) == expected


def test_limits_cover_every_sample():
    limits = robust_limits([np.full(9, 1.0), np.full(9, 7.0), np.full(9, 2.0)])
    assert limits == Limits(0, 7, signed=False)


# -- colour codes -----------------------------------------------------------------------------

spans = st.tuples(st.floats(-1e30, 1e30), st.floats(-1e30, 1e30)).map(sorted)


@given(
    spans,
    hnp.arrays(np.float32, 20, elements=st.floats(-FLOAT32, FLOAT32, width=32)),
)
def test_codes_are_monotone_and_saturate(span, values):
    low, high = span
    assume(high > low)
    codes = quantize(values, Limits(low, high, signed=False))
    values = values.astype(np.float64)  # or NumPy would round the limits to float32
    ordered = codes[np.argsort(values)].astype(int)
    assert (np.diff(ordered) >= 0).all()
    assert (codes[values <= low] == LOWEST_CODE).all()
    assert (codes[values >= high] == HIGHEST_CODE).all()


@given(spans, hnp.arrays(np.float64, 20, elements=st.floats(0, 1)))
def test_a_code_is_at_most_half_a_code_off(span, shares):
    low, high = span
    assume(high - low > 1e-300)
    values = np.clip(low + shares * (high - low), low, high)
    codes = quantize(values, Limits(low, high, signed=False)).astype(np.float64)
    back = low + (codes - LOWEST_CODE) / (HIGHEST_CODE - LOWEST_CODE) * (high - low)
    half = (high - low) / (HIGHEST_CODE - LOWEST_CODE) / 2
    slack = 1e-12 * max(abs(low), abs(high))
    np.testing.assert_allclose(back, values, rtol=0, atol=half * (1 + 1e-9) + slack)


def test_limits_are_the_first_and_the_last_code():
    codes = quantize(np.array([-2.0, 0.0, 2.0, -9.0, 9.0]), Limits(-2, 2, signed=True))
    assert codes.tolist() == [1, 128, 255, 1, 255]


def test_nan_has_a_code_of_its_own_and_infinities_saturate():
    codes = quantize(np.array([np.nan, -np.inf, np.inf]), Limits(0, 1, signed=False))
    assert codes.tolist() == [NAN_CODE, LOWEST_CODE, HIGHEST_CODE]


@pytest.mark.parametrize("dtype", [bool, np.uint8, np.int64, np.float16, np.float64])
def test_any_recorded_data_type_has_codes(dtype):
    codes = quantize(np.array([0, 1], dtype), Limits(0, 1, signed=False))
    assert codes.tolist() == [1, 255]
    assert codes.dtype == np.uint8


def test_a_range_near_the_end_of_floats_is_not_lost():
    tiny = np.array([0, 1e-42, 2e-42], np.float32)
    assert quantize(tiny, Limits(0, float(tiny[-1]), signed=False)).tolist() == [1, 128, 255]
    huge = np.array([-3e38, 0, 3e38], np.float32)
    assert quantize(huge, Limits(-3e38, 3e38, signed=True)).tolist() == [1, 128, 255]


def test_one_value_alone_has_a_code():
    assert quantize(np.float32(0.5), Limits(0, 1, signed=False)) == 128


@given(st.integers(1, 2000), st.integers(2, 50))
def test_sampled_indices_span_everything_evenly(count, most):
    indices = sample_indices(count, most)
    assert indices == sorted(set(indices))
    assert len(indices) <= min(count, most)
    assert (indices[0], indices[-1]) == (0, count - 1)
    if count > most:
        gaps = np.diff(indices)
        assert gaps.max() - gaps.min() <= 1


def test_nothing_is_sampled_from_nothing():
    assert sample_indices(0, 5) == []


def test_the_lowest_float_of_a_maximum_over_nan_does_not_count():
    frame = np.float32([np.finfo(np.float32).min, 0.5, 2.0])
    assert robust_limits([frame]) == robust_limits([frame[1:]])
