"""Norms and update ratio: the curves and the norm of each unit."""

from __future__ import annotations

import dataclasses

import holoviews as hv
import numpy as np
import panel as pn

from explorer.selection import SelectionKey
from explorer.views.base import Scene
from explorer.views.layer import norms
from explorer.views.layer.norms import WeightNorms
from store.format.spec import UpdatesSpec
from store.testing import frames_at, image_run_spec, text_run_spec
from tests.explorer.drawing import drawn_by

STEPS = (0, 1, 2, 5, 10, 20, 50, 100)


def scene_of(data, layer="dense", index=0):
    return Scene(data, SelectionKey(layer, 0, "step"), index)


def drawn(scene, view=None):
    view = view or WeightNorms()
    return drawn_by(view, scene)


def curves_of(body):
    return {
        one.label: one.dimension_values(1)
        for pane in body.select(pn.pane.HoloViews)
        for one in pane.object.traverse(specs=[hv.Curve])
    }


def kernels(layer="dense"):
    return [
        frames_at(image_run_spec(), step)[f"layers/{layer}/weights/kernel"].astype(np.float64)
        for step in STEPS
    ]


def test_curves_are_norms_distances_and_ratios(image_data):
    curves = curves_of(drawn(scene_of(image_data)))
    found = kernels()
    np.testing.assert_allclose(curves["norm"], [np.linalg.norm(one) for one in found])
    np.testing.assert_allclose(
        curves["distance from the start"], [np.linalg.norm(one - found[0]) for one in found]
    )
    expected = [np.nan]
    for before, after, gap in zip(found, found[1:], np.diff(STEPS), strict=False):
        expected.append(np.linalg.norm(after - before) / gap / np.linalg.norm(before))
    np.testing.assert_allclose(curves["update / weights"], expected)


def test_the_ratio_is_of_single_updates_where_the_run_holds_them(recorded, image_data):
    path = "layers/dense/weights/kernel"
    spec = dataclasses.replace(image_run_spec(), updates=UpdatesSpec((path,)))
    data = recorded(spec)
    curve = curves_of(drawn(scene_of(data)))["update / weights"]
    frames = [frames_at(spec, step) for step in STEPS]
    expected = [float(one["updates/norm"][0] / one["updates/weight"][0]) for one in frames]
    np.testing.assert_allclose(curve, expected)
    assert "Measured at the one update before" in WeightNorms().caption(scene_of(data))
    assert "net way between two recorded steps" in WeightNorms().caption(scene_of(image_data))
    # The net way does not stand in for what was not measured: the caption says otherwise.
    assert "update / weights" not in curves_of(drawn(scene_of(data, "conv1")))


def test_the_norm_of_each_unit_can_be_chosen_and_stays_chosen(image_data):
    view = WeightNorms()
    body = drawn(scene_of(image_data, "conv1"), view)
    body.choice.value = "units"
    (pane,) = [pane for pane in body.select(pn.pane.HoloViews) if isinstance(pane.object, hv.Image)]
    image = np.flipud(pane.object.dimension_values(2, flat=False))
    expected = np.linalg.norm(kernels("conv1")[-1].reshape(-1, 3), axis=0)
    np.testing.assert_allclose(np.flipud(image)[:, -1], expected, rtol=1e-6)
    again = drawn(scene_of(image_data), view)
    assert again.choice.value == "units"
    assert not curves_of(again)


def test_a_single_unit_needs_no_choice(text_data):
    body = drawn(scene_of(text_data, "output"))
    assert body.choice.options == {"layer": "whole layer"}
    assert len(curves_of(body)) == 3


def test_gates_belong_to_their_unit(text_data):
    view = WeightNorms()
    view._of = "units"
    of, found = view.compute(scene_of(text_data, "lstm"))
    assert of == "units"
    kernel = frames_at(text_run_spec(), 100)["layers/lstm/weights/kernel"]
    expected = np.sqrt((kernel.reshape(4, 4, 4) ** 2).sum((0, 1)))
    np.testing.assert_allclose(found[-1], expected, rtol=1e-6)


def test_the_caption_names_the_variable_and_what_is_left_out(image_data, monkeypatch):
    caption = WeightNorms().caption(scene_of(image_data))
    assert caption.startswith("kernel: L2 norm, and distance from the first recorded step.")
    assert "shown" not in caption
    monkeypatch.setattr(norms, "MOST_UNITS", 3)
    assert caption + " Of 4 units 3 are shown." == WeightNorms().caption(scene_of(image_data))


def test_it_serves_layers_with_weights(image_data):
    layers = image_data.run.layers
    assert {name for name in layers if WeightNorms().serves(layers[name])} == {"conv1", "dense"}


def test_what_is_missing_is_said_and_what_is_lost_is_drawn(recorded, monkeypatch):
    assert drawn(scene_of(recorded(steps=(0,)))).startswith("This needs 2 recorded steps")

    def diverged(spec, step):
        frames = frames_at(spec, step)
        if step == 2:
            frames["layers/dense/weights/kernel"][...] = np.nan
        return frames

    monkeypatch.setattr("store.testing.runs.frames_at", diverged)
    body = drawn(scene_of(recorded(steps=(0, 1, 2))))
    assert np.isnan(curves_of(body)["norm"][2])
    assert pn.panel(body).get_root() is not None
    body.choice.value = "units"
    assert pn.panel(body).get_root() is not None
