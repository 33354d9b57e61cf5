"""Masks, tags and numbers against what they should be, against loops and by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from explorer.derived.predictions.pictures import (
    MISSED,
    NEITHER,
    RIGHT,
    WRONG,
    brightness,
    marks,
    mask_classes,
    overlap,
)
from explorer.derived.predictions.residuals import residual_scores
from explorer.derived.predictions.tags import tag_scores


@given(st.integers(0, 1000), st.integers(2, 4))
def test_overlap_is_what_loops_give(seed: int, classes: int) -> None:
    random = np.random.default_rng(seed)
    predicted, truth = random.integers(0, classes, size=(2, 3, 4, 5))
    for found, one, other in zip(overlap(predicted, truth), predicted, truth, strict=True):
        shares = []
        for number in range(1, classes):
            here, there = set(np.flatnonzero(one == number)), set(np.flatnonzero(other == number))
            if here | there:
                shares.append(len(here & there) / len(here | there))
        assert found == pytest.approx(np.mean(shares)) if shares else np.isnan(found)


def test_marks_say_what_is_right_wrong_and_missed() -> None:
    found = marks(np.array([[0, 1, 1, 0, 2]]), np.array([[0, 1, 0, 1, 1]]))
    assert found.tolist() == [[NEITHER, RIGHT, WRONG, MISSED, WRONG]]
    assert np.isnan(overlap(np.zeros((2, 2, 2), int), np.zeros((2, 2, 2), int))).all()


def test_masks_are_read_of_one_unit_or_of_one_for_each_class() -> None:
    assert mask_classes(np.array([[[0.4], [0.6]]])).tolist() == [[0, 1]]
    assert mask_classes(np.array([[[0.1, 0.7, 0.2], [2.0, 1.0, 0.0]]])).tolist() == [[1, 0]]


def test_brightness_of_colours_is_what_the_eye_finds() -> None:
    green = np.array([[[0.0, 1.0, 0.0]]])
    assert brightness(green)[0, 0] == pytest.approx(0.587)
    assert brightness(np.array([[[0.2, 0.4]]]))[0, 0] == pytest.approx(0.3)


@given(st.integers(0, 1000))
def test_tags_are_scored_one_by_one(seed: int) -> None:
    random = np.random.default_rng(seed)
    chances, truth = random.random((6, 3)), random.integers(0, 2, size=(6, 3))
    found = tag_scores(chances, truth, 0.4)
    for tag in range(3):
        given_to, has = (
            set(np.flatnonzero(chances[:, tag] > 0.4)),
            set(np.flatnonzero(truth[:, tag])),
        )
        both = len(given_to & has)
        expected = [
            both / len(given_to) if given_to else np.nan,
            both / len(has) if has else np.nan,
            2 * both / (len(given_to) + len(has)) if given_to or has else np.nan,
        ]
        values = [found.precision[tag], found.recall[tag], found.f1[tag]]
        np.testing.assert_allclose(values, expected)


def test_what_is_no_number_gets_no_score() -> None:
    found = tag_scores(np.array([[np.nan, 0.9]]), np.array([[1, 1]]))
    assert np.isnan(found.f1[0])
    assert found.f1[1] == 1


def test_explained_variance_is_0_of_the_mean_and_undefined_of_one_value() -> None:
    true = np.array([1.0, 2.0, 6.0])
    found = residual_scores(np.array([true, [3.0, 3.0, 3.0], [1.0, 2.0, 3.0]]), true)
    np.testing.assert_allclose(found.error, [0, 2, 1])
    np.testing.assert_allclose(found.explained, [1, 0, 1 - 9 / 14])
    assert np.isnan(residual_scores(np.ones((2, 3)), np.ones(3)).explained).all()
