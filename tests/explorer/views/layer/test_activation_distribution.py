"""Distributions of activations and of weights, of a layer and of one unit."""

from __future__ import annotations

import dataclasses

import holoviews as hv
import numpy as np
import panel as pn
import pytest

from explorer.data.absence import GIVE_PROBE, Lack
from explorer.selection import SelectionKey
from explorer.views.base import Scene
from explorer.views.layer.distributions import ActivationDistribution, WeightDistribution
from store.testing import frames_at, image_run_spec, text_run_spec
from tests.explorer.conftest import CHANNELS_FIRST, without_probe
from tests.explorer.drawing import drawn_by

STEPS = (0, 1, 2, 5, 10, 20, 50, 100)


def scene_of(data, layer="conv1", *, unit=0):
    return Scene(data, SelectionKey(layer, 0, "step", unit))


def drawn(view, scene):
    return drawn_by(view, scene)


def columns_of(body):
    """Shares in percent of the picture on show, one column a step; NaN where there is none."""
    panes = body.select(pn.pane.HoloViews)
    (pane,) = [pane for pane in panes if pane.visible and all_visible(body, pane)]
    image = pane.object.dimension_values(2, flat=False)
    places = np.array(STEPS, np.float64)
    low, _, high, _ = pane.object.bounds.lbrt()
    columns = ((places - low) / (high - low) * image.shape[1]).astype(int)
    columns = np.clip(columns, 0, image.shape[1] - 1)
    return 10 ** image[:, columns].T, pane.object


def all_visible(body, pane):
    holders = [part for part in body.select(pn.Column) if pane in part.select()]
    return all(holder.visible for holder in holders)


def histograms(frames):
    """Shares in percent over 80 bins that cover all frames, by NumPy alone."""
    low, high = min(one.min() for one in frames), max(one.max() for one in frames)
    edges = np.linspace(low, high, 81)
    shares = [100 * np.histogram(one, edges)[0] / one.size for one in frames]
    return np.where(np.array(shares) > 0, shares, np.nan), edges


@pytest.mark.parametrize("view", [ActivationDistribution, WeightDistribution])
def test_the_whole_layer_comes_first(image_data, view):
    what = "activation" if view is ActivationDistribution else "weights/kernel"
    body = drawn(view(), scene_of(image_data, unit=2))
    assert body.choice.options == {"layer": "whole layer", "unit": "unit 2"}
    frames = [frames_at(image_run_spec(), step)[f"layers/conv1/{what}"] for step in STEPS]
    expected, edges = histograms(frames)
    found, picture = columns_of(body)
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    np.testing.assert_allclose(picture.bounds.lbrt()[1::2], edges[[0, -1]], rtol=1e-6)


@pytest.mark.parametrize("view", [ActivationDistribution, WeightDistribution])
def test_one_unit_can_be_chosen_and_changed(image_data, view):
    what = "activation" if view is ActivationDistribution else "weights/kernel"
    shown, scene = view(), scene_of(image_data, unit=2)
    body = drawn(shown, scene)
    body.choice.value = "unit"
    for unit in (2, 1):
        scene = scene_of(image_data, unit=unit)
        shown.follow(scene, body)
        assert body.choice.options["unit"] == f"unit {unit}"
        frames = [frames_at(image_run_spec(), s)[f"layers/conv1/{what}"][..., unit] for s in STEPS]
        np.testing.assert_allclose(columns_of(body)[0], histograms(frames)[0], rtol=1e-5)


@pytest.mark.parametrize("view", [ActivationDistribution, WeightDistribution])
def test_the_choice_holds_for_the_next_layer(image_data, view):
    shown = view()
    drawn(shown, scene_of(image_data)).choice.value = "unit"
    body = drawn(shown, scene_of(image_data, "dense", unit=3))
    assert body.choice.value == "unit"
    what = "activation" if view is ActivationDistribution else "weights/kernel"
    frames = [frames_at(image_run_spec(), s)[f"layers/dense/{what}"][..., 3] for s in STEPS]
    np.testing.assert_allclose(columns_of(body)[0], histograms(frames)[0], rtol=1e-5)


def test_units_that_come_before_the_places_are_found(recorded):
    data = recorded(CHANNELS_FIRST, steps=STEPS)
    shown = ActivationDistribution()
    body = drawn(shown, scene_of(data, unit=1))
    body.choice.value = "unit"
    frames = [frames_at(CHANNELS_FIRST, s)["layers/conv1/activation"][:, 1] for s in STEPS]
    np.testing.assert_allclose(columns_of(body)[0], histograms(frames)[0], rtol=1e-5)


def test_the_weights_of_a_unit_are_those_of_all_its_gates(recorded):
    spec = text_run_spec()
    layers = tuple(
        dataclasses.replace(layer, output_shape=(2, 4)) if layer.name == "lstm" else layer
        for layer in spec.layers
    )
    data = recorded(dataclasses.replace(spec, layers=layers), steps=STEPS)
    body = drawn(WeightDistribution(), scene_of(data, "lstm", unit=3))
    body.choice.value = "unit"
    frames = [frames_at(spec, s)["layers/lstm/weights/kernel"][:, 3::4] for s in STEPS]
    np.testing.assert_allclose(columns_of(body)[0], histograms(frames)[0], rtol=1e-5)


def test_one_weight_a_unit_is_no_distribution(recorded):
    spec = image_run_spec()
    layers = []
    for layer in spec.layers:
        weights = tuple(one for one in layer.weights if one.name == "bias")
        layers.append(dataclasses.replace(layer, weights=weights))
    data = recorded(dataclasses.replace(spec, layers=tuple(layers)), steps=(0, 1))
    body = drawn(WeightDistribution(), scene_of(data, "dense"))
    assert body.choice.options == {"layer": "whole layer"}
    WeightDistribution().follow(scene_of(data, "dense", unit=2), body)
    assert body.choice.options == {"layer": "whole layer"}


def test_captions_say_over_what(image_data, monkeypatch):
    view = ActivationDistribution()
    assert "over all 6 probes and all positions." in view.caption(scene_of(image_data))
    assert "over all 6 probes." in view.caption(scene_of(image_data, "dense"))
    monkeypatch.setattr("explorer.data.summaries.MOST_VALUES", 8 * 6 * 3 * 7)
    assert "over all 6 probes and 7 of 64 positions." in view.caption(scene_of(image_data))


def test_what_is_missing_is_said(recorded):
    bare = recorded(without_probe(), steps=(0, 1))
    assert drawn(ActivationDistribution(), scene_of(bare)) == Lack(GIVE_PROBE)
    sentence = drawn(ActivationDistribution(), scene_of(recorded(steps=(0,))))
    assert sentence.startswith("This needs 2 recorded steps")


def test_values_that_are_not_finite_are_told(recorded, monkeypatch):
    def spoiled(spec, step):
        frames = frames_at(spec, step)
        if step:
            frames["layers/conv1/activation"][0, 0, 0, 0] = np.nan
        return frames

    monkeypatch.setattr("store.testing.runs.frames_at", spoiled)
    body = drawn(ActivationDistribution(), scene_of(recorded(steps=(0, 7, 8))))
    (note,) = body.select(pn.pane.HTML)
    assert "NaN or infinite activations are left out: there are some at 2" in note.object
    assert "first at step 7." in note.object
    assert hv.render(columns_pane(body).object, backend="bokeh")


def columns_pane(body):
    (pane,) = body.select(pn.pane.HoloViews)
    return pane
