"""N-grams by counting, switches and shares by Keras's pooling."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from explorer.derived.texts.alignment import Window, token_spans
from explorer.derived.texts.ngrams import dropped_share, pool_switches, top_ngrams

TOKENS = 6


@given(
    hnp.arrays(np.int32, (3, TOKENS), elements=st.integers(0, 3)),
    hnp.arrays(
        np.float32,
        (3, TOKENS),
        elements=st.integers(-3, 3) | st.sampled_from([np.nan, np.inf]),
    ),
)
def test_the_top_is_that_of_all_windows_one_by_one(ids, values):
    spans = token_spans(TOKENS, [Window(3, padding="same")])
    best: dict[tuple[int, ...], list[float]] = {}
    for probe, text in enumerate(ids):
        written = np.flatnonzero(text)
        for position, (start, end) in enumerate(spans):
            if len(written) and np.isfinite(values[probe, position]):
                words = text[max(start, written[0]) : min(end, written[-1] + 1)]
                if len(words):
                    best.setdefault(tuple(words.tolist()), []).append(values[probe, position])
    found = top_ngrams(values, ids, spans, most=1000)
    assert {ngram.tokens: (ngram.value, ngram.count) for ngram in found} == {
        words: (max(seen), len(seen)) for words, seen in best.items()
    }
    assert len(found) == len(best)
    order = [ngram.value for ngram in found]
    assert order == sorted(order, reverse=True)
    for ngram in found:
        assert values[ngram.probe, ngram.position] == ngram.value
        assert tuple(ids[ngram.probe, ngram.start : ngram.end].tolist()) == ngram.tokens
    assert top_ngrams(values, ids, spans, most=2) == found[:2]


def test_ngrams_of_a_pooled_layer_are_wider() -> None:
    ids = np.array([[1, 2, 3, 4, 5, 0]])
    spans = token_spans(TOKENS, [Window(3, padding="same"), Window(2, 2)])
    (best, _) = top_ngrams(np.array([[0.5, 0.1, 2.0]]), ids, spans, most=2)
    assert (best.tokens, best.start, best.end, best.position) == ((4, 5), 3, 5, 2)
    assert top_ngrams(np.full((1, 3), np.nan), ids, spans) == []
    assert top_ngrams(np.ones((1, 3)), np.zeros((1, TOKENS), int), spans) == []
    (unpadded,) = top_ngrams(np.array([[0, 0, 1]]), ids, spans, most=1, padding=None)
    assert unpadded.tokens == (4, 5, 0)


@pytest.mark.parametrize(
    ("size", "strides", "padding"),
    [(2, 2, "valid"), (3, 2, "valid"), (3, 2, "same"), (2, 3, "same"), (7, 7, "valid")],
)
def test_switches_point_to_what_keras_keeps(size: int, strides: int, padding: str) -> None:
    from keras.layers import MaxPooling1D

    values = np.random.default_rng(0).normal(size=(3, 7, 4)).astype(np.float32)
    kept = np.asarray(MaxPooling1D(size, strides, padding)(values))
    switches = pool_switches(values, Window(size, strides, padding))
    assert switches.shape == kept.shape
    np.testing.assert_array_equal(np.take_along_axis(values, switches, axis=1), kept)


def test_a_switch_points_to_the_first_of_equals_and_to_nan() -> None:
    values = np.array([[0.0, 0.0, 1.0, np.nan]])[:, :, None]
    assert pool_switches(values, Window(2, 2)).ravel().tolist() == [0, 3]


def test_the_share_that_pooling_drops() -> None:
    values = np.array([[3.0, 1.0, 2.0, -5.0], [0.0, 4.0, 0.0, 0.0]])[:, :, None]
    values = np.concatenate([values, -np.ones_like(values)], axis=2)
    window = Window(2, 2)
    dropped = dropped_share(values, pool_switches(values, window))
    np.testing.assert_allclose(dropped, [1 / 10, np.nan])
    overlapping = pool_switches(values, Window(3, 1, "same"))
    np.testing.assert_allclose(dropped_share(values, overlapping), [1 / 10, np.nan])
    counted = np.array([[True, True, False, False], [False] * 4])
    dropped = dropped_share(values, pool_switches(values, window), counted)
    np.testing.assert_allclose(dropped, [1 / 4, np.nan])
