"""Curves without the noise of single batches."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from explorer.derived.time.smoothing import running_median, shortened


def test_windows_grow_with_what_is_past_up_to_a_share_of_the_curve():
    values = np.random.default_rng(0).normal(size=400)
    found = running_median(values)
    for at, side in ((0, 0), (9, 0), (10, 1), (55, 5), (100, 10), (300, 10)):
        assert found[at] == np.median(values[at - side : at + side + 1])
    assert found[399] == np.median(values[389:])
    np.testing.assert_array_equal(running_median(values, whole=True), found[:390])


@given(st.integers(1, 300), st.sampled_from([-1.0, 1.0]))
def test_a_curve_without_noise_stays_as_it_is(count, sign):
    values = sign * np.geomspace(1, 9, count)
    found = running_median(values, whole=True)
    np.testing.assert_array_equal(found, values[: len(found)])
    assert len(found) >= 0.95 * count


def test_a_long_curve_is_shortened_by_medians():
    times, values = shortened(np.arange(10), np.array([0, 9, 1, 0, 1, 5, 5, 9, 5, 5.0]), most=2)
    assert (times.tolist(), values.tolist()) == ([2, 7], [1, 5])
    times, values = shortened(np.arange(3), np.zeros(3), most=3)
    assert (times.tolist(), len(values)) == ([0, 1, 2], 3)


def test_nothing_stays_nothing():
    assert (
        running_median(np.zeros(0)).shape == running_median(np.zeros(0), whole=True).shape == (0,)
    )
