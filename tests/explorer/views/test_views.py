"""Views: what each draws of a run, or the sentence that says why not."""

from __future__ import annotations

import dataclasses
import pkgutil
import re
from typing import get_args

import holoviews as hv
import numpy as np
import panel as pn
import pytest

import explorer.views
from explorer.data.absence import Lack, Unfit
from explorer.derived.time.timeline import AXES, LABELS
from explorer.plots.style import (
    CURSOR_NAME,
    DIVERGING,
    EPOCHS_NAME,
    JUMPS_NAME,
    SEQUENTIAL,
    palette_bytes,
)
from explorer.selection import SelectionKey
from explorer.views.base import Region, Scene, View
from explorer.views.registry import views
from explorer.views.requirements import needs_steps
from explorer.widgets.pictures.frame_grid import FrameGrid
from store.format.layers import Layer
from store.format.names import LAYER_KINDS
from store.testing import frames_at, image_run_spec, text_run_spec
from tests.explorer.conftest import (
    CHANNELS_FIRST,
    image_spec_with_conv1,
    with_probe,
    without_probe,
)
from tests.explorer.drawing import drawn_by, payload_of

pytestmark = pytest.mark.slow

REGIONS = get_args(Region)
OF_A_LAYER = ("stage", "layer")
# A base of views.
NOT_VIEWS = {"explorer.views.learning.judged"}
STEPS = [0, 1, 2, 5, 10, 20, 50, 100]


def every_view():
    return [view for region in REGIONS for view in views(region)]


def view_called(title):
    (view,) = [view for view in every_view() if view.title == title]
    return view


def scene_of(data, layer, *, probe=0, axis="step", index=0):
    return Scene(data, SelectionKey(layer, probe, axis), index)


def drawn(view, scene):
    """What a view draws, or the sentence that it gives instead."""
    return drawn_by(view, scene)


def is_shown(view, data, layer):
    """Whether a view has a card when a layer of a run is selected."""
    return view.applies(data) and (view.region not in OF_A_LAYER or view.serves(layer))


def element_in(panel):
    """The only HoloViews picture in a Panel object."""
    (pane,) = pn.panel(panel).select(pn.pane.HoloViews)
    return pane.object


def figures_in(panel):
    """Every Bokeh figure that a Panel object makes."""
    from bokeh.models import Plot

    return list(pn.panel(panel).get_root().select({"type": Plot}))


def is_sentence(text):
    return isinstance(text, str) and re.fullmatch(r"[A-Z].+\.", text) and "\n" not in text


# -- the registry -----------------------------------------------------------------------------


def test_every_module_of_views_has_found_its_way_into_the_registry():
    modules = {
        module.name
        for module in pkgutil.walk_packages(explorer.views.__path__, "explorer.views.")
        if module.name.count(".") > 2
    }
    found = {type(view).__module__ for view in every_view()}
    assert found == modules - NOT_VIEWS


def test_views_come_in_order_and_each_time_anew():
    for region in REGIONS:
        orders = [view.order for view in views(region)]
        assert orders == sorted(orders)
        for one, other in zip(views(region), views(region), strict=True):
            assert one is not other


def test_titles_tell_views_apart_and_every_view_says_what_it_depends_on():
    every = every_view()
    assert len({view.title for view in every}) == len(every)
    fields = {field.name for field in dataclasses.fields(SelectionKey)}
    for view in every:
        assert set(view.depends) <= fields
        assert 1 <= view.width <= 12
        assert type(view).__doc__
        assert view.region not in OF_A_LAYER or "layer" in view.depends


@pytest.mark.parametrize("shape", [(), (5,), (7, 5), (8, 8, 3), (2, 8, 8, 3)], ids=str)
@pytest.mark.parametrize("kind", LAYER_KINDS)
def test_exactly_one_view_takes_the_stage_for_any_layer(kind, shape):
    layer = Layer("any", "Any", kind, {}, (), shape, 0, {}, bool(shape))
    assert sum(view.serves(layer) for view in views("stage")) == 1


def test_what_a_view_follows_it_does_not_depend_on():
    fields = {field.name for field in dataclasses.fields(SelectionKey)}
    for view in every_view():
        assert set(view.follows) <= fields - set(view.depends)
        assert not view.follows or type(view).follow is not View.follow


def test_a_view_is_drawn_anew_only_for_what_it_depends_on():
    one, other = SelectionKey("conv1", 0, "step"), SelectionKey("conv1", 3, "step")
    assert view_called("Weight distribution").key(one) == view_called("Weight distribution").key(
        other
    )
    assert view_called("Feature maps").key(one) != view_called("Feature maps").key(other)


# -- all views of all layers ------------------------------------------------------------------


@pytest.mark.parametrize("spec", [image_run_spec(), text_run_spec()], ids=["image", "text"])
def test_every_view_of_every_layer_draws_or_says_why_not(spec, image_data, text_data):
    data = image_data if spec.probe.kind == "image" else text_data
    drawings, seen = 0, set()
    for layer in data.run.layers.values():
        scene = scene_of(data, layer.name, probe=1)
        for view in every_view():
            # What does not depend on the layer is the same picture for all of them.
            key = view, view.key(scene.selected)
            if not is_shown(view, data, layer) or key in seen:
                continue
            seen.add(key)
            result = drawn(view, scene)
            if isinstance(result, str):
                assert is_sentence(result), result
                continue
            drawings += 1
            assert pn.panel(result).get_root() is not None
            caption = view.caption(scene)
            assert re.fullmatch(r"[^<>]+[.?]", caption), caption
    assert drawings > 3 * len(data.run.layers)


def test_jumps_of_the_weights_are_said_and_drawn_on_curves(image_data, monkeypatch):
    monkeypatch.setattr(type(image_data.run), "weight_jumps", (6, 2000))
    monkeypatch.delitem(vars(image_data), "weight_jumps", raising=False)
    (figure,) = figures_in(drawn(view_called("Loss"), scene_of(image_data, "conv1", axis="step")))
    assert figure.xaxis[0].axis_label.endswith("; dashed: weights set")
    (marks,) = figure.select({"name": JUMPS_NAME})
    assert list(marks.data_source.data["x"]) == [5.5]


@pytest.mark.parametrize("axis", AXES)
@pytest.mark.parametrize(
    "title",
    [
        "Loss",
        "Accuracy",
        "Probabilities of the probe",
        "Weight distribution",
        "Units over training",
    ],
)
def test_every_picture_over_time_has_its_axis_and_a_cursor(image_data, title, axis):
    scene = scene_of(image_data, "conv1", axis=axis, index=5)
    (figure,) = figures_in(drawn(view_called(title), scene))
    dotted = "" if axis == "epoch" else "; dotted: epochs"
    assert figure.xaxis[0].axis_label == LABELS[axis] + dotted
    assert bool(figure.select({"name": EPOCHS_NAME})) == bool(dotted)
    (cursor,) = figure.select({"name": CURSOR_NAME})
    places = {
        "step": np.array(STEPS),
        "log_step": np.log10(1 + np.array(STEPS)),
        "epoch": np.array(STEPS) / 20,
        "wall_time": np.array(STEPS) * 0.05,
    }[axis]
    np.testing.assert_allclose(cursor.tags[0], places)
    assert cursor.location == pytest.approx(places[5])
    assert figure.x_range.start <= places[0] < places[-1] <= figure.x_range.end


@pytest.mark.parametrize("steps", [(), (0,), (0, 1)], ids=["none", "one", "two"])
def test_runs_with_hardly_any_step_are_drawn_or_explained(recorded, steps):
    data = recorded(steps=steps)
    results = {}
    for view in every_view():
        if is_shown(view, data, data.run.layers["dense"]):
            result = results[view.title] = drawn(view, scene_of(data, "dense"))
            if isinstance(result, str):
                assert is_sentence(result), result
            else:
                assert pn.panel(result).get_root()
    if not steps:
        assert results["Unit activations"] == "No step has been recorded yet."
    if len(steps) == 1:
        assert results["Weight distribution"].startswith("This needs 2 recorded steps; 1 step was")


def test_a_requirement_names_what_is_missing(recorded, image_data):
    assert needs_steps(scene_of(image_data, "conv1"), 8) is None
    few = needs_steps(scene_of(image_data, "conv1"), 9)
    assert few == Lack(
        "This needs 9 recorded steps; 8 steps were recorded. Record at a denser schedule."
    )
    bare = recorded(without_probe(), steps=(0, 1, 2))
    for title in ("Unit activations", "Probabilities of the probe"):
        sentence = drawn(view_called(title), scene_of(bare, "dense"))
        assert isinstance(sentence, Lack)
        assert sentence == "No activation was recorded. Give the recorder a probe."
    itself = drawn(view_called("Unit activations"), scene_of(image_data, "image"))
    assert isinstance(itself, Unfit)
    assert "input layer" in itself


# -- what is drawn ----------------------------------------------------------------------------


def test_feature_maps_are_frames_with_limits_and_palette(image_data):
    grid = drawn(view_called("Feature maps"), scene_of(image_data, "conv1", probe=2))
    limits = image_data.limits("conv1", 2)
    assert isinstance(grid, FrameGrid)
    assert (grid.mode, grid.low, grid.high) == ("tiles", limits.low, limits.high)
    assert limits.signed
    np.testing.assert_array_equal(grid.palette, palette_bytes(DIVERGING))
    frame = payload_of(grid, 4)["frame"]
    np.testing.assert_array_equal(frame, image_data.frame("conv1", 4, 2))


def test_probabilities_have_a_sequential_palette_from_zero(image_data):
    grid = drawn(view_called("Unit activations"), scene_of(image_data, "softmax"))
    assert grid.low == 0
    np.testing.assert_array_equal(grid.palette, palette_bytes(SEQUENTIAL))


def test_frames_of_two_selections_have_two_keys(image_data):
    view = view_called("Feature maps")
    keys = {
        drawn(view, scene_of(image_data, layer, probe=probe)).key
        for layer in ("conv1", "pool1")
        for probe in (0, 1)
    }
    assert len(keys) == 4


def test_a_matrix_of_tokens_has_the_words_under_its_columns(text_data):
    grid = drawn(view_called("Unit activations"), scene_of(text_data, "embedding", probe=1))
    assert grid.mode == "matrix"
    assert grid.x_labels == ["<b>bad</b>", "film", "", "", ""]
    lost = drawn(view_called("Unit activations"), scene_of(text_data, "lstm", probe=1))
    assert (lost.mode, lost.x_labels) == ("tiles", [])


def test_words_beyond_the_vocabulary_go_by_number(recorded):
    spec = with_probe(text_run_spec(), vocabulary=["", "[UNK]", "not"])
    grid = drawn(view_called("Unit activations"), scene_of(recorded(spec), "embedding"))
    assert grid.x_labels == ["not", "#3", "#4", "#5", ""]


def test_metric_curves_hold_every_update(image_data):
    loss = drawn(view_called("Loss"), scene_of(image_data, "conv1")).picture
    curves = {curve.label: curve for curve in loss if isinstance(curve, hv.Curve)}
    assert set(curves) == {"training", "validation"}
    updates = np.arange(1, 101)
    np.testing.assert_array_equal(curves["training"]["x"], updates)
    # Without noise a running median changes nothing, but at the end.
    np.testing.assert_allclose(curves["training"]["y"][:98], 2 / (1 + updates)[:98])
    np.testing.assert_allclose(curves["training"]["y"], 2 / (1 + updates), rtol=0.02)
    # Once an epoch: its points are joined, without gaps between them.
    np.testing.assert_array_equal(curves["validation"]["x"], [20, 40, 60, 80, 100])
    np.testing.assert_allclose(curves["validation"]["y"], 2.5 / np.array([21, 41, 61, 81, 101]))
    accuracy = drawn(view_called("Accuracy"), scene_of(image_data, "conv1")).object
    assert {curve.label for curve in accuracy} == {"training"}


def test_a_metric_follows_the_chosen_axis(image_data):
    loss = drawn(view_called("Loss"), scene_of(image_data, "conv1", axis="epoch")).picture
    curve = next(curve for curve in loss if curve.label == "training")
    np.testing.assert_allclose(curve["x"], np.arange(1, 101) / 20)


def test_the_probabilities_are_the_selected_probes(image_data):
    element = drawn(
        view_called("Probabilities of the probe"), scene_of(image_data, "conv1", probe=3)
    ).object
    assert {curve.label for curve in element} == {"ant", "bee", "cat", "dog (true)"}
    (true,) = [curve for curve in element if curve.label == "dog (true)"]
    spec = image_run_spec()
    expected = [frames_at(spec, step)["layers/softmax/activation"][3, 3] for step in STEPS]
    np.testing.assert_allclose(true["probability"], expected)


def test_the_weight_distribution_is_the_histogram_of_each_step(image_data):
    scene = scene_of(image_data, "dense")
    view = view_called("Weight distribution")
    element = element_in(drawn(view, scene))
    spec = image_run_spec()
    kernels = np.stack([frames_at(spec, step)["layers/dense/weights/kernel"] for step in STEPS])
    left, bottom, right, top = element.bounds.lbrt()
    assert (bottom, top) == (kernels.min(), kernels.max())
    assert left < 0 < 100 < right
    edges = np.linspace(bottom, top, 81)
    for step, kernel in zip(STEPS, kernels, strict=True):
        counts = np.histogram(kernel, edges)[0]
        column = element.sample(x=step)["value"]
        with np.errstate(divide="ignore"):
            expected = np.log10(100 * counts / kernel.size)
        np.testing.assert_allclose(
            np.nan_to_num(column, nan=-9), np.nan_to_num(expected, neginf=-9), atol=1e-6
        )
    assert "kernel (48 × 4)" in view.caption(scene)


@pytest.mark.parametrize(("layer", "weight"), [("lstm", "kernel"), ("embedding", "embeddings")])
def test_the_main_weight_is_shown(text_data, layer, weight):
    assert view_called("Weight distribution").caption(scene_of(text_data, layer)).startswith(weight)


def test_weights_that_are_lost_are_counted_not_hidden(recorded, monkeypatch):
    def spoiled(spec, step):
        frames = frames_at(spec, step)
        if step >= 5:
            frames["layers/dense/weights/kernel"][:] = np.nan
        return frames

    monkeypatch.setattr("store.testing.runs.frames_at", spoiled)
    data = recorded()
    panel = drawn(view_called("Weight distribution"), scene_of(data, "dense"))
    (note,) = panel.select(pn.pane.HTML)
    assert "at 5 of the recorded steps, first at step 5." in note.object
    assert figures_in(panel)


def test_the_history_of_units_is_a_row_each(image_data):
    scene = scene_of(image_data, "conv1", probe=1)
    element = drawn(view_called("Units over training"), scene).object
    spec = image_run_spec()
    for step in STEPS:
        maps = frames_at(spec, step)["layers/conv1/activation"][1]
        for unit in range(3):
            assert element[step, unit] == pytest.approx(maps[..., unit].mean(), rel=1e-4)
    low, high = element.vdims[0].range
    assert low == -high
    assert view_called("Units over training").caption(scene).startswith("Mean over positions;")


def test_more_units_than_a_screen_has_rows_have_no_card(recorded):
    data = recorded(image_run_spec(units=9, side=16), steps=(0, 1))
    sentence = drawn(view_called("Units over training"), scene_of(data, "flatten"))
    assert isinstance(sentence, Unfit)
    assert sentence.startswith("576 units are more rows than a screen has pixels for (512)")


# -- captions ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("title", "layer", "words"),
    [
        ("Feature maps", "conv1", ["3 units", "probe 2", "8 × 8 positions"]),
        ("Unit activations", "dense", ["4 units", "probe 2"]),
        ("Units over training", "conv1", ["unit", "recorded step", "probe 2"]),
        ("Weight distribution", "conv1", ["kernel (3 × 3 × 1 × 3)", "logarithmic"]),
        ("Probabilities of the probe", "conv1", ["network's output"]),
        ("Loss", "conv1", ["Logged", "fit: means so far", "Healthy"]),
    ],
)
def test_a_caption_says_what_is_shown(image_data, title, layer, words):
    caption = view_called(title).caption(scene_of(image_data, layer, probe=2))
    assert all(word in caption for word in words), caption


@pytest.mark.parametrize("title", ["Loss", "Accuracy"])
def test_the_captions_of_curves_take_one_line(image_data, title):
    assert len(view_called(title).caption(scene_of(image_data, "conv1"))) <= 52


def test_a_caption_of_channels_first_counts_units_not_columns(recorded):
    data = recorded(CHANNELS_FIRST, steps=(0, 1))
    assert "3 units" in view_called("Feature maps").caption(scene_of(data, "conv1"))


def test_a_tile_a_place_is_told_where_a_sequence_of_maps_is_shown(recorded):
    maps = image_spec_with_conv1(("probe", "token", "y", "x", "unit"), (6, 2, 8, 8, 3))
    data = recorded(maps, steps=(0, 1))
    view, scene = view_called("Feature maps"), scene_of(data, "conv1")
    assert "3 units at each of 2 places" in view.caption(scene)
    assert drawn(view, scene).places == 2
    assert drawn(view, scene_of(data, "pool1")).places == 1
