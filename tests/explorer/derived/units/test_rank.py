"""Effective and stable rank against NumPy and SciPy."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from explorer.derived.units.rank import (
    as_matrix,
    deviations,
    effective_rank,
    singular_values,
    spectra_over_steps,
    stable_rank,
)


@given(st.integers(0, 10_000), st.integers(1, 9), st.integers(1, 9))
def test_of_any_matrix(seed, rows, columns):
    from scipy.linalg import svdvals
    from scipy.stats import entropy

    matrix = np.random.default_rng(seed).normal(size=(rows, columns))
    found = singular_values(matrix)
    np.testing.assert_allclose(found, svdvals(matrix), rtol=1e-10)
    assert effective_rank(found) == pytest.approx(np.exp(entropy(svdvals(matrix))))
    expected = np.linalg.norm(matrix) ** 2 / np.linalg.norm(matrix, 2) ** 2
    assert stable_rank(found) == pytest.approx(expected)
    assert stable_rank(found) + 1e-9 >= 1
    assert stable_rank(found) <= min(rows, columns) + 1e-9
    assert effective_rank(found) <= min(rows, columns) + 1e-9
    assert effective_rank(found) == pytest.approx(effective_rank(3 * found))


def test_directions_that_are_alike_count_fully():
    assert effective_rank(np.ones(7)) == pytest.approx(7)
    assert stable_rank(np.ones(7)) == 7
    outer = singular_values(np.outer([1.0, 2, 3], [4.0, 5]))
    assert effective_rank(outer) == pytest.approx(1, abs=1e-6)
    assert np.isnan(effective_rank(np.zeros(3)))
    assert np.isnan(stable_rank(np.zeros(3)))
    assert np.isnan(stable_rank(singular_values(np.array([[np.inf, 1.0]]))))


@pytest.mark.parametrize("shape", [(30, 1, 8), (5, 2, 20), (6, 9, 4)])
def test_activations_count_about_their_mean(shape):
    frame = 10 + np.random.default_rng(2).normal(size=shape)
    rows = frame.reshape(-1, shape[-1])
    expected = np.linalg.svd(rows - rows.mean(axis=0), compute_uv=False)[: len(rows) - 1]
    np.testing.assert_allclose(deviations(frame), expected, rtol=1e-6, atol=1e-6)
    assert not deviations(np.ones(shape)).any()
    frame[0, 0, 0] = np.nan
    assert np.isnan(deviations(frame)).all()


def test_over_steps_ranks_are_shares():
    found = spectra_over_steps([np.array([3.0, 3.0, 0.0, 0.0]), np.full(4, np.nan)])
    np.testing.assert_allclose(found.largest, [3, np.nan])
    np.testing.assert_allclose(found.effective, [0.5, np.nan])
    np.testing.assert_allclose(found.stable, [0.5, np.nan])


def test_kernels_are_read_with_their_units_as_columns():
    kernel = np.arange(24.0).reshape(2, 3, 1, 4)
    np.testing.assert_array_equal(as_matrix(kernel), kernel.reshape(6, 4))
    assert as_matrix(np.ones(5)).shape == (5, 1)
