"""Dead, selective, always on: the map, the counts at each step, and the events."""

from __future__ import annotations

import dataclasses

import holoviews as hv
import numpy as np
import panel as pn
import pytest

from explorer.data.absence import GIVE_PROBE, Lack
from explorer.derived.units.activity import turning_points
from explorer.plots.unit_states import ALWAYS_ON_COLOUR, DEAD_COLOUR
from explorer.selection import SelectionKey
from explorer.views.base import Scene
from explorer.views.layer import unit_life
from explorer.views.layer.unit_life import UnitLife, event_rows, shown_units, silence
from explorer.widgets.charts.step_table import StepTable
from store.testing import frames_at, image_run_spec
from tests.explorer.conftest import without_probe
from tests.explorer.drawing import drawn_by, payload_of

STEPS = (0, 1, 2, 5)
# Of the three units of relu1: which are dead at each of these steps.
DEAD_AT = {0: [0], 1: [0, 1], 2: [0], 5: [0, 1]}


@pytest.fixture
def data(recorded, monkeypatch):
    def rectified(spec, step):
        frames = frames_at(spec, step)
        relu = np.abs(frames["layers/relu1/activation"]) + 0.1
        relu[0, 0, 0, :2] = 0
        relu[..., DEAD_AT[step]] = 0
        return {**frames, "layers/relu1/activation": relu}

    monkeypatch.setattr("store.testing.runs.frames_at", rectified)
    return recorded(steps=STEPS)


def scene_of(data, layer="relu1"):
    return Scene(data, SelectionKey(layer, 0, "step"))


def drawn(scene):
    return drawn_by(UnitLife(), scene)


def tables_of(body):
    counts, events = body.select(StepTable)
    return counts, events


def test_the_counts_follow_the_step(data):
    counts, _ = tables_of(drawn(scene_of(data)))
    assert counts.columns == ["dead", "selective", "always on"]
    assert [payload_of(counts, index)["rows"][0] for index in range(4)] == [
        ["1", "1", "1"],
        ["2", "0", "1"],
        ["1", "1", "1"],
        ["2", "0", "1"],
    ]


def test_events_are_listed_from_the_last_one_on_and_choose_their_unit(data):
    _, events = tables_of(drawn(scene_of(data)))
    assert events.still
    payload = payload_of(events, 0)
    assert payload["rows"] == [
        ["1", "died, stayed dead", "5"],
        ["1", "woke", "2"],
        ["1", "died", "1"],
        ["0", "never alive", "0"],
    ]
    assert payload["chooses"] == [{"unit": 1}, {"unit": 1}, {"unit": 1}, {"unit": 0}]


def test_the_map_shows_shares_and_marks_the_dead(data):
    (pane,) = drawn(scene_of(data)).select(pn.pane.HoloViews)
    figure = hv.render(pane.object, backend="bokeh")
    mapper = figure.renderers[0].glyph.color_mapper
    assert (mapper.low_color, mapper.high_color) == (DEAD_COLOUR, ALWAYS_ON_COLOUR)
    values = figure.renderers[0].data_source.data["image"][0]
    assert values.shape[0] == 3
    # Row by row from below: unit 0 is dead throughout, unit 2 always on.
    assert (values[0] == -1).all()
    assert (values[2] == 2).all()
    share = 1 - 1 / (6 * 64)
    assert set(np.unique(values[1].round(6))) == {-1, round(share, 6)}


def test_the_caption_says_over_what_and_what_active_means(data):
    caption = UnitLife().caption(scene_of(data))
    assert caption.startswith("Share of all 6 probes and all positions at which a unit is active")
    assert "(above 0)" in caption


def test_a_layer_in_which_nothing_happens_says_so(image_data):
    _, events = tables_of(drawn(scene_of(image_data)))
    assert payload_of(events, 0) == {"rows": [], "chooses": []}
    assert events.empty == "No unit died, and none was dead at the start."


@pytest.mark.parametrize(
    ("dead", "sentence"),
    [
        ([3], "No unit died or woke. Unit 3 was dead at every recorded step."),
        ([1, 2], "No unit died or woke. Units 1, 2 were dead at every recorded step."),
        (range(14), "8, 9, 10, 11 and 2 more were dead at every recorded step."),
    ],
)
def test_units_that_never_lived_are_named_in_the_sentence(dead, sentence):
    state = np.ones((3, 20), np.uint8)
    state[:, list(dead)] = 0
    assert silence(state).endswith(sentence)


def test_of_very_many_events_the_last_ones_are_listed(monkeypatch):
    monkeypatch.setattr(unit_life, "MOST_EVENTS", 2)
    state = np.array([[0], [1], [0], [1]], np.uint8)
    rows = event_rows(turning_points(state), np.array([0, 10, 1000, 2000]))
    assert rows["rows"] == [["0", "woke", "2,000"], ["0", "died", "1,000"], ["", "and 1 more", ""]]
    assert rows["chooses"] == [{"unit": 0}, {"unit": 0}, {}]


def test_of_very_many_units_some_are_drawn(monkeypatch):
    monkeypatch.setattr(unit_life, "MOST_UNITS", 3)
    assert shown_units(np.zeros((2, 9), np.uint8)).tolist() == [0, 4, 8]
    assert shown_units(np.zeros((2, 2), np.uint8)).tolist() == [0, 1]


def test_layers_without_a_function_are_not_served(image_data, text_data):
    layers = {**image_data.run.layers, **text_data.run.layers}
    assert {name for name, layer in layers.items() if UnitLife().serves(layer)} == {
        "relu1",
        "output",
    }


def test_what_is_missing_is_said(recorded):
    sentence = drawn(scene_of(recorded(steps=(0,))))
    assert sentence.startswith("This needs 2 recorded steps; 1 step was recorded.")
    bare = recorded(without_probe(), steps=(0, 1))
    assert drawn(scene_of(bare)) == Lack(GIVE_PROBE)


def test_lost_values_and_large_layers_are_drawn(recorded, monkeypatch):
    def lost(spec, step):
        frames = frames_at(spec, step)
        frames["layers/relu1/activation"][..., 0] = np.nan
        return frames

    monkeypatch.setattr("store.testing.runs.frames_at", lost)
    monkeypatch.setattr("explorer.data.summaries.MOST_VALUES", 2 * 6 * 3 * 5)
    data = recorded(steps=(0, 1))
    counts, _ = tables_of(drawn(scene_of(data)))
    assert payload_of(counts, 1)["rows"] == [["0", "2", "0"]]
    assert "and 5 of 64 positions at which" in UnitLife().caption(scene_of(data))


def test_it_is_drawn_of_a_function_inside_of_a_layer(recorded):
    spec = image_run_spec()
    layers = tuple(
        dataclasses.replace(layer, config={**layer.config, "activation": "tanh"})
        if layer.name == "dense"
        else layer
        for layer in spec.layers
    )
    data = recorded(dataclasses.replace(spec, layers=layers), steps=(0, 1))
    counts, _ = tables_of(drawn(scene_of(data, "dense")))
    assert sum(int(number) for number in payload_of(counts, 0)["rows"][0]) == 4
    assert "(between -0.98 and 0.98)" in UnitLife().caption(scene_of(data, "dense"))
