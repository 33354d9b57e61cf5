"""Margins, losses, cartography and EL2N against what is written out by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from explorer.derived.predictions.dynamics import cartography, dynamics, spans

STEPS = np.array([0, 1, 3, 10])


def shares(seed, steps=4, examples=7, classes=3):
    return np.random.default_rng(seed).dirichlet(np.ones(classes), (steps, examples))


@given(st.integers(0, 10_000))
def test_of_every_example_at_every_step(seed):
    p = shares(seed)
    labels = np.random.default_rng(seed).integers(0, 3, 7)
    found = dynamics(p, labels)
    for step in range(len(p)):
        for example, label in enumerate(labels):
            row = p[step, example]
            others = [row[other] for other in range(3) if other != label]
            one_hot = np.eye(3)[label]
            assert found.p_true[step, example] == row[label]
            assert found.margin[step, example] == pytest.approx(row[label] - max(others))
            assert found.el2n[step, example] == pytest.approx(np.sqrt(((row - one_hot) ** 2).sum()))
            assert found.loss[step, example] == pytest.approx(-np.log(row[label]))
            assert (found.margin[step, example] > 0) == (row.argmax() == label)


def test_the_ends_of_each_scale():
    found = dynamics([np.array([[1.0, 0.0], [0.0, 1.0], [np.nan, np.nan]])], np.zeros(3, int))
    np.testing.assert_allclose(found.margin[0], [1, -1, np.nan])
    np.testing.assert_allclose(found.el2n[0], [0, np.sqrt(2), np.nan])
    assert found.loss[0, 0] == 0
    assert 80 < found.loss[0, 1] < 90, "a probability of 0 in float32 is a large loss, not infinity"


def test_labels_that_are_no_class_are_refused():
    with pytest.raises(ValueError, match="run from 0 to 3, but there are 3 classes"):
        dynamics(shares(0), np.arange(7) % 4)


def test_a_map_does_not_depend_on_where_the_recorded_steps_lie():
    every = np.arange(101)
    p = np.stack([every / 100, 1 - every / 100, np.full(101, 0.3)], axis=1)
    kept = np.array([0, 1, 2, 3, 5, 8, 12, 20, 30, 45, 60, 80, 100])
    dense, sparse = cartography(p, every), cartography(p[kept], kept)
    np.testing.assert_allclose(sparse.confidence, dense.confidence, atol=0.01)
    np.testing.assert_allclose(sparse.variability, dense.variability, atol=0.01)
    assert p[kept].mean(axis=0)[0] < 0.3, "the plain mean of the same steps is that of the start"


def test_a_map_weighs_each_step_by_the_updates_it_stands_for():
    p = shares(3)[:, :, 0]
    weights = np.array([0.5, 1.5, 4.5, 3.5])
    np.testing.assert_allclose(spans(STEPS), weights)
    found = cartography(p, STEPS)
    mean = np.average(p, axis=0, weights=weights)
    np.testing.assert_allclose(found.confidence, mean)
    deviation = np.sqrt(np.average((p - mean) ** 2, axis=0, weights=weights))
    np.testing.assert_allclose(found.variability, deviation)
    assert list(found.hardest) == sorted(range(7), key=lambda example: mean[example])


def test_what_is_not_a_number_is_left_out_of_a_map():
    p = np.array([[0.2, np.nan], [0.4, np.nan], [np.nan, np.nan], [0.6, np.nan]])
    found = cartography(p, STEPS)
    assert found.confidence[0] == pytest.approx((0.5 * 0.2 + 1.5 * 0.4 + 3.5 * 0.6) / 5.5)
    assert np.isnan(found.confidence[1])
    assert list(found.hardest) == [0, 1]
