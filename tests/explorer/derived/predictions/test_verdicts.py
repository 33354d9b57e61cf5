"""What the output of a network says about classes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from explorer.derived.predictions.verdicts import (
    RIGHT,
    UNKNOWN,
    WRONG,
    OutputReading,
    are_values,
    class_numbers,
    output_reading,
)

logits = hnp.arrays(
    np.float32, st.tuples(st.integers(1, 4), st.integers(1, 4), st.integers(2, 5)),
    elements=st.floats(-50, 50, width=32),
)  # fmt: skip


def softmax_written_out(values):
    powers = np.exp(values.astype(np.float64) - values.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


def read(output):
    """What a network's output says, read as it says itself."""
    reading = output_reading(output)
    return reading, reading.probabilities(output)


@given(logits)
def test_probabilities_are_kept_as_they_are(values):
    shares = softmax_written_out(values).astype(np.float32)
    reading, probabilities = read(shares)
    np.testing.assert_array_equal(probabilities, shares)
    assert reading == OutputReading("shares", values.shape[-1])
    assert reading.source == "Probabilities are the network's output."


@given(logits)
def test_logits_become_their_softmax(values):
    values[0, 0, 0] = -3  # not a probability, so certainly logits
    reading, probabilities = read(values)
    np.testing.assert_allclose(probabilities, softmax_written_out(values), atol=1e-6)
    assert reading.kind == "logits"
    assert "softmax" in reading.source


def test_float16_probabilities_are_still_probabilities():
    shares = softmax_written_out(np.linspace(-3, 3, 1000).reshape(1, 1, -1)).astype(np.float16)
    np.testing.assert_array_equal(read(shares)[1], shares.astype(np.float32))


def test_one_unit_between_0_and_1_is_the_second_class():
    reading, probabilities = read(np.array([[[0.25], [1.0]]], np.float32))
    np.testing.assert_allclose(probabilities, [[[0.75, 0.25], [0, 1]]])
    assert (reading.kind, reading.classes) == ("sigmoid", 2)


def test_one_unit_beyond_is_a_logit():
    values = np.array([[[-2.0], [0.0], [3.0]]], np.float32)
    reading, probabilities = read(values)
    second = 1 / (1 + np.exp(-values[..., 0]))
    np.testing.assert_allclose(probabilities[..., 1], second, rtol=1e-6)
    np.testing.assert_allclose(probabilities.sum(axis=-1), 1)
    assert (reading.kind, reading.classes) == ("logit", 2)
    assert "logit" in reading.source


@pytest.mark.parametrize("kind", ["shares", "sigmoid", "logit", "logits"])
@given(values=logits)
def test_a_part_is_read_as_the_whole(kind, values):
    one = kind in ("sigmoid", "logit")
    output = values[..., :1] if one else values
    reading = OutputReading(kind, 2 if one else values.shape[-1])
    whole = reading.probabilities(output)
    assert (whole.dtype, whole.shape) == (np.float32, (*values.shape[:2], reading.classes))
    np.testing.assert_array_equal(reading.probabilities(output[:, 0]), whole[:, 0])
    np.testing.assert_array_equal(reading.probabilities(output[1:]), whole[1:])


def test_independent_probabilities_are_no_choice_between_classes():
    assert output_reading(np.array([[[0.9, 0.8, 0.1]]])) is None


@pytest.mark.parametrize("shape", [(4, 3), (2, 3, 4, 5)])
def test_an_output_of_another_shape_is_no_classification(shape):
    assert output_reading(np.ones(shape)) is None


def test_logits_of_a_training_that_diverged_are_nan_without_a_warning():
    output = np.array(
        [[[np.inf, 1, -1], [5, 1, -1], [np.nan, 1, 2], [np.inf, -np.inf, 0]]], np.float32
    )
    known = ~np.isnan(read(output)[1]).any(axis=-1)
    assert known.tolist() == [[False, True, False, False]]


# -- verdicts ---------------------------------------------------------------------------------


def test_nan_is_neither_right_nor_wrong():
    output = np.array([[[0.9, 0.1], [0.9, 0.1]], [[np.nan, np.nan], [0.2, 0.8]]])
    verdicts = output_reading(output).verdicts([output], np.array([0, 1]))
    assert verdicts.marks.tolist() == [[RIGHT, WRONG], [UNKNOWN, RIGHT]]
    assert verdicts.predicted[0].tolist() == [0, 0]
    assert verdicts.predicted[1, 1] == 1


@given(logits, st.integers(1, 4))
def test_verdicts_do_not_depend_on_the_blocks(values, length):
    labels = np.arange(values.shape[1]) % values.shape[2]
    reading = OutputReading("logits", values.shape[-1])
    whole = reading.verdicts([values], labels)
    blocks = [values[start : start + length] for start in range(0, len(values), length)]
    parts = reading.verdicts(iter(blocks), labels)
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
    verdicts = OutputReading("shares", classes).verdicts([output], None)
    assert (verdicts.predicted.dtype, verdicts.marks.dtype) == (dtype, np.uint8)
    assert verdicts.predicted.tolist() == [[classes - 1]]


@pytest.mark.parametrize("labels", [None, np.array([0, 1, 0])], ids=["none", "too many"])
def test_without_fitting_labels_all_marks_are_unknown(labels):
    output = np.full((2, 2, 3), 1 / 3)
    marks = OutputReading("shares", 3).verdicts([output], labels).marks
    assert marks.tolist() == [[UNKNOWN] * 2] * 2


# -- labels -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("labels", "classes", "expected"),
    [
        (np.array([0, 2, 1]), 3, [0, 2, 1]),
        (np.array([0.0, 1.0]), 2, [0, 1]),
        (np.array([[2], [0]]), 3, [2, 0]),
        (np.array([True, False]), 2, [1, 0]),
        (np.array([[0, 1, 0], [1, 0, 0]]), 3, [1, 0]),
        (np.array([[0.1, 0.9], [0.7, 0.3]]), 2, [1, 0]),
        (np.array([0, 3]), 3, None),
        (np.array([-1, 1]), 3, None),
        (np.array([0.5, 1.0]), 3, None),
        (np.array([[1, 1, 0]]), 3, None),
        (np.array([np.nan, 1.0]), 3, None),
        (np.zeros((2, 4, 4), int), 3, None),
    ],
)
def test_labels_as_class_numbers(labels, classes, expected):
    found = class_numbers(labels, classes)
    assert (found if found is None else found.tolist()) == expected


@pytest.mark.parametrize(
    ("labels", "units", "values"),
    [
        (np.array([0, 7, 2]), 10, False),
        (np.array([0, 1, 1]), 1, False),
        (np.array([[0, 1], [1, 0]]), 2, False),
        (np.array([21.5, 18.0]), 1, True),
        (np.array([35, 62]), 1, True),
        (np.array([0.5, 1.5]), 4, True),
        (np.array([[0.1, 5.0], [2.0, 3.0]]), 2, True),
        (np.array([[1, 1, 0]]), 3, True),
    ],
    ids=[
        "classes", "two classes", "one-hot", "temperatures", "ages", "values", "points",
        "several labels at once",
    ],
)  # fmt: skip
def test_labels_that_are_values_to_be_met(labels, units, values):
    assert are_values(labels, units) is values
