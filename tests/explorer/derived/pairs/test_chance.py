"""How alike units are that have nothing to do with each other, against shuffles written out."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment

from explorer.derived.pairs.chance import FEWEST_PROBES, SHUFFLES, chance_level
from explorer.derived.pairs.unit_matching import match_activations


def noise(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


def written_out(first, second, *, signless, shuffles=SHUFFLES, seed=0):
    """Scores of all pairs, of all shuffles: by NumPy's own correlations."""
    rng, pooled = np.random.default_rng(seed), []
    for _ in range(shuffles):
        other = second[rng.permutation(len(second))]
        rows = [part.reshape(-1, part.shape[-1]) for part in (first, other)]
        found = np.corrcoef(*rows, rowvar=False)[: rows[0].shape[1], rows[0].shape[1] :]
        gain = np.abs(found) if signless else found.clip(0)
        pairs = gain[linear_sum_assignment(gain, maximize=True)]
        pooled.extend(pairs[pairs > 0])
    return np.array(pooled)


@pytest.mark.parametrize("signless", [False, True])
@given(seed=st.integers(0, 10**6), places=st.sampled_from([(), (3,), (2, 2)]))
def test_it_is_that_of_whole_probes_in_other_orders(signless, seed, places):
    first, second = noise(9, *places, 4, seed=seed) * 1e-3 + 5, noise(9, *places, 3, seed=seed + 1)
    found = chance_level(first, second, signless=signless, shuffles=20)
    pooled = written_out(first, second, signless=signless, shuffles=20)
    assert found.mean == pytest.approx(pooled.mean(), abs=1e-5)
    assert found.bound == pytest.approx(np.quantile(pooled, 0.95), abs=1e-5)
    assert (found.probes, found.shuffles) == (9, 20)


def test_networks_that_have_nothing_in_common_reach_it_and_related_ones_pass_it():
    first, unrelated = noise(50, 40), noise(50, 40, seed=1)
    level = chance_level(first, unrelated)
    by_chance = match_activations(first, unrelated)
    assert level.mean > 0.2  # which looks like something
    assert by_chance.mean == pytest.approx(level.mean, abs=0.03)
    assert len(by_chance.beyond(level.bound).first) <= 0.15 * 40
    related = first[:, ::-1] + noise(50, 40, seed=2)
    found = match_activations(first, related).beyond(chance_level(first, related).bound)
    assert len(found.first) > 0.9 * 40
    assert (found.first + found.second == 39).mean() > 0.9


def test_the_fewer_the_probes_and_the_more_the_units_the_higher_it_is():
    levels = [
        chance_level(noise(probes, units), noise(probes, units, seed=1)).mean
        for probes, units in ((50, 8), (50, 32), (12, 32))
    ]
    assert levels == sorted(levels)


def test_units_that_tell_nothing_are_left_out():
    first, second = noise(10, 4), noise(10, 4, seed=1)
    dead = [np.concatenate([part, np.zeros((10, 3))], axis=1) for part in (first, second)]
    dead[0][3, 5] = np.inf
    assert chance_level(*dead) == chance_level(first, second)
    nothing = chance_level(np.zeros((10, 2)), second)
    assert np.isnan([nothing.mean, nothing.bound]).all()


def test_masked_tokens_are_left_out_in_every_order():
    first, second = noise(8, 5, 3), noise(8, 5, 3, seed=1)
    masked = [part.copy() for part in (first, second)]
    for part, count in zip(masked, (2, 3), strict=True):
        part[:count, 3:] = np.nan
    whole, found = chance_level(first, second), chance_level(*masked)
    assert np.isfinite([found.mean, found.bound]).all()
    assert found.mean == pytest.approx(whole.mean, abs=0.1)


def test_of_a_large_layer_positions_are_left_out():
    first, second = noise(6, 8, 8, 2), noise(6, 8, 8, 2, seed=1)
    fits = 100 * 6 * 64 * 2 * 2
    assert chance_level(first, second, most_operations=fits) == chance_level(first, second)
    few = chance_level(first, second, most_operations=0)
    at_one = chance_level(first[:, :1, :1], second[:, :1, :1])
    assert few == at_one


def test_too_few_probes_are_refused():
    with pytest.raises(ValueError, match="at least 5 were expected"):
        chance_level(noise(FEWEST_PROBES - 1, 2), noise(FEWEST_PROBES - 1, 2))
