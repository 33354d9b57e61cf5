"""Histograms over steps equal NumPy's, step by step."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from explorer.derived.time.distributions import BINS, distribution_over_steps

frames = st.lists(
    hnp.arrays(
        np.float32,
        st.integers(1, 40),
        elements=st.floats(-1000, 1000, width=32) | st.sampled_from([np.nan, np.inf, -np.inf]),
    ),
    min_size=1,
    max_size=6,
)


@given(frames, st.integers(1, 20))
def test_each_step_is_its_histogram_over_common_bins(values, bins):
    found = distribution_over_steps(lambda: iter(values), bins=bins)
    known = [frame[np.isfinite(frame)] for frame in values]
    assert found.share.shape == (len(values), bins)
    assert len(found.edges) == bins + 1
    for step, finite in enumerate(known):
        expected = np.histogram(finite, found.edges)[0] / max(1, len(finite))
        np.testing.assert_allclose(found.share[step], expected)
        assert found.share[step].sum() == pytest.approx(1 if len(finite) else 0)
    lost = [len(frame) - len(finite) for frame, finite in zip(values, known, strict=True)]
    assert found.not_finite.tolist() == lost


def test_bins_reach_from_the_least_to_the_greatest_value_of_all_steps():
    found = distribution_over_steps(lambda: [np.array([0.0, 2.0]), np.array([-6.0, 1.0])], bins=4)
    assert found.edges.tolist() == [-6, -4, -2, 0, 2]
    assert found.share.tolist() == [[0, 0, 0, 1], [0.5, 0, 0, 0.5]]


def test_a_constant_lies_in_the_middle_of_its_bins():
    found = distribution_over_steps(lambda: [np.full(7, 3.0)] * 2, bins=3)
    assert (found.edges[0], found.edges[-1]) == (2.5, 3.5)
    assert found.share.tolist() == [[0, 1, 0]] * 2


def test_nothing_finite_is_counted_and_has_no_share():
    found = distribution_over_steps(lambda: [np.full((2, 3), np.nan)])
    assert found.share.shape == (1, BINS)
    assert found.share.sum() == 0
    assert found.not_finite.tolist() == [6]
    assert (np.diff(found.edges) > 0).all()


def test_no_more_than_one_frame_is_held():
    alive = []

    def one_after_the_other():
        for step in range(5):
            alive.append(step)
            yield np.full(3, float(step))

    distribution_over_steps(one_after_the_other)
    assert alive == [*range(5), *range(5)]
