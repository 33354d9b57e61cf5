"""Class means, selectivity index and AUC of units."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.stats import mannwhitneyu
from sklearn.metrics import roc_auc_score

from explorer.derived.predictions.labels import NO_CLASS
from explorer.derived.units.selectivity import (
    by_chance,
    class_auc,
    class_means,
    class_selectivity,
    detectors,
    preferred_class,
    selectivity_index,
    unit_maxima,
    unit_means,
)

CLASSES = 3
# Few different values, so that many are tied.
numbers = st.sampled_from([-2.0, 0.0, 0.0, 1.0, 1.5, np.inf, np.nan])


@st.composite
def labelled_values(draw, elements=numbers):
    probes = draw(st.integers(0, 8))
    values = draw(
        hnp.arrays(np.float64, st.tuples(st.just(probes), st.integers(1, 2)), elements=elements)
    )
    labels = draw(hnp.arrays(np.int64, probes, elements=st.integers(-1, CLASSES)))
    return values, labels


def pairs_won(inside, outside):
    """AUC by counting: of all pairs, those that the class wins, ties half."""
    won = [(a > b) + 0.5 * (a == b) for a, b in itertools.product(inside, outside)]
    return np.mean(won) if won else np.nan


@given(labelled_values())
def test_auc_is_the_share_of_pairs_that_the_class_wins(drawn):
    values, labels = drawn
    found = class_auc(values, labels, classes=CLASSES)
    assert found.shape == (values.shape[1], CLASSES)
    for unit, name in np.ndindex(*found.shape):
        column = values[:, unit]
        counts = ~np.isnan(column) & (labels >= 0) & (labels < CLASSES)
        expected = pairs_won(column[counts & (labels == name)], column[counts & (labels != name)])
        np.testing.assert_allclose(found[unit, name], expected, rtol=1e-12)


def test_auc_is_the_u_statistic_of_mann_and_whitney():
    generator = np.random.default_rng(0)
    values, labels = generator.normal(size=(60, 4)), generator.integers(0, CLASSES, 60)
    found = class_auc(values, labels, classes=CLASSES)
    for unit, name in np.ndindex(*found.shape):
        inside, outside = values[labels == name, unit], values[labels != name, unit]
        statistic = mannwhitneyu(inside, outside).statistic
        np.testing.assert_allclose(found[unit, name], statistic / len(inside) / len(outside))


@given(labelled_values(st.integers(-3, 3).map(float)))
def test_auc_depends_on_the_order_alone_and_some_class_is_above_a_half(drawn):
    values, labels = drawn
    found = class_auc(values, labels, classes=CLASSES)
    np.testing.assert_array_equal(class_auc(np.exp(values) - 7, labels, classes=CLASSES), found)
    told = preferred_class(found)
    for unit, name in enumerate(told):
        if name == NO_CLASS:
            assert set(found[unit][~np.isnan(found[unit])]) <= {0.5}
        else:
            assert found[unit, name] == np.nanmax(found[unit]) > 0.5


@given(labelled_values())
def test_class_means_are_those_of_a_loop(drawn):
    values, labels = drawn
    found = class_means(values, labels, classes=CLASSES)
    for unit, name in np.ndindex(*found.shape):
        known = [value for value in values[labels == name, unit] if not np.isnan(value)]
        np.testing.assert_allclose(found[unit, name], np.mean(known) if known else np.nan)


@pytest.mark.parametrize(
    ("means", "index"),
    [
        ([4, 1, 3], (4 - 2) / (4 + 2)),
        ([0, 0, 5], 1),
        ([2, 2, 2], 0),
        ([4, np.nan, 2], 1 / 3),
        ([0, 0, 0], np.nan),
        ([4, -1, 3], np.nan),
        ([4, np.nan, np.nan], np.nan),
        ([np.nan] * 3, np.nan),
        ([np.inf, 1, 1], np.nan),
    ],
)
def test_selectivity_index_by_hand(means, index):
    np.testing.assert_allclose(selectivity_index(np.array([means], float)), [index])


@given(
    hnp.arrays(np.float64, (2, 4), elements=st.just(0.0) | st.floats(1e-3, 100)),
    st.floats(0.1, 10),
)
def test_selectivity_index_is_between_0_and_1_and_has_no_unit(means, factor):
    found = selectivity_index(means)
    known = found[~np.isnan(found)]
    assert ((known >= -1e-12) & (known <= 1)).all()
    np.testing.assert_allclose(selectivity_index(means * factor), found, atol=1e-9)


def test_a_unit_is_its_mean_over_the_positions_that_are_known():
    frame = np.array([[[[1, 5]], [[3, np.nan]]], [[[0, np.nan]], [[0, np.nan]]]])
    np.testing.assert_array_equal(unit_means(frame), [[2, 5], [0, np.nan]])
    dense = np.array([[1, np.nan]], np.float32)
    np.testing.assert_array_equal(unit_means(dense), dense)


# -- over steps -------------------------------------------------------------------------------

LABELS = np.array([0, 0, 1, 1, 2, 2])


def test_over_steps_is_step_by_step():
    generator = np.random.default_rng(1)
    history = generator.random((3, 6, 4, 4, 5), np.float32)
    found = class_selectivity(map(unit_means, history), LABELS, classes=4, fewest=1)
    assert (found.auc.shape, found.index.shape, found.auc.dtype) == ((3, 5, 4), (3, 5), np.float32)
    for step, frame in enumerate(history):
        values = frame.mean(axis=(1, 2))
        means = np.stack([values[name == LABELS].mean(axis=0) for name in range(3)], axis=-1)
        np.testing.assert_allclose(found.mean_by_class[step, :, :3], means, rtol=1e-5)
        auc = class_auc(values, LABELS, classes=4)
        np.testing.assert_allclose(found.auc[step], auc, rtol=1e-6)
        np.testing.assert_allclose(found.index[step], selectivity_index(means), rtol=1e-4)
        chance = by_chance(values, LABELS, classes=4, fewest=1)
        assert found.by_chance[step] == pytest.approx(chance.share)
        assert found.best_by_chance[step] == pytest.approx(chance.best, nan_ok=True)
    assert np.isnan(found.mean_by_class[..., 3]).all()
    assert np.isnan(found.auc[..., 3]).all()
    told = np.nanmax(found.auc, axis=-1) > 0.5
    expected = np.where(told, np.nanargmax(found.auc, axis=-1), NO_CLASS)
    np.testing.assert_array_equal(found.preferred, expected)
    assert told.sum() > 10


def test_a_dead_unit_and_a_step_that_diverged_prefer_nothing():
    history = [np.zeros((6, 1)), np.full((6, 1), np.nan)]
    found = class_selectivity(history, LABELS, classes=3, fewest=1)
    assert found.preferred.tolist() == [[NO_CLASS]] * 2
    assert found.auc[0].tolist() == [[0.5] * 3]
    assert np.isnan(found.auc[1]).all()
    assert np.isnan(found.index).all()
    assert detectors(found.auc).since.tolist() == [-1]


def test_the_largest_value_over_positions():
    frame = np.array([[[1, -3], [5, -2]], [[np.nan, -1], [2, np.nan]], [[np.nan] * 2] * 2])
    np.testing.assert_array_equal(unit_maxima(frame), [[5, -2], [2, -1], [np.nan, np.nan]])
    flat = np.array([[1.0, np.nan]])
    np.testing.assert_array_equal(unit_maxima(flat), flat)


def test_a_class_of_too_few_probes_is_not_told():
    values = np.arange(11.0)[:, None]
    labels = np.array([0] * 5 + [1] * 4 + [2] * 2)
    found = class_auc(values, labels, classes=3, fewest=5)
    assert np.isnan(found[0, 1:]).all()
    assert found[0, 0] == 0
    others = class_auc(values, np.array([0] * 7 + [1] * 4), classes=2, fewest=5)
    assert np.isnan(others).all()


def test_chance_is_what_all_orders_of_the_labels_give():
    """Two of four in a class, all orders equally likely: one of the two is in front in 1 of 3."""
    values, labels = np.arange(4.0)[:, None], np.array([0, 0, 1, 1])
    found = by_chance(values, labels, classes=2, fewest=1, shuffles=4000)
    assert found.share == pytest.approx(2 / 6, abs=0.03)
    few = by_chance(values, labels, classes=2)
    assert few.share == 0
    assert np.isnan(few.best)
    many = np.random.default_rng(0).normal(size=(200, 3))
    assert by_chance(many, np.arange(200) % 2, classes=2).share == 0
    assert np.isnan(by_chance(np.zeros((4, 0)), labels, classes=2)).all()


def test_the_best_of_many_classes_is_far_above_one_half_by_chance():
    """Against scikit-learn, unit by unit, with labels thrown anew."""
    rng = np.random.default_rng(0)
    values, labels = rng.normal(size=(60, 40)), np.repeat(np.arange(6), 10)
    best = [
        max(roc_auc_score(labels == number, values[:, unit]) for number in range(6))
        for labels in (rng.permutation(labels) for _ in range(10))
        for unit in range(0, 40, 5)
    ]
    found = by_chance(values, labels, classes=6)
    assert found.best == pytest.approx(np.quantile(best, 0.95), abs=0.05)
    assert found.best > 0.7


def test_chance_knows_of_ties():
    """A unit that is 0 for most probes separates shuffled labels less often than one without."""
    labels, silent = np.repeat([0, 1], 5), np.zeros((10, 1))
    silent[0] = 1
    assert by_chance(silent, labels, classes=2, fewest=1).share == 0
    assert by_chance(np.arange(10.0)[:, None], labels, classes=2, shuffles=2000).share > 0.005


def test_a_layer_without_any_label_has_no_selectivity():
    found = class_selectivity([np.ones((6, 2))], np.full(6, NO_CLASS), classes=3)
    assert np.isnan(found.auc).all()
    assert found.preferred.tolist() == [[NO_CLASS] * 2]


def test_detectors_since_their_class_stays_above_the_threshold():
    auc = np.full((5, 4, 2), 0.5)
    auc[:, 0, 1] = [0.97, 0.6, 0.95, 0.99, 1.0]  # since step 2
    auc[:, 1, 0] = [0.99, 0.99, 0.99, 0.99, 0.9]  # no longer
    auc[:, 2, 0] = [0.99, 0.99, 0.0, 0.0, 0.0]  # once of class 0 ...
    auc[:, 2, 1] = [0.0, 0.0, 0.96, 0.97, 0.98]  # ... then of class 1
    found = detectors(auc)
    assert found.preferred.tolist() == [1, 0, 1, NO_CLASS]
    assert found.since.tolist() == [2, -1, 2, -1]
    np.testing.assert_allclose(found.auc, [1, 0.9, 0.98, np.nan], rtol=1e-6)
    assert detectors(auc, threshold=0.9).since.tolist() == [2, 0, 2, -1]
