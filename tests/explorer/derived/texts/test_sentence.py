"""Places of layers along one text, and the units that count most."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from explorer.derived.texts.sentence import Places, at_place, last_read, strongest

OWNED = np.array([[0, 2], [2, 4], [4, 6], [6, 6]])


def test_places_are_cut_to_the_text_and_counted_from_its_first_token():
    places = Places.of(OWNED, (1, 4))
    assert places.shown.tolist() == [0, 1]
    assert places.ranges.tolist() == [[0, 1], [1, 3]]
    assert places.left_out.tolist() == [2, 3]


def test_an_empty_text_shows_no_place():
    places = Places.of(OWNED, (0, 0))
    assert (len(places.shown), places.ranges.shape, len(places.left_out)) == (0, (0, 2), 4)
    assert places.folded(np.ones((4, 2))).tolist() == [[4, 4]]


@given(
    st.integers(0, 6),
    st.integers(0, 6),
    arrays(np.float64, (4, 3), elements=st.floats(-100, 100)),
)
def test_what_is_folded_adds_up_to_all_that_was_there(first, count, parts):
    folded = Places.of(OWNED, (first, min(6, first + count))).folded(parts)
    np.testing.assert_allclose(folded.sum(axis=0), parts.sum(axis=0), atol=1e-9)


def test_values_of_padding_are_blank():
    values = np.arange(8.0).reshape(4, 2)
    blank = Places.of(OWNED, (2, 6)).blank(values)
    np.testing.assert_array_equal(blank, [[2, 3], [4, 5], [np.nan, np.nan]])


def test_the_middle_of_a_place_in_the_padding_is_not_known():
    places = Places.of(OWNED, (1, 4))
    np.testing.assert_array_equal(
        places.middles(np.array([[1, 0], [3, 2]])), [[2, 0.5], [np.nan] * 2]
    )


@pytest.mark.parametrize(
    ("strengths", "most", "chosen", "found"),
    [
        ([0.1, -3, 2, 0], 2, None, [1, 2]),
        ([0.1, -3, 2, 0], 2, 1, [1, 2]),
        ([0.1, -3, 2, 0], 2, 3, [1, 3]),
        ([np.nan, 1, np.nan], 2, None, [1, 0]),
        ([0, 0, 0], 5, 2, [0, 1, 2]),
        ([1.0], 6, 0, [0]),
        ([1.0, 2.0], 1, 7, [1]),
    ],
    ids=["largest", "chosen among them", "chosen", "NaN", "dead", "one", "no such unit"],
)
def test_the_strongest_units_come_first(strengths, most, chosen, found):
    assert strongest(np.array(strengths), most, chosen).tolist() == found


def test_what_is_added_through_one_place_is_nowhere_else():
    assert at_place(np.array([1.0, 2.0]), 1, 3).tolist() == [[0, 0], [1, 2], [0, 0]]


@pytest.mark.parametrize(
    ("mask", "backwards", "place"),
    [
        (None, False, 3),
        (None, True, 0),
        ([0, 1, 1, 0], False, 2),
        ([0, 1, 1, 0], True, 1),
        ([0, 0, 0, 0], False, 3),
    ],
)
def test_a_layer_stops_at_the_last_place_that_it_reads(mask, backwards, place):
    read = None if mask is None else np.array(mask, bool)
    assert last_read(read, 4, backwards=backwards) == place
