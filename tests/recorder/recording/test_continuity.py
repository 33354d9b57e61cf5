"""Weights that go on from where they were are told from those that were set."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recorder.recording.continuity import Continuity
from recorder.weight_sample import WeightSample


class Weights:
    """A variable, and what samples it."""

    def __init__(self, values: np.ndarray) -> None:
        self.values = values.astype(np.float32)

    def sample(self) -> WeightSample:
        return WeightSample(
            [self.values.shape], lambda strides: lambda: self.values.ravel()[:: strides[0]]
        )


def drawn(seed: int, size: int = 4000) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=size).astype(np.float32)


@given(st.integers(0, 2**31), st.floats(1e-4, 1.0))
def test_a_set_of_weights_is_told_from_another_near_it(seed: int, share: float) -> None:
    weights = Weights(drawn(seed))
    continuity = Continuity(weights.sample())
    continuity.leave()
    assert continuity.is_as_left()
    weights.values = weights.values + np.float32(share) * drawn(seed + 1)
    assert not continuity.is_as_left()
    assert continuity.go_on()
    assert not continuity.go_on()


@given(st.integers(0, 2**31))
def test_what_is_swapped_out_by_subtraction_is_the_same(seed: int) -> None:
    """So Keras swaps averages in and out: the last bits of the weights change."""
    before, other = drawn(seed), drawn(seed + 1)
    weights = Weights(before)
    continuity = Continuity(weights.sample())
    continuity.leave()
    weights.values = (before + other) - other
    assert not np.array_equal(weights.values, before)
    assert not continuity.go_on()


def test_the_first_and_all_that_were_left_are_known() -> None:
    weights = Weights(drawn(0))
    continuity = Continuity(weights.sample())
    for seed in range(4):
        weights.values = drawn(seed)
        continuity.leave()
    assert not continuity.is_at_start()
    weights.values = drawn(2)
    assert (continuity.is_known(), continuity.is_as_left()) == (True, False)
    weights.values = drawn(0)
    assert (continuity.is_known(), continuity.is_at_start()) == (True, True)
    weights.values = drawn(9)
    assert not continuity.is_known()


@pytest.mark.parametrize("broken", [np.nan, np.inf])
def test_weights_that_broke_down_are_as_they_were_left(broken: float) -> None:
    weights = Weights(np.full(10, broken))
    continuity = Continuity(weights.sample())
    continuity.leave()
    assert not continuity.go_on()
    continuity.leave()
    weights.values = drawn(1, 10)
    assert continuity.go_on()


def test_a_model_without_trainable_weights_is_always_as_it_was() -> None:
    continuity = Continuity(WeightSample([], lambda _: lambda: np.empty(0)))
    continuity.leave()
    assert not continuity.go_on()
    assert continuity.is_as_left()
