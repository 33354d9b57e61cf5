"""Direction and straightness on ways that can be drawn by hand."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from explorer.derived.time.direction import directions_over_steps


def test_on_a_square():
    frames = [np.array(place, float) for place in [(1, 0), (2, 0), (2, 2), (0, 2), (0, 0)]]
    found = directions_over_steps(frames)
    np.testing.assert_allclose(found.cosine, [1, 1, np.sqrt(0.5), 0, np.nan], atol=1e-12)
    expected = [np.nan, 1, np.sqrt(5) / 3, np.sqrt(5) / 5, 1 / 7]
    np.testing.assert_allclose(found.straightness, expected)


@given(st.integers(0, 10_000))
def test_of_any_way(seed):
    from scipy.spatial.distance import cosine

    frames = np.random.default_rng(seed).normal(size=(6, 2, 3))
    found = directions_over_steps(frames.astype(np.float32))
    flat = frames.astype(np.float32).astype(np.float64).reshape(6, -1)
    for step in range(1, 6):
        assert np.isclose(found.cosine[step], 1 - cosine(flat[step], flat[0]))
        way = sum(np.linalg.norm(flat[at] - flat[at - 1]) for at in range(1, step + 1))
        assert np.isclose(found.straightness[step], np.linalg.norm(flat[step] - flat[0]) / way)


def test_growing_is_no_turning_and_standing_still_is_no_way():
    found = directions_over_steps([np.ones(3), np.ones(3), 5 * np.ones(3)])
    np.testing.assert_allclose(found.cosine, 1)
    np.testing.assert_array_equal(found.straightness, [np.nan, np.nan, 1])
    broken = directions_over_steps([np.ones(2), np.array([np.nan, 1])])
    assert np.isnan(broken.cosine[1])
    assert np.isnan(broken.straightness[1])
