"""Curves of the training: of batches, without their noise, and what follows from them."""

from __future__ import annotations

import dataclasses

import holoviews as hv
import numpy as np
import pytest
from sklearn.metrics import log_loss

from explorer.data.absence import Nothing
from explorer.data.metrics import smoothed_curve
from explorer.selection import SelectionKey
from explorer.views.base import Scene, drawn, fits
from explorer.views.training.curves import (
    Accuracy,
    GeneralizationGap,
    GradientNorm,
    LearningRate,
    Loss,
)
from tests.explorer.data.test_replayed import with_train


def scene_of(data, axis="step"):
    return Scene(data, SelectionKey("conv1", 0, axis))


def lines_on(pane):
    overlay = getattr(pane, "picture", None) or pane.object
    return [each for each in overlay if isinstance(each, hv.Curve)]


@pytest.fixture
def logged(metrics):
    """A training of ten epochs of forty batches, as fit logs it."""
    rng = np.random.default_rng(0)
    samples = np.tile(8 * np.arange(1, 41), 10)
    batches = np.exp(-np.arange(400) / 100) + rng.normal(0, 0.05, 400)
    sums = np.concatenate([np.cumsum(8 * part) for part in np.split(batches, 10)])
    held_out = np.full(400, np.nan)
    held_out[39::40] = 0.5
    data = metrics(samples, loss=sums / samples, val_loss=held_out)
    return data, batches


def test_the_loss_has_no_cliff_at_the_end_of_each_epoch(logged):
    data, batches = logged
    faint, line, held_out = lines_on(drawn(Loss(), scene_of(data)))
    np.testing.assert_allclose(faint.dimension_values(1), batches, atol=1e-4)
    np.testing.assert_allclose(line.dimension_values(1), smoothed_curve(data, "loss")[1], atol=1e-9)
    truth = np.exp(-np.arange(400) / 100)
    assert np.abs(line.dimension_values(1) - truth)[50:].max() < 0.06
    assert held_out.dimension_values(1).tolist() == [0.5] * 10
    assert Loss().caption(scene_of(data)) == "Faint: each batch; line: median. Healthy: falls."


def test_what_a_guess_gives_stands_beside(recorded):
    spec = dataclasses.replace(with_train(), loss="sparse_categorical_crossentropy")
    (train,) = spec.evaluations
    labels = np.repeat([0, 1, 2, 3], [60, 30, 20, 10])
    uneven = dataclasses.replace(train, labels=labels)
    data = recorded(dataclasses.replace(spec, evaluations=(uneven,)), steps=(0, 1))
    shares = np.array([6, 3, 2, 1]) / 12
    nats = -(shares * np.log(shares)).sum()
    assert log_loss(labels, np.tile(shares, (120, 1))) == pytest.approx(nats)
    assert f"Healthy: falls; a guess gives {nats:.3g}." in Loss().caption(scene_of(data))
    assert "Healthy: rises; a guess gives 0.5." in Accuracy().caption(scene_of(data))
    mse = recorded(dataclasses.replace(spec, loss="mse"), steps=(0, 1))
    assert "guess" not in Loss().caption(scene_of(mse))


def test_where_weights_began_the_caption_says_what_the_curve_is(logged):
    data, batches = logged
    data.metrics["loss"].attrs["epoch_mean_until"] = 300
    faint, _, _ = lines_on(drawn(Loss(), scene_of(data)))
    found = faint.dimension_values(1)
    np.testing.assert_allclose(found[:300], batches[:300], atol=1e-4)
    np.testing.assert_allclose(found[300:], data.metrics["loss"].values[300:])
    assert "in loss after update 300: running means from there on" in Loss().caption(scene_of(data))


def test_what_was_logged_otherwise_is_called_so(metrics):
    data = metrics(loss=np.linspace(3, 1, 100))
    assert "Logged (fit: means so far)" in Loss().caption(scene_of(data))
    assert Loss().caption(scene_of(metrics(loss=[3, 2, 1]))) == "As logged. Healthy: falls."


def test_the_gap_and_the_learning_rate_are_curves_of_their_own(logged, metrics):
    data, _ = logged
    (gap,) = lines_on(drawn(GeneralizationGap(), scene_of(data)))
    truth = 0.5 - np.exp(-np.arange(39, 400, 40) / 100)
    np.testing.assert_allclose(gap.dimension_values(1), truth, atol=0.06)
    nothing = metrics(loss=[1.0, 2.0], learning_rate=[np.nan, np.nan])
    assert not fits(GeneralizationGap(), nothing, "conv1")
    assert isinstance(drawn(LearningRate(), scene_of(nothing)), Nothing)
    rates = metrics(loss=[1.0, 2.0], learning_rate=[0.1, 0.01])
    (rate,) = lines_on(drawn(LearningRate(), scene_of(rates)))
    np.testing.assert_allclose(rate.dimension_values(1), [0.1, 0.01])
    assert not fits(GradientNorm(), rates, "conv1")


def test_a_learning_rate_that_stays_does_not_seem_to_be_0(metrics):
    data = metrics(loss=[3, 2, 1], learning_rate=[0.001] * 3)
    figure = hv.render(drawn(LearningRate(), scene_of(data)).object, backend="bokeh")
    assert (figure.y_range.start, figure.y_range.end) == pytest.approx((0, 0.002))


def test_gradients_that_were_not_asked_for_are_not_called_infinite(metrics, monkeypatch):
    nothing = np.zeros(0, np.int64), np.zeros(0)
    monkeypatch.setattr("explorer.views.training.curves.gradient_norm", lambda _: nothing)
    absence = GradientNorm().compute(scene_of(metrics(loss=[3, 2, 1])))
    assert isinstance(absence, Nothing)
    assert "Recorder(gradients=True)" in str(absence)
