"""How far layers, weights and answers of two runs are apart."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.spatial.distance import jensenshannon
from scipy.stats import ortho_group

from explorer.derived.pairs.difference import (
    cka,
    cka_matrix,
    cka_over_positions,
    prediction_distance,
    probe_gram,
    weight_distance,
)
from explorer.derived.units.similarity import linear_cka


def noise(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


def written_out(x, y):
    """CKA as HSIC with the centring matrix: Kornblith et al. (2019), section 3."""
    x, y = x.reshape(len(x), -1), y.reshape(len(y), -1)
    centring = np.eye(len(x)) - 1 / len(x)

    def hsic(k, l):  # noqa: E741
        return np.trace(k @ centring @ l @ centring) / (len(x) - 1) ** 2

    k, l = x @ x.T, y @ y.T  # noqa: E741
    return hsic(k, l) / np.sqrt(hsic(k, k) * hsic(l, l))


# -- CKA --------------------------------------------------------------------------------------


def test_the_matrix_is_the_definition_for_every_pair_of_layers():
    first = [noise(12, 4, 4, 3, seed=1) + 5, noise(12, 6, seed=2), noise(12, 1, seed=3)]
    second = [noise(12, 8, seed=4), first[0] * 3 + noise(12, 4, 4, 3, seed=5)]
    found = cka_matrix([*map(probe_gram, first)], [*map(probe_gram, second)])
    assert found.shape == (3, 2)
    for i, j in np.ndindex(3, 2):
        assert found[i, j] == pytest.approx(written_out(first[i], second[j]))
    assert cka_matrix([], [probe_gram(first[0])]).shape == (0, 1)


@pytest.mark.parametrize("unbiased", [False, True])
@given(
    seed=st.integers(0, 1000), scale=st.sampled_from([1e-150, 1e-12, 1.0, 1e12, 1e150]),
    holes=st.lists(st.integers(0, 11), max_size=4), features=st.sampled_from([2, 5, 40]),
)  # fmt: skip
def test_grams_give_what_activations_give(unbiased, seed, scale, holes, features):
    x, y = noise(12, 3, seed=seed) + 2, noise(12, features, seed=seed + 1) * scale
    y[:, 0] += x[:, 1] * scale
    y[:, -1] = 0.1 * scale  # constant
    x[holes[:2]], y[holes[2:]] = np.nan, np.inf
    found = cka(probe_gram(x), probe_gram(y), unbiased=unbiased)
    expected = linear_cka(x, y, unbiased=unbiased)
    assert found == pytest.approx(expected, rel=1e-6, abs=1e-9)


@given(seed=st.integers(0, 1000), scale=st.floats(1e-6, 1e6), shift=st.floats(-100, 100))
def test_cka_knows_neither_rotation_nor_scale_nor_shift(seed, scale, shift):
    x, y = noise(12, 4, seed=seed), noise(12, 5, seed=seed + 1)
    expected = cka(probe_gram(x), probe_gram(y))
    moved = (x @ ortho_group.rvs(4, random_state=seed) + shift) * scale
    assert cka(probe_gram(moved), probe_gram(y)) == pytest.approx(expected, rel=1e-6)
    assert cka(probe_gram(x), probe_gram(moved)) == pytest.approx(1)


def test_cka_knows_a_stretch():
    """Not everything that can be undone leaves it alone: one unit ten times as large does not."""
    x = noise(12, 4)
    stretched = x * np.array([10, 1, 1, 1])
    assert cka(probe_gram(x), probe_gram(stretched)) < 0.9


@pytest.mark.parametrize("unbiased", [False, True])
@pytest.mark.parametrize(
    "dead", [np.zeros((6, 3)), np.full((6, 2), 0.1), np.full((6, 2), np.nan), np.ones((6, 0))],
    ids=["dead", "constant", "diverged", "empty"],
)  # fmt: skip
def test_a_layer_that_tells_nothing_is_like_no_other(dead, unbiased):
    assert np.isnan(cka(probe_gram(dead), probe_gram(noise(6, 4)), unbiased=unbiased))


def test_few_probes_are_too_few_and_others_are_refused():
    assert np.isnan(cka(probe_gram(noise(1, 3)), probe_gram(noise(1, 3))))
    assert np.isnan(cka(probe_gram(noise(3, 3)), probe_gram(noise(3, 3)), unbiased=True))
    with pytest.raises(ValueError, match="for 3 and for 4 probes"):
        cka(probe_gram(noise(3, 3)), probe_gram(noise(4, 3)))


def test_over_time_each_position_shows_its_own_steps():
    first = [noise(8, 3, seed=k) for k in range(3)]
    second = [noise(8, 5, seed=k) for k in range(9, 11)]
    shown = np.array([0, 1, 1, 2]), np.array([0, 0, 1, 1])
    found = cka_over_positions([*map(probe_gram, first)], [*map(probe_gram, second)], *shown)
    expected = [written_out(first[i], second[j]) for i, j in zip(*shown, strict=True)]
    np.testing.assert_allclose(found, expected)


# -- weights ----------------------------------------------------------------------------------


def test_the_distance_of_weights_is_that_of_all_values_together():
    a, b = [noise(3, 3, 2, 4), noise(4)], [noise(3, 3, 2, 4, seed=1), noise(4, seed=2)]
    x, y = (np.concatenate([part.ravel() for part in side]) for side in (a, b))
    expected = np.linalg.norm(x - y) / ((np.linalg.norm(x) + np.linalg.norm(y)) / 2)
    assert weight_distance(a, b) == pytest.approx(expected)
    assert weight_distance(a, a) == 0
    assert weight_distance(a, [-part for part in a]) == pytest.approx(2)
    assert weight_distance([np.eye(2)[0]], [np.eye(2)[1]]) == pytest.approx(np.sqrt(2))


@given(
    hnp.arrays(np.float64, (2, 5), elements=st.floats(-1e6, 1e6)), st.sampled_from([0.5, 2, 1024])
)
def test_the_distance_is_symmetric_bounded_and_without_scale(pair, scale):
    a, b = pair
    found = weight_distance([a], [b])
    assert found == weight_distance([b], [a])
    assert 0 <= found <= 2 + 1e-9
    assert weight_distance([a * scale], [b * scale]) == pytest.approx(found, rel=1e-6)


def test_weights_that_diverged_are_infinitely_far_from_those_that_did_not():
    whole, broken = np.array([1.0, 2, 3]), np.array([1.0, np.nan, 4])
    assert weight_distance([whole], [broken]) == np.inf
    expected = 1 / ((np.sqrt(10) + np.sqrt(17)) / 2)
    assert weight_distance([np.array([1, np.inf, 3])], [broken]) == pytest.approx(expected)
    assert np.isnan(weight_distance([broken[1:2]], [broken[1:2]]))
    assert np.isnan(weight_distance([], []))
    assert weight_distance([np.zeros(3)], [np.zeros(3)]) == 0


def test_weights_of_other_shapes_are_refused():
    with pytest.raises(ValueError, match=r"\[\(2,\)\] and \[\(3,\)\] were passed"):
        weight_distance([np.zeros(2)], [np.zeros(3)])


# -- answers ----------------------------------------------------------------------------------


def shares(*shape, seed):
    values = np.random.default_rng(seed).gamma(0.3, size=shape)
    return values / values.sum(axis=-1, keepdims=True)


@given(st.integers(0, 1000))
def test_answers_are_compared_as_scipy_and_hand_do(seed):
    p, q = shares(4, 6, 3, seed=seed), shares(4, 6, 3, seed=seed + 1)
    found = prediction_distance(p, q)
    np.testing.assert_allclose(found.total_variation, np.maximum(p - q, 0).sum(axis=2).mean(axis=1))
    expected = jensenshannon(p, q, base=2, axis=2) ** 2
    np.testing.assert_allclose(found.jensen_shannon, expected.mean(axis=1), atol=1e-12)
    agree = [
        [a.argmax() == b.argmax() for a, b in zip(*row, strict=True)]
        for row in zip(p, q, strict=True)
    ]
    np.testing.assert_allclose(found.agreement, np.mean(agree, axis=1))


def test_the_ends_of_the_scales():
    sure = np.eye(2)[[[0, 1]]]
    same, opposite = prediction_distance(sure, sure), prediction_distance(sure, sure[:, ::-1])
    assert (same.total_variation, same.jensen_shannon, same.agreement) == (0, 0, 1)
    assert (opposite.total_variation, opposite.jensen_shannon, opposite.agreement) == (1, 1, 0)


def test_answers_that_are_not_finite_do_not_count():
    p, q = shares(2, 3, 4, seed=0), shares(2, 3, 4, seed=1)
    p[0, 1], q[1] = np.nan, np.inf
    found, kept = prediction_distance(p, q), prediction_distance(p[:1, ::2], q[:1, ::2])
    for part in ("total_variation", "jensen_shannon", "agreement"):
        values = getattr(found, part)
        assert values[0] == pytest.approx(getattr(kept, part)[0])
        assert np.isnan(values[1])


def test_answers_of_other_classes_are_refused():
    with pytest.raises(ValueError, match=r"shape \(1, 2, 3\) and \(1, 2, 4\)"):
        prediction_distance(np.zeros((1, 2, 3)), np.zeros((1, 2, 4)))


@pytest.mark.parametrize(("size", "apart"), [(1, 2**0.5), (3, 10**0.5 / 2), (1e6, 2)])
def test_weights_at_right_angles_are_further_apart_the_more_their_sizes_differ(size, apart):
    first, second = np.array([1.0, 0.0]), np.array([0.0, size])
    assert weight_distance([first], [second]) == pytest.approx(apart, rel=1e-5)
