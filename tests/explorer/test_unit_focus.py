"""The enlarged map: what Python hands over, and how the browser finds places and colours."""

from __future__ import annotations

import numpy as np
import pytest

from explorer.widgets.unit_focus import UnitFocus
from tests.explorer.node import evaluated
from tests.explorer.test_scripts import own_script

SCRIPT = own_script("unit_focus.js")


def test_places_are_handed_over_as_whole_numbers():
    focus = UnitFocus(
        lambda index: np.full((2, 3), index, np.uint8),
        4,
        key="k",
        picture=np.zeros((5, 6)),
        rows=np.array([[0, 3], [2, 5]], np.int64),
        columns=[[0, 2], [2, 4], [4, 6]],
    )
    assert (focus.rows.dtype, focus.columns.dtype) == (np.int32, np.int32)
    assert (focus.picture.dtype, focus.picture.shape) == (np.uint8, (5, 6))
    sent = []
    focus._send_msg = sent.append
    focus._handle_msg({"key": "k", "want": [3]})
    np.testing.assert_array_equal(sent[0]["payload"]["frame"], np.full((2, 3), 3))


@pytest.mark.parametrize(
    "changes", [{"rows": np.zeros((3, 4))}, {"columns": np.zeros(3)}, {"picture": np.zeros(4)}]
)
def test_places_of_another_shape_are_refused(changes):
    (name,) = changes
    with pytest.raises(ValueError, match=f"{name}: expected numbers of shape"):
        UnitFocus(lambda _: np.zeros((1, 1), np.uint8), 1, **changes)


@pytest.mark.parametrize(
    ("code", "signed", "expected"),
    [
        (0, False, 0),
        (1, False, 0),
        (255, False, 1),
        (0, True, 0),
        (128, True, 0),
        (1, True, 1),
        (255, True, 1),
    ],
)
def test_what_is_nothing_hides_nothing_and_what_is_at_the_limits_all(code, signed, expected):
    assert evaluated(SCRIPT, f"opacity({code}, 1, 255, {str(signed).lower()})") == expected


def test_the_more_there_is_the_more_it_hides():
    rising = evaluated(SCRIPT, "[...Array(128).keys()].map((n) => opacity(128 + n, 1, 255, true))")
    falling = evaluated(SCRIPT, "[...Array(127).keys()].map((n) => opacity(128 - n, 1, 255, true))")
    assert (np.diff(rising) > 0).all()
    np.testing.assert_allclose(falling, rising[:127])


@pytest.mark.parametrize(
    ("place", "expected"), [(1.9, None), (2, 0), (3.99, 0), (4, 1), (7.9, 2), (8, None)]
)
def test_a_position_is_found_below_the_pointer(place, expected):
    """Three positions from 2 to 8."""
    assert evaluated(SCRIPT, f"positionAt({place}, 2, 8, 3)") == expected


@pytest.mark.parametrize(
    ("codes", "expected"),
    [([3, 9, 200, 4], 2), ([0, 5, 0, 2], 1), ([7, 7, 7], None), ([0, 0], None), ([0, 9], None)],
    ids=["largest", "beside NaN", "all alike", "all NaN", "the only one"],
)
def test_the_largest_value_is_pointed_out_unless_all_are_alike(codes, expected):
    assert evaluated(SCRIPT, f"strongest(Uint8Array.from({codes}))") == expected


@pytest.mark.parametrize(
    ("codes", "free", "signed", "expected"),
    [
        ([9, 50], False, False, [1, 255]),
        ([9, 50, 0], True, False, [9, 50]),
        ([118, 130], True, True, [118, 138]),
        ([128, 158], True, True, [98, 158]),
        ([128, 128], True, True, [127, 129]),
        ([5, 5], True, False, [1, 255]),
        ([0], True, True, [1, 255]),
    ],
    ids=["fixed", "free", "signed", "signed up", "all zero", "one value", "all NaN"],
)
def test_free_limits_span_one_step_about_zero_where_values_are_signed(
    codes, free, signed, expected
):
    arguments = f"Uint8Array.from({codes}), {str(free).lower()}, {str(signed).lower()}"
    assert evaluated(SCRIPT, f"span({arguments})") == expected
