"""Similar units: the matrix at every step, its order, and the pairs that are most alike."""

from __future__ import annotations

import dataclasses
import itertools

import numpy as np
import pytest

from explorer.data.absence import GIVE_PROBE, Lack
from explorer.derived.time.frames import Limits, quantize
from explorer.selection import SelectionKey
from explorer.views.base import Scene
from explorer.views.layer.redundancy import Redundancy
from explorer.widgets.charts.step_table import StepTable
from explorer.widgets.page.choice import Choice
from explorer.widgets.pictures.frame_grid import FrameGrid
from store.format.spec import LayerSpec, WeightSpec
from store.testing import frames_at, image_run_spec
from tests.explorer.conftest import without_probe
from tests.explorer.drawing import choice_of, drawn_by, payload_of

STEPS = [0, 1, 2, 5, 10, 20, 50, 100]
COSINES = Limits(-1, 1, signed=True)


def scene_of(data, layer="conv1"):
    return Scene(data, SelectionKey(layer, 0, "step"))


def drawn(data, layer="conv1"):
    return drawn_by(Redundancy(), scene_of(data, layer))


def visible(panel, kind):
    """The only part of a kind that is on screen."""

    def walk(item):
        if not item.visible:
            return
        if isinstance(item, kind):
            yield item
        for child in getattr(item, "objects", None) or []:
            yield from walk(child)

    (found,) = walk(panel)
    return found


def wide_spec(units, *, activation=False, inputs=3):
    """A dense layer of so many units behind the input."""
    spec = without_probe() if not activation else image_run_spec()
    output = (("probe", "unit"), (6, units)) if activation else ((), ())
    dense = LayerSpec(
        "dense",
        "Dense",
        "dense",
        {"units": units},
        ("image",),
        *output,
        weights=(WeightSpec("kernel", ("in_unit", "unit"), (inputs, units)),),
    )
    return dataclasses.replace(spec, layers=(spec.layers[0], dense), outputs=("dense",))


def cosines(kernel):
    """By the definition, pair by pair."""
    columns = kernel.reshape(-1, kernel.shape[-1]).T.astype(float)
    return np.array([[a @ b / np.sqrt((a @ a) * (b @ b)) for b in columns] for a in columns])


def test_kernels_are_compared_by_their_cosine_at_every_step(image_data):
    grid = visible(drawn(image_data), FrameGrid)
    assert (grid.mode, grid.square, grid.selects) == ("matrix", True, "unit")
    assert (grid.low, grid.high) == (-1, 1)
    for index, step in enumerate(STEPS):
        expected = cosines(frames_at(image_run_spec(), step)["layers/conv1/weights/kernel"])
        frame = payload_of(grid, index)["frame"]
        assert frame.shape == (1, 3, 3)
        # A code of difference where both round otherwise.
        assert np.abs(frame[0].astype(int) - quantize(expected, COSINES)).max() <= 1


def test_activations_are_compared_by_their_correlation_over_probes_and_places(image_data):
    panel = drawn(image_data)
    choice = choice_of(panel, "by")
    assert list(choice.options) == ["kernels", "activations"]
    choice.value = "activations"
    grid = visible(panel, FrameGrid)
    for index in (0, 3, 7):
        maps = frames_at(image_run_spec(), STEPS[index])["layers/conv1/activation"]
        expected = quantize(np.corrcoef(maps.reshape(-1, 3).T), COSINES)
        assert np.abs(payload_of(grid, index)["frame"][0].astype(int) - expected).max() <= 1
    choice.value = "kernels"
    assert visible(panel, FrameGrid) is not grid


def test_the_table_has_the_most_similar_pairs_of_the_step(recorded):
    spec = wide_spec(7, inputs=5)
    table = visible(drawn(recorded(spec), "dense"), StepTable)
    assert table.columns == ["units", "cosine"]
    for index in (0, 6):
        matrix = cosines(frames_at(spec, STEPS[index])["layers/dense/weights/kernel"])
        pairs = sorted(itertools.combinations(range(7), 2), key=lambda pair: -matrix[pair])[:8]
        payload = payload_of(table, index)
        assert payload["rows"] == [[f"{a}, {b}", f"{matrix[a, b]:.2f}"] for a, b in pairs]
        assert payload["chooses"] == [{"unit": a} for a, _ in pairs]


def test_the_clustered_order_is_that_of_the_last_step_and_does_not_move(recorded, monkeypatch):
    """Two families, even and odd units, that only come apart at the end."""

    def families(spec, step):
        frames = frames_at(spec, step)
        if step == STEPS[-1]:
            base = np.array([[1.0, 0, 0], [0, 1, 0]])[np.arange(6) % 2].T
            noise = frames["layers/dense/weights/kernel"]
            frames["layers/dense/weights/kernel"] = (base + 0.01 * noise).astype(np.float32)
        return frames

    monkeypatch.setattr("store.testing.runs.frames_at", families)
    panel = drawn(recorded(wide_spec(6)), "dense")
    grid = visible(panel, FrameGrid)
    by_number = [payload_of(grid, index)["frame"][0] for index in range(8)]
    assert grid.tile_ids == [0, 1, 2, 3, 4, 5]
    assert grid.x_labels == []
    before = grid.key
    choice_of(panel, "order").value = "clustered"
    order = grid.tile_ids
    assert grid.key != before
    assert sorted(order) == [0, 1, 2, 3, 4, 5]
    assert len({unit % 2 for unit in order[:3]}) == 1
    assert grid.x_labels == grid.y_labels == [str(unit) for unit in order]
    for index in range(8):
        expected = by_number[index][np.ix_(order, order)]
        np.testing.assert_array_equal(payload_of(grid, index)["frame"][0], expected)
    choice_of(panel, "order").value = "number"
    np.testing.assert_array_equal(payload_of(grid, 3)["frame"][0], by_number[3])


def test_a_dead_unit_is_like_none(recorded, monkeypatch):
    def dead(spec, step):
        frames = frames_at(spec, step)
        frames["layers/dense/weights/kernel"][:, 1] = 0
        frames["layers/dense/weights/kernel"][:, 2] = np.nan
        return frames

    monkeypatch.setattr("store.testing.runs.frames_at", dead)
    panel = drawn(recorded(wide_spec(4)), "dense")
    frame = payload_of(visible(panel, FrameGrid), 5)["frame"][0]
    assert (frame[1:3] == 0).all()
    assert (frame[:, 1:3] == 0).all()
    assert (frame[[0, 3]][:, [0, 3]] > 0).all()
    assert [row[0] for row in payload_of(visible(panel, StepTable), 5)["rows"]] == ["0, 3"]


def test_of_many_units_there_is_only_the_table(recorded):
    spec = wide_spec(130)
    data = recorded(spec, steps=(0, 1))
    panel = drawn(data, "dense")
    assert isinstance(panel, StepTable)
    matrix = cosines(frames_at(spec, 1)["layers/dense/weights/kernel"])
    best = max(itertools.combinations(range(130), 2), key=lambda pair: matrix[pair])
    assert payload_of(panel, 1)["rows"][0][0] == f"{best[0]}, {best[1]}"
    assert "a matrix is drawn up to 128 units" in Redundancy().caption(scene_of(data, "dense"))


def test_too_many_units_and_too_few_are_declined(recorded):
    assert drawn(recorded(wide_spec(513), steps=(0,)), "dense").startswith("513 units are too many")
    assert "no two units" in drawn(recorded(wide_spec(1), steps=(0,)), "dense")


def test_a_layer_without_kernels_is_compared_by_its_activation(image_data):
    panel = drawn(image_data, "relu1")
    (choice,) = panel.select(Choice)
    assert choice.title == "order"
    assert visible(panel, FrameGrid).value_name == ""
    caption = Redundancy().caption(scene_of(image_data, "relu1"))
    assert "correlation of their outputs over all 6 probes and positions" in caption
    assert "cosine" not in caption


def test_a_layer_without_a_recorded_activation_is_compared_by_its_kernels(recorded):
    data = recorded(without_probe(), steps=(0, 1))
    grid = visible(drawn(data), FrameGrid)
    assert payload_of(grid, 1)["frame"].shape == (1, 3, 3)
    assert "correlation" not in Redundancy().caption(scene_of(data))


def test_kernels_that_would_take_too_long_are_left_out(recorded, monkeypatch):
    monkeypatch.setattr("explorer.views.layer.redundancy.MOST_PRODUCTS", 10)
    panel = drawn(recorded(steps=(0,)))
    assert [choice.title for choice in panel.select(Choice)] == ["order"]
    bare = drawn(recorded(without_probe(), steps=(0,)))
    assert bare == Lack(GIVE_PROBE)


@pytest.mark.parametrize("steps", [(), (3,)], ids=["none", "one"])
def test_runs_with_hardly_any_step(recorded, steps):
    panel = drawn(recorded(steps=steps))
    if steps:
        assert payload_of(visible(panel, FrameGrid), 0)["frame"].shape == (1, 3, 3)
    else:
        assert panel == "No step has been recorded yet."


def test_what_was_compared_is_kept(recorded, monkeypatch):
    """What was compared once is kept: drawing again reads nothing."""
    data = recorded(steps=(0, 1))
    first = payload_of(visible(drawn(data), FrameGrid), 1)["frame"]
    monkeypatch.setattr(data, "weight", None)
    np.testing.assert_array_equal(payload_of(visible(drawn(data), FrameGrid), 1)["frame"], first)
