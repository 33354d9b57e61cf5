"""What heads do, on scores that can be worked out by hand, and against loops."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from explorer.derived.attention.circuits import head_matrices
from explorer.derived.attention.heads import appeared, entropy, fixedness, induction, share_at
from explorer.derived.attention.patches import mosaic
from explorer.derived.attention.rollout import rollout


def shares(*shape: int, seed: int = 0) -> np.ndarray:
    values = np.random.default_rng(seed).gamma(0.5, size=shape) + 1e-6
    return (values / values.sum(axis=-1, keepdims=True)).astype(np.float32)


def test_entropy_is_1_where_all_is_alike_and_0_where_one_has_all() -> None:
    causal = np.tril(np.ones((4, 4), bool))
    even = causal / causal.sum(axis=-1, keepdims=True)
    np.testing.assert_allclose(entropy(even, causal), [np.nan, 1, 1, 1])
    np.testing.assert_allclose(entropy(np.eye(4), causal), [np.nan, 0, 0, 0])
    half = np.array([[0.5, 0.5, 0, 0]])
    np.testing.assert_allclose(entropy(half, np.ones((1, 4), bool)), [0.5])
    assert np.isnan(entropy(np.full((1, 3), np.nan), np.ones((1, 3), bool))).all()


@given(st.integers(0, 4), st.integers(0, 1000))
def test_shares_at_a_distance(distance: int, seed: int) -> None:
    scores = shares(2, 3, 4, 4, seed=seed)
    found = share_at(scores, distance)
    for query in range(4):
        if query < distance:
            assert np.isnan(found[..., query]).all()
        else:
            np.testing.assert_array_equal(found[..., query], scores[..., query, query - distance])


@given(st.integers(2, 5), st.integers(0, 1000))
def test_fixedness_compares_each_example_with_the_mean_of_the_others(count: int, seed: int) -> None:
    scores = shares(count, 2, 3, 4, seed=seed)
    counted = np.random.default_rng(seed).random((count, 3)) < 0.7
    expected = []
    for head in range(2):
        apart = []
        for one in range(count):
            for query in range(3):
                rest = [k for k in range(count) if k != one and counted[k, query]]
                if counted[one, query] and rest:
                    mean = np.mean([scores[k, head, query] for k in rest], axis=0)
                    apart.append(np.abs(scores[one, head, query] - mean).sum() / 2)
        expected.append(1 - np.mean(apart) if apart else np.nan)
    np.testing.assert_allclose(fixedness(scores, counted), expected, rtol=1e-5)


def test_the_same_scores_for_all_are_fixed() -> None:
    same = np.repeat(shares(1, 2, 3, 3), 4, axis=0)
    np.testing.assert_allclose(fixedness(same, np.ones((4, 3), bool)), [1, 1], rtol=1e-6)
    assert np.isnan(fixedness(same[:1], np.ones((1, 3), bool))).all()


def test_induction_is_the_share_of_what_came_after_the_same_token() -> None:
    period = 3
    perfect = np.zeros((6, 6))
    for query in range(period, 6):
        perfect[query, query - period + 1] = 1
    assert induction(perfect, period) == 1
    copies = np.zeros((6, 6))
    for query in range(period, 6):
        copies[query, query - period] = 1  # the same token, which tells nothing of the next
    assert induction(copies, period) == 0
    even = np.tril(np.ones((6, 6))) / np.arange(1, 7)[:, None]
    assert induction(even, period) == pytest.approx(np.mean([1 / 4, 1 / 5, 1 / 6]))
    assert np.isnan(induction(even, 6))


def test_what_appeared_stays() -> None:
    assert appeared(np.array([0.1, 0.6, 0.4, 0.7, 0.7]), 0.5) == 3
    assert appeared(np.array([0.6, 0.6]), 0.5) == 0
    assert appeared(np.array([0.6, np.nan]), 0.5) is None
    assert appeared(np.array([0.6, 0.4]), 0.5) is None


def test_rollout_is_its_formula() -> None:
    scores = [shares(4, 3, 5, 5, seed=layer) for layer in range(3)]
    expected = np.eye(5)
    for each in scores:
        mixed = 0.5 * each[1].mean(axis=0) + 0.5 * np.eye(5)
        expected = (mixed / mixed.sum(axis=1, keepdims=True)) @ expected
    np.testing.assert_allclose(rollout(scores)[1], expected, rtol=1e-5)
    np.testing.assert_allclose(rollout(scores).sum(axis=-1), 1, rtol=1e-6)
    with pytest.raises(ValueError, match="one layer or more"):
        rollout([])


def test_a_mosaic_has_at_each_patch_what_it_attends_to() -> None:
    rows, columns = 2, 3
    scores = shares(4, 6, 6)
    found = mosaic(scores, rows, columns)
    assert found.shape == (4, 2 * 3 - 1, 3 * 4 - 1)
    for query in range(6):
        y, x = divmod(query, columns)
        small = found[:, y * 3 : y * 3 + 2, x * 4 : x * 4 + 3]
        np.testing.assert_array_equal(small, scores[:, query].reshape(4, rows, columns))
    assert np.isnan(found).sum() == found.size - 4 * 36


def test_the_matrices_of_a_head() -> None:
    random = np.random.default_rng(0)
    weights = {
        "query.kernel": random.normal(size=(5, 4, 3)),
        "key.kernel": random.normal(size=(5, 2, 3)),
        "value.kernel": random.normal(size=(5, 2, 3)),
        "attention_output.kernel": random.normal(size=(4, 3, 5)),
    }
    assert head_matrices(weights, "key").shape == (2, 5, 3)
    attends, moves = head_matrices(weights, "attends"), head_matrices(weights, "moves")
    for head in range(4):
        shared = head // 2
        product = weights["query.kernel"][:, head] @ weights["key.kernel"][:, shared].T
        np.testing.assert_allclose(attends[head], product, rtol=1e-5)
        product = weights["value.kernel"][:, shared] @ weights["attention_output.kernel"][head]
        np.testing.assert_allclose(moves[head], product, rtol=1e-5)
