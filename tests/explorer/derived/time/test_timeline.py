"""Time axes: where steps lie, cells around them, ticks, thinning."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from explorer.derived.time.timeline import (
    AXES,
    LABELS,
    MOST_EPOCHS,
    Timeline,
    edges,
    log_ticks,
    spread,
    thin,
    usual_axis,
)

TIMELINE = Timeline(np.array([0, 10, 40]), np.array([0.0, 0.5, 2.0]), np.array([0.0, 3.0, 30.0]))

increasing = st.lists(st.integers(0, 10**6), min_size=2, max_size=40, unique=True).map(
    lambda steps: np.array(sorted(steps), np.float64)
)


@pytest.mark.parametrize(
    ("axis", "expected"),
    [
        ("step", [0, 10, 40]),
        ("log_step", [0, math.log10(11), math.log10(41)]),
        ("epoch", [0, 0.5, 2]),
        ("wall_time", [0, 3, 30]),
    ],
)
def test_recorded_steps_lie_where_their_clock_says(axis, expected):
    np.testing.assert_allclose(TIMELINE.positions(axis), expected)


@pytest.mark.parametrize(
    ("axis", "expected"),
    [("step", 25), ("log_step", math.log10(26)), ("epoch", 1.25), ("wall_time", 16.5)],
)
def test_an_update_between_two_recorded_steps_is_interpolated(axis, expected):
    # 25 is half-way between the recorded steps 10 and 40.
    np.testing.assert_allclose(TIMELINE.convert(np.array([25]), axis), [expected])


def test_updates_beyond_the_last_recorded_step_stay_at_its_clock():
    np.testing.assert_allclose(TIMELINE.convert(np.array([40, 90]), "epoch"), [2, 2])


@pytest.mark.parametrize("axis", AXES)
def test_a_run_without_steps_has_no_positions_and_no_error(axis):
    empty = Timeline(np.array([], np.int64), np.array([]), np.array([]))
    assert empty.positions(axis).shape == (0,)
    updates = empty.convert(np.array([1, 2]), axis)
    assert np.isnan(updates).all() == (axis in ("epoch", "wall_time"))


def test_the_axis_is_logarithmic_where_the_recorded_steps_are():
    by_logarithm = np.unique(np.geomspace(1, 756, 60).astype(int))
    assert usual_axis(np.r_[0, by_logarithm]) == "log_step"
    assert usual_axis(np.r_[0, by_logarithm, 100, 200, 300, 756]) == "log_step"  # and epochs
    assert usual_axis(np.arange(0, 757, 63)) == "step"
    assert usual_axis(np.arange(100)) == "step"
    for few in ([], [0], [0, 1, 100]):
        assert usual_axis(np.array(few)) == "step"


def test_epochs_are_marked_where_they_end():
    # 20 updates an epoch: half an epoch at step 10, two at step 40.
    np.testing.assert_allclose(TIMELINE.epoch_ends("step"), [20, 40])
    np.testing.assert_allclose(TIMELINE.epoch_ends("log_step"), np.log10([21, 41]))
    np.testing.assert_allclose(TIMELINE.epoch_ends("epoch"), [1, 2])
    np.testing.assert_allclose(TIMELINE.epoch_ends("wall_time"), [12, 30])
    steps = np.arange(0, 1001, 10)
    many = Timeline(steps, steps / 10.0, steps / 5.0).epoch_ends("step")
    np.testing.assert_allclose(many, np.arange(100, 1001, 100))
    assert len(many) <= MOST_EPOCHS


@pytest.mark.parametrize(
    ("epochs", "ends"),
    [([], []), ([0.0], []), ([0.0, 0.9], []), ([np.nan, np.nan], []), ([0, np.nan, 1, 1], [2])],
)
def test_epochs_may_be_none_unknown_or_stand_still(epochs, ends):
    count = len(epochs)
    steps = np.arange(count)
    assert Timeline(steps, np.array(epochs, float), steps / 1.0).epoch_ends("step").tolist() == ends


def test_every_axis_has_a_label():
    assert set(LABELS) == set(AXES)


@given(increasing)
def test_edges_increase_and_bracket_each_position(positions):
    borders = edges(positions)
    assert len(borders) == len(positions) + 1
    assert (np.diff(borders) > 0).all()
    assert (borders[:-1] < positions).all()
    assert (positions < borders[1:]).all()


def test_edges_lie_half_way_between_neighbours():
    np.testing.assert_allclose(edges(np.array([0.0, 1.0, 4.0])), [-0.5, 0.5, 2.5, 5.5])
    np.testing.assert_allclose(edges(np.array([7.0])), [6.5, 7.5])


def test_edges_of_many_dense_steps_do_not_drift():
    steps = np.arange(100_000, dtype=np.float64)
    np.testing.assert_allclose(edges(steps)[:-1], steps - 0.5, rtol=0, atol=1e-6)


@given(hnp.arrays(np.float64, st.integers(2, 30), elements=st.floats(0, 1e6)))
def test_edges_increase_whatever_a_clock_did(positions):
    # Equal times (a coarse clock), or times that go back (a training that was resumed).
    assert (np.diff(edges(positions)) > 0).all()


def test_times_closer_than_rounding_are_parted_too():
    for positions in ([0.0, 0.0, 5e-324, 1e6], [0.0, 0.0, 1e-13, 1.0], [3.0, 3.0, 3.0]):
        assert (np.diff(edges(np.array(positions))) > 0).all()


@given(increasing, st.integers(1, 200))
def test_spread_shows_the_cell_at_the_middle_of_each_column(positions, columns):
    borders = edges(positions)
    values = np.arange(len(positions))
    shown = spread(values, borders, columns)
    assert shown.shape == (columns,)
    width = (borders[-1] - borders[0]) / columns
    for column in range(columns):
        middle = borders[0] + (column + 0.5) * width
        cell = shown[column]
        slack = 1e-9 * max(1.0, abs(middle))
        assert borders[cell] - slack <= middle <= borders[cell + 1] + slack


def test_spread_gives_wide_cells_many_columns_and_keeps_rows():
    values = np.array([[1, 10], [2, 20]])
    shown = spread(values, np.array([0.0, 1.0, 4.0]), 4)
    assert shown.tolist() == [[1, 10], [2, 20], [2, 20], [2, 20]]


@pytest.mark.parametrize(
    ("largest", "labels"),
    [
        (0, ["0", "1"]),
        (1, ["0", "1"]),
        (9, ["0", "1"]),
        (10, ["0", "1", "10"]),
        (12_345, ["0", "1", "10", "100", "1,000", "10,000"]),
    ],
)
def test_log_ticks_are_the_decades_within_reach(largest, labels):
    ticks = log_ticks(largest)
    assert [label for _, label in ticks] == labels
    for place, label in ticks:
        assert place == pytest.approx(math.log10(1 + int(label.replace(",", ""))))


@given(
    hnp.arrays(np.float64, st.integers(1, 400), elements=st.floats(-1e6, 1e6) | st.just(np.nan)),
    st.integers(4, 60),
)
def test_thinning_keeps_ends_and_extremes_within_its_budget(values, most):
    kept = thin(values, most)
    assert len(kept) <= max(len(values) if len(values) <= most else 0, most + 2)
    assert (np.diff(kept) > 0).all()
    assert (kept[0], kept[-1]) == (0, len(values) - 1)
    if not np.isnan(values).all():
        assert np.nanmax(values[kept]) == np.nanmax(values)
        assert np.nanmin(values[kept]) == np.nanmin(values)


def test_thinning_loses_no_peak_of_a_long_curve():
    curve = np.zeros(100_000)
    curve[77_777] = 5
    kept = thin(curve, 1000)
    assert 77_777 in kept
    assert len(kept) <= 1002
