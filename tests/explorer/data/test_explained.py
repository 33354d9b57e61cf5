"""The explained class is one class at every step."""

from __future__ import annotations

import numpy as np
import pytest

from explorer.data.explained import explained_class, most_probable
from tests.explorer.conftest import with_probe


@pytest.mark.parametrize("probe", range(3))
def test_it_is_the_true_class_whatever_the_network_says(image_data, probe):
    found = explained_class(image_data, probe, -1)
    assert found.number == image_data.run.probe.labels[probe]
    assert found.reason == "the true class"


def test_a_chosen_class_is_explained_and_a_number_that_is_none_is_not(image_data):
    assert explained_class(image_data, 0, 1).number == 1
    outside = explained_class(image_data, 0, len(image_data.class_names))
    assert outside == explained_class(image_data, 0, -1)


def test_without_labels_it_is_the_class_that_the_network_ends_with(recorded):
    data = recorded(with_probe(labels=None))
    last = data.probabilities(0)[-1]
    found = explained_class(data, 0, -1)
    assert found.number == np.argmax(last)
    assert found.reason == "the class at the last step"


def test_a_probability_that_is_no_number_is_the_least():
    assert most_probable(np.array([np.nan, 0.2, 0.1])) == 1
