"""B less A, pair by pair."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from explorer.derived.pairs.subtraction import subtracted, within
from explorer.derived.pairs.unit_matching import (
    Matching,
    match,
    matching_of,
    partners_of,
    scores_of,
)


def pairs_of(partners, others):
    """Make a matching of the counterpart of each unit; -1: none."""
    numbers = np.array(partners, np.int64)
    return matching_of(numbers, np.where(numbers < 0, np.nan, 0.5), others)


def test_what_belongs_together_is_subtracted_and_the_rest_is_blank():
    first = np.arange(6.0).reshape(2, 3)
    second = np.arange(10.0, 18.0).reshape(2, 4)
    pairs = pairs_of([3, -1, 0], 4)
    found = subtracted(first, second, {1: pairs}, more={1: 2})
    nan = np.nan
    np.testing.assert_array_equal(found, [[13, nan, 8, nan, nan], [14, nan, 9, nan, nan]])


@given(st.permutations(range(5)), st.permutations(range(4)), st.integers(0, 99))
def test_a_permutation_undone_leaves_nothing(rows, columns, seed):
    first = np.random.default_rng(seed).normal(size=(5, 3, 4)).astype(np.float32)
    second = first[list(rows)][:, :, list(columns)]
    pairs = {0: pairs_of(np.argsort(rows), 5), 2: pairs_of(np.argsort(columns), 4)}
    assert (subtracted(first, second, pairs) == 0).all()


def test_without_pairs_equal_indices_belong_together():
    first, second = np.ones((2, 2), np.float32), np.full((2, 2), 3, np.float32)
    np.testing.assert_array_equal(subtracted(first, second, {}), 2)
    assert np.isnan(subtracted(np.array([np.inf]), np.array([np.inf]), {})).all()
    # Numbers without sign must not wrap around.
    assert subtracted(np.array([5], np.uint8), np.array([3], np.uint8), {}).tolist() == [-2]


def test_shapes_and_pairs_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="the same sizes were expected"):
        subtracted(np.zeros((2, 3)), np.zeros((3, 3)), {})
    with pytest.raises(ValueError, match=r"Pairs of \(3, 3\) units were passed for axis 0"):
        subtracted(np.zeros((2, 3)), np.zeros((3, 3)), {0: pairs_of([0, 1, 2], 3)})


def test_some_units_keep_those_of_their_pairs_that_are_there():
    pairs = pairs_of([2, 3, 0, 1], 4)
    found = within(pairs, np.array([2, 3]), np.array([0, 3]))
    assert partners_of(found).tolist() == [0, -1]
    assert found.counts == (2, 2)
    assert found.unmatched_second.tolist() == [1]


@given(st.integers(0, 200), st.integers(1, 5), st.integers(1, 5))
def test_partners_and_scores_tell_the_whole_matching(seed, ours, theirs):
    found = match(np.random.default_rng(seed).normal(size=(ours, theirs)))
    again = matching_of(partners_of(found), scores_of(found), theirs)
    for name in Matching.__dataclass_fields__:
        np.testing.assert_array_equal(getattr(again, name), getattr(found, name))
    assert found.counts == (ours, theirs)


def test_units_whose_negatives_are_alike_are_turned_before_they_are_subtracted():
    first = np.arange(6.0).reshape(2, 3)
    second = (first * [1, -1, -1])[:, [2, 0, 1]] + 0.5
    pairs = Matching(
        np.arange(3), np.array([1, 2, 0]), np.array([1.0, -1.0, -1.0]), *[np.zeros(0, int)] * 2
    )
    found = subtracted(first, second, {1: pairs})
    np.testing.assert_array_equal(found, np.tile([0.5, -0.5, -0.5], (2, 1)))
    in_order = Matching(np.arange(3), np.arange(3), pairs.scores, *[np.zeros(0, int)] * 2)
    np.testing.assert_array_equal(subtracted(first, first * pairs.signs, {1: in_order}), 0 * first)
    np.testing.assert_array_equal(subtracted(first, first, {1: in_order.unturned}), 0 * first)
