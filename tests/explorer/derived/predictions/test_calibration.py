"""Reliability diagrams, expected calibration error and Brier score."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from explorer.derived.predictions.calibration import (
    brier_score,
    calibration_over_steps,
    expected_error_by_chance,
    reliability,
)


@st.composite
def forecasts(draw):
    shape = (draw(st.integers(0, 6)), draw(st.integers(2, 4)))
    parts = draw(hnp.arrays(np.float64, shape, elements=st.integers(1, 20).map(float)))
    probabilities = parts / parts.sum(axis=1, keepdims=True)
    probabilities[draw(hnp.arrays(bool, shape[0]))] = np.nan
    labels = draw(hnp.arrays(np.int64, shape[0], elements=st.integers(-1, shape[1])))
    return probabilities, labels


def kept(probabilities, labels):
    return [
        (row, label)
        for row, label in zip(probabilities, labels, strict=True)
        if not np.isnan(row).any() and 0 <= label < len(row)
    ]


@given(forecasts(), st.integers(1, 12))
def test_bins_and_errors_are_those_of_a_loop(drawn, bins):
    found = reliability(*drawn, bins=bins)
    known = kept(*drawn)
    error = 0.0
    for number, (low, high) in enumerate(zip(found.edges, found.edges[1:], strict=False)):
        inside = [
            (row.max(), row.argmax() == label) for row, label in known if low < row.max() <= high
        ]
        assert found.count[number] == len(inside)
        confidence, right = np.mean(inside, axis=0) if inside else (np.nan, np.nan)
        np.testing.assert_allclose(found.confidence[number], confidence)
        np.testing.assert_allclose(found.right[number], right)
        error += abs(right - confidence) * len(inside) / len(known) if inside else 0
    np.testing.assert_allclose(found.expected_error, error if known else np.nan, atol=1e-12)


@given(forecasts())
def test_brier_score_is_that_of_a_loop(drawn):
    scores = [
        sum((share - (number == label)) ** 2 for number, share in enumerate(row))
        for row, label in kept(*drawn)
    ]
    np.testing.assert_allclose(brier_score(*drawn), np.mean(scores) if scores else np.nan)


def test_by_hand():
    probabilities = np.array([[0.9, 0.1], [0.8, 0.2], [0.3, 0.7], [0.25, 0.75]])
    labels = np.array([0, 1, 1, 1])
    found = reliability(probabilities, labels, bins=2)
    assert found.count.tolist() == [0, 4]
    assert found.right[1] == 0.75
    np.testing.assert_allclose(found.confidence[1], 3.15 / 4)
    np.testing.assert_allclose(found.expected_error, 3.15 / 4 - 0.75)
    np.testing.assert_allclose(
        brier_score(probabilities, labels), 2 * (0.01 + 0.64 + 0.09 + 0.0625) / 4
    )


@pytest.mark.parametrize(("sure", "error", "brier"), [(1.0, 0, 0), (0.0, 1, 2)])
def test_a_classifier_that_is_always_sure(sure, error, brier):
    probabilities = np.array([[sure, 1 - sure]] * 3)
    labels = np.zeros(3, int)
    assert reliability(probabilities, labels).expected_error == error
    assert brier_score(probabilities, labels) == brier


def test_rounding_beyond_1_is_in_the_last_bin():
    found = reliability(np.array([[1.001, 0.0]], np.float16), np.array([0]))
    assert found.count.tolist() == [0] * 9 + [1]


def test_every_step_is_its_own_diagram():
    generator = np.random.default_rng(0)
    history = generator.dirichlet(np.ones(4), (5, 30)).astype(np.float32)
    history[3] = np.nan
    labels = generator.integers(0, 4, 30)
    found = calibration_over_steps(iter(history), labels)
    assert found.reliability.count.shape == (5, 10)
    for step, frame in enumerate(history):
        one = reliability(frame, labels)
        np.testing.assert_array_equal(found.reliability.count[step], one.count)
        np.testing.assert_array_equal(found.reliability.right[step], one.right)
        np.testing.assert_array_equal(found.expected_error[step], one.expected_error)
        np.testing.assert_array_equal(found.brier[step], brier_score(frame, labels))
    assert np.isnan(found.expected_error).tolist() == [False] * 3 + [True, False]


@given(forecasts())
def test_the_error_by_chance_is_the_mean_over_all_answers_by_their_probability(drawn):
    probabilities, labels = drawn
    known = [row for row, _ in kept(probabilities, labels)]
    confidence = np.array([row.max() for row in known])
    places = np.ceil(confidence * 10) - 1
    expected = 0.0 if known else np.nan
    for right in product([0, 1], repeat=len(known)):
        surplus = np.array(right) - confidence
        likely = np.prod(np.where(right, confidence, 1 - confidence))
        gaps = [abs(surplus[places == place].sum()) for place in np.unique(places)]
        expected += likely * sum(gaps) / len(known) if known else 0
    found = expected_error_by_chance(probabilities, labels, draws=3000)
    np.testing.assert_allclose(found, expected, atol=0.03)


def test_a_calibrated_network_has_about_the_error_by_chance_at_any_number_of_probes():
    random = np.random.default_rng(0)
    for count in (50, 500):
        first = random.uniform(0.5, 1, (100, count))
        errors = [
            reliability(
                np.stack([row, 1 - row], axis=1), (random.random(count) >= row).astype(np.int64)
            ).expected_error
            for row in first
        ]
        chance = expected_error_by_chance(
            np.stack([first[0], 1 - first[0]], axis=1), np.zeros(count, np.int64)
        )
        assert chance == pytest.approx(np.mean(errors), rel=0.1)


def test_probabilities_that_are_infinite_are_no_answers():
    frame = np.array([[0.25, 0.75], [np.inf, np.inf], [np.nan, 0.5]])
    labels = np.array([1, 0, 1])
    assert reliability(frame, labels).count.sum() == 1
    assert brier_score(frame, labels) == pytest.approx(2 * 0.25**2)
