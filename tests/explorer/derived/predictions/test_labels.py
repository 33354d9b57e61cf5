"""Labels fit the probes or are refused; a number that is no class is of no class."""

from __future__ import annotations

import numpy as np
import pytest

from explorer.derived.predictions.labels import NO_CLASS, check_labels, memberships, too_few


def test_each_probe_is_of_its_class_and_one_without_label_of_none():
    found = memberships(np.array([1, NO_CLASS, 0, 7]), 2)
    assert found.tolist() == [[False, False, True, False], [True, False, False, False]]


@pytest.mark.parametrize(
    "labels", [np.zeros(3, int), np.zeros((4, 1), int), np.zeros(4)], ids=["few", "2-d", "floats"]
)
def test_labels_that_do_not_fit_are_refused(labels):
    with pytest.raises(ValueError, match=r"for 4 probes; whole numbers of shape \(4,\)"):
        check_labels(labels, 4)


def test_few_examples_of_a_class_are_too_few():
    assert too_few(np.repeat([0, 1, 2], 12)) is None
    assert too_few(np.repeat([0, 1], [30, 9])).startswith("Too few: a class has 9 examples")
    assert too_few(np.repeat([0, 1], [30, 1])).startswith("Too few: a class has 1 example,")
    assert too_few(np.zeros(30, int)) == "Too few: there are not two classes."
