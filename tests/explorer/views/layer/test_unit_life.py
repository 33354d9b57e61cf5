"""Dead, selective, always on: the map, the counts at each step, and the events."""

from __future__ import annotations

import dataclasses

import holoviews as hv
import numpy as np
import panel as pn
import pytest

from explorer.data.absence import GIVE_PROBE, Lack, Unfit
from explorer.data.layer_quantities import LAYER_QUANTITIES
from explorer.data.unit_states import unit_states_of
from explorer.derived.network.activations import NAMED
from explorer.derived.units.activity import (
    ACTIVE_SLOPE,
    ALWAYS_ON,
    DEAD,
    SATURATED,
    turning_points,
)
from explorer.plots.unit_states import ALWAYS_ON_COLOUR, DEAD_COLOUR
from explorer.selection import SelectionKey
from explorer.views.base import Scene
from explorer.views.layer import unit_life
from explorer.views.layer.unit_life import UnitLife, event_rows, shown_units, silence, states_at
from explorer.widgets.charts.step_table import StepTable
from store.format.spec import WeightSpec
from store.testing import frames_at, image_run_spec, text_run_spec
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
    assert payload_of(counts, 0)["rows"] == [
        ["dead now", "1 of 3", "0"],
        ["selective", "1 of 3", "1"],
        ["always on", "1 of 3", "2"],
    ]
    assert payload_of(counts, 1)["rows"][:2] == [
        ["dead now", "2 of 3", "0, 1"],
        ["selective", "0 of 3", ""],
    ]


def test_of_many_units_in_a_state_the_first_are_named():
    assert states_at(np.zeros(15, np.uint8), [DEAD]) == [
        ["dead now", "15 of 15", "0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11 and 3 more"]
    ]


def test_events_are_listed_from_the_last_one_on_and_choose_their_unit(data):
    _, events = tables_of(drawn(scene_of(data)))
    assert events.still
    payload = payload_of(events, 0)
    assert payload["rows"] == [
        ["1", "died", "5"],
        ["1", "woke", "2"],
        ["1", "died", "1"],
    ]
    assert payload["chooses"] == [{"unit": 1}] * 3


def test_only_many_later_records_say_that_a_unit_stayed_dead():
    state = np.array([[1, *[0] * 6], [0] * 7], np.uint8).T
    told = event_rows(turning_points(state), np.arange(7))["rows"]
    assert told == [["0", "died, stayed dead", "1"], ["1", "never alive", "0"]]
    told = event_rows(turning_points(state[:6]), np.arange(6))["rows"]
    assert told[0] == ["0", "died", "1"]


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
    assert "Selective: active at some of them, but not at all; always on: at all." in caption


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
    assert silence(state, dies=True).endswith(sentence)


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
    served = {name for name, layer in layers.items() if UnitLife().serves(layer)}
    assert served == {"relu1", "lstm", "output"}


def test_the_output_of_the_network_is_exempt(text_data):
    """The sigmoid of a perfect classifier is flat for every probe."""
    assert isinstance(drawn(scene_of(text_data, "output")), Unfit)
    table = LAYER_QUANTITIES["dead units"].of_layers(text_data)
    assert np.isnan(table[:, list(text_data.run.layers).index("output")]).all()


def test_units_of_a_recurrent_layer_are_constant_and_not_dead(recorded, monkeypatch):
    def spoiled(spec, step):
        frames = frames_at(spec, step)
        states = np.tanh(frames["layers/lstm/activation"])
        states[:, 0] = 0
        return {**frames, "layers/lstm/activation": states}

    monkeypatch.setattr("store.testing.runs.frames_at", spoiled)
    scene = scene_of(recorded(text_run_spec(), steps=(0, 1)), "lstm")
    counts, events = tables_of(drawn(scene))
    rows = payload_of(counts, 0)["rows"]
    assert [row[0] for row in rows] == ["constant", "selective", "always on"]
    assert rows[0] == ["constant", "1 of 4", "0"]
    assert events.empty == "No unit can die here."
    assert "No unit can die" in UnitLife().caption(scene)


def with_function(class_name, **config):
    """The image run with another function in place of its ReLU."""
    spec = image_run_spec()
    layers = tuple(
        dataclasses.replace(layer, class_name=class_name, config=config)
        if layer.name == "relu1"
        else layer
        for layer in spec.layers
    )
    return dataclasses.replace(spec, layers=layers)


@pytest.mark.parametrize("function", ["gelu", "silu", "mish", "hard_silu"])
def test_where_a_value_does_not_tell_the_slope_what_the_layer_takes_does(
    recorded, monkeypatch, function
):
    """Unit 0 is far out on the flat side; unit 1 near 0, where values are nearly the same."""

    def computed(spec, step):
        frames = frames_at(spec, step)
        sums = frames["layers/conv1/activation"]
        far = 4 if function == "gelu" else 9  # beyond, its values are 0 in float32
        sums[..., 0], sums[..., 1] = -far - np.abs(sums[..., 0]), 1e-3 * sums[..., 1]
        value = NAMED[function].value(sums)
        return {**frames, "layers/relu1/activation": value.astype(np.float32)}

    monkeypatch.setattr("store.testing.runs.frames_at", computed)
    data = recorded(with_function("Activation", activation=function), steps=(0, 1))
    found = unit_states_of(data, "relu1")
    flat = DEAD if function == "hard_silu" else SATURATED
    assert found.state[0, :2].tolist() == [flat, ALWAYS_ON]
    sums = data.activations("conv1", 0)[..., 2].astype(np.float64)
    value = NAMED[function].value
    slope = (value(sums + 1e-6) - value(sums - 1e-6)) / 2e-6  # below its dip, it is negative
    np.testing.assert_allclose(found.active_share[0, 2], (np.abs(slope) >= 0.04).mean(), atol=1e-6)


def test_without_what_the_layer_takes_its_slope_is_not_known(recorded):
    spec = with_function("Activation", activation="gelu")
    layers = tuple(
        dataclasses.replace(layer, output_dims=(), output_shape=())
        if layer.name == "conv1"
        else layer
        for layer in spec.layers
    )
    data = recorded(dataclasses.replace(spec, layers=layers), steps=(0, 1))
    said = drawn(scene_of(data))
    assert said == Lack("The slope of relu1 follows from what it takes, which was not recorded.")
    assert unit_states_of(data, "relu1") is None


def test_the_slope_of_a_prelu_is_its_weight(recorded):
    spec = with_function("PReLU")
    alpha = WeightSpec("alpha", ("y", "x", "unit"), (8, 8, 3))
    layers = tuple(
        dataclasses.replace(layer, weights=(alpha,), parameters=192)
        if layer.name == "relu1"
        else layer
        for layer in spec.layers
    )
    spec = dataclasses.replace(spec, layers=layers)
    data, frames = recorded(spec, steps=(0, 1)), frames_at(spec, 0)
    sums, slope = frames["layers/conv1/activation"], frames["layers/relu1/weights/alpha"]
    active = np.abs(np.where(sums > 0, 1, slope)) >= ACTIVE_SLOPE
    found = unit_states_of(data, "relu1").active_share[0]
    np.testing.assert_allclose(found, active.mean(axis=(0, 1, 2)), rtol=1e-6)
    assert "is a weight, which learns" in UnitLife().caption(scene_of(data))


def test_the_caption_says_what_so_few_probes_can_tell(data):
    caption = UnitLife().caption(scene_of(data))
    assert "6 probes are a sample: up to 50 % of inputs like them may still wake a unit" in caption
    assert "does not learn" not in caption


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
    assert payload_of(counts, 1)["rows"] == [
        ["dead now", "0 of 3", ""],
        ["selective", "2 of 3", "1, 2"],
        ["always on", "0 of 3", ""],
    ]
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
    assert sum(int(row[1].split()[0]) for row in payload_of(counts, 0)["rows"]) == 4
    assert "(between -0.98 and 0.98)" in UnitLife().caption(scene_of(data, "dense"))
