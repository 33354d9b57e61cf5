"""Values of single batches, against the batches that means were made of."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from explorer.derived.time.batch_values import batch_values


@given(
    epochs=st.lists(st.lists(st.integers(1, 70), min_size=1, max_size=9), min_size=1, max_size=4),
    seed=st.integers(0, 10**6),
)
def test_batches_of_any_sizes_are_found_again(epochs, seed):
    rng = np.random.default_rng(seed)
    made, means, samples = [], [], []
    for sizes in epochs:
        batches = rng.exponential(2, len(sizes))
        made.extend(batches)
        samples.extend(np.cumsum(sizes))
        means.extend(np.cumsum(batches * sizes) / np.cumsum(sizes))
    # An epoch as short as a first batch is told from the next one by nothing, where that is larger.
    ends = np.cumsum([len(sizes) for sizes in epochs])[:-1]
    if any(samples[end] > samples[end - 1] for end in ends):
        return
    np.testing.assert_allclose(batch_values(means, samples), made, rtol=1e-9)


def test_rows_without_a_mean_are_passed_over_and_other_values_stay():
    nan = np.nan
    means = [4.0, nan, 3.0, 7.0, 5.0]
    samples = [10, 20, 30, nan, 10]
    # From 10 to 30 samples: (3 * 30 - 4 * 10) / 20; then a loop of one's own, then a new epoch.
    np.testing.assert_allclose(batch_values(means, samples), [4, nan, 2.5, 7, 5])
    assert np.isnan(batch_values([nan, nan], [1, 2])).all()
    assert batch_values([], []).shape == (0,)


def test_the_last_batch_of_an_epoch_may_be_small():
    batches, sizes = np.array([2.0, 1.0, 9.0]), np.array([64, 64, 4])
    means = np.cumsum(batches * sizes) / np.cumsum(sizes)
    np.testing.assert_allclose(batch_values(means, np.cumsum(sizes)), batches)


def test_what_diverged_is_not_finite_from_there_on():
    found = batch_values([1.0, np.inf, np.inf, 2.0], [1, 2, 3, 1])
    assert found[0] == 1
    assert not np.isfinite(found[1:3]).any()
    assert found[3] == 2


def test_lengths_must_agree():
    with pytest.raises(ValueError, match=r"shape \(2,\) were passed with samples of shape \(3,\)"):
        batch_values(np.zeros(2), np.zeros(3))
