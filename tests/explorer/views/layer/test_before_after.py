"""Both sides of an activation function, and who is active."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from explorer.data.absence import GIVE_PROBE, Lack, Unfit
from explorer.derived.time.frames import quantize, robust_limits
from explorer.plots.style import DIVERGING, palette_bytes
from explorer.selection import SelectionKey
from explorer.views.base import Scene
from explorer.views.layer import before_after
from explorer.views.layer.before_after import BeforeAfter, words_at
from explorer.widgets.charts.step_lines import StepLines
from explorer.widgets.pictures.frame_grid import FrameGrid
from store.format.layers import Layer
from store.format.spec import LayerSpec
from store.testing import frames_at, image_run_spec, text_run_spec
from tests.explorer.conftest import image_spec_with_conv1, with_probe, without_probe
from tests.explorer.drawing import drawn_by, payload_of

STEPS = [0, 1, 2, 5, 10, 20, 50, 100]
IMAGE = ("probe", "y", "x", "unit")


def scene_of(data, layer="relu1", *, unit=0, probe=0):
    return Scene(data, SelectionKey(layer, probe, "step", unit))


def drawn(scene):
    return drawn_by(BeforeAfter(), scene)


def parts_of(body):
    (grid,) = body.select(FrameGrid)
    (bars,) = body.select(StepLines)
    return grid, bars


def shown(widget, index):
    return payload_of(widget, index)["frame"]


def changed(spec, name, **changes):
    """A run's description with one layer changed."""
    layers = (
        dataclasses.replace(layer, **changes) if layer.name == name else layer
        for layer in spec.layers
    )
    return dataclasses.replace(spec, layers=tuple(layers))


def relu_after(spec, source, dims, shape):
    """A run's description with a ReLU behind a layer, as its last one."""
    relu = LayerSpec("relu", "ReLU", "activation", {}, (source,), dims, shape)
    return dataclasses.replace(spec, layers=(*spec.layers, relu))


# -- maps ---------------------------------------------------------------------------------------


def test_both_sides_are_the_units_maps_in_the_same_colours(image_data):
    spec = image_run_spec()
    grid, _ = parts_of(drawn(scene_of(image_data, unit=1, probe=4)))
    maps = [
        np.stack([frames_at(spec, step)[f"layers/{name}/activation"][4, ..., 1] for name in both])
        for step in STEPS
        for both in [("conv1", "relu1")]
    ]
    limits = robust_limits(side for pair in maps for side in pair)
    assert (grid.low, grid.high) == (limits.low, limits.high)
    np.testing.assert_array_equal(grid.palette, palette_bytes(DIVERGING))
    assert grid.captions == ["before (conv1)", "after (relu1)"]
    for index, pair in enumerate(maps):
        np.testing.assert_array_equal(shown(grid, index), quantize(pair, limits))


def test_units_that_come_before_the_places_are_found(recorded):
    spec = image_spec_with_conv1(("probe", "unit", "y", "x"), (6, 3, 8, 8))
    grid, _ = parts_of(drawn(scene_of(recorded(spec, steps=(0, 3)), unit=2, probe=5)))
    before = frames_at(spec, 3)["layers/conv1/activation"][5, 2]
    after = frames_at(spec, 3)["layers/relu1/activation"][5, ..., 2]
    values = (np.stack([before, after]) - grid.low) / (grid.high - grid.low)
    expected = 1.0 + 254 * np.clip(values, 0, 1)
    assert np.abs(shown(grid, 1) - expected).max() <= 0.5 + 1e-3


def test_maps_at_several_places_are_all_there(recorded):
    dims, shape = ("probe", "token", "y", "x", "unit"), (6, 2, 4, 4, 3)
    spec = image_run_spec()
    for name in ("conv1", "relu1"):
        spec = changed(spec, name, output_dims=dims, output_shape=shape)
    grid, _ = parts_of(drawn(scene_of(recorded(spec, steps=(0, 1)), unit=1)))
    assert shown(grid, 1).shape == (4, 4, 4)
    assert grid.captions[1:3] == ["before · place 1", "after · place 0"]


# -- rows ---------------------------------------------------------------------------------------


def test_without_positions_a_row_has_every_unit(recorded):
    spec = relu_after(image_run_spec(), "dense", ("probe", "unit"), (6, 4))
    data = recorded(spec, steps=(0, 1, 2))
    grid, bars = parts_of(drawn(scene_of(data, "relu", probe=3)))
    assert (grid.mode, grid.y_labels, grid.x_name) == ("matrix", ["before", "after"], "unit")
    frames = frames_at(spec, 2)
    both = [frames[f"layers/{name}/activation"][3] for name in ("dense", "relu")]
    limits = robust_limits(
        frames_at(spec, step)[f"layers/{name}/activation"][3]
        for step in (0, 1, 2)
        for name in ("dense", "relu")
    )
    np.testing.assert_array_equal(shown(grid, 2), quantize(np.stack(both), limits)[None])
    assert bars.y.shape == (3, 1, 4)
    caption = BeforeAfter().caption(scene_of(data, "relu", probe=3))
    assert caption.startswith("Probe 3, every unit: dense and what ReLU makes of it")
    assert "positions" not in caption


def test_over_a_text_a_row_has_its_words(recorded):
    spec = text_run_spec()
    relu = LayerSpec(
        "relu", "ReLU", "activation", {}, ("embedding",), ("probe", "token", "unit"), (2, 5, 4)
    )
    data = recorded(dataclasses.replace(spec, layers=(*spec.layers, relu)), steps=(0, 1))
    grid, _ = parts_of(drawn(scene_of(data, "relu", unit=3, probe=0)))
    assert grid.x_labels[:4] == ["not", "a", "good", "film"]
    assert grid.x_name == "token"
    assert shown(grid, 1).shape == (1, 2, 5)


def test_layers_over_images_have_no_words(image_data):
    assert words_at(image_data, image_data.run.layers["relu1"], 0) == []


# -- a function inside of a layer ----------------------------------------------------------------


def test_the_sum_inside_a_convolution_is_computed(recorded):
    size = {"filters": 3, "kernel_size": [3, 3], "strides": [1, 1]}
    config = {**size, "padding": "same", "activation": "relu"}
    spec = changed(image_run_spec(), "conv1", config=config)
    data = recorded(spec, steps=(0, 4))
    grid, _ = parts_of(drawn(scene_of(data, "conv1", unit=2, probe=1)))
    frames = frames_at(spec, 4)
    image = np.pad(spec.probe.inputs["input"][1, ..., 0], 1).astype(np.float64)
    kernel = frames["layers/conv1/weights/kernel"][:, :, 0, 2]
    total = frames["layers/conv1/weights/bias"][2] + sum(
        kernel[y, x] * image[y : y + 8, x : x + 8] for y in range(3) for x in range(3)
    )
    expected = 1.0 + 254 * np.clip((total - grid.low) / (grid.high - grid.low), 0, 1)
    assert np.abs(shown(grid, 1)[0] - expected).max() <= 0.5 + 1e-3
    assert "the sum inside conv1 and what relu makes of it" in BeforeAfter().caption(
        scene_of(data, "conv1")
    )


@pytest.mark.parametrize(
    ("class_name", "kind", "config", "serves"),
    [
        ("ReLU", "activation", {}, True),
        ("Own", "activation", {}, True),
        ("Dense", "dense", {"activation": "sigmoid"}, True),
        ("Dense", "dense", {"activation": "linear"}, False),
        ("Dense", "dense", {"activation": "softmax"}, False),
        ("Dense", "dense", {"activation": "my_own"}, False),
        ("OwnConv", "conv", {"activation": "relu"}, False),
        ("LSTM", "recurrent", {"activation": "tanh"}, False),
        ("Flatten", "reshape", {}, False),
    ],
)
def test_it_serves_functions_whose_argument_is_known(class_name, kind, config, serves):
    layer = Layer("any", class_name, kind, config, ("one",), (3,), 0, {}, True)
    assert BeforeAfter().serves(layer) is serves


# -- who is active ------------------------------------------------------------------------------


def test_bars_are_shares_of_all_probes_and_positions(image_data):
    _, bars = parts_of(drawn(scene_of(image_data)))
    assert (bars.kind, bars.selects, bars.y_limits) == ("bars", "unit", [0, 1])
    for index, step in enumerate(STEPS):
        frame = frames_at(image_run_spec(), step)["layers/relu1/activation"]
        np.testing.assert_allclose(bars.y[index, 0], (frame > 0).mean((0, 1, 2)), rtol=1e-6)
    caption = BeforeAfter().caption(scene_of(image_data))
    assert "share of all probes and all positions at which each unit is active (above 0)" in caption


def test_of_very_many_units_the_first_have_bars(recorded, monkeypatch):
    monkeypatch.setattr(before_after, "MOST_UNITS", 3)
    spec = relu_after(image_run_spec(), "dense", ("probe", "unit"), (6, 4))
    data = recorded(spec, steps=(0, 1))
    _, bars = parts_of(drawn(scene_of(data, "relu")))
    assert bars.y.shape == (2, 1, 3)
    assert "(the first 3 of 4)" in BeforeAfter().caption(scene_of(data, "relu"))


# -- what may be missing ------------------------------------------------------------------------


def test_what_is_missing_is_said(recorded):
    bare = recorded(without_probe(), steps=(0, 1))
    assert drawn(scene_of(bare)) == GIVE_PROBE
    spec = changed(image_run_spec(), "conv1", output_dims=(), output_shape=())
    silent = drawn(scene_of(recorded(spec)))
    assert isinstance(silent, Lack)
    assert silent.startswith("The activation of conv1 was not recorded. ")
    spec = changed(image_run_spec(), "relu1", inbound=("conv1", "image"))
    assert drawn(scene_of(recorded(spec))) == Unfit("relu1 does not take one input alone.")
    spec = changed(image_run_spec(), "relu1", operations_between=True)
    assert drawn(scene_of(recorded(spec))) == Unfit(
        "Between conv1 and relu1 lie operations that are in no layer."
    )
    assert drawn(scene_of(recorded(steps=()))) == "No step has been recorded yet."
    two = with_probe(
        inputs={name: np.zeros((6, 8, 8, 1), np.float32) for name in ("one", "two")},
        dims=dict.fromkeys(("one", "two"), ("probe", "y", "x", "channel")),
    )
    spec = changed(changed(two, "relu1", inbound=("image",)), "conv1", inbound=())
    several = drawn(scene_of(recorded(spec)))
    assert isinstance(several, Unfit)
    assert "is not one array" in several


def test_a_single_step_and_values_that_are_lost_are_drawn(recorded, monkeypatch):
    def spoiled(spec, step):
        return {
            path: np.full_like(values, np.nan) if values.dtype.kind == "f" else values
            for path, values in frames_at(spec, step).items()
        }

    monkeypatch.setattr("store.testing.runs.frames_at", spoiled)
    grid, bars = parts_of(drawn(scene_of(recorded(steps=(0,)))))
    assert not shown(grid, 0).any()
    assert np.isnan(bars.y).all()
