"""When a run first reached each value of a metric."""

from __future__ import annotations

import numpy as np
import pytest

from explorer.derived.pairs.progress import grows, progress


def falling(updates, *, half=100.0):
    return 2.3 * 0.5 ** (updates / half)


@pytest.mark.parametrize(
    ("name", "expected"),
    [("loss", False), ("val_loss", False), ("val_accuracy", True), ("auc", True), ("mae", False),
     ("f1_score", True), ("mean_squared_error", False), ("accuracy_loss", False)],
)  # fmt: skip
def test_which_metrics_grow(name, expected):
    assert grows(name) is expected


def test_progress_keeps_a_falling_curve_and_forgets_what_gets_worse():
    updates = np.arange(1, 201)
    found = progress(updates, falling(updates), growing=False)
    np.testing.assert_array_equal(found.updates, updates[:195])  # half a window less
    np.testing.assert_allclose(found.levels, -falling(updates[:195]))
    worse = np.concatenate([falling(updates), np.geomspace(1, 1e300, 50), [np.inf, np.nan]])
    found = progress(np.arange(1, len(worse) + 1), worse, growing=False)
    assert found.updates[-1] <= 200
    assert found.levels[-1] == pytest.approx(-falling(200), rel=0.05)


def test_what_is_lost_and_won_again_is_no_record():
    values = np.concatenate([falling(np.arange(100)), [2.0] * 30, np.linspace(2, 1.5, 70)])
    found = progress(np.arange(200), values, growing=False)
    assert (np.diff(found.levels) > 0).all()
    assert found.updates[-1] < 100


def test_a_lucky_batch_is_no_record():
    values = falling(np.arange(100.0))
    values[20] = 1e-9
    values[-1] = 1e-9
    found = progress(np.arange(100), values, growing=False)
    assert found.levels[-1] < -0.5


def test_the_best_value_is_not_that_of_the_luckiest_batch():
    """Small batches are noisier; what both reach is the same."""
    updates, rng = np.arange(2000), np.random.default_rng(0)
    true = 2.3 * np.exp(-updates / 300) + 0.2
    for noise in (0.3, 0.04):
        values = true + rng.normal(0, noise, 2000)
        found = progress(updates, values, growing=False)
        assert -found.levels[-1] == pytest.approx(0.2, abs=0.1)
        assert values.min() < 0.2 - 2.5 * noise


def test_long_curves_are_shortened_and_stay_where_they_are():
    updates = np.arange(50_000)
    found = progress(updates, falling(updates, half=10_000), growing=False)
    assert 1900 < len(found.levels) <= 2000
    expected = falling(found.updates, half=10_000)
    np.testing.assert_allclose(-found.levels, expected, rtol=1e-2)
    lucky = falling(updates, half=10_000)
    lucky[::25] = 0
    np.testing.assert_allclose(
        -progress(updates, lucky, growing=False).levels[-1], expected[-1], rtol=0.02
    )


def test_a_metric_must_fit_its_updates():
    with pytest.raises(ValueError, match=r"shape \(3,\) was passed with updates of shape \(2,\)"):
        progress(np.arange(2), np.zeros(3), growing=True)
