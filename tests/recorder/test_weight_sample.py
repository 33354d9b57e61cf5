"""A few elements stand for all weights of a network."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from recorder.weight_sample import SAMPLED, WeightSample


def sample_of(*variables: np.ndarray) -> WeightSample:
    def reader(strides: Sequence[int]) -> Callable[[], np.ndarray]:
        pairs = list(zip(variables, strides, strict=True))
        return lambda: np.concatenate([each.ravel()[::stride] for each, stride in pairs])

    return WeightSample([each.shape for each in variables], reader)


@pytest.mark.parametrize("moved", [[], [0], [1], [2], [0, 2], [0, 1, 2]])
def test_each_variable_that_has_moved_is_told(moved: list[int]) -> None:
    large = np.zeros((SAMPLED, 5), np.float32)
    variables = [np.ones((2, 3), np.float32), large, np.array([np.nan, 1], np.float32)]
    sample = sample_of(*variables)
    before = sample.now().copy()
    for number in moved:
        variables[number] += 1
    assert sample.moved_since(before) == [number in moved for number in range(3)]


def test_of_no_variable_nothing_has_moved() -> None:
    sample = sample_of()
    assert sample.moved_since(sample.now()) == []
