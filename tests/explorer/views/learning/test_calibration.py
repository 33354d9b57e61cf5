"""Calibration: bins by hand, errors by hand, and what a diverged training leaves."""

from __future__ import annotations

import holoviews as hv
import numpy as np
import panel as pn
import pytest

from explorer.data.absence import GIVE_PROBE, Lack
from explorer.selection import SelectionKey
from explorer.views.base import Scene
from explorer.views.learning.calibration import CalibrationView
from explorer.views.learning.judged import NO_LABELS
from explorer.widgets.charts.step_lines import StepLines
from store.testing import frames_at, image_run_spec, text_run_spec
from tests.explorer.conftest import with_probe, without_probe
from tests.explorer.drawing import drawn_by
from tests.explorer.views.learning.test_confusion import EXAMPLES, evaluated

STEPS = [0, 1, 2, 5, 10, 20, 50, 100]
SPEC = image_run_spec()
LABELS = np.array([0, 1, 2, 3, 0, 1])


def scene_of(data):
    return Scene(data, SelectionKey("dense", 0, "step"))


def drawn(data):
    return drawn_by(CalibrationView(), scene_of(data))


def by_hand(shares, labels):
    """Share right, count by bin, calibration error and Brier score."""
    sure, right = shares.max(axis=1), shares.argmax(axis=1) == labels
    bins = np.minimum((sure * 10 - 1e-9).astype(int), 9)
    count = np.array([(bins == one).sum() for one in range(10)])
    share = np.array([right[bins == one].mean() if count[one] else np.nan for one in range(10)])
    gaps = [
        abs(right[bins == one].mean() - sure[bins == one].mean()) * count[one] / len(labels)
        for one in range(10)
        if count[one]
    ]
    truth = np.eye(shares.shape[1])[labels]
    return share, count, sum(gaps), ((shares - truth) ** 2).sum(axis=1).mean()


def curves_in(panel):
    (pane,) = panel.select(pn.pane.HoloViews)
    return {curve.label: curve for curve in pane.object if isinstance(curve, hv.Curve)}


def check(panel, shares_at, labels):
    right, counts = panel.select(StepLines)
    curves = curves_in(panel)
    for index, step in enumerate(STEPS):
        share, count, error, brier = by_hand(shares_at(step), labels)
        np.testing.assert_allclose(right.y[index, 0], share, rtol=1e-5)
        np.testing.assert_array_equal(counts.y[index, 0], count)
        assert curves["expected calibration error"]["y"][index] == pytest.approx(error, rel=1e-5)
        assert curves["Brier score"]["y"][index] == pytest.approx(brier, rel=1e-5)


def test_bars_and_curves_are_those_of_the_definitions(image_data):
    panel = drawn(image_data)
    check(
        panel,
        lambda step: frames_at(SPEC, step)["layers/softmax/activation"].astype(np.float64),
        LABELS,
    )
    right, counts = panel.select(StepLines)
    np.testing.assert_allclose(right.x, np.arange(0.05, 1, 0.1))
    assert (right.kind, right.diagonal, right.y_limits) == ("bars", True, [0.0, 1.0])
    assert counts.names == ["probes"]


def test_one_sigmoid_unit_is_two_classes(text_data):
    def shares(step):
        second = frames_at(text_run_spec(), step)["layers/output/activation"].astype(np.float64)
        return np.concatenate([1 - second, second], axis=1)

    check(drawn(text_data), shares, np.array([1, 0]))


def test_it_may_be_of_the_evaluation_set(recorded, monkeypatch):
    def shared(spec, step):
        frames = frames_at(spec, step)
        values = frames["evaluation/prediction"]
        values /= values.sum(axis=1, keepdims=True)
        return frames

    monkeypatch.setattr("store.testing.runs.frames_at", shared)
    spec = evaluated()
    panel = drawn(recorded(spec))
    labels = np.arange(EXAMPLES) % 4
    check(panel, lambda step: shared(spec, step)["evaluation/prediction"].astype(float), labels)
    assert panel.select(StepLines)[1].names == ["examples"]
    assert any("With 40 examples" in said.object for said in panel.select(pn.pane.HTML))


def test_a_training_that_diverged_leaves_gaps(recorded, monkeypatch):
    def spoiled(spec, step):
        frames = frames_at(spec, step)
        if step == 1:
            frames["layers/softmax/activation"][:] = np.nan
        return frames

    monkeypatch.setattr("store.testing.runs.frames_at", spoiled)
    panel = drawn(recorded(steps=(0, 1)))
    right, counts = panel.select(StepLines)
    assert np.isnan(right.y[1]).all()
    assert (counts.y[1] == 0).all()
    for curve in curves_in(panel).values():
        assert np.isfinite(curve["y"][0])
        assert np.isnan(curve["y"][1])


def test_it_says_what_is_missing(recorded):
    assert drawn(recorded(steps=())) == "No step has been recorded yet."
    assert drawn(recorded(with_probe(labels=None), steps=(0, 1))) == Lack(NO_LABELS)
    assert drawn(recorded(without_probe(), steps=(0, 1))) == Lack(GIVE_PROBE)
    assert drawn(recorded(steps=(0,))).select(StepLines)


def test_the_caption_says_how_to_read_over_confidence(image_data):
    caption = CalibrationView().caption(scene_of(image_data))
    assert "Bars below the diagonal: it is surer than it is right (over-confident)" in caption
