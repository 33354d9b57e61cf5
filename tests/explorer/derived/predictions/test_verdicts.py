"""Which answers are right."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from explorer.derived.predictions.verdicts import RIGHT, UNKNOWN, WRONG, judge

shares = hnp.arrays(
    np.float32, st.tuples(st.integers(1, 4), st.integers(1, 4), st.integers(2, 5)),
    elements=st.floats(0, 1, width=32),
)  # fmt: skip


@pytest.mark.parametrize("broken", [np.nan, np.inf])
def test_what_is_not_finite_is_neither_right_nor_wrong(broken):
    output = np.array([[[0.9, 0.1], [0.9, 0.1]], [[broken, broken], [0.2, 0.8]]])
    verdicts = judge([output], np.array([0, 1]))
    assert verdicts.marks.tolist() == [[RIGHT, WRONG], [UNKNOWN, RIGHT]]
    assert verdicts.predicted[0].tolist() == [0, 0]
    assert verdicts.predicted[1, 1] == 1


@given(shares, st.integers(1, 4))
def test_verdicts_do_not_depend_on_the_blocks(values, length):
    labels = np.arange(values.shape[1]) % values.shape[2]
    whole = judge([values], labels)
    blocks = [values[start : start + length] for start in range(0, len(values), length)]
    parts = judge(iter(blocks), labels)
    np.testing.assert_array_equal(parts.predicted, whole.predicted)
    np.testing.assert_array_equal(parts.marks, whole.marks)
    right = whole.predicted == labels
    np.testing.assert_array_equal(whole.marks, np.where(right, RIGHT, WRONG))


@pytest.mark.parametrize(
    ("classes", "dtype"), [(2, np.uint8), (256, np.uint8), (257, np.uint16), (70_000, np.uint32)]
)
def test_predictions_take_as_little_memory_as_they_can(classes, dtype):
    output = np.zeros((1, 1, classes), np.float32)
    output[..., -1] = 1
    verdicts = judge([output], None)
    assert (verdicts.predicted.dtype, verdicts.marks.dtype) == (dtype, np.uint8)
    assert verdicts.predicted.tolist() == [[classes - 1]]


@pytest.mark.parametrize("labels", [None, np.array([0, 1, 0])], ids=["none", "too many"])
def test_without_fitting_labels_all_marks_are_unknown(labels):
    marks = judge([np.full((2, 2, 3), 1 / 3)], labels).marks
    assert marks.tolist() == [[UNKNOWN] * 2] * 2
