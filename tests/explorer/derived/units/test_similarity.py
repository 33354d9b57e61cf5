"""Likeness of units and of layers, and an order for rows."""

from __future__ import annotations

import itertools
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.spatial.distance import cdist, cosine
from scipy.stats import ortho_group, pearsonr

from explorer.derived.units import similarity
from explorer.derived.units.similarity import (
    Pair,
    activation_correlation,
    greatest_cosine_by_chance,
    kernel_similarity,
    leaf_order,
    linear_cka,
    most_similar_pairs,
)


def noise(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


# -- units ------------------------------------------------------------------------------------


def test_cosines_of_kernels_are_those_of_scipy():
    kernel = noise(3, 3, 2, 5).astype(np.float32)
    found, by_channel = kernel_similarity(kernel), kernel_similarity(kernel, axis=2)
    for i, j in np.ndindex(5, 5):
        expected = 1 - cosine(kernel[..., i].ravel(), kernel[..., j].ravel())
        assert found[i, j] == pytest.approx(expected, abs=1e-6)
    assert by_channel.shape == (2, 2)
    expected = 1 - cosine(kernel[:, :, 0].ravel(), kernel[:, :, 1].ravel())
    assert by_channel[0, 1] == pytest.approx(expected, abs=1e-6)


def test_kernels_that_are_multiples_are_alike_whatever_their_size():
    kernel = np.array([1.0, 2.0, -1.0])[:, None] * np.array([1, -3, 1e-200, 1e200, 0, np.nan])
    found = kernel_similarity(kernel)
    signs = np.array([1, -1, 1, 1])
    np.testing.assert_allclose(found[:4, :4], signs[:, None] * signs)
    assert np.isnan(found[4:]).all()
    assert np.isnan(found[:, 4:]).all()


def test_correlation_of_activations_is_pearsons():
    frame = noise(4, 3, 3, 5) + 100
    frame[..., 3] = 0.1  # constant, though the mean misses it by its rounding
    frame[1, 2, 2, 0] = np.nan
    found = activation_correlation(frame)
    rows = np.delete(frame.reshape(-1, 5), 1 * 9 + 8, axis=0)
    for i, j in itertools.product((0, 1, 2, 4), repeat=2):
        assert found[i, j] == pytest.approx(pearsonr(rows[:, i], rows[:, j]).statistic, abs=1e-5)
    assert np.isnan(found[3]).all()


@pytest.mark.parametrize("frame", [np.full((3, 2), np.nan), np.zeros((3, 2)), np.ones((0, 2))])
def test_units_of_which_nothing_is_known_have_no_correlation(frame):
    assert np.isnan(activation_correlation(frame)).all()


def test_the_most_similar_pairs_come_first_and_once():
    matrix = np.array([[1, 0.2, 0.9], [0.2, 1, np.nan], [0.9, np.nan, 1]])
    assert most_similar_pairs(matrix) == [Pair(0, 2, 0.9), Pair(0, 1, 0.2)]
    assert most_similar_pairs(matrix, 1) == [Pair(0, 2, 0.9)]
    assert most_similar_pairs(np.ones((1, 1))) == []


# -- layers -----------------------------------------------------------------------------------


def cka_written_out(x, y):
    """HSIC of Gretton with the centring matrix, as in Kornblith et al., section 3."""

    def hsic(a, b):
        centring = np.eye(len(a)) - 1 / len(a)
        return np.trace(a @ centring @ b @ centring)

    by_x, by_y = x @ x.T, y @ y.T
    return hsic(by_x, by_y) / np.sqrt(hsic(by_x, by_x) * hsic(by_y, by_y))


def unbiased_hsic(first, second):
    """The U-statistic itself: the mean over all ordered quadruples of different probes."""
    terms = [
        first[a, b] * (second[a, b] + second[c, d] - 2 * second[a, c])
        for a, b, c, d in itertools.permutations(range(len(first)), 4)
    ]
    return np.mean(terms)


SHAPES = [((10, 3), (10, 4)), ((6, 20), (6, 3)), ((5, 9), (5, 30))]


@pytest.mark.parametrize(("first", "second"), SHAPES)
def test_cka_by_features_and_by_probes_is_the_definition(first, second):
    x, y = noise(*first) + 3, noise(*second, seed=1) * 7
    y[:, :3] += x[:, :3]
    assert linear_cka(x, y) == pytest.approx(cka_written_out(x, y))


@pytest.mark.parametrize(("first", "second"), [((7, 2), (7, 3)), ((6, 9), (6, 3))])
def test_unbiased_cka_is_the_mean_over_quadruples(first, second):
    x, y = noise(*first) + 3, noise(*second, seed=1)
    y[:, :2] += x[:, :2]
    by_x, by_y = x @ x.T, y @ y.T
    expected = unbiased_hsic(by_x, by_y) / np.sqrt(
        unbiased_hsic(by_x, by_x) * unbiased_hsic(by_y, by_y)
    )
    assert linear_cka(x, y, unbiased=True) == pytest.approx(expected)


@pytest.mark.parametrize("unbiased", [False, True])
@given(seed=st.integers(0, 100), scale=st.floats(1e-12, 1e12), shift=st.floats(-100, 100))
def test_cka_knows_neither_rotation_nor_scale_nor_shift_nor_order(unbiased, seed, scale, shift):
    x, y = noise(12, 3, seed=seed), noise(12, 5, seed=seed + 1)
    y[:, 0] += 2 * x[:, 1]
    expected = linear_cka(x, y, unbiased=unbiased)
    moved = (x @ ortho_group.rvs(3, random_state=seed) + shift) * scale
    assert linear_cka(moved, y, unbiased=unbiased) == pytest.approx(expected, rel=1e-6, abs=1e-9)
    assert linear_cka(y, x, unbiased=unbiased) == pytest.approx(expected)
    assert linear_cka(x, moved, unbiased=unbiased) == pytest.approx(1)
    order = np.random.default_rng(seed).permutation(12)
    assert linear_cka(x[order], y[order], unbiased=unbiased) == pytest.approx(expected)


def test_what_is_unrelated_is_near_0_without_bias_and_near_1_with():
    pairs = [(noise(8, 2000, seed=seed), noise(8, 2000, seed=seed + 99)) for seed in range(5)]
    assert min(linear_cka(x, y) for x, y in pairs) > 0.9
    assert abs(np.mean([linear_cka(x, y, unbiased=True) for x, y in pairs])) < 0.3


@pytest.mark.parametrize("unbiased", [False, True])
@pytest.mark.parametrize(
    "dead",
    [np.zeros((6, 3)), np.full((6, 2), 0.1), np.full((6, 2), np.nan)],
    ids=["dead", "constant", "diverged"],
)
def test_a_layer_that_tells_nothing_is_like_no_other(dead, unbiased):
    assert np.isnan(linear_cka(dead, noise(6, 4), unbiased=unbiased))
    assert np.isnan(linear_cka(noise(6, 40), dead, unbiased=unbiased))


def test_probes_that_are_not_finite_are_left_out_and_few_are_too_few():
    x, y = noise(7, 2, 2, 3), noise(7, 5, seed=1)
    broken = np.concatenate([x, np.full((1, 2, 2, 3), np.inf)])
    assert linear_cka(broken, np.concatenate([y, y[:1]])) == pytest.approx(linear_cka(x, y))
    assert np.isnan(linear_cka(x[:1], y[:1]))
    assert np.isnan(linear_cka(x[:3], y[:3], unbiased=True))
    with pytest.raises(ValueError, match="for 7 and for 6 probes"):
        linear_cka(x, y[:6])


# -- order ------------------------------------------------------------------------------------

matrices = hnp.arrays(
    np.float64, st.tuples(st.integers(0, 7), st.integers(0, 4)),
    elements=st.sampled_from([0.0, 0.0, 1.0, -2.0, 1e300, np.nan, np.inf]),
)  # fmt: skip


@pytest.mark.parametrize("metric", ["euclidean", "correlation"])
@given(rows=matrices)
def test_every_row_is_there_once_whatever_it_holds(metric, rows):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        order = leaf_order(rows, metric=metric)
    assert sorted(order) == list(range(len(rows)))
    if len(rows) < 3:
        assert order.tolist() == list(range(len(rows)))
    else:
        assert order[0] < order[-1]


def test_points_on_a_line_come_in_their_order():
    line = np.array([5.0, 0.0, 4.1, 1.0, 2.2])[:, None]
    assert leaf_order(line).tolist() == [0, 2, 4, 3, 1]


def test_neighbours_are_as_near_as_in_no_other_order_of_the_tree():
    """Two pairs and one: all orders that keep the tree's groups together, counted out."""
    rows = np.array([[0, 0], [1, 0], [9, 9], [9, 8], [30, 0]], float)
    apart = cdist(rows, rows)

    def length(order):
        return sum(apart[a, b] for a, b in itertools.pairwise(order))

    groups = [((0, 1), (2, 3))]
    orders = []
    for left, right in [*groups, *[(b, a) for a, b in groups]]:
        for first, second in itertools.product((left, left[::-1]), (right, right[::-1])):
            orders += [[4, *first, *second], [*first, *second, 4]]
    assert length(leaf_order(rows)) == pytest.approx(min(map(length, orders)))


def test_correlation_puts_together_what_goes_up_and_down_together():
    up = np.arange(6.0)
    wave = np.array([1.0, -1, 1, -1, 1, -1])
    rows = np.stack([up, 1000 * wave, 1000 * up + 5, wave, np.full(6, 7.0), np.zeros(6)])
    order = leaf_order(rows, metric="correlation").tolist()
    for first, second in ((0, 2), (1, 3), (4, 5)):
        assert abs(order.index(first) - order.index(second)) == 1


def test_many_rows_are_clustered_without_the_best_order(monkeypatch):
    monkeypatch.setattr(similarity, "MOST_OPTIMAL", 3)
    rows = np.array([0.0, 10, 0.1, 10.1])[:, None]
    order = leaf_order(rows).tolist()
    assert abs(order.index(0) - order.index(2)) == abs(order.index(1) - order.index(3)) == 1


@pytest.mark.slow
@pytest.mark.parametrize(("dimensions", "count"), [(2, 1), (9, 120), (49, 3000)])
def test_one_in_twenty_greatest_cosines_of_random_directions_is_greater(dimensions, count):
    random = np.random.default_rng(0)
    greatest = []
    for _ in range(400):
        rows = random.normal(size=(count, dimensions))
        greatest.append((rows[:, 0] / np.linalg.norm(rows, axis=1)).max())
    expected = np.quantile(greatest, 0.95)
    assert greatest_cosine_by_chance(dimensions, count) == pytest.approx(expected, abs=0.02)


def test_in_one_dimension_every_cosine_is_one():
    assert greatest_cosine_by_chance(1, 5) == 1
