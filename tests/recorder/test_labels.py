"""What labels ask of a network is said by its loss, not by how a few rows look."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from recorder.labels import Labels, asked_by

NUMBERS = np.array([0, 1, 1])
ONE_EACH = np.array([[0, 1, 0], [1, 0, 0], [0, 0, 1]], np.float32)


@pytest.mark.parametrize(
    ("loss", "shape", "labels", "task"),
    [
        ("sparse_categorical_crossentropy", (3,), NUMBERS, "classes"),
        ("categorical_crossentropy", (3,), ONE_EACH, "classes"),
        ("categorical_crossentropy", (3,), np.full((3, 3), 1 / 3), "classes"),
        ("binary_crossentropy", (1,), NUMBERS, "classes"),
        ("binary_crossentropy", (3,), ONE_EACH, "tags"),
        ("hinge", (1,), NUMBERS, "classes"),
        ("mse", (1,), np.array([0.0, 1.0, 1.0]), "values"),
        ("mse", (1,), NUMBERS, None),
        ("mse", (3,), NUMBERS, "classes"),
        ("mse", (8, 8, 3), np.zeros((3, 8, 8, 3)), "image"),
        ("binary_crossentropy", (8, 8, 1), np.full((3, 8, 8, 1), 0.5), "image"),
        ("binary_crossentropy", (8, 8, 1), np.zeros((3, 8, 8, 1), np.uint8), "mask"),
        ("sparse_categorical_crossentropy", (8, 8, 5), np.zeros((3, 8, 8), int), "mask"),
        ("sparse_categorical_crossentropy", (7, 5), np.zeros((3, 7), int), "sequence"),
        ("my_loss", (3,), ONE_EACH, None),
        (None, (3,), ONE_EACH, None),
        ("mse", (1,), None, "none"),
    ],
)
def test_the_loss_says_what_labels_ask(loss: Any, shape: Any, labels: Any, task: Any) -> None:
    given = Labels.of(labels, None, None)
    assert asked_by(loss, "out", shape, given, ends_in_softmax=False) == task


def test_what_the_user_says_comes_first() -> None:
    given = Labels.of(ONE_EACH, ["a", "b", "c"], "tags")
    assert asked_by("categorical_crossentropy", "out", (3,), given, ends_in_softmax=True) == "tags"


def test_a_softmax_has_one_class_whatever_its_loss_is_called() -> None:
    given = Labels.of(ONE_EACH, None, None)
    assert asked_by("binary_crossentropy", "out", (3,), given, ends_in_softmax=True) == "classes"


def test_a_class_is_stored_as_its_number_and_shares_as_they_are() -> None:
    assert Labels.of(ONE_EACH, None, None).asking("classes").values.tolist() == [1, 0, 2]
    shares = np.full((3, 3), 1 / 3)
    np.testing.assert_array_equal(Labels.of(shares, None, None).asking("classes").values, shares)
    assert Labels.of(NUMBERS, None, None).asking("tags").values.tolist() == [[0], [1], [1]]
