"""Weights as a matrix: its order, its labels, its blocks, and one unit's weights as pictures."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from explorer.data.maps import maps_before
from explorer.derived.time.frames import Limits, quantize
from explorer.plots.style import DIVERGING, palette_bytes
from explorer.selection import SelectionKey
from explorer.views.base import Scene
from explorer.views.layer.weights import DenseWeights, Matrix
from store.testing import frames_at, image_run_spec
from tests.explorer.conftest import without_probe
from tests.explorer.drawing import drawn_by, payload_of

STEPS = [0, 1, 2, 5, 10, 20, 50, 100]
SPEC = image_run_spec()


def kernel_at(step, layer="dense", spec=SPEC):
    return frames_at(spec, step)[f"layers/{layer}/weights/kernel"]


def scene_of(data, layer="dense", unit=0):
    return Scene(data, SelectionKey(layer, 0, "step", unit))


def drawn(data, layer="dense", unit=0):
    return drawn_by(DenseWeights(), scene_of(data, layer, unit))


def shown(widget, index):
    return payload_of(widget, index)["frame"]


def changed_layers(spec=SPEC, **changes):
    """Change layers of a run: ``changed_layers(pool1={"output_shape": ...})``."""
    layers = tuple(
        dataclasses.replace(layer, **changes.get(layer.name, {})) for layer in spec.layers
    )
    return dataclasses.replace(spec, layers=layers)


def test_it_serves_layers_whose_main_weight_has_two_axes(image_data, text_data):
    served = {
        name
        for data in (image_data, text_data)
        for name, layer in data.run.layers.items()
        if DenseWeights().serves(layer)
    }
    assert served == {"dense", "embedding", "lstm", "output"}


@pytest.mark.parametrize("index", [0, 3, 7])
def test_a_row_is_a_unit_and_a_column_an_input(image_data, index):
    board = drawn(image_data)
    board.choice.value = "number"
    grid = board.grid
    limits = Limits(grid.low, grid.high, signed=True)
    np.testing.assert_array_equal(
        shown(grid, index), quantize(kernel_at(STEPS[index]).T, limits)[None]
    )
    assert (grid.selects, grid.tile_ids) == ("unit", [0, 1, 2, 3])


def test_colours_diverge_from_zero_and_hold_for_all_steps(image_data):
    grid = drawn(image_data).grid
    assert grid.low == -grid.high
    every = np.stack([kernel_at(step) for step in STEPS])
    assert 0.8 * np.abs(every).max() < grid.high <= np.abs(every).max()
    np.testing.assert_array_equal(grid.palette, palette_bytes(DIVERGING))


def test_what_is_alike_at_the_end_lies_together_at_every_step(recorded, monkeypatch):
    def paired(spec, step):
        frames = frames_at(spec, step)
        kernel = frames["layers/dense/weights/kernel"]
        kernel[:, 3] = 2 * kernel[:, 0]
        kernel[:, 2] = kernel[:, 1] + 0.01
        return frames

    monkeypatch.setattr("store.testing.runs.frames_at", paired)
    board = drawn(recorded())
    ids = board.grid.tile_ids
    assert sorted(ids) == [0, 1, 2, 3]
    assert {frozenset(ids[:2]), frozenset(ids[2:])} == {frozenset({0, 3}), frozenset({1, 2})}
    columns = [int(text) for text in board.grid.x_labels]
    assert sorted(columns) == list(range(48))
    limits = Limits(board.grid.low, board.grid.high, signed=True)
    for index in (0, 4, 7):
        expected = paired(SPEC, STEPS[index])["layers/dense/weights/kernel"].T[ids][:, columns]
        np.testing.assert_array_equal(shown(board.grid, index)[0], quantize(expected, limits))


def test_the_order_is_chosen_and_kept_for_the_next_layer(image_data):
    view, scene = DenseWeights(), scene_of(image_data)
    board = view.draw(scene, view.compute(scene))
    before = board.grid.key
    board.choice.value = "number"
    assert board.grid.key != before
    assert board.grid.tile_ids == [0, 1, 2, 3]
    assert view.draw(scene, view.compute(scene)).choice.value == "number"


def test_units_that_are_classes_have_their_names(image_data, text_data):
    board = drawn(image_data)
    board.choice.value = "number"
    assert board.grid.y_labels == ["ant", "bee", "cat", "dog"]
    # One sigmoid unit is not two classes.
    assert drawn(text_data, "output").grid.y_labels == ["0"]


def test_names_are_not_given_to_a_layer_within_the_network(recorded):
    spec = dataclasses.replace(SPEC, outputs=("dense",))
    data = recorded(spec, steps=(0, 1))
    assert sorted(drawn(data).grid.y_labels) == ["ant", "bee", "cat", "dog"]
    spec = changed_layers(softmax={"kind": "other", "class_name": "Mixing"})
    assert sorted(drawn(recorded(spec, steps=(0, 1))).grid.y_labels) == ["0", "1", "2", "3"]


def test_a_gate_has_as_many_rows_as_the_layer_has_units(text_data):
    board = drawn(text_data, "lstm")
    board.choice.value = "number"
    assert board.grid.tile_ids == [0, 1, 2, 3] * 4
    assert board.grid.y_labels[:5] == [
        "input gate 0",
        "input gate 1",
        "input gate 2",
        "input gate 3",
        "forget gate 0",
    ]
    assert "each unit and gate of lstm" in DenseWeights().caption(scene_of(text_data, "lstm"))


# -- one unit's weights as pictures -----------------------------------------------------------


@pytest.mark.parametrize("index", [0, 7])
def test_the_weights_of_a_unit_lie_as_the_maps_do(image_data, index):
    board = drawn(image_data, unit=2)
    pictures = board.pictures
    frame = shown(pictures, index)
    limits = Limits(pictures.low, pictures.high, signed=True)
    weights = kernel_at(STEPS[index])[:, 2]
    for y in range(4):
        for x in range(4):
            for channel in range(3):
                expected = quantize(weights[(y * 4 + x) * 3 + channel], limits)
                assert frame[channel, y, x] == expected
    assert "unit 2 (cat)" in board._title.object
    assert "each unit of pool1" in board._title.object


def test_another_unit_changes_the_pictures_in_place(image_data):
    view, scene = DenseWeights(), scene_of(image_data, unit=0)
    board = view.draw(scene, view.compute(scene))
    before, key = shown(board.pictures, 3), board.pictures.key
    view.follow(scene_of(image_data, unit=3), board)
    assert board.pictures.key != key
    assert (shown(board.pictures, 3) != before).any()


@pytest.mark.parametrize("data_format", ["channels_first", "channels_last"])
def test_channels_that_come_first_are_flattened_as_keras_does(recorded, data_format):
    spec = changed_layers(
        pool1={"output_dims": ("probe", "unit", "y", "x"), "output_shape": (6, 3, 4, 4)},
        flatten={"config": {"data_format": data_format}},
    )
    data = recorded(spec, steps=(0, 1))
    maps = maps_before(data, data.run.layers["dense"], 48)
    values = np.arange(48).reshape(3, 4, 4)
    # keras.layers.Flatten moves channels that come first to the end.
    moved = data_format == "channels_first"
    flat = (np.moveaxis(values, 0, -1) if moved else values).ravel()
    np.testing.assert_array_equal(maps.pictures(flat), values)


def test_maps_are_found_through_layers_that_leave_values_in_place(recorded):
    spec = changed_layers(
        flatten={"name": "first"},
        dense={"inbound": ("dropped",)},
    )
    flatten = spec.layers[4]
    dropped = dataclasses.replace(
        flatten, name="dropped", class_name="Dropout", kind="regularization", inbound=("first",)
    )
    spec = dataclasses.replace(spec, layers=(*spec.layers[:5], dropped, *spec.layers[5:]))
    data = recorded(spec, steps=(0, 1))
    assert maps_before(data, data.run.layers["dense"], 48).source == "pool1"


def test_there_are_no_pictures_where_there_are_no_maps(recorded, text_data):
    assert drawn(text_data, "output").pictures is None
    board = drawn(recorded(without_probe(), steps=(0, 1)))
    assert board.pictures is None
    board.show_unit(1)  # nothing to show, nothing to fail
    mixed = changed_layers(flatten={"class_name": "Lambda", "kind": "other"})
    assert drawn(recorded(mixed, steps=(0, 1))).pictures is None


# -- large and spoiled weights ----------------------------------------------------------------


def test_a_matrix_larger_than_a_screen_is_averaged_in_blocks(image_data, monkeypatch):
    monkeypatch.setattr("explorer.views.layer.weights.MOST_SHOWN", 10)
    board = drawn(image_data)
    board.choice.value = "number"
    limits = Limits(board.grid.low, board.grid.high, signed=True)
    kernel = kernel_at(STEPS[5]).astype(np.float64)
    blocks = [kernel[start : start + 5].mean(axis=0) for start in range(0, 48, 5)]
    frame = shown(board.grid, 5)
    assert frame.shape == (1, 4, 10)
    expected = quantize(np.stack(blocks, axis=1), limits)
    assert np.abs(frame[0].astype(int) - expected).max() <= 1  # rounding of float32
    assert board.grid.x_labels[:2] == ["0-4", "5-9"]
    assert "A cell is the mean of 5 inputs, in which signs may cancel." in DenseWeights().caption(
        scene_of(image_data)
    )


def test_weights_that_cannot_be_drawn_in_time_are_declined(image_data, monkeypatch):
    monkeypatch.setattr("explorer.views.layer.weights.MOST_WEIGHTS", 100)
    sentence = drawn(image_data)
    assert sentence.startswith("The 192 weights are more than can be drawn")
    assert sentence.endswith(".")


def test_too_many_rows_keep_their_order(image_data, monkeypatch):
    monkeypatch.setattr("explorer.views.layer.weights.MOST_ORDERED", 40)
    matrix = Matrix.of(image_data, image_data.run.layers["dense"])
    np.testing.assert_array_equal(matrix.columns, np.arange(48))
    assert sorted(matrix.rows) == [0, 1, 2, 3]


def test_weights_that_are_lost_are_see_through(recorded, monkeypatch):
    def spoiled(spec, step):
        frames = frames_at(spec, step)
        if step == 1:
            frames["layers/dense/weights/kernel"][:, 1] = np.nan
        return frames

    monkeypatch.setattr("store.testing.runs.frames_at", spoiled)
    board = drawn(recorded(steps=(0, 1)))
    board.choice.value = "number"
    lost = shown(board.grid, 1)[0] == 0
    assert lost[1].all()
    assert not lost[[0, 2, 3]].any()


def test_one_step_is_enough_and_none_is_said(recorded):
    assert shown(drawn(recorded(steps=(0,))).grid, 0).shape == (1, 4, 48)
    assert drawn(recorded(steps=())) == "No step has been recorded yet."


def test_the_caption_says_what_rows_and_columns_are(image_data, text_data):
    caption = DenseWeights().caption(scene_of(image_data))
    assert caption.startswith("kernel (48 × 4): a row for each unit of dense, a column for each")
    assert "each unit of flatten" in caption
    assert "a column for each word" in DenseWeights().caption(scene_of(text_data, "embedding"))
