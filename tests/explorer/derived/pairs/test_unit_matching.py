"""Which unit does what which other does."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.stats import pearsonr

from explorer.derived.pairs import unit_matching
from explorer.derived.pairs.unit_matching import (
    Matching,
    correlations,
    match,
    match_activations,
    match_weights,
    over_same_positions,
    reordered,
    settled,
    stability,
)


def noise(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


def relu(*shape, seed=0):
    return np.maximum(noise(*shape, seed=seed), 0).astype(np.float32)


def as_dict(matching):
    return dict(zip(matching.first.tolist(), matching.second.tolist(), strict=True))


def check(matching, ours, theirs):
    """Every unit of both is there once."""
    assert sorted([*matching.first, *matching.unmatched_first]) == list(range(ours))
    assert sorted([*matching.second, *matching.unmatched_second]) == list(range(theirs))
    assert (np.diff(matching.first) > 0).all()


# -- pairing ----------------------------------------------------------------------------------


@example(np.array([[0.5, 0.6], [-1.0, -0.3]]))
@given(
    hnp.arrays(
        np.float64, st.tuples(st.integers(0, 4), st.integers(0, 4)),
        elements=st.sampled_from([np.nan, -1.0, -0.3, 0.0, 0.2, 0.5, 0.9, 1.0]),
    )
)  # fmt: skip
def test_the_pairing_is_the_best_of_all(likeness):
    found = match(likeness)
    check(found, *likeness.shape)
    gain = np.nan_to_num(likeness).clip(0)
    small = gain if gain.shape[0] <= gain.shape[1] else gain.T
    best = max(
        sum(small[i, j] for i, j in enumerate(order))
        for order in itertools.permutations(range(small.shape[1]), small.shape[0])
    )
    assert found.scores.sum() == pytest.approx(best)
    assert (found.scores > 0).all()
    np.testing.assert_array_equal(found.scores, likeness[found.first, found.second])


def test_without_signs_opposites_are_alike_and_the_score_says_so():
    likeness = np.array([[-0.9, 0.1], [0.1, -0.8]])
    assert as_dict(match(likeness)) == {0: 1, 1: 0}
    found = match(likeness, signless=True)
    assert as_dict(found) == {0: 0, 1: 1}
    assert found.scores.tolist() == [-0.9, -0.8]


@given(seed=st.integers(0, 10**6))
def test_units_whose_signs_were_turned_are_found_without_signs(seed):
    rng = np.random.default_rng(seed)
    first = np.tanh(rng.normal(size=(40, 60)) @ rng.normal(size=(60, 12)))
    signs, order = rng.choice([-1, 1], 12), rng.permutation(12)
    second = (first * signs)[:, order]
    found = match_activations(first, second, signless=True)
    assert (order[found.second] == np.arange(12)).all()
    np.testing.assert_array_equal(found.signs, signs)
    assert found.mean == pytest.approx(1, abs=1e-5)
    ours, theirs = reordered(first, second, found)
    np.testing.assert_array_equal(ours, theirs)


def test_pairs_no_better_than_chance_are_struck_out_and_still_count_in_the_mean():
    found = match(np.diag([0.9, -0.5, 0.3]), signless=True)
    kept = found.beyond(0.5)
    check(kept, 3, 3)
    assert (as_dict(kept), kept.struck.tolist()) == ({0: 0, 1: 1}, [0.3])
    assert kept.unmatched_first.tolist() == kept.unmatched_second.tolist() == [2]
    assert kept.mean == found.mean == pytest.approx((0.9 + 0.5 + 0.3) / 3)
    assert kept.counts == found.counts
    assert kept.beyond(0.6).struck.tolist() == [0.3, -0.5]
    assert kept.flattened(2).struck.tolist() == [0.3, 0.3]
    # What chance brings about is not known: nothing is struck out.
    assert as_dict(found.beyond(float("nan"))) == as_dict(found)


def test_counterparts_are_found_both_ways():
    found = match(np.array([[0, 0.5], [0, 0], [0.25, 0]]))
    assert (found.to_second(0), found.to_second(1), found.to_first(0)) == (1, None, 2)
    assert found.mean == pytest.approx(0.375)
    assert np.isnan(match(np.zeros((2, 2))).mean)


# -- activations ------------------------------------------------------------------------------


@given(seed=st.integers(0, 10**6), extra=st.integers(0, 3), level=st.sampled_from([0, 0.1, 0.3]))
def test_a_permutation_is_found_again_with_noise_and_units_of_its_own(seed, extra, level):
    first = relu(20, 3, 3, 6, seed=seed)
    order = np.random.default_rng(seed).permutation(6 + extra)
    second = np.concatenate([first, relu(20, 3, 3, extra, seed=seed + 1)], axis=-1)
    second = 7 * second[..., order] + 100 + level * noise(*second.shape, seed=seed + 2)
    found = match_activations(first, second)
    check(found, 6, 6 + extra)
    assert as_dict(found) == {int(unit): k for k, unit in enumerate(order) if unit < 6}
    if level == 0:
        np.testing.assert_allclose(found.scores, 1, atol=1e-5)
    back = match_activations(second, first)
    assert {b: a for a, b in as_dict(back).items()} == as_dict(found)


def test_correlations_are_pearsons(monkeypatch):
    monkeypatch.setattr(unit_matching, "BLOCK_PLACES", 7)
    first, second = noise(5, 4, 2, 3) + 1000, noise(5, 4, 2, 4, seed=1) * 1e-20
    second[..., 0] += 1e-20 * first[..., 1]
    first[2, 3, 1] = second[0, 0, 0] = np.nan  # masked tokens: nothing of them is known
    left_out = [0, 2 * 8 + 3 * 2 + 1]
    rows = [np.delete(part.reshape(40, -1), left_out, axis=0) for part in (first, second)]
    found = correlations(first, second)
    for i, j in np.ndindex(3, 4):
        expected = pearsonr(rows[0][:, i], rows[1][:, j]).statistic
        assert found[i, j] == pytest.approx(expected, abs=1e-5)


def test_a_unit_that_is_seldom_active_has_a_correlation_as_well():
    first = np.zeros((50_000, 2), np.float32)
    first[17, 0] = first[40_000, 0] = 5
    first[:, 1] = noise(50_000)
    second = 3 * first[:, ::-1]
    np.testing.assert_allclose(correlations(first, second)[[0, 1], [1, 0]], 1, atol=1e-5)


@pytest.mark.parametrize("value", [0.0, 0.1, np.nan, np.inf], ids=str)
def test_units_that_tell_nothing_are_matched_with_none(value):
    first = relu(30, 4)
    second = first[:, [2, 0, 3, 1]].copy()
    first[:, 0] = second[:, 3] = value
    found = match_activations(first, second)
    check(found, 4, 4)
    assert 0 in found.unmatched_first
    assert 3 in found.unmatched_second
    assert (found.to_second(2), found.to_second(3)) == (0, 2)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf], ids=str)
def test_a_unit_that_is_not_finite_at_one_place_is_matched_with_none(value):
    first = relu(30, 4)
    second = first[:, ::-1].copy()
    first[7, 0] = value
    found = match_activations(first, second)
    assert as_dict(found) == {1: 2, 2: 1, 3: 0}


def test_infinities_of_both_signs_and_runs_without_a_number():
    broken = noise(8, 3)
    broken[0, 0], broken[1, 0], broken[:, 1] = np.inf, -np.inf, 1e308 * np.sign(broken[:, 1])
    found = match_activations(broken, broken)
    assert as_dict(found) == {2: 2}
    for nothing in (np.full((8, 3), np.nan), np.zeros((8, 3))):
        assert match_activations(nothing, broken).unmatched_first.tolist() == [0, 1, 2]


def test_a_layer_of_one_unit_and_a_single_probe():
    frame = noise(9, 1)
    assert as_dict(match_activations(frame, 2 * frame)) == {0: 0}
    assert as_dict(match_activations(frame, -frame)) == {}
    assert as_dict(match_activations(frame[:1], frame[:1])) == {}


def test_positions_that_differ_are_averaged_to_a_common_size():
    large = np.arange(2 * 4 * 5 * 1, dtype=np.float32).reshape(2, 4, 5, 1)
    ours, theirs = over_same_positions(large, np.zeros((2, 2, 3, 4)))
    assert (ours.shape, theirs.shape) == ((2, 2, 3, 1), (2, 2, 3, 4))
    # Columns 0, 1-2 and 3-4 of each two rows.
    expected = [[large[p, r : r + 2, c].mean() for c in (slice(1), slice(1, 3), slice(3, 5))]
                for p in range(2) for r in (0, 2)]  # fmt: skip
    np.testing.assert_allclose(ours.reshape(4, 3), expected)
    ours, theirs = over_same_positions(large, np.zeros((2, 7)))
    np.testing.assert_allclose(ours, large.mean(axis=(1, 2)))
    assert theirs.shape == (2, 7)


def test_places_of_which_nothing_is_known_are_in_no_mean():
    frame = noise(3, 4, 2)
    frame[0, 2:] = frame[1, :] = np.nan
    frame[2, 0, 1] = np.nan  # of this place the other unit is known
    ours, _ = over_same_positions(frame, noise(3, 2))
    np.testing.assert_allclose(ours[0], frame[0, :2].mean(axis=0), rtol=1e-6)
    assert np.isnan(ours).tolist() == [[False, False], [True, True], [False, True]]
    ours, _ = over_same_positions(frame, noise(3, 2, 2))
    np.testing.assert_allclose(ours[0, 0], frame[0, :2].mean(axis=0), rtol=1e-6)
    assert np.isnan(ours[0, 1]).all()


def test_units_of_maps_of_another_size_are_found():
    first = relu(10, 8, 8, 4)
    first = np.repeat(np.repeat(first[:, ::4, ::4], 4, axis=1), 4, axis=2)
    assert as_dict(match_activations(first, first[:, ::4, ::4, ::-1])) == {0: 3, 1: 2, 2: 1, 3: 0}


@pytest.mark.parametrize(("first", "second"), [((3, 2), (4, 2)), ((3,), (3, 1))])
def test_other_probes_are_refused(first, second):
    with pytest.raises(ValueError, match="same probes in both was expected"):
        match_activations(np.zeros(first), np.zeros(second))


# -- weights ----------------------------------------------------------------------------------


@given(seed=st.integers(0, 10**6), extra=st.integers(0, 2))
def test_permuted_networks_are_matched_layer_by_layer(seed, extra):
    """Three layers, with the units of the first and second permuted and a flattening between."""
    rng = np.random.default_rng(seed)
    conv, dense, head = noise(3, 3, 2, 5, seed=seed), noise(4 * 5, 6, seed=seed + 1), noise(6, 3)
    own = noise(3, 3, 2, extra, seed=seed + 2)
    first_order, second_order = rng.permutation(5 + extra), rng.permutation(6)
    other_conv = np.concatenate([conv, own], axis=-1)[..., first_order] * 0.5
    by_position = np.concatenate([dense.reshape(4, 5, 6), noise(4, extra, 6)], axis=1)
    other_dense = by_position[:, first_order].reshape(-1, 6)[:, second_order]
    other_dense += 0.01 * noise(*other_dense.shape)
    other_head = head[second_order]

    channels = match_weights(conv, other_conv)
    assert as_dict(channels) == {int(u): k for k, u in enumerate(first_order) if u < 5}
    np.testing.assert_allclose(channels.scores, 1)
    features = channels.flattened(4)
    check(features, 4 * 5, 4 * (5 + extra))
    units = match_weights(dense, other_dense, inputs=features)
    assert as_dict(units) == {int(u): k for k, u in enumerate(second_order)}
    assert as_dict(match_weights(head, other_head, inputs=units)) == {0: 0, 1: 1, 2: 2}
    ours, theirs = reordered(head, other_head, units, axis=0)
    np.testing.assert_array_equal(ours, theirs)


def test_weights_of_units_whose_signs_were_turned_are_matched_layer_by_layer():
    first, later = noise(5, 6), noise(6, 4, seed=1)
    signs, order = np.array([1, -1, -1, 1, -1, 1]), np.array([3, 1, 0, 5, 4, 2])
    made = match_weights(first, (first * signs)[:, order], signless=True)
    np.testing.assert_array_equal(made.signs, signs)
    after = match_weights(later, (later * signs[:, None])[order], inputs=made)
    assert as_dict(after) == {k: k for k in range(4)}
    np.testing.assert_allclose(after.scores, 1)


def test_weights_without_direction_are_matched_with_none():
    first = np.array([[1.0, 0, 1e200], [2, 0, -1e200]])
    second = np.array([[np.nan, 1e-200, 2], [1, -1e-200, 4]])
    found = match_weights(first, second)
    assert as_dict(found) == {0: 2, 2: 1}
    np.testing.assert_allclose(found.scores, 1)
    assert found.unmatched_first.tolist() == [1]


def test_weights_of_other_inputs_are_refused():
    with pytest.raises(ValueError, match=r"they may differ in axis -1 alone"):
        match_weights(noise(3, 4), noise(5, 4))


# -- over time --------------------------------------------------------------------------------


def pairs(*of):
    first, second = np.array(of, np.int64).reshape(-1, 2).T
    none = np.zeros(0, np.int64)
    return Matching(first, second, np.ones(len(first)), none, none)


def test_stability_is_the_share_of_pairs_that_stay():
    found = stability(
        [pairs((0, 0), (1, 1)), pairs((0, 0), (1, 2), (2, 1)), pairs((2, 1)), pairs(), pairs()]
    )
    np.testing.assert_allclose(found, [np.nan, 1 / 2, 1 / 3, 0, np.nan])
    assert stability([]).shape == (0,)


def test_settled_is_the_share_of_the_last_pairs_that_are_there_already():
    found = settled([pairs(), pairs((0, 1), (1, 0)), pairs((0, 0), (1, 2)), pairs((0, 0), (1, 1))])
    assert found.tolist() == [0, 0, 0.5, 1]
    assert np.isnan(settled([pairs((0, 0)), pairs()])).all()
    assert settled([]).shape == (0,)
