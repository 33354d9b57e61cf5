"""Kernels as pictures: which weights each tile shows, in which colours, and under which choice."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from scipy.signal import correlate

from explorer.data.kernels import has_kernels, read_kernel, strongest_channels
from explorer.derived.time.frames import Limits, quantize, robust_limits
from explorer.plots.style import DIVERGING, SEQUENTIAL, palette_bytes
from explorer.selection import SelectionKey
from explorer.views.base import Scene
from explorer.views.layer.kernels import Kernels
from explorer.widgets.page.choice import Choice
from explorer.widgets.pictures.frame_grid import FrameGrid
from store.format.spec import WeightSpec
from store.testing import frames_at, image_run_spec
from tests.explorer.conftest import with_probe, without_probe
from tests.explorer.drawing import payload_of

STEPS = [0, 1, 2, 5, 10, 20, 50, 100]
PLACES = {
    1: ("kernel_token",),
    2: ("kernel_y", "kernel_x"),
    3: ("kernel_z", "kernel_y", "kernel_x"),
}


def spec_with(*weights, class_name="Conv2D", spec=None, **changes):
    """The image run, its layer ``conv1`` with other weights: (name, dims, shape) each."""
    spec = spec or without_probe()
    made = tuple(WeightSpec(*weight) for weight in weights)
    layers = tuple(
        dataclasses.replace(layer, class_name=class_name, weights=made, **changes)
        if layer.name == "conv1"
        else layer
        for layer in spec.layers
    )
    return dataclasses.replace(spec, layers=layers)


def conv_spec(*shape, **changes):
    dims = (*PLACES[len(shape) - 2], "in_unit", "unit")
    return spec_with(("kernel", dims, shape), **changes)


def weight_at(spec, step, name="kernel"):
    return frames_at(spec, step)[f"layers/conv1/weights/{name}"]


def scene_of(data):
    return Scene(data, SelectionKey("conv1", 0, "step"))


def drawn(data):
    view, scene = Kernels(), scene_of(data)
    assert view.requirement(scene) is None
    return view.draw(scene, view.compute(scene))


def parts_of(panel):
    """The grid and the choice above it."""
    (grid,) = panel.select(FrameGrid)
    return grid, next(iter(panel.select(Choice)), None)


def shown(grid, index):
    """What the browser gets for a recorded step."""
    return payload_of(grid, index)["frame"]


def codes(values, grid):
    return quantize(values, Limits(grid.low, grid.high, True))


def test_of_one_channel_each_unit_has_a_tile_at_every_step(image_data):
    grid, choice = parts_of(drawn(image_data))
    assert choice is None
    assert (grid.selects, grid.places, grid.tile_ids) == ("unit", 1, [0, 1, 2])
    spec = image_run_spec()
    for index, step in enumerate(STEPS):
        kernel = weight_at(spec, step)
        expected = np.stack([kernel[:, :, 0, unit] for unit in range(3)])
        np.testing.assert_array_equal(shown(grid, index), codes(expected, grid))


def test_limits_are_symmetric_and_those_of_the_whole_training(image_data):
    grid, _ = parts_of(drawn(image_data))
    limits = robust_limits(weight_at(image_run_spec(), step) for step in STEPS)
    assert limits.signed
    assert (grid.low, grid.high) == (limits.low, limits.high)
    np.testing.assert_array_equal(grid.palette, palette_bytes(DIVERGING))


def test_weights_of_one_sign_still_have_zero_in_the_middle(recorded, monkeypatch):
    def positive(spec, step):
        return {path: np.abs(values) for path, values in frames_at(spec, step).items()}

    monkeypatch.setattr("store.testing.runs.frames_at", positive)
    grid, _ = parts_of(drawn(recorded(steps=(0, 1))))
    assert grid.low == -grid.high < 0


@pytest.fixture
def deep(recorded):
    spec = conv_spec(3, 2, 4, 5)
    return spec, recorded(spec)


def test_several_channels_are_at_first_shown_by_their_root_mean_square(deep):
    spec, data = deep
    grid, choice = parts_of(drawn(data))
    assert choice.value == "rms"
    assert choice.title == "input channel"
    assert grid.low == 0
    np.testing.assert_array_equal(grid.palette, palette_bytes(SEQUENTIAL))
    for index in (0, 7):
        kernel = weight_at(spec, STEPS[index]).astype(np.float64)
        mean = sum(kernel[:, :, channel] ** 2 for channel in range(4)) / 4
        expected = quantize(
            np.moveaxis(np.sqrt(mean), -1, 0), Limits(grid.low, grid.high, signed=False)
        )
        np.testing.assert_array_equal(shown(grid, index), expected)


def test_a_chosen_channel_is_shown_in_signed_colours(deep):
    spec, data = deep
    grid, choice = parts_of(drawn(data))
    before = grid.key
    choice.value = "2"
    assert grid.key != before
    assert grid.low == -grid.high
    np.testing.assert_array_equal(grid.palette, palette_bytes(DIVERGING))
    for index in (0, 3, 7):
        expected = np.moveaxis(weight_at(spec, STEPS[index])[:, :, 2], -1, 0)
        np.testing.assert_array_equal(shown(grid, index), codes(expected, grid))
    assert list(choice.options.values())[-4:] == [f"channel {number}" for number in range(4)]


def test_the_strongest_channel_of_each_unit_is_that_of_the_last_step(deep):
    spec, data = deep
    grid, choice = parts_of(drawn(data))
    choice.value = "strongest"
    last = weight_at(spec, STEPS[-1])
    best = [
        max(range(4), key=lambda channel, unit=unit: np.square(last[:, :, channel, unit]).sum())
        for unit in range(5)
    ]
    assert grid.captions == [f"{unit}·{channel}" for unit, channel in enumerate(best)]
    for index in (0, 4):
        kernel = weight_at(spec, STEPS[index])
        expected = np.stack([kernel[:, :, best[unit], unit] for unit in range(5)])
        np.testing.assert_array_equal(shown(grid, index), codes(expected, grid))


def test_all_channels_of_all_units_say_what_each_tile_is(deep):
    spec, data = deep
    grid, choice = parts_of(drawn(data))
    choice.value = "each"
    assert grid.tile_ids == [unit for unit in range(5) for _ in range(4)]
    assert grid.captions[:5] == ["0·0", "0·1", "0·2", "0·3", "1·0"]
    kernel = weight_at(spec, 0)
    expected = np.stack([kernel[:, :, at, unit] for unit in range(5) for at in range(4)])
    np.testing.assert_array_equal(shown(grid, 0), codes(expected, grid))
    choice.value = "rms"
    assert (grid.tile_ids, grid.captions) == ([0, 1, 2, 3, 4], [])


def test_too_many_tiles_are_not_offered_at_once(recorded):
    _, choice = parts_of(drawn(recorded(conv_spec(1, 1, 16, 9), steps=(0,))))
    assert "each" not in choice.options


def test_channels_of_a_coloured_image_have_the_names_of_colours(recorded):
    spec = with_probe(
        inputs={"input": np.zeros((6, 8, 8, 3), np.float32)}, labels=None, class_names=None
    )
    grid, choice = parts_of(drawn(recorded(conv_spec(3, 3, 3, 3, spec=spec), steps=(0, 1))))
    assert choice.value == "each"
    assert list(choice.options.values())[-3:] == ["red", "green", "blue"]
    assert grid.captions[:4] == ["0·r", "0·g", "0·b", "1·r"]


def test_a_kernel_over_time_is_a_column_a_place_and_a_row_a_channel(recorded):
    spec = conv_spec(3, 6, 4, class_name="Conv1D")
    data = recorded(spec)
    grid, choice = parts_of(drawn(data))
    assert choice is None
    for index in (0, 7):
        kernel = weight_at(spec, STEPS[index])
        expected = np.stack([kernel[:, :, unit].T for unit in range(4)])
        assert expected.shape == (4, 6, 3)
        np.testing.assert_array_equal(shown(grid, index), codes(expected, grid))
    assert "a column a place in the window, a row a channel" in Kernels().caption(scene_of(data))


def test_of_very_many_units_the_first_are_drawn_and_the_caption_says_so(recorded):
    data = recorded(conv_spec(1, 1, 1, 600), steps=(0, 1))
    grid, _ = parts_of(drawn(data))
    assert shown(grid, 1).shape == (512, 1, 1)
    assert len(grid.tile_ids) == 512
    assert "the first 512 of 600 units" in Kernels().caption(scene_of(data))


def test_lost_weights_are_see_through_and_do_not_spoil_the_limits(recorded, monkeypatch):
    def spoiled(spec, step):
        frames = frames_at(spec, step)
        if step >= 5:
            frames["layers/conv1/weights/kernel"][..., 1] = np.nan
            frames["layers/conv1/weights/kernel"][..., 2] = np.inf
        return frames

    monkeypatch.setattr("store.testing.runs.frames_at", spoiled)
    grid, choice = parts_of(drawn(recorded(conv_spec(3, 3, 2, 3))))
    for option in choice.options:
        choice.value = option
        last = shown(grid, 7).reshape(3, -1)
        assert np.isfinite([grid.low, grid.high]).all()
        assert last[0].min() > 0
        assert (last[1] == 0).all()
        assert (last[2] == 255).all()


def test_units_that_are_not_recorded_have_no_tile(recorded):
    spec = image_run_spec()
    dims = ("kernel_y", "kernel_x", "in_unit", "all")
    layers = tuple(
        dataclasses.replace(
            layer,
            unit_stride=2,
            weights=(WeightSpec("kernel", dims, (3, 3, 1, 6)),),
        )
        if layer.name == "conv1"
        else layer
        for layer in spec.layers
    )
    spec = dataclasses.replace(spec, layers=layers)
    data = recorded(spec, steps=(0, 1))
    grid, _ = parts_of(drawn(data))
    expected = np.moveaxis(weight_at(spec, 1)[:, :, 0, ::2], -1, 0)
    np.testing.assert_array_equal(shown(grid, 1), codes(expected, grid))
    assert "3 units (one in 2 is recorded)" in Kernels().caption(scene_of(data))


# -- kernels that Keras lays out otherwise ------------------------------------------------------


def test_a_transposed_kernel_is_turned(recorded):
    dims = ("kernel_y", "kernel_x", "unit", "in_unit")
    spec = spec_with(("kernel", dims, (3, 3, 5, 2)), class_name="Conv2DTranspose")
    kernel = weight_at(spec, 1)
    read = read_kernel(recorded(spec), "conv1", 1)
    assert read.shape == (3, 3, 2, 5)
    np.testing.assert_array_equal(read[..., 1, 4], kernel[..., 4, 1])


def test_a_depthwise_kernel_has_one_channel_for_each_of_its_units(recorded):
    dims = ("kernel_y", "kernel_x", "unit", "multiplier")
    spec = spec_with(("kernel", dims, (3, 3, 2, 3)), class_name="DepthwiseConv2D")
    kernel = weight_at(spec, 1)
    read = read_kernel(recorded(spec), "conv1", 1)
    assert read.shape == (3, 3, 1, 6)
    for channel in range(2):
        for at in range(3):  # Keras: output channel = channel * depth_multiplier + at
            np.testing.assert_array_equal(read[..., 0, 3 * channel + at], kernel[..., channel, at])


def test_the_kernel_of_a_separable_convolution_computes_what_its_two_parts_do(recorded):
    depth = ("depthwise_kernel", ("kernel_y", "kernel_x", "in_unit", "multiplier"), (3, 2, 2, 2))
    point = ("pointwise_kernel", ("place_y", "place_x", "between", "unit"), (1, 1, 4, 3))
    spec = spec_with(depth, point, class_name="SeparableConv2D")
    read = read_kernel(recorded(spec), "conv1", 2)
    assert read.shape == (3, 2, 2, 3)
    image = np.random.default_rng(0).normal(size=(6, 5, 2))
    depthwise = weight_at(spec, 2, "depthwise_kernel").astype(float)
    pointwise = weight_at(spec, 2, "pointwise_kernel")[0, 0].astype(float)
    between = np.stack(
        [
            correlate(image[..., channel], depthwise[..., channel, at], "valid")
            for channel in range(2)
            for at in range(2)
        ],
        axis=-1,
    )
    for unit in range(3):
        at_once = sum(correlate(image[..., c], read[..., c, unit], "valid") for c in range(2))
        np.testing.assert_allclose(at_once, between @ pointwise[:, unit], rtol=1e-5, atol=1e-6)


def test_the_strongest_channel_stands_for_huge_tiny_and_unknown_weights():
    kernel = np.ones((1, 1, 3, 2))
    kernel[0, 0, 1] = 2
    np.testing.assert_array_equal(strongest_channels(kernel * 1e300), [1, 1])
    np.testing.assert_array_equal(strongest_channels(kernel * 1e-300), [1, 1])
    kernel[0, 0, 1, 0] = np.nan
    np.testing.assert_array_equal(strongest_channels(kernel), [0, 1])
    np.testing.assert_array_equal(strongest_channels(np.full((1, 1, 3, 2), np.nan)), [0, 0])


# -- where it is shown --------------------------------------------------------------------------


def test_only_convolutions_over_one_or_two_axes_have_pictures_of_kernels(image_data, recorded):
    view = Kernels()
    served = {name for name, layer in image_data.run.layers.items() if view.serves(layer)}
    assert served == {"conv1"}
    volume = recorded(conv_spec(2, 2, 2, 1, 3), steps=(0,)).run.layers["conv1"]
    assert not has_kernels(volume)
    half = ("depthwise_kernel", ("kernel_y", "kernel_x", "in_unit", "multiplier"), (3, 2, 2, 2))
    alone = recorded(spec_with(half, class_name="SeparableConv2D"), steps=(0,)).run.layers["conv1"]
    assert not view.serves(alone)


@pytest.mark.parametrize("steps", [(), (0,)], ids=["none", "one"])
def test_runs_with_hardly_any_step(recorded, steps):
    data = recorded(conv_spec(3, 3, 2, 3), steps=steps)
    if steps:
        assert shown(parts_of(drawn(data))[0], 0).shape == (3, 3, 3)
    else:
        assert Kernels().requirement(scene_of(data)) == "No step has been recorded yet."


def test_the_caption_names_shape_units_and_channels(image_data, deep):
    caption = Kernels().caption(scene_of(image_data))
    assert caption.startswith("kernel (3 × 3 × 1 × 3): a tile for each of the 3 units")
    assert "its weights on image." in caption
    assert "its weights on 4 channels of image. Red" in Kernels().caption(scene_of(deep[1]))
