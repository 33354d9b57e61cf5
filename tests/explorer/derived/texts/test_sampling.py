"""Samples of chains whose probabilities are known."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import softmax
from scipy.stats import chisquare

from explorer.derived.texts.sampling import (
    candidates,
    rereading,
    sample,
    surprise,
    with_temperature,
)

CHAIN = np.array([[0.1, 0.6, 0.3], [0.5, 0.0, 0.5], [0.2, 0.2, 0.6]])


def next_of(token: int, count: int) -> tuple[np.ndarray, int]:
    return CHAIN[token], count + 1


def test_what_follows_is_as_frequent_as_it_is_probable() -> None:
    text = np.array([0, *sample(next_of, 0, [0], 6000)])
    for token, row in enumerate(CHAIN):
        after = np.bincount(text[1:][text[:-1] == token], minlength=3)
        assert after[row == 0].sum() == 0
        assert chisquare(after[row > 0], row[row > 0] * after.sum()).pvalue > 0.001


def test_the_seed_decides_and_the_state_is_handed_on() -> None:
    first = sample(next_of, 0, [2, 0], 30)
    np.testing.assert_array_equal(first, sample(next_of, 0, np.array([2, 0]), 30))
    assert not np.array_equal(first, sample(next_of, 0, [2, 0], 30, seed=1))
    seen = []

    def step(token: int, state: int) -> tuple[np.ndarray, int]:
        seen.append((token, state))
        return CHAIN[token], state + 1

    written = sample(step, 0, [2, 0], 30)
    tokens = [2, 0, *written[:-1].tolist()]
    assert seen == list(zip(tokens, range(31), strict=True))
    assert len(sample(step, 0, [2], 0)) == 0


def test_at_temperature_zero_the_most_probable_follows() -> None:
    assert sample(next_of, 0, [0], 5, temperature=0).tolist() == [1, 0, 1, 0, 1]


def test_a_network_of_whole_texts_gives_the_same() -> None:
    texts = []

    def whole(ids: np.ndarray) -> np.ndarray:
        texts.append(ids.tolist())
        return CHAIN[ids[0, -1]]

    step, start = rereading(whole, 4)
    written = sample(step, start, [2, 0], 20, seed=3)
    np.testing.assert_array_equal(written, sample(next_of, 0, [2, 0], 20, seed=3))
    text = [2, 0, *written[:-1].tolist()]
    assert texts == [[text[max(0, end - 4) : end]] for end in range(1, len(text) + 1)]


def test_a_diverged_network_writes_no_further() -> None:
    def step(token: int, state: int) -> tuple[np.ndarray, int]:
        return (CHAIN[token] if state < 3 else np.full(3, np.nan)), state + 1

    assert len(sample(step, 0, [0], 10)) == 3
    with pytest.raises(ValueError, match="pass at least one token"):
        sample(step, 0, [], 10)


@given(st.lists(st.floats(-20, 20), min_size=1, max_size=6), st.floats(0.05, 10))
def test_temperature_divides_logits(logits, temperature):
    heated = with_temperature(softmax(np.array(logits)), temperature)
    np.testing.assert_allclose(
        heated, softmax(np.array(logits) / temperature), rtol=1e-6, atol=1e-12
    )


def test_temperatures_at_the_edge() -> None:
    rows = np.array([[0.2, 0.4, 0.4], [0, 0, 1], [np.nan, 0.5, 0.5]])
    cold = with_temperature(rows, 0)
    np.testing.assert_array_equal(cold, [[0, 1, 0], [0, 0, 1], [np.nan] * 3])
    cool = with_temperature(rows, 1e-3)
    np.testing.assert_allclose(cool[:2], [[0, 0.5, 0.5], [0, 0, 1]], atol=1e-9)
    np.testing.assert_allclose(with_temperature(rows, 1), [*rows[:2], [np.nan] * 3])
    for bad in (-1, math.nan, math.inf):
        with pytest.raises(ValueError, match=f"A temperature of {bad} was passed"):
            with_temperature(rows, bad)


def test_candidates_go_from_the_most_probable_down() -> None:
    ids, chances = candidates(CHAIN[None], 2)
    assert ids.tolist() == [[[1, 2], [0, 2], [2, 0]]]
    assert chances.tolist() == [[[0.6, 0.3], [0.5, 0.5], [0.6, 0.2]]]
    assert candidates(np.array([np.nan, 0.3, 0.7]))[0].tolist() == [2, 1, 0]


def test_surprise_in_bits() -> None:
    probabilities = np.array([[0.25, 0.75], [1, 0], [1, 0], [np.nan, np.nan]], np.float32)
    found = surprise(probabilities, np.array([0, 0, 1, 1]))
    assert found[:3].tolist() == [2, 0, np.inf]
    assert not np.signbit(found[1])
    assert np.isnan(found[3])


def test_the_mean_surprise_is_the_cross_entropy_of_keras() -> None:
    import keras

    probabilities = softmax(np.random.default_rng(0).normal(size=(2, 5, 7)), axis=-1)
    actual = np.random.default_rng(1).integers(0, 7, (2, 5))
    nats = keras.losses.sparse_categorical_crossentropy(actual, probabilities)
    np.testing.assert_allclose(
        surprise(probabilities, actual), np.asarray(nats) / np.log(2), rtol=1e-5
    )
