"""All layers over the whole training: rows, values, colours and sentences."""

from __future__ import annotations

import dataclasses

import holoviews as hv
import numpy as np
import panel as pn
import pytest

from explorer.data.absence import GIVE_LABELS, GIVE_PROBE, RECORD_WEIGHTS, Lack, Nothing
from explorer.derived.units.separation import silhouettes
from explorer.selection import SelectionKey
from explorer.views.base import Scene
from explorer.views.registry import views
from explorer.views.training.layers_over_time import DeadUnits, Separation, Sparsity, UpdateRatios
from store.testing import frames_at, image_run_spec
from tests.explorer.conftest import with_probe, without_probe
from tests.explorer.drawing import drawn_by

STEPS = (0, 1, 2, 5, 10, 20, 50, 100)
ALL = (UpdateRatios, DeadUnits, Sparsity, Separation)


def scene_of(data):
    return Scene(data, SelectionKey("conv1", 0, "step"))


def drawn(view, scene):
    return drawn_by(view, scene)


def figure_of(pane):
    return hv.render(pane.object, backend="bokeh")


def test_there_are_four_cards_of_the_whole_run():
    found = [type(view) for view in views("training") if isinstance(view, ALL)]
    assert found == list(ALL)
    assert all(view.depends == ("axis",) for view in ALL)


@pytest.fixture
def partly_dead(recorded, monkeypatch):
    """A unit of relu1 is dead at the last step."""

    def dying(spec, step):
        frames = frames_at(spec, step)
        frames["layers/relu1/activation"][..., 0] *= step < 100
        return frames

    monkeypatch.setattr("store.testing.runs.frames_at", dying)
    return recorded()


@pytest.mark.parametrize("view", ALL)
def test_rows_are_layers_from_the_top_and_cards_are_equally_tall(partly_dead, view):
    figure = figure_of(drawn(view(), scene_of(partly_dead)))
    table = view().compute(scene_of(partly_dead))
    names = figure.yaxis[0].major_label_overrides
    assert [names[row] for row in sorted(names, reverse=True)] == list(table.names)
    assert figure.height == figure_of(drawn(UpdateRatios(), scene_of(partly_dead))).height
    caption = view().caption(scene_of(partly_dead))
    assert "from top to bottom." in caption


def test_ratios_are_powers_of_ten(image_data):
    table = UpdateRatios().compute(scene_of(image_data))
    assert table.names == ("conv1", "dense")
    before, after = (
        frames_at(image_run_spec(), step)["layers/dense/weights/kernel"] for step in (50, 100)
    )
    ratio = np.linalg.norm(after - before) / 50 / np.linalg.norm(before)
    assert table.values[-1, 1] == pytest.approx(np.log10(ratio), abs=1e-5)
    assert np.isnan(table.values[0]).all()


def test_weights_that_rest_are_said(recorded, monkeypatch):
    monkeypatch.setattr("store.testing.runs.frames_at", lambda spec, _: frames_at(spec, 0))
    said = drawn(UpdateRatios(), scene_of(recorded(steps=(0, 1, 2))))
    assert said == Nothing("Between no two recorded steps do weights move by a finite step.")


def test_few_dead_units_have_a_colour_of_their_own(partly_dead, image_data):
    table = DeadUnits().compute(scene_of(partly_dead))
    assert table.names == ("relu1",)
    np.testing.assert_allclose(table.values[:, 0], [0] * 7 + [1 / 3], rtol=1e-6)
    mapper = figure_of(drawn(DeadUnits(), scene_of(partly_dead))).renderers[0].glyph.color_mapper
    assert (mapper.low, mapper.high) == (0, pytest.approx(1 / 3))
    assert DeadUnits().chosen_limits(np.array([[0.01]], np.float32)) == (0, 0.1)
    assert drawn(DeadUnits(), scene_of(image_data)) == Nothing("No dead unit at any recorded step.")
    assert DeadUnits().chosen_limits(np.array([[0.5, np.nan]], np.float32)) == (0, 0.5)


def test_layers_that_are_never_sparse_have_no_row(recorded, monkeypatch):
    def rectified(spec, step):
        frames = frames_at(spec, step)
        relu = np.maximum(frames["layers/relu1/activation"], 0)
        return {**frames, "layers/relu1/activation": relu}

    monkeypatch.setattr("store.testing.runs.frames_at", rectified)
    data = recorded(steps=(0, 3))
    table = Sparsity().compute(scene_of(data))
    assert table.names == ("relu1",)
    frame = frames_at(image_run_spec(), 3)["layers/relu1/activation"]
    assert table.values[1, 0] == pytest.approx((frame <= 0).mean(), abs=1e-6)


def test_where_no_layer_is_sparse_that_is_said(recorded, monkeypatch):
    def positive(spec, step):
        return {
            path: np.abs(values) + np.float32(0.1) if path.endswith("activation") else values
            for path, values in frames_at(spec, step).items()
        }

    monkeypatch.setattr("store.testing.runs.frames_at", positive)
    said = drawn(Sparsity(), scene_of(recorded(steps=(0, 1))))
    assert said == Nothing("No layer ever has more than 1 % of its values inactive.")


def test_separation_is_the_mean_silhouette(image_data):
    table = Separation().compute(scene_of(image_data))
    assert table.names == ("conv1", "relu1", "pool1", "flatten", "dense", "softmax")
    frame = frames_at(image_run_spec(), 20)["layers/dense/activation"]
    expected = silhouettes(frame, np.arange(6) % 4).mean()
    assert table.values[5, 4] == pytest.approx(expected, abs=1e-6)
    mapper = figure_of(drawn(Separation(), scene_of(image_data))).renderers[0].glyph.color_mapper
    assert (mapper.low, mapper.high) == (-1, 1)


def test_what_is_missing_is_said(recorded):
    for view in ALL:
        assert drawn(view(), scene_of(recorded(steps=(0,)))).startswith("This needs 2 recorded")
    unlabelled = recorded(with_probe(labels=None), steps=(0, 1))
    assert drawn(Separation(), scene_of(unlabelled)).endswith(GIVE_LABELS)
    bare = recorded(without_probe(), steps=(0, 1))
    assert drawn(Sparsity(), scene_of(bare)) == Lack(GIVE_PROBE)
    assert drawn(DeadUnits(), scene_of(bare)) == Lack(GIVE_PROBE)
    spec = image_run_spec()
    weightless = tuple(dataclasses.replace(layer, weights=()) for layer in spec.layers)
    data = recorded(dataclasses.replace(spec, layers=weightless), steps=(0, 1))
    assert drawn(UpdateRatios(), scene_of(data)) == Lack(
        f"No weights were recorded. {RECORD_WEIGHTS}"
    )


def test_large_layers_are_sampled_and_the_caption_says_so(image_data, monkeypatch):
    assert "evenly spread" not in Sparsity().caption(scene_of(image_data))
    monkeypatch.setattr("explorer.data.summaries.MOST_VALUES", 8 * 6 * 3 * 7)
    for view in (DeadUnits, Sparsity, Separation):
        assert "evenly spread positions are looked at" in view().caption(scene_of(image_data))


@pytest.mark.parametrize("view", ALL)
def test_a_training_that_diverged_is_drawn(recorded, monkeypatch, view):
    def diverged(spec, step):
        frames = frames_at(spec, step)
        if step:
            for values in frames.values():
                values[...] = np.inf
        return frames

    monkeypatch.setattr("store.testing.runs.frames_at", diverged)
    data = recorded(steps=(0, 1, 2))
    # Labels are of a classifier only while its output can be read.
    result = drawn(view(), scene_of(data))
    assert isinstance(result, str) or pn.panel(result).get_root() is not None
