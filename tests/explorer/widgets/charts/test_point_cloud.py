"""The point cloud: what it takes, and the arithmetic of its script."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from explorer.widgets.charts.point_cloud import PointCloud
from tests.explorer.node import evaluated, js

RNG = np.random.default_rng(0)


def called(expression):
    return evaluated("widgets/charts/point_cloud.js", expression)


# -- what it takes ----------------------------------------------------------------------------


def test_arrays_are_cast_to_what_the_browser_draws():
    cloud = PointCloud(positions=RNG.normal(size=(3, 4, 2)), shapes=[[0, 1, 2, 0]] * 3)
    assert (cloud.positions.dtype, cloud.shapes.dtype) == (np.float32, np.uint8)
    cloud.positions = np.asfortranarray(np.full((3, 4, 2), 1e300))
    assert np.isposinf(cloud.positions).all()
    assert cloud.positions.flags.c_contiguous


def test_without_anything_there_is_nothing_to_draw():
    assert (PointCloud().positions, PointCloud().shapes) == (None, None)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (np.zeros((3, 4)), "positions: expected numbers of shape (step, point, 2), got shape (3,"),
        (np.zeros((3, 4, 3)), "(step, point, 2), got shape (3, 4, 3)."),
        (np.zeros((3, 4, 2), complex), "got complex128 values."),
        ([["a", "b"]], "got <U1 values."),
    ],
    ids=["two dimensions", "three places", "complex", "text"],
)  # fmt: skip
def test_other_arrays_are_refused_before_anything_changes(wrong, message):
    before = np.zeros((2, 4, 2), np.float32)
    cloud = PointCloud(positions=before)
    with pytest.raises(ValueError) as error:
        cloud.positions = wrong
    assert message in str(error.value)
    assert cloud.positions is before
    with pytest.raises(ValueError):
        PointCloud(positions=wrong)


@pytest.mark.parametrize("wrong", [[[-1, 0]], [[256, 0]], [[0.5, 0]], [[np.nan, 0]]], ids=str)
def test_marks_that_are_no_marks_are_refused(wrong):
    with pytest.raises(ValueError, match="shapes: expected whole numbers from 0 to 255"):
        PointCloud(positions=np.zeros((1, 2, 2)), shapes=wrong)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"labels": ["a"]}, "labels: expected 4, one for each of the 4 points, got 1."),
        ({"colours": ["#111111"] * 5}, "colours: expected 4, one for each of the 4 points, got 5."),
        ({"point_ids": [1, 2]}, "point_ids: expected 4, one for each of the 4 points, got 2."),
        ({"shapes": np.zeros((2, 4))}, "shapes: expected shape (3, 4) as of the positions, got"),
        ({"groups": [["a", "#111111", 3]]}, "groups: expected pairs of name and colour"),
        ({"limits": [0, 1]}, "limits: expected 4, one for each of the ends of the axes, got 2."),
        ({"limits": [1, 0, 0, 1]}, "limits: expected x low < x high"),
        ({"circle": -1.0}, "circle"),
        ({"selects": "layer"}, "selects"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_parameters_are_held_to_each_other(parameters, message):
    with pytest.raises(ValueError) as error:
        PointCloud(positions=np.zeros((3, 4, 2)), **parameters)
    assert message in str(error.value)


def test_what_depends_on_each_other_changes_together():
    cloud = PointCloud(positions=np.zeros((3, 2, 2)), labels=["a", "b"])
    cloud.param.update(positions=np.zeros((3, 3, 2)), labels=["a", "b", "c"])
    with pytest.raises(ValueError, match="labels: expected 4"):
        cloud.positions = np.zeros((3, 4, 2))
    assert PointCloud(positions=np.zeros((1, 0, 2))).positions.shape == (1, 0, 2)


# -- axes ---------------------------------------------------------------------------------------


def test_ticks_are_round_evenly_spaced_and_fill_the_axis():
    ends = [(0, 1), (-3.2, 7.9), (1e-6, 3e-6), (-1e30, 2e30), (99.5, 100.5), (0, 12345678)]
    for _ in range(60):
        low = RNG.normal() * 10.0 ** RNG.integers(-3, 4)
        ends.append((low, low + 10.0 ** RNG.uniform(-2, 4)))
    found = called(f"{js(ends)}.map(([low, high]) => ticksOf(low, high, 6))")
    for (low, high), ticks in zip(ends, found, strict=True):
        values = np.array([tick["value"] for tick in ticks])
        span = high - low
        assert 2 <= len(values) <= 7
        assert values.min() >= low - 1e-9 * span
        assert values.max() <= high + 1e-9 * span
        steps = np.diff(values)
        np.testing.assert_allclose(steps, steps[0], rtol=1e-6)
        assert values.min() - low < steps[0] * (1 + 1e-6)
        assert high - values.max() < steps[0] * (1 + 1e-6)
        digit = steps[0] / 10 ** np.floor(np.log10(steps[0]) + 1e-6)
        assert min(abs(digit - times) for times in (1, 2, 5)) < 1e-5
        np.testing.assert_allclose([float(tick["text"]) for tick in ticks], values, atol=1e-12)


@pytest.mark.parametrize("ends", ["NaN, NaN", "0, 0", "1e30, 1e30", "0, Infinity"])
def test_an_axis_without_extent_has_no_ticks(ends):
    assert called(f"ticksOf({ends}, 6)") == []


def test_limits_span_all_finite_points_with_room_around():
    positions = RNG.normal(size=(5, 7, 2)) * [1, 50]
    positions[0, 0] = [np.nan, 1e9]
    positions[1, 3] = [np.inf, 0]
    known = positions[np.isfinite(positions).all(axis=-1)]
    low, high = known.min(axis=0), known.max(axis=0)
    room = 0.05 * (high - low)
    expected = [low[0] - room[0], high[0] + room[0], low[1] - room[1], high[1] + room[1]]
    found = called(f"endsOfPoints({js(positions.ravel())}, 0, 70)")
    np.testing.assert_allclose(found, expected)
    second = called(f"endsOfPoints({js(positions.ravel())}, 14, 28)")
    known = np.delete(positions[1], 3, axis=0)
    low, high = known.min(axis=0), known.max(axis=0)
    room = 0.05 * (high - low)
    np.testing.assert_allclose(second[::2], low - room)
    np.testing.assert_allclose(second[1::2], high + room)


@pytest.mark.parametrize(
    ("arguments", "limits"),
    [
        ("[], 0, 0", [0, 1, 0, 1]),
        ("[NaN, NaN], 0, 2", [0, 1, 0, 1]),
        ("[0, 20], 0, 2", [-1, 1, 18, 22]),
        ("[0.5, 0], 0, 2, 1", [-1.1, 1.1, -1.1, 1.1]),
        ("[], 0, 0, 2", [-2.2, 2.2, -2.2, 2.2]),
    ],
    ids=["none", "NaN", "one point", "circle", "circle alone"],
)
def test_limits_of_few_points(arguments, limits):
    np.testing.assert_allclose(called(f"endsOfPoints({arguments})"), limits)


@pytest.mark.parametrize(("width", "height"), [(600, 200), (200, 600), (300, 300)])
def test_equal_axes_keep_their_middle_and_show_no_less(width, height):
    x0, x1, y0, y1 = called(f"equalised([-1, 3, 10, 16], {width}, {height})")
    np.testing.assert_allclose((x1 - x0) / width, (y1 - y0) / height)
    np.testing.assert_allclose([(x0 + x1) / 2, (y0 + y1) / 2], [1, 13])
    assert x0 <= -1 + 1e-9
    assert y0 <= 10 + 1e-9
    assert np.isclose(x1 - x0, 4) or np.isclose(y1 - y0, 6)


# -- points -------------------------------------------------------------------------------------


def test_the_nearest_point_is_found_among_those_on_screen():
    places = RNG.uniform(0, 100, (40, 2))
    places[::5] = np.nan
    pointers = RNG.uniform(0, 100, (50, 2))
    found = called(f"{js(pointers)}.map(([x, y]) => nearestPlace({js(places.ravel())}, x, y, 12))")
    gaps = np.linalg.norm(places[None] - pointers[:, None], axis=-1)
    expected = np.where(np.nanmin(gaps, axis=1) <= 12, np.nanargmin(gaps, axis=1), -1)
    assert found == expected.tolist()
    assert {-1} < set(found)


@pytest.mark.parametrize(
    ("start", "move", "end"),
    [(-1, 1, 1), (1, 1, 3), (3, 1, 3), (3, -1, 1), (1, -1, 1), (-1, -1, -1)],
)
def test_an_arrow_key_leads_to_the_next_point_on_screen(start, move, end):
    places = [np.nan, np.nan, 1, 1, np.nan, np.nan, 3, 3, np.nan, np.nan]
    assert called(f"neighbour({js(places)}, {start}, {move})") == end


def label_areas(found, widths, line=13):
    """Rectangles of placed labels: (left, top, right, bottom)."""
    return [
        (at[0], at[1] - line / 2, at[0] + width, at[1] + line / 2)
        for at, width in zip(found, widths, strict=True)
        if at is not None
    ]


def overlap(one, other):
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


BOX = "{left: 20, top: 10, width: 300, height: 200}"


def test_labels_cover_neither_points_nor_each_other_and_stay_in_the_plot():
    places = RNG.uniform(0, 1, (60, 2)) * [300, 200] + [20, 10]
    places[7] = np.nan
    widths = RNG.uniform(15, 60, 60)
    widths[8] = 0
    found = called(f"labelPlaces({js(places.ravel())}, {js(widths)}, {BOX}, 4, {list(range(60))})")
    assert len(found) == 60
    assert found[7] is None
    assert found[8] is None
    areas = label_areas(found, widths)
    assert len(areas) > 10
    assert not any(overlap(one, other) for one, other in itertools.combinations(areas, 2))
    for x, y in places[np.isfinite(places[:, 0])]:
        assert not any(overlap(area, (x - 4, y - 4, x + 4, y + 4)) for area in areas)
    for left, top, right, bottom in areas:
        assert 20 <= left < right <= 320
        assert 10 <= top < bottom <= 210


def test_of_two_labels_the_first_in_order_is_placed_and_a_forced_one_in_any_case():
    places, widths = js([100, 100, 102, 100, 104, 100]), js([50, 50, 50])

    def placed(order, forced=()):
        return called(f"labelPlaces({places}, {widths}, {BOX}, 3, {order}, {list(forced)})")

    first, last = placed([0, 1, 2]), placed([2, 1, 0])
    assert first[0] != last[0]
    assert last[2] == [110, 100]  # to the right: radius, 2, and a pixel of room
    crowd = js([side for at in range(81) for side in (100 + 6 * (at % 9), 60 + 6 * (at // 9))])
    words = js([40] * 81)
    free = called(f"labelPlaces({crowd}, {words}, {BOX}, 4, {list(range(81))})")
    assert free[40] is None
    forced = called(f"labelPlaces({crowd}, {words}, {BOX}, 4, {[40, *range(81)]}, [40])")
    assert forced[40] is not None


@pytest.mark.parametrize(("count", "radius"), [(1, 6), (12, 6), (13, 5), (300, 3.5), (5000, 2.5)])
def test_points_are_larger_when_there_are_few(count, radius):
    assert called(f"radiusOf({count})") == radius
