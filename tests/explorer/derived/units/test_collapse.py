"""Neural collapse: 0 of a simplex, and otherwise what the paper's formulas give."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from explorer.derived.units.collapse import collapse

CLASSES = 4


def simplex(units=6):
    """Class means of equal length and angle: (class, unit)."""
    axes = np.linalg.qr(np.random.default_rng(0).normal(size=(units, CLASSES)))[0]
    return 3 * (np.eye(CLASSES) - 1 / CLASSES) @ axes.T


def test_a_simplex_is_complete_collapse():
    labels = np.repeat(np.arange(CLASSES), 5)
    features = 7 + simplex()[labels]
    found = collapse(features, labels, 2 * simplex().T, labels)
    for value in dataclasses.astuple(found):
        assert value == pytest.approx(0, abs=1e-12)


@given(st.integers(0, 1000), st.sampled_from([2, 6, 30]))
def test_it_is_what_the_paper_writes(seed, units):
    generator = np.random.default_rng(seed)
    labels = np.concatenate([np.arange(CLASSES), generator.integers(0, CLASSES, 30)])
    h = generator.normal(size=(CLASSES, units))[labels] + generator.normal(size=(34, units))
    kernel, said = generator.normal(size=(units, CLASSES)), generator.integers(0, CLASSES, 34)
    found = collapse(h, labels, kernel, said)
    means = np.array([h[labels == c].mean(axis=0) for c in range(CLASSES)])
    middle = means.mean(axis=0)
    within = sum(np.outer(x - means[c], x - means[c]) for x, c in zip(h, labels, strict=True)) / 34
    between = sum(np.outer(m - middle, m - middle) for m in means) / CLASSES
    expected = np.trace(within @ np.linalg.pinv(between, rcond=1e-10)) / CLASSES
    assert found.within == pytest.approx(expected, rel=1e-6)
    gaps = means - middle
    cosines = [
        gaps[a] @ gaps[b] / np.linalg.norm(gaps[a]) / np.linalg.norm(gaps[b])
        for a in range(CLASSES)
        for b in range(CLASSES)
        if a != b
    ]
    assert found.angles == pytest.approx(np.mean([abs(c + 1 / 3) for c in cosines]))
    sizes = np.linalg.norm(gaps, axis=1)
    assert found.lengths == pytest.approx(np.std(sizes) / np.mean(sizes))
    gap = kernel.T / np.linalg.norm(kernel, "fro") - gaps / np.linalg.norm(gaps, "fro")
    assert found.duality == pytest.approx(np.linalg.norm(gap, "fro") ** 2)
    nearest = [np.linalg.norm(means - x, axis=1).argmin() for x in h]
    assert found.nearest == np.mean([a != b for a, b in zip(nearest, said, strict=True)])


def test_a_class_without_examples_is_refused():
    with pytest.raises(ValueError, match=r"Each of the 4 classes .* \[2, 2, 0, 2\]"):
        collapse(np.ones((6, 3)), np.repeat([0, 1, 3], 2), np.ones((3, 4)), np.zeros(6, int))


def test_what_is_not_finite_or_does_not_differ_has_no_collapse():
    labels = np.repeat(np.arange(CLASSES), 2)
    same = collapse(np.ones((8, 3)), labels, np.ones((3, 4)), labels)
    assert np.isnan(dataclasses.astuple(same)).all()
    broken = collapse(np.full((8, 3), np.nan), labels, np.ones((3, 4)), labels)
    assert np.isnan(dataclasses.astuple(broken)).all()
