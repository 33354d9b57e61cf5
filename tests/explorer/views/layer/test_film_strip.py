"""The film strip: which steps, and what is seen of the unit at each of them."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from explorer.derived.time.frames import Limits, quantize
from explorer.plots.pictures import spaced_steps
from explorer.selection import SelectionKey
from explorer.views.base import Scene
from explorer.views.layer.film_strip import FilmStrip
from explorer.widgets.page.choice import Choice
from explorer.widgets.pictures.frame_grid import FrameGrid
from store.format.spec import WeightSpec
from store.testing import frames_at, image_run_spec, text_run_spec
from tests.explorer.conftest import image_spec_with_conv1
from tests.explorer.drawing import drawn_by, payload_of

STEPS = [0, 1, 2, 5, 10, 20, 50, 100]


def scene_of(data, layer="conv1", *, unit=0, probe=0):
    return Scene(data, SelectionKey(layer, probe, "step", unit))


def drawn(scene):
    return drawn_by(FilmStrip(), scene)


def grids_of(panel):
    return list(panel.select(FrameGrid))


def shown(grid, index=0):
    return payload_of(grid, index)["frame"]


def codes(values, grid):
    return quantize(np.stack(values), Limits(grid.low, grid.high, signed=True))


def test_above_the_kernel_and_below_the_map_a_picture_a_step(image_data):
    kernels, maps = grids_of(drawn(scene_of(image_data, unit=2, probe=3)))
    frames = [frames_at(image_run_spec(), step) for step in STEPS]
    weights = [frame["layers/conv1/weights/kernel"][:, :, 0, 2] for frame in frames]
    np.testing.assert_array_equal(shown(kernels), codes(weights, kernels))
    outputs = [frame["layers/conv1/activation"][3, ..., 2] for frame in frames]
    np.testing.assert_array_equal(shown(maps), codes(outputs, maps))
    for grid in (kernels, maps):
        assert (grid.still, grid.selects) == (True, "step")
        assert grid.tile_ids == list(range(8))
        assert grid.captions == ["0", "1", "2", "5", "10", "20", "50", "100"]
        assert grid.low == -grid.high
    assert kernels.key != maps.key


def test_of_many_steps_some_are_shown(recorded):
    steps = tuple(range(0, 1500, 50))
    data = recorded(steps=steps)
    _, maps = grids_of(drawn(scene_of(data)))
    at = spaced_steps(steps, 16)
    assert maps.tile_ids == at
    assert maps.captions[-1] == "1,450"
    spec = image_run_spec()
    outputs = [frames_at(spec, steps[i])["layers/conv1/activation"][0, ..., 0] for i in at]
    np.testing.assert_array_equal(shown(maps), codes(outputs, maps))
    assert "at 16 recorded steps" in FilmStrip().caption(scene_of(data))


def test_of_several_channels_one_is_shown_or_all_by_their_mean_square(recorded):
    spec = image_run_spec()
    kernel = WeightSpec("kernel", ("kernel_y", "kernel_x", "in_unit", "unit"), (2, 2, 4, 3))
    layers = tuple(
        dataclasses.replace(layer, weights=(kernel,)) if layer.name == "conv1" else layer
        for layer in spec.layers
    )
    spec = dataclasses.replace(spec, layers=layers)
    panel = drawn(scene_of(recorded(spec), unit=1))
    kernels = grids_of(panel)[0]
    weights = [frames_at(spec, step)["layers/conv1/weights/kernel"][..., 1] for step in STEPS]
    best = int(np.square(weights[-1]).sum(axis=(0, 1)).argmax())
    (choice,) = panel.select(Choice)
    assert choice.options["strongest"].startswith(f"channel {best},")
    expected = codes([weight[..., best] for weight in weights], kernels)
    np.testing.assert_array_equal(shown(kernels), expected)
    before = kernels.key
    choice.value = "rms"
    assert kernels.key != before
    assert kernels.low == 0
    sizes = np.sqrt([np.square(weight.astype(float)).mean(axis=-1) for weight in weights])
    limits = Limits(kernels.low, kernels.high, signed=False)
    np.testing.assert_array_equal(shown(kernels), quantize(sizes, limits))


def test_a_layer_without_a_kernel_has_its_maps(image_data):
    (maps,) = grids_of(drawn(scene_of(image_data, "pool1")))
    assert shown(maps).shape == (8, 4, 4)
    assert "above its kernel" not in FilmStrip().caption(scene_of(image_data, "pool1"))
    assert "above its kernel, below its output" in FilmStrip().caption(scene_of(image_data))


@pytest.fixture
def over_text(recorded):
    """Five tokens in front of a convolution, as the embedding gives them."""
    spec = text_run_spec()
    layers = tuple(
        dataclasses.replace(layer, kind="conv", class_name="Conv1D")
        if layer.name == "embedding"
        else layer
        for layer in spec.layers
    )
    return recorded(dataclasses.replace(spec, layers=layers))


def test_over_a_text_there_is_a_row_a_step_and_a_column_a_token(over_text):
    (grid,) = grids_of(drawn(scene_of(over_text, "embedding", unit=3, probe=1)))
    spec = text_run_spec()
    values = [frames_at(spec, step)["layers/embedding/activation"][1, :, 3] for step in STEPS]
    np.testing.assert_array_equal(shown(grid), codes(values, grid)[None])
    assert (grid.mode, grid.still, grid.selects) == ("matrix", True, "step")
    assert grid.tile_ids == list(range(8))
    assert grid.y_labels == ["0", "1", "2", "5", "10", "20", "50", "100"]
    assert grid.x_labels == ["<b>bad</b>", "film", "", "", ""]
    assert "a column a token" in FilmStrip().caption(scene_of(over_text, "embedding"))


def test_each_selection_has_a_key_of_its_own(image_data):
    keys = {
        grid.key
        for layer in ("conv1", "relu1")
        for unit in (0, 1)
        for probe in (0, 1)
        for grid in grids_of(drawn(scene_of(image_data, layer, unit=unit, probe=probe)))
    }
    assert len(keys) == 12


def test_a_unit_that_is_lost_is_see_through(recorded, monkeypatch):
    def spoiled(spec, step):
        return {
            path: np.full_like(values, np.nan) if step else values
            for path, values in frames_at(spec, step).items()
        }

    monkeypatch.setattr("store.testing.runs.frames_at", spoiled)
    for grid in grids_of(drawn(scene_of(recorded(steps=(0, 1, 2))))):
        frames = shown(grid)
        assert frames[0].min() > 0
        assert (frames[1:] == 0).all()


def test_layers_with_maps_are_served_and_over_texts_those_around_a_convolution(
    image_data, text_data, over_text
):
    def served(data):
        return {name for name, layer in data.run.layers.items() if FilmStrip().serves(layer)}

    assert served(image_data) == {"conv1", "relu1", "pool1"}
    assert served(text_data) == set()
    assert served(over_text) == {"embedding"}


def test_what_is_missing_is_said(recorded):
    spec = image_spec_with_conv1(("probe", "token", "row", "column"), (6, 4, 8, 8))
    assert (
        drawn(scene_of(recorded(spec, steps=(0,)))) == "The output of conv1 has no units to follow."
    )
    assert drawn(scene_of(recorded(steps=()))) == "No step has been recorded yet."
