"""What is learned, forgotten and learned again."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from explorer.derived.predictions.learning import class_learning, class_shares, learning
from explorer.derived.predictions.verdicts import RIGHT, UNKNOWN, WRONG

R, W, U = RIGHT, WRONG, UNKNOWN
marks_of_steps = hnp.arrays(
    np.uint8, st.tuples(st.integers(1, 7), st.integers(1, 4)), elements=st.sampled_from([R, W, U])
)


@given(marks_of_steps)
def test_learning_is_what_a_loop_finds(marks):
    found = learning(marks)
    for probe, column in enumerate(marks.T.tolist()):
        right = [step for step, mark in enumerate(column) if mark == R]
        lasts = [step for step in range(len(column)) if set(column[step:]) == {R}]
        known = "".join("R" if mark == R else "W" for mark in column if mark != U)
        forgotten = known.count("RW")
        assert found.first_right[probe] == (right[0] if right else -1)
        assert found.stable_since[probe] == (lasts[0] if lasts else -1)
        assert found.forgettings[probe] == forgotten
        assert found.relearnings[probe] == known.lstrip("W").count("WR")
        assert found.never[probe] == (not right)
        assert found.unforgettable[probe] == (bool(right) and not forgotten)


@given(marks_of_steps)
def test_the_order_has_every_probe_once_and_those_learned_first_on_top(marks):
    found = learning(marks)
    assert sorted(found.order) == list(range(marks.shape[1]))
    late = len(marks)
    keys = [
        tuple(late if value < 0 else int(value) for value in (stable, right))
        for stable, right in zip(found.stable_since, found.first_right, strict=True)
    ]
    assert found.order.tolist() == sorted(range(len(keys)), key=lambda probe: keys[probe])


def test_one_probe_by_hand():
    found = learning(np.array([[W, R, U, W, R, R]], np.uint8).T)
    assert (found.first_right.item(), found.stable_since.item()) == (1, 4)
    assert (found.forgettings.item(), found.relearnings.item()) == (1, 1)


def test_a_single_step_and_nothing_known():
    found = learning(np.array([[R, W, U]], np.uint8))
    assert found.stable_since.tolist() == [0, -1, -1]
    assert found.never.tolist() == [False, True, True]
    assert found.forgettings.tolist() == [0, 0, 0]


def test_classes_are_learned_once_enough_of_their_probes_are():
    labels = np.array([0, 0, 1, 1, -1])
    marks = np.array([[R, W, W, W, R], [R, R, U, R, R], [R, R, U, U, R]], np.uint8)
    shares = class_shares(marks, labels, classes=3)
    np.testing.assert_array_equal(shares, [[0.5, 0, np.nan], [1, 1, np.nan], [1, np.nan, np.nan]])
    found = class_learning(shares)
    assert found.first_right.tolist() == [1, 1, -1]
    assert found.stable_since.tolist() == [1, -1, -1]
    assert class_learning(shares, threshold=0.5).stable_since.tolist() == [0, -1, -1]
    assert found.order.tolist() == [0, 1, 2]


def test_a_class_of_which_nothing_is_known_for_a_while_was_not_forgotten():
    found = class_learning(np.array([[1.0, np.nan, 1.0], [1.0, 0.0, 1.0]]).T)
    assert found.forgettings.tolist() == found.relearnings.tolist() == [0, 1]


@given(marks_of_steps, st.data())
def test_class_shares_are_those_of_a_loop(marks, data):
    labels = data.draw(hnp.arrays(np.int64, marks.shape[1], elements=st.integers(-1, 2)))
    found = class_shares(marks, labels, classes=2)
    for step, name in np.ndindex(*found.shape):
        known = [mark == R for mark in marks[step, labels == name] if mark != U]
        np.testing.assert_allclose(found[step, name], np.mean(known) if known else np.nan)
