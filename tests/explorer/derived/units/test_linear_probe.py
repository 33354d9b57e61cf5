"""Linear probes against scikit-learn's ridge regression."""

from __future__ import annotations

import numpy as np
import pytest

from explorer.derived.units.linear_probe import FOLDS, folds, linear_probe

LABELS = np.repeat([0, 1, 2], 12)


def frame(gap, units=40, seed=0):
    generator = np.random.default_rng(seed)
    means = generator.normal(size=(3, units))
    return 50 + gap * means[LABELS] + generator.normal(size=(len(LABELS), units))


@pytest.mark.parametrize("units", [4, 40, 300])
@pytest.mark.parametrize("gap", [0.0, 0.3, 1.0])
def test_it_is_the_ridge_regression_of_sklearn(gap, units):
    from sklearn.linear_model import Ridge

    x = frame(gap, units)
    generator = np.random.default_rng(0)
    part = folds(LABELS, generator)
    right = 0
    for number in range(FOLDS):
        seen, tested = part != number, part == number
        penalty = ((x[seen] - x[seen].mean(axis=0)) ** 2).sum(axis=1).mean()
        ridge = Ridge(alpha=penalty).fit(x[seen], np.eye(3)[LABELS[seen]])
        right += (ridge.predict(x[tested]).argmax(axis=1) == LABELS[tested]).sum()
    assert linear_probe(x, LABELS, shuffles=1).accuracy == right / len(LABELS)


def test_classes_that_are_apart_are_read_and_noise_is_not():
    apart, noise = linear_probe(frame(2.0), LABELS), linear_probe(frame(0.0), LABELS)
    assert apart.accuracy == 1 > apart.chance_bound
    assert noise.accuracy <= noise.chance_bound
    assert 0.2 < noise.chance_level < 0.45, "a third by chance"


def test_accuracies_of_noise_lie_within_those_of_shuffled_labels():
    beyond = 0
    for seed in range(60):
        found = linear_probe(frame(0.0, seed=seed), LABELS, shuffles=60, seed=seed)
        beyond += found.accuracy > found.chance_bound
    assert beyond <= 9, "one in twenty is expected"


def test_every_part_has_its_share_of_every_class():
    part = folds(LABELS, np.random.default_rng(1))
    counts = [np.bincount(part[label == LABELS], minlength=FOLDS) for label in range(3)]
    assert {count for row in counts for count in row} <= {2, 3}


def test_maps_are_read_as_rows_and_what_is_not_finite_is_not_read():
    x = frame(0.5)
    assert linear_probe(x.reshape(36, 2, 4, 5), LABELS).accuracy == linear_probe(x, LABELS).accuracy
    assert linear_probe(np.zeros((36, 4)), LABELS).accuracy == pytest.approx(1 / 3, abs=0.34)
    x[3, 2] = np.inf
    assert np.isnan(linear_probe(x, LABELS).accuracy)
