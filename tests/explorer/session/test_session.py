"""A session: everything on the page follows one selection."""

from __future__ import annotations

import threading
import types
from typing import get_args

import numpy as np
import panel as pn
import pytest

from explorer.data.run import RunData
from explorer.selection import TABS, unit_families
from explorer.session.session import Explorer
from explorer.views import registry
from explorer.views.base import Region, View
from explorer.widgets.page.states import NOTHING
from explorer.widgets.page.tabs import Tabs
from tests.explorer.conftest import cards_of, texts_of


def shown(card):
    """The pictures on screen of a card that is itself visible."""
    frames = [frame for frame in card.pictures if frame.visible] if card.panel.visible else []
    return [frame[0] for frame in frames]


def card_of(explorer, title):
    (card,) = [card for card in cards_of(explorer) if card.view.title == title]
    return card


def choose(explorer, **changes):
    """What the browser does when a widget of the page is clicked."""
    choice = explorer.transport.choice | changes
    if "layer" in changes and "unit" not in changes:
        choice["unit"] = None
    explorer.transport.choice = choice


# -- following --------------------------------------------------------------------------------


@pytest.fixture
def explorer(image_run):
    return Explorer(RunData(image_run))


def test_the_slider_knows_before_which_steps_the_weights_were_set(image_run, monkeypatch):
    monkeypatch.setattr(type(image_run), "weight_jumps", (0, 3, 2000))
    assert Explorer(RunData(image_run)).transport.jumps == [3]
    assert image_run.steps[3] >= 3 > image_run.steps[2]


def test_a_page_starts_at_its_address(image_run):
    query = {
        "step": "10", "layer": "dense", "unit": "2", "probe": "3", "target": "1",
        "axis": "log_step", "tab": "training",
    }  # fmt: skip
    explorer = Explorer(RunData(image_run), query)
    assert (explorer.transport.resting, explorer.transport.axis) == (4, "log_step")
    assert explorer.transport.choice == {
        "layer": "dense", "unit": 2, "probe": 3, "target": 1, "tab": "training",
    }  # fmt: skip
    assert explorer.bars.truth == 3


def test_a_click_on_a_layer_changes_its_cards(explorer):
    maps, units = card_of(explorer, "Feature maps"), card_of(explorer, "Unit activations")
    (curves,) = shown(card_of(explorer, "Loss"))
    assert shown(maps)[0].key.endswith("|conv1|0")
    choose(explorer, layer="dense")
    assert explorer.selection.layer == "dense"
    assert explorer.transport.choice["layer"] == "dense"
    assert shown(maps) == []
    assert shown(units)[0].key.endswith("|dense|0")
    assert "dense" in texts_of(explorer.body)
    assert shown(card_of(explorer, "Loss")) == [curves]


def test_a_click_on_a_probe_changes_what_depends_on_it(explorer, image_run):
    choose(explorer, probe=2)
    assert explorer.selection.probe == 2
    assert shown(card_of(explorer, "Feature maps"))[0].key.endswith("|conv1|2")
    values = image_run.read("layers/softmax/activation", (slice(None), 2, slice(None)))
    np.testing.assert_array_equal(explorer.bars.values, values)
    assert explorer.bars.truth == 2
    assert explorer.transport.choice["probe"] == 2


def test_another_axis_redraws_curves_and_leaves_frames(explorer):
    (frames,) = shown(card_of(explorer, "Feature maps"))
    explorer.transport.axis = "epoch"
    assert explorer.selection.axis == "epoch"
    (curves,) = shown(card_of(explorer, "Loss"))
    assert curves.picture.kdims == []
    assert next(iter(curves.picture)).kdims[0].label == "epoch"
    assert shown(card_of(explorer, "Feature maps")) == [frames]


def test_a_layer_visited_again_has_its_picture_still(explorer):
    (before,) = shown(card_of(explorer, "Feature maps"))
    choose(explorer, layer="pool1")
    choose(explorer, layer="conv1")
    assert shown(card_of(explorer, "Feature maps")) == [before]


def test_the_slider_at_rest_is_heard_and_acknowledged(explorer):
    for count, (index, step) in enumerate([(2, 2), (5, 20), (0, 0)], start=1):
        explorer.transport.resting = index
        assert explorer.selection.step == step
        assert explorer.transport.ack == count


@pytest.mark.parametrize(("index", "step"), [(-3, 0), (10_000, 100)])
def test_a_rest_beyond_the_steps_is_the_nearest_step(explorer, index, step):
    explorer.transport.resting = 3
    explorer.transport.resting = index
    assert (explorer.selection.step, explorer.transport.ack) == (step, 2)


def test_a_rest_on_a_run_without_steps_is_acknowledged(recorded):
    explorer = Explorer(recorded(steps=()))
    explorer.transport.resting = 1
    assert (explorer.selection.step, explorer.transport.ack) == (0, 1)


def test_a_picture_drawn_after_a_move_has_its_cursor_there(explorer):
    card = card_of(explorer, "Weight distribution")
    card.head.seen = True
    explorer.transport.resting = 4
    choose(explorer, layer="dense")
    from bokeh.models import Plot

    (body,) = shown(card)
    (figure,) = body.get_root().select({"type": Plot})
    # The steps of this run are recorded by the logarithm, and so is its axis.
    assert figure.select_one({"name": "trainlapse-cursor"}).location == np.log10(11)


WRONG = [
    {"layer": "no such layer"},
    {"probe": 6},
    {"probe": -1},
    {"probe": "1"},
    {"unit": 3},
    {"unit": -1},
    {"unit": "1"},
    {"target": 4},
    {"tab": "nowhere"},
    {"nothing": 1},
    {"layer": "dense", "unit": 3, "probe": 6},
    {"layer": ["dense"]},
]


@pytest.mark.slow
@pytest.mark.parametrize("wrong", WRONG, ids=str)
def test_what_is_not_in_the_run_is_put_back_and_logged(explorer, caplog, wrong):
    before = explorer.transport.choice
    choose(explorer, **wrong)
    assert explorer.transport.choice == before
    assert explorer.selection.choice() == before
    (record,) = caplog.records
    assert record.getMessage().startswith("Not in this run: {")


def test_the_browser_is_told_which_units_stay(explorer, image_run):
    assert explorer.transport.families == unit_families(image_run)
    choose(explorer, unit=2)
    choose(explorer, layer="pool1")
    assert explorer.transport.choice["unit"] == 2


def test_a_units_choice_is_completed_and_shown_in_the_browser(explorer):
    choose(explorer, unit=2)
    choose(explorer, layer="dense")
    assert explorer.transport.choice["unit"] == 0
    choose(explorer, unit=3)
    choose(explorer, layer="conv1")
    assert explorer.selection.unit == 2
    assert explorer.transport.choice == explorer.selection.choice()


@pytest.mark.slow
def test_a_selection_made_in_python_reaches_the_browser(explorer):
    explorer.selection.choose(layer="dense", unit=1, probe=4, target=2, tab="learning")
    assert explorer.transport.choice == explorer.selection.choice()
    explorer.selection.axis = "epoch"
    assert explorer.transport.axis == "epoch"


@pytest.mark.slow
def test_sessions_of_a_run_select_on_their_own_and_share_its_frames(image_run):
    data = RunData(image_run)
    one, other = Explorer(data), Explorer(data)
    before = other.selection.choice()
    choose(one, layer="dense", probe=4, tab="training")
    assert (other.selection.choice(), other.transport.choice) == (before, before)
    assert one.data is other.data


# -- tabs, and what is not on screen -----------------------------------------------------------


class Counted(View):
    """Notes what it computed for."""

    def __init__(self, region):
        self.region = region
        self.title = f"Counted in {region}"
        self.depends = ("layer", "probe")
        self.computed = []

    def caption(self, _scene):
        return "Something is counted."

    def compute(self, scene):
        self.computed.append((scene.selected.layer, scene.selected.probe))

    def draw(self, _scene, _computed):
        return pn.pane.Str("drawn")


@pytest.fixture
def counted(monkeypatch):
    """One view in each region instead of the usual ones, by region."""
    made = {region: Counted(region) for region in get_args(Region)}
    monkeypatch.setattr("explorer.session.session.views", lambda region: [made[region]])
    return made


REGIONS_OF = {
    "layers": {"run", "joint", "stage", "layer"},
    "learning": {"run", "learning"},
    "training": {"run", "training"},
}


def headings(explorer):
    """Titles of the cards on screen."""
    return {
        line.removeprefix("Counted in ")
        for line in texts_of(explorer.body).splitlines()
        if line.startswith("Counted in ")
    }


def test_only_the_chosen_tab_is_visible(image_run, counted):
    explorer = Explorer(RunData(image_run))
    assert headings(explorer) == REGIONS_OF["layers"]
    for tab in (*TABS, *reversed(TABS)):
        choose(explorer, tab=tab)
        assert headings(explorer) == REGIONS_OF[tab]
    assert set(REGIONS_OF) == set(TABS)


def test_an_address_opens_its_tab_and_nothing_else_is_computed(image_run, counted):
    explorer = Explorer(RunData(image_run), {"tab": "training"})
    assert headings(explorer) == REGIONS_OF["training"]
    assert {region for region, view in counted.items() if view.computed} == {"run"}


def test_the_first_screen_is_drawn_at_once_and_the_rest_when_it_is_seen(image_run, counted):
    explorer = Explorer(RunData(image_run))
    drawn = {region for region, view in counted.items() if view.computed}
    assert drawn == {"run", "joint", "stage"}
    (card,) = explorer.cards["layer"]
    assert shown(card) == []
    card.head.seen = True
    assert counted["layer"].computed == [("conv1", 0)]
    assert [body.object for body in shown(card)] == ["drawn"]
    assert card.head.caption == "Something is counted."
    card.head.seen = False
    choose(explorer, probe=2)
    assert counted["layer"].computed == [("conv1", 0)]
    card.head.seen = True
    assert counted["layer"].computed == [("conv1", 0), ("conv1", 2)]


def test_what_is_on_a_hidden_tab_is_computed_when_the_tab_is_opened(image_run, counted):
    explorer = Explorer(RunData(image_run))
    choose(explorer, tab="learning")
    choose(explorer, layer="dense", probe=3)
    choose(explorer, probe=4)
    assert counted["run"].computed == [("conv1", 0), ("dense", 3), ("dense", 4)]
    for region in ("joint", "stage"):
        assert counted[region].computed == [("conv1", 0)]
    choose(explorer, tab="layers")
    for region in ("joint", "stage"):
        assert counted[region].computed == [("conv1", 0), ("dense", 4)]


def test_a_region_without_views_takes_no_room(image_run, monkeypatch):
    """An empty part of the page would still have its gap."""
    monkeypatch.setattr("explorer.session.session.views", lambda _: [])
    body = Explorer(RunData(image_run)).body
    _happened, tabs, layers, learning, training = body
    assert isinstance(tabs, Tabs)
    for part in (learning, training):
        assert [inner.visible for inner in part] == [False]
    heading, beside, own_input = layers
    assert len(own_input) == 1  # with which the visitor tries one
    assert isinstance(heading, pn.pane.HTML)
    assert len(beside) == 2
    monkeypatch.undo()
    used = [len(registry.views(region)) for region in ("run", "joint", "layer")]
    explorer = Explorer(RunData(image_run))
    _happened, run, _tabs, layers, *_ = explorer.body
    cards = len(layers[-1]) - len(own_input)
    assert [len(run), len(layers[0]) if used[1] else 0, cards] == used


# -- the session's worker ---------------------------------------------------------------------


def test_the_picker_marks_each_probe_at_each_step(explorer, image_run):
    output = image_run.read("layers/softmax/activation", (slice(None),) * 3)
    assert explorer.picker.predicted.dtype == np.uint8
    np.testing.assert_array_equal(explorer.picker.predicted, output.argmax(axis=-1))
    np.testing.assert_array_equal(
        explorer.picker.correct, output.argmax(axis=-1) == [0, 1, 2, 3, 0, 1]
    )


@pytest.fixture
def callbacks(monkeypatch):
    """What is left for the event loop of a server."""
    callbacks = []
    document = types.SimpleNamespace(
        session_context=types.SimpleNamespace(destroyed=False),
        add_next_tick_callback=callbacks.append,
    )
    state = types.SimpleNamespace(curdoc=document, onload=lambda callback: callback())
    served = types.SimpleNamespace(
        state=state, pane=pn.pane, Column=pn.Column, panel=pn.panel, io=pn.io
    )
    monkeypatch.setattr("explorer.worker.pn", served)
    return callbacks


def test_the_first_screen_comes_with_the_page(image_run, callbacks, monkeypatch):
    monkeypatch.setattr("explorer.session.session.FIRST_SCREEN_S", 60)
    explorer = Explorer(RunData(image_run))
    first = [card for region in Explorer.eager for card in explorer.cards[region]]
    on_screen = [card for card in first if card.panel.visible]
    assert on_screen
    assert all(len(shown(card)) == 1 or card.head.state == NOTHING for card in on_screen)
    assert not explorer.is_busy


def test_the_page_does_not_wait_for_all_predictions(image_run, callbacks, monkeypatch):
    monkeypatch.setattr("explorer.session.session.FIRST_SCREEN_S", 0.01)
    data = RunData(image_run)
    gate = threading.Event()
    data.worker.submit(gate.wait)
    explorer = Explorer(data)
    assert explorer.picker.correct is None
    gate.set()
    data.worker.submit(lambda: None).result()
    for callback in callbacks:
        callback()
    assert explorer.picker.correct.shape == (8, 6)


def test_predictions_that_cannot_be_read_leave_the_probes_unmarked(image_run, monkeypatch, caplog):
    def fail(_data):
        raise OSError("the disk is gone")

    monkeypatch.setattr(RunData, "verdicts", fail)
    explorer = Explorer(RunData(image_run))
    assert explorer.picker.correct is None
    assert "The predictions cannot be read" in caplog.text
