"""Moves of words, worked out by hand and by scipy."""

from __future__ import annotations

import numpy as np
from scipy.spatial.distance import cosine

from explorer.derived.texts.embeddings import (
    most_moved,
    moved,
    neighbours,
    path_length,
    trained_words,
    words_in,
)

BEFORE = np.array([[1.0, 0], [1, 0], [1, 0], [0, 0], [3, 4]])
AFTER = np.array([[1.0, 0], [0, 2], [1, 1], [1, 0], [np.nan, 4]])


def test_words_of_the_probes() -> None:
    ids = np.array([[7, 3, 3, 0, 0], [2, 7, 3, 0, 0]], np.int32)
    assert words_in(ids).tolist() == [3, 7, 2]
    assert words_in(ids, padding=None).tolist() == [0, 3, 7, 2]
    assert words_in(np.zeros((2, 3), int)).tolist() == []


def test_moves() -> None:
    by_scipy = [cosine(*rows) for rows in zip(BEFORE[:3], AFTER[:3], strict=True)]
    np.testing.assert_allclose(moved(BEFORE, AFTER), [*by_scipy, np.nan, np.nan], atol=1e-12)
    lengths = [0, np.sqrt(5), 1, 1, np.nan]
    np.testing.assert_allclose(moved(BEFORE, AFTER, "euclidean"), lengths)
    assert trained_words(BEFORE, AFTER).tolist() == [1, 2, 3, 4]


def test_the_words_that_moved_most() -> None:
    ids, distances = most_moved(BEFORE, AFTER)
    assert ids.tolist() == [1, 2]
    np.testing.assert_allclose(distances, [1, 1 - np.sqrt(0.5)])
    ids, distances = most_moved(BEFORE, AFTER, metric="euclidean", most=2)
    assert ids.tolist() == [1, 2]
    np.testing.assert_allclose(distances, [np.sqrt(5), 1])
    assert most_moved(BEFORE, BEFORE)[0].tolist() == []


def test_a_way_back_is_as_long_as_the_way_there() -> None:
    rows = np.array([[[0.0, 0], [1, 1]], [[3, 4], [1, 1]], [[0, 0], [1, np.nan]]])
    np.testing.assert_allclose(path_length(rows), [10, np.nan])
    assert path_length(rows[:1]).tolist() == [0, 0]


def test_neighbours_are_sorted_by_angle() -> None:
    random = np.random.default_rng(0)
    table = random.normal(size=(30, 4)).astype(np.float32)
    table[3] = 0
    table[4, 0] = np.nan
    ids, similarities = neighbours(table, 7, most=100)
    others = [word for word in range(30) if word not in (3, 4, 7)]
    by_scipy = {word: 1 - cosine(table[7], table[word]) for word in others}
    assert ids.tolist() == sorted(others, key=lambda word: -by_scipy[word])
    np.testing.assert_allclose(similarities, [by_scipy[word] for word in ids], atol=1e-6)
    few, _ = neighbours(table, 7, most=2, among=np.array([3, 5, 7, 9, 11]))
    assert few.tolist() == sorted([5, 9, 11], key=lambda word: -by_scipy[word])[:2]
    assert neighbours(table, 3)[0].tolist() == []
