"""Since when two runs differ, and about which probes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from explorer.derived.pairs.difference import weight_distance
from explorer.derived.pairs.divergence import (
    FIRST_RIGHT,
    NO_DISPUTE,
    SECOND_RIGHT,
    disputes,
    divergence,
)
from explorer.derived.predictions.verdicts import RIGHT, UNKNOWN, WRONG
from explorer.derived.time.over_steps import NEVER


def test_two_runs_part_where_a_layer_first_differs():
    found = divergence(
        np.array(
            [[0, np.nan, 0, 0], [1e-7, np.nan, 0, 0], [0, np.nan, 0.2, 0.9], [3, np.nan, 0, 1]]
        )
    )
    assert (found.status, found.position, found.layer) == ("diverged", 2, 2)
    assert found.since.tolist() == [3, NEVER, 2, 2]
    strict = divergence(np.array([[0, 0], [1e-7, 0]]), tolerance=0)
    assert (strict.status, strict.position, strict.layer) == ("diverged", 1, 0)


@pytest.mark.parametrize(
    ("distances", "status"),
    [
        (np.zeros((3, 2)), "never"),
        (np.array([[0, 1.4], [0, 1.5]]), "no shared initialization"),
        (np.array([[0, np.inf]]), "no shared initialization"),
        (np.full((3, 2), np.nan), "nothing to compare"),
        (np.zeros((0, 2)), "nothing to compare"),
        (np.zeros((2, 0)), "nothing to compare"),
    ],
)
def test_what_else_may_be(distances, status):
    found = divergence(distances)
    assert (found.status, found.position, found.layer) == (status, None, None)


def test_a_run_that_turned_nan_parts_there():
    steps = [np.ones(3), np.ones(3), np.array([1, np.nan, 1])]
    distances = np.array([[weight_distance([np.ones(3)], [frame])] for frame in steps])
    assert divergence(distances).position == 2


def test_distances_without_a_layer_axis_are_refused():
    with pytest.raises(ValueError, match=r"shape \(3,\) were passed; \(position, layer\)"):
        divergence(np.zeros(3))


marks = hnp.arrays(
    np.uint8, st.tuples(st.just(2), st.integers(0, 6), st.integers(0, 4)),
    elements=st.sampled_from([RIGHT, WRONG, UNKNOWN]),
)  # fmt: skip


@given(marks)
def test_disputes_are_what_counting_out_gives(pair):
    first, second = pair
    found = disputes(first, second)
    names = {(RIGHT, WRONG): FIRST_RIGHT, (WRONG, RIGHT): SECOND_RIGHT}
    for position, probe in np.ndindex(*first.shape):
        kind = names.get((first[position, probe], second[position, probe]), NO_DISPUTE)
        assert found.kind[position, probe] == kind
        if kind == NO_DISPUTE:
            assert found.since[position, probe] == NEVER
            continue
        begin = position
        while begin and found.kind[begin - 1, probe] == kind:
            begin -= 1
        assert found.since[position, probe] == begin


def test_the_longest_dispute_comes_first():
    first = np.array([[WRONG, RIGHT, RIGHT], [RIGHT, RIGHT, WRONG]])
    second = np.array([[WRONG, WRONG, WRONG], [WRONG, WRONG, RIGHT]])
    found = disputes(first, second)
    assert found.at(1, FIRST_RIGHT).tolist() == [1, 0]
    assert found.at(1, SECOND_RIGHT).tolist() == [2]
    assert found.at(0, SECOND_RIGHT).tolist() == []


def test_a_dispute_that_turns_round_begins_anew():
    right, wrong = np.array([[RIGHT], [RIGHT], [WRONG]]), np.array([[WRONG], [WRONG], [RIGHT]])
    assert disputes(right, wrong).since[:, 0].tolist() == [0, 0, 2]


def test_marks_of_other_probes_are_refused():
    with pytest.raises(ValueError, match=r"shape \(1, 2\) and \(1, 3\)"):
        disputes(np.zeros((1, 2), np.uint8), np.zeros((1, 3), np.uint8))
