"""Spectra of matrices that are known beforehand, and eigenvalues that keep their place."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.linalg import svdvals

from explorer.derived.recurrent.spectra import spectrum, track


def rotation(angle: float) -> np.ndarray:
    return np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])


def test_matrices_of_known_spectra() -> None:
    turn = np.linalg.qr(np.random.default_rng(0).normal(size=(4, 4)))[0]
    shift = np.diag(np.ones(3), 1)
    found = spectrum(np.stack([turn, 0.5 * np.eye(4), shift, np.zeros((4, 4))]))
    np.testing.assert_allclose(found.radius, [1, 0.5, 0, 0], atol=1e-12)
    np.testing.assert_allclose(found.norm, [1, 0.5, 1, 0], atol=1e-12)
    # The eigenvalues of a normal matrix make up its Frobenius norm, those of a shift none of it.
    np.testing.assert_allclose(found.departure, [0, 0, 1, 0], atol=1e-6)
    np.testing.assert_allclose(np.abs(found.eigenvalues[0]), 1)


def test_departure_of_a_triangle() -> None:
    found = spectrum(np.array([[[1.0, 2.0], [0.0, -1.0]]], np.float32))
    assert found.departure.tolist() == pytest.approx([np.sqrt(4 / 6)])
    assert found.radius.tolist() == [1]
    assert found.norm.tolist() == pytest.approx([svdvals([[1, 2], [0, -1]])[0]])


def test_each_step_has_its_own_eigenvalues() -> None:
    matrices = np.random.default_rng(1).normal(size=(6, 7, 7))
    found = spectrum(matrices)
    for step, matrix in enumerate(matrices):
        expected = np.sort_complex(np.linalg.eigvals(matrix))
        np.testing.assert_allclose(np.sort_complex(found.eigenvalues[step]), expected)
    assert (np.diff(np.abs(found.eigenvalues[0])) <= 1e-12).all()


def test_eigenvalues_keep_their_place_while_they_turn() -> None:
    angles = np.linspace(0.1, 3, 60)
    found = spectrum(np.stack([rotation(angle) for angle in angles])).eigenvalues
    np.testing.assert_allclose(found[:, 0], np.exp(1j * angles))
    np.testing.assert_allclose(found[:, 1], np.exp(-1j * angles))


@given(st.integers(1, 6), st.integers(1, 8), st.randoms(use_true_random=False))
def test_shuffled_paths_are_put_together_again(count, steps, random):
    paths = np.arange(count)[::-1] + 0.02j * np.arange(steps)[:, None] + count
    shuffled = np.array([random.sample(row.tolist(), count) for row in paths])
    np.testing.assert_array_equal(track(shuffled), paths)


def test_steps_that_are_not_finite_are_stepped_over() -> None:
    matrices = np.stack([rotation(0.5), np.full((2, 2), np.nan), rotation(0.6), rotation(0.6)])
    matrices[3, 0, 0] = np.inf
    found = spectrum(matrices)
    lost = [False, True, False, True]
    assert np.isnan(found.eigenvalues).all(axis=1).tolist() == lost
    for values in (found.radius, found.norm, found.departure):
        assert np.isnan(values).tolist() == lost
    np.testing.assert_allclose(found.eigenvalues[2], np.exp([0.6j, -0.6j]))
    assert np.isnan(spectrum(matrices[1:2]).radius).all()


def test_one_unit() -> None:
    found = spectrum(np.array([[[-0.5]], [[0.0]]]))
    assert found.eigenvalues.tolist() == [[-0.5], [0]]
    assert found.radius.tolist() == [0.5, 0]
    assert found.departure.tolist() == [0, 0]
