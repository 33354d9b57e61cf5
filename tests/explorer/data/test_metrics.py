"""Metrics: which belong in one picture, and curves with fewer points that look the same."""

from __future__ import annotations

import numpy as np

from explorer.data.metrics import (
    ACCURACY,
    FEWEST_SMOOTHED,
    LOSS,
    generalization_gap,
    gradient_norm,
    is_epoch_mean,
    metric_curve,
    metric_values,
    smoothed_curve,
)


def test_a_metric_belongs_where_its_name_says(metrics):
    data = metrics(loss=[1.0], val_loss=[1.0], auc=[0.5], val_recall=[0.5], lr=[0.1])
    assert LOSS.names(data) == ["loss", "val_loss"]
    assert ACCURACY.names(data) == ["auc", "val_recall"]


def test_what_is_measured_now_and_then_is_joined_and_else_there_are_gaps(metrics):
    nan = np.nan
    data = metrics(loss=[3, nan, 1, 2, 1], val_loss=[nan, nan, 2, nan, 1])
    updates, values = metric_curve(data, "loss", 100)
    np.testing.assert_array_equal(updates, [1, 2, 3, 4, 5])
    np.testing.assert_array_equal(values, [3, nan, 1, 2, 1])
    updates, values = metric_curve(data, "val_loss", 100)
    np.testing.assert_array_equal(updates, [3, 5])
    np.testing.assert_array_equal(values, [2, 1])


def test_a_long_curve_keeps_its_peak(metrics):
    loss = np.ones(1000)
    loss[637] = 9
    updates, values = metric_curve(metrics(loss=loss), "loss", 20)
    assert len(updates) <= 24
    assert values.max() == 9
    assert updates[values.argmax()] == 638


def test_of_means_over_an_epoch_the_batches_are_shown(metrics):
    samples, nan = [2, 3, 2, 4], np.nan
    data = metrics(samples, loss=[4, 3, 7, 4], val_loss=[nan, 5, nan, 6])
    assert is_epoch_mean(data, "loss")
    assert not is_epoch_mean(data, "val_loss")
    np.testing.assert_allclose(metric_values(data, "loss")[1], [4, 1, 7, 1])
    np.testing.assert_allclose(metric_curve(data, "loss", 100)[1], [4, 1, 7, 1])
    np.testing.assert_array_equal(metric_values(data, "val_loss")[1], [nan, 5, nan, 6])


def test_batches_are_not_looked_for_where_weights_began(metrics):
    data = metrics([2, 4, 6, 2], loss=[4, 3, 7, 4], accuracy=[4, 3, 7, 4])
    data.metrics["loss"].attrs["epoch_mean_until"] = 2
    np.testing.assert_allclose(metric_values(data, "loss")[1], [4, 2, 7, 4])
    np.testing.assert_allclose(metric_values(data, "accuracy")[1], [4, 2, 15, 4])


def test_noise_is_taken_out_of_what_was_measured_at_every_batch(metrics):
    noise = np.random.default_rng(0).normal(size=400)
    held_out = np.full(400, np.nan)
    held_out[::100] = 1.0
    data = metrics(loss=5 + noise, val_loss=held_out)
    updates, values = smoothed_curve(data, "loss")
    assert len(updates) == len(values) == 400
    assert values[20:].std() < 0.5 * noise.std()
    assert smoothed_curve(data, "val_loss") is None
    assert smoothed_curve(metrics(loss=np.ones(FEWEST_SMOOTHED - 1)), "loss") is None


def test_the_gap_is_that_of_the_same_moment(metrics):
    training = np.linspace(9, 1, 400)
    held_out = np.full(400, np.nan)
    held_out[[99, 199, 299]] = training[[99, 199, 299]] + [0.0, 0.5, 2.0]
    updates, gap = generalization_gap(metrics(loss=training, val_loss=held_out), "loss")
    assert updates.tolist() == [100, 200, 300]
    np.testing.assert_allclose(gap, [0, 0.5, 2], atol=1e-5)
    few = metrics(loss=[3, 2, 1], val_loss=[np.nan, 3, np.nan])
    np.testing.assert_allclose(generalization_gap(few, "loss"), [[2], [1]])
    assert generalization_gap(metrics(loss=[1.0]), "loss") is None
    assert generalization_gap(metrics(loss=[np.nan], val_loss=[1.0]), "loss") is None


def test_the_gradient_is_that_by_all_variables_together(image_data, monkeypatch):
    assert gradient_norm(image_data) is None
    count = len(image_data.run)
    norms = np.tile([3.0, 4.0, np.nan], (count, 1))
    norms[0] = np.nan
    monkeypatch.setattr(type(image_data.run), "array", lambda *_: None)
    monkeypatch.setattr(type(image_data.run), "read", lambda *_: norms)
    steps, values = gradient_norm(image_data)
    np.testing.assert_array_equal(steps, image_data.run.steps[1:])
    assert set(values.tolist()) == {5.0}
