"""Units by class: means by hand, order of rows and columns, what is left out."""

from __future__ import annotations

import numpy as np
import pytest

from explorer.data.absence import GIVE_LABELS, GIVE_PROBE
from explorer.data.responses import responses_of
from explorer.derived.time.frames import Limits, quantize
from explorer.plots.style import DIVERGING, SEQUENTIAL, palette_bytes
from explorer.selection import SelectionKey
from explorer.views.base import Scene
from explorer.views.layer.class_units import ClassUnits
from explorer.widgets.page.choice import Choice
from explorer.widgets.pictures.frame_grid import FrameGrid
from store.testing import frames_at, image_run_spec, text_run_spec
from tests.explorer.conftest import CHANNELS_FIRST, with_probe, without_probe
from tests.explorer.drawing import payload_of

STEPS = [0, 1, 2, 5, 10, 20, 50, 100]
SPEC = image_run_spec()
LABELS = np.array([0, 1, 2, 3, 0, 1])


def scene_of(data, layer="conv1"):
    return Scene(data, SelectionKey(layer, 0, "step"))


def drawn(data, layer="conv1"):
    view, scene = ClassUnits(), scene_of(data, layer)
    missing = view.requirement(scene)
    if missing is not None:
        return missing
    panel = view.draw(scene, view.compute(scene))
    (grid,) = panel.select(FrameGrid)
    rows, columns = panel.select(Choice)
    return grid, rows, columns


def shown(widget, index):
    return payload_of(widget, index)["frame"]


def activation(step, layer="conv1", spec=SPEC):
    return frames_at(spec, step)[f"layers/{layer}/activation"]


@pytest.mark.parametrize("index", [0, 3, 7])
def test_a_cell_is_the_mean_over_probes_of_a_class_and_positions(image_data, index):
    grid, rows, _ = drawn(image_data)
    rows.value = "number"
    values = activation(STEPS[index])
    means = np.array(
        [[values[label == LABELS][..., unit].mean() for label in range(4)] for unit in range(3)]
    )
    expected = quantize(means, Limits(grid.low, grid.high, signed=True))
    frame = shown(grid, index)
    assert frame.shape == (1, 3, 4)
    assert np.abs(frame[0].astype(int) - expected).max() <= 1  # rounding of float32
    assert (grid.x_labels, grid.y_labels) == (["ant", "bee", "cat", "dog"], ["0", "1", "2"])
    assert (grid.selects, grid.tile_ids) == ("unit", [0, 1, 2])


def test_every_probe_is_a_column_by_class(image_data):
    grid, rows, columns = drawn(image_data, "dense")
    rows.value, columns.value = "number", "probe"
    assert grid.x_labels == ["ant #0", "ant #4", "bee #1", "bee #5", "cat #2", "dog #3"]
    expected = activation(5, "dense")[[0, 4, 1, 5, 2, 3]].T
    limits = Limits(grid.low, grid.high, signed=True)
    np.testing.assert_array_equal(shown(grid, 3)[0], quantize(expected, limits))


def test_limits_are_of_what_is_shown_and_hold_for_all_steps(image_data):
    grid, _, columns = drawn(image_data, "dense")
    of_classes = grid.high
    columns.value = "probe"
    assert grid.high > of_classes  # means are less spread than what they are of
    assert grid.low == -grid.high
    np.testing.assert_array_equal(grid.palette, palette_bytes(DIVERGING))
    grid, _, _ = drawn(image_data, "softmax")
    assert grid.low == 0
    np.testing.assert_array_equal(grid.palette, palette_bytes(SEQUENTIAL))


def test_units_that_answer_alike_at_the_end_lie_together(recorded, monkeypatch):
    def paired(spec, step):
        frames = frames_at(spec, step)
        values = frames["layers/dense/activation"]
        values[:, 2] = 3 * values[:, 0]
        values[:, 3] = values[:, 1] + 7
        return frames

    monkeypatch.setattr("store.testing.runs.frames_at", paired)
    grid, rows, _ = drawn(recorded(), "dense")
    assert rows.value == "alike"
    ids = grid.tile_ids
    assert {frozenset(ids[:2]), frozenset(ids[2:])} == {frozenset({0, 2}), frozenset({1, 3})}
    assert grid.y_labels == [str(unit) for unit in ids]
    ordered = shown(grid, 0)[0]
    rows.value = "number"
    np.testing.assert_array_equal(shown(grid, 0)[0][ids], ordered)


def test_the_choice_is_kept_for_the_next_layer(image_data):
    view, scene = ClassUnits(), scene_of(image_data)
    panel = view.draw(scene, view.compute(scene))
    before = panel.select(FrameGrid)[0].key
    panel.select(Choice)[1].value = "probe"
    assert panel.select(FrameGrid)[0].key != before
    again = view.draw(scene, view.compute(scene))
    assert [choice.value for choice in again.select(Choice)] == ["alike", "probe"]


def test_the_unit_may_come_first(recorded):
    data = recorded(CHANNELS_FIRST, steps=(0, 1))
    means = responses_of(data, "conv1").values
    expected = activation(1, spec=CHANNELS_FIRST).mean(axis=(2, 3))
    np.testing.assert_allclose(means[1], expected, atol=1e-6)


def test_tokens_are_positions(text_data):
    means = responses_of(text_data, "embedding").values
    assert means.shape == (8, 2, 4)
    frame = frames_at(text_run_spec(), 0)["layers/embedding/activation"]
    # Of the five tokens, four and two are words: padding measures how short a text is.
    expected = [frame[0, :4].mean(axis=0), frame[1, :2].mean(axis=0)]
    np.testing.assert_allclose(means[0], expected, atol=1e-6)
    largest = responses_of(text_data, "embedding", "max").values
    np.testing.assert_allclose(largest[0, 1], frame[1, :2].max(axis=0), atol=1e-6)
    grid, _, _ = drawn(text_data, "lstm")
    assert grid.x_labels == ["negative", "positive"]


def test_of_very_many_units_evenly_spread_ones_are_looked_at(image_data, monkeypatch):
    monkeypatch.setattr("explorer.data.responses.MOST_UNITS", 4)
    grid, rows, _ = drawn(image_data, "flatten")
    rows.value = "number"
    assert grid.tile_ids == [0, 15, 31, 47]
    expected = activation(0, "flatten")[:, [0, 15, 31, 47]]
    np.testing.assert_allclose(responses_of(image_data, "flatten").values[0], expected)
    caption = ClassUnits().caption(scene_of(image_data, "flatten"))
    assert caption.endswith("Looked at are 4 of 48 units, evenly spread.")


def test_a_run_of_many_steps_and_probes_keeps_fewer_units(image_data, monkeypatch):
    monkeypatch.setattr("explorer.data.responses.MOST_VALUES", 8 * 6 * 20)
    grid, _, _ = drawn(image_data, "flatten")
    assert len(grid.tile_ids) == 20


def test_what_is_lost_is_left_out_of_the_mean_or_see_through(recorded, monkeypatch):
    def spoiled(spec, step):
        frames = frames_at(spec, step)
        if step == 1:
            frames["layers/dense/activation"][0] = np.nan  # one of two ants
            frames["layers/dense/activation"][3] = np.nan  # the only dog
        return frames

    monkeypatch.setattr("store.testing.runs.frames_at", spoiled)
    grid, rows, columns = drawn(recorded(steps=(0, 1)), "dense")
    rows.value = "number"
    frame = shown(grid, 1)[0]
    assert (frame[:, 3] == 0).all()
    assert (frame[:, :3] > 0).all()
    columns.value = "probe"
    assert (shown(grid, 1)[0] == 0).all(axis=0).tolist() == [True, *[False] * 4, True]


def test_it_says_what_is_missing(recorded, image_data):
    unlabelled = with_probe(labels=None)
    assert drawn(recorded(unlabelled, steps=(0, 1))).endswith(GIVE_LABELS)
    assert drawn(recorded(without_probe(), steps=(0, 1)), "dense") == GIVE_PROBE
    assert drawn(recorded(steps=())) == "No step has been recorded yet."
    assert isinstance(drawn(recorded(steps=(0,)))[0], FrameGrid)
    assert not ClassUnits().serves(image_data.run.layers["image"])


def test_the_caption_names_the_layer_and_its_positions(image_data):
    assert (
        "of conv1, averaged over the probes of a class and over positions"
        in ClassUnits().caption(scene_of(image_data))
    )
    assert "over positions" not in ClassUnits().caption(scene_of(image_data, "dense"))
