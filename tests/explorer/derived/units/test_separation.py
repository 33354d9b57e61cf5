"""Silhouettes of classes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.stats import ortho_group

from explorer.derived.units.separation import separation, silhouettes


def written_out(points, labels):
    """Rousseeuw's definition, probe by probe."""
    found = []
    for point, name in zip(points, labels, strict=True):
        apart = np.linalg.norm(points - point, axis=1)
        means = {
            other: apart[labels == other].sum() / ((labels == other).sum() - (other == name))
            for other in set(labels.tolist())
            if other != name or (labels == name).sum() > 1
        }
        if name not in means:
            found.append(0.0)
            continue
        within, near = means.pop(name), min(means.values())
        found.append((near - within) / max(near, within) if max(near, within) else 0.0)
    return found


@given(
    hnp.arrays(np.float64, (6, 2), elements=st.integers(-4, 4).map(float)),
    hnp.arrays(np.int64, 6, elements=st.integers(0, 2)),
)
def test_silhouettes_are_those_of_the_definition(points, labels):
    found = silhouettes(points, labels)
    if len(set(labels.tolist())) < 2:
        assert np.isnan(found).all()
    else:
        np.testing.assert_allclose(found, written_out(points, labels), atol=1e-9)


def test_by_hand():
    found = silhouettes(np.array([[0.0], [1.0], [4.0]]), np.array([0, 0, 1]))
    np.testing.assert_allclose(found, [3 / 4, 2 / 3, 0])


def test_only_distances_count():
    generator = np.random.default_rng(0)
    rows, labels = generator.normal(size=(12, 5)), generator.integers(0, 3, 12)
    turned = 7 * rows @ ortho_group.rvs(5, random_state=0) - 3
    np.testing.assert_allclose(silhouettes(turned, labels), silhouettes(rows, labels), atol=1e-9)


def test_classes_that_move_apart_separate():
    labels = np.repeat([0, 1], 5)
    noise = np.random.default_rng(0).normal(size=(10, 2, 2, 3))
    history = [noise + gap * labels[:, None, None, None] for gap in (0, 1, 5, 50)]
    found = separation(iter(history), labels)
    assert found.shape == (4,)
    assert (np.diff(found) > 0).all()
    assert found[-1] > 0.9


@pytest.mark.parametrize("labels", [np.full(4, -1), np.zeros(4, int), np.array([0, -1, -1, -1])])
def test_without_two_classes_there_is_no_separation(labels):
    assert np.isnan(separation([np.eye(4)], labels)).all()


def test_a_dead_layer_separates_nothing_and_a_diverged_one_is_not_known():
    labels = np.array([0, 0, 1, 1])
    found = separation([np.zeros((4, 3)), np.full((4, 3), np.nan)], labels)
    np.testing.assert_array_equal(found, [0, np.nan])


def test_probes_without_label_or_finite_values_are_left_out():
    points = np.array([[0.0], [1.0], [4.0], [np.inf], [2.0]])
    found = silhouettes(points, np.array([0, 0, 1, 1, -1]))
    np.testing.assert_allclose(found, [3 / 4, 2 / 3, 0, np.nan, np.nan])
