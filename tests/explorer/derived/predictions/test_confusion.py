"""Confusion matrices over time."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from explorer.derived.predictions.confusion import (
    Confusion,
    confused_pairs,
    confusion_matrices,
    precision,
    recall,
)
from explorer.derived.predictions.verdicts import RIGHT, UNKNOWN, WRONG, Verdicts

CLASSES = 3


@st.composite
def judged(draw):
    steps, probes = draw(st.integers(1, 4)), draw(st.integers(0, 5))
    predicted = draw(hnp.arrays(np.uint8, (steps, probes), elements=st.integers(0, CLASSES - 1)))
    labels = draw(hnp.arrays(np.int64, probes, elements=st.integers(-1, CLASSES)))
    unknown = draw(hnp.arrays(bool, (steps, probes)))
    marks = np.where(unknown, UNKNOWN, np.where(predicted == labels, RIGHT, WRONG))
    return Verdicts(predicted, marks.astype(np.uint8)), labels


@given(judged())
def test_counts_recall_and_precision_are_those_of_a_loop(drawn):
    verdicts, labels = drawn
    found = confusion_matrices(verdicts, labels, classes=CLASSES)
    recalls, precisions = recall(found), precision(found)
    for step in range(len(verdicts.predicted)):
        pairs = [
            (int(true), int(predicted))
            for true, predicted, mark in zip(
                labels, verdicts.predicted[step], verdicts.marks[step], strict=True
            )
            if mark != UNKNOWN and 0 <= true < CLASSES
        ]
        for true, predicted in np.ndindex(CLASSES, CLASSES):
            assert found[step, true, predicted] == pairs.count((true, predicted))
        for name in range(CLASSES):
            of_class = [predicted == name for true, predicted in pairs if true == name]
            taken_for = [true == name for true, predicted in pairs if predicted == name]
            for values, expected in ((recalls, of_class), (precisions, taken_for)):
                share = np.mean(expected) if expected else np.nan
                np.testing.assert_allclose(values[step, name], share)


def test_what_is_confused_most_comes_first_and_ties_keep_the_order_of_classes():
    matrix = np.array([[9, 2, 0], [4, 9, 2], [1, 0, 9]], np.int32)
    assert confused_pairs(matrix) == [
        Confusion(1, 0, 4), Confusion(0, 1, 2), Confusion(1, 2, 2), Confusion(2, 0, 1),
    ]  # fmt: skip
    assert confused_pairs(matrix, 1) == [Confusion(1, 0, 4)]
    assert matrix.trace() == 27, "the matrix is left as it is"


def test_nothing_is_confused_where_all_is_right():
    assert confused_pairs(np.eye(3, dtype=int)) == []


def test_classes_beyond_the_dtype_of_the_predictions_are_counted():
    verdicts = Verdicts(np.array([[255, 255]], np.uint8), np.array([[RIGHT, WRONG]], np.uint8))
    found = confusion_matrices(verdicts, np.array([255, 2]), classes=256)
    assert (found.sum(), found[0, 255, 255], found[0, 2, 255]) == (2, 1, 1)
