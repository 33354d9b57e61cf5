"""The page: everything on it follows one selection; the server keeps to this machine."""

from __future__ import annotations

import dataclasses
import html
import threading
import types

import numpy as np
import panel as pn
import pytest

from explorer.app import Explorer, page
from explorer.data import RunData
from store.schema import RunSpec
from store.testing import image_run_spec, text_run_spec
from tests.explorer.conftest import renamed, with_probe, without_probe

MARKUP = "<script>alert(1)</script>"


def texts_of(viewable):
    """Every HTML text on a page, cards that are hidden left out."""
    found = []

    def walk(item):
        if not item.visible:
            return
        if isinstance(item, pn.pane.HTML):
            found.append(item.object)
        for child in getattr(item, "objects", None) or []:
            walk(child)

    walk(viewable)
    return "\n".join(found)


def shown(card):
    """The visible bodies of a card that is itself visible."""
    return [body for body in card.panel[2] if body.visible] if card.panel.visible else []


def card_of(explorer, title):
    every = [*explorer.cards, *explorer.stage, *explorer.layer_cards]
    (card,) = [card for card in every if card.view.title == title]
    return card


# -- every kind of run ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("spec", "steps", "said"),
    [
        (image_run_spec(), (0, 1, 5), ()),
        (text_run_spec(), (0, 1, 5), ()),
        (image_run_spec(), (), ("No step has been recorded yet. If the training is still",)),
        (image_run_spec(), (0,), ("This needs 2 recorded steps, the run has 1.",)),
        (without_probe(), (0, 1), ("The activation of conv1 was not recorded.", "classifier")),
        (with_probe(labels=None), (0, 1), ()),
        (with_probe(labels=np.linspace(0, 3.5, 6)), (0, 1), ("not of a classifier",)),
        (RunSpec("bare", ()), (0, 1), ("This run has no layers.",)),
        (RunSpec("bare", ()), (), ("This run has no layers.", "No step has been recorded yet.")),
    ],
    ids=[
        "images", "texts", "no step", "one step", "no probe", "no labels", "regression",
        "no layers", "nothing at all",
    ],
)  # fmt: skip
def test_a_page_is_built_and_says_what_it_lacks(recorded, spec, steps, said):
    explorer = Explorer(recorded(spec, steps=steps))
    assert explorer.body.get_root() is not None
    assert explorer.transport.get_root() is not None
    assert explorer.graph.get_root() is not None
    text = texts_of(explorer.body)
    for sentence in said:
        assert sentence in text
    assert "cannot be drawn" not in text
    assert explorer.transport.steps.tolist() == list(steps)
    assert (explorer.picker is None) == (spec.probe is None)


def test_an_input_layer_that_is_all_there_is_says_so(image_run):
    explorer = Explorer(RunData(image_run), {"layer": "image"})
    assert "An input layer hands on the probe itself" in texts_of(explorer.body)


def test_without_labels_nothing_is_called_right_or_wrong(recorded):
    explorer = Explorer(recorded(with_probe(labels=None), steps=(0, 1)))
    assert set(np.unique(explorer.picker.correct)) == {2}
    assert explorer.bars.truth == -1
    assert explorer.picker.labels == [""] * 6


def test_every_layer_of_a_run_can_be_shown(image_run):
    explorer = Explorer(RunData(image_run))
    for name in image_run.layers:
        explorer.graph.selected = name
        assert name in texts_of(explorer.body)
        assert sum(card.panel.visible for card in explorer.stage) == 1
    assert "cannot be drawn" not in texts_of(explorer.body)


# -- names are text ---------------------------------------------------------------------------


def hostile_data(recorded):
    spec = renamed(image_run_spec(name=MARKUP), {"conv1": "a & 'b'", "relu1": "[c](x) ![d](y)"})
    layers = tuple(
        dataclasses.replace(layer, class_name=MARKUP) if layer.kind == "conv" else layer
        for layer in spec.layers
    )
    spec = dataclasses.replace(spec, layers=layers)
    return recorded(with_probe(spec, class_names=[MARKUP, "b", "c", "d"]), steps=(0, 1, 2))


def test_names_with_markup_reach_the_page_as_text(recorded):
    data = hostile_data(recorded)
    explorer = Explorer(data, {"layer": MARKUP, "axis": "<i>"})
    text = texts_of(explorer.body)
    assert "<script" not in text
    assert "<i>" not in text
    assert html.escape(MARKUP) in text  # the class in the heading, the layer in the warning
    assert html.escape("a & 'b'") in text


def test_a_warning_is_no_markdown(recorded):
    """Layer names in a suggestion must not become links or pictures from elsewhere."""
    explorer = Explorer(hostile_data(recorded), {"layer": "![e](http://elsewhere.example/e.png)"})
    warning = explorer.body[0]
    assert type(warning) is pn.pane.HTML
    assert "![e](http://elsewhere.example/e.png)" in html.unescape(warning.object)
    assert "![d](y)" in html.unescape(warning.object)
    assert "<img" not in warning.object
    assert "<a" not in warning.object


# -- following --------------------------------------------------------------------------------


@pytest.fixture
def explorer(image_run):
    return Explorer(RunData(image_run))


def test_a_page_starts_at_its_address(image_run):
    query = {"step": "10", "layer": "dense", "probe": "3", "axis": "log_step"}
    explorer = Explorer(RunData(image_run), query)
    assert (explorer.transport.resting, explorer.transport.axis) == (4, "log_step")
    assert explorer.graph.selected == "dense"
    assert explorer.picker.selected == 3
    assert explorer.bars.truth == 3
    assert explorer.transport.query == {"layer": "dense", "probe": "3"}


def test_a_click_on_a_layer_changes_its_cards_and_the_address(explorer):
    maps, units = card_of(explorer, "Feature maps"), card_of(explorer, "Unit activations")
    (curves,) = shown(card_of(explorer, "Loss"))
    assert shown(maps)[0].key.endswith("|conv1|0")
    explorer.graph.selected = "dense"
    assert explorer.selection.layer == "dense"
    assert explorer.transport.query["layer"] == "dense"
    assert shown(maps) == []
    assert shown(units)[0].key.endswith("|dense|0")
    assert "dense" in texts_of(explorer.body)
    assert shown(card_of(explorer, "Loss")) == [curves]


def test_a_click_on_a_probe_changes_what_depends_on_it(explorer, image_run):
    explorer.picker.selected = 2
    assert explorer.selection.probe == 2
    assert shown(card_of(explorer, "Feature maps"))[0].key.endswith("|conv1|2")
    values = image_run.read("layers/softmax/activation", (slice(None), 2, slice(None)))
    np.testing.assert_array_equal(explorer.bars.values, values)
    assert explorer.bars.truth == 2
    assert explorer.transport.query["probe"] == "2"


def test_another_axis_redraws_curves_and_leaves_frames(explorer):
    (frames,) = shown(card_of(explorer, "Feature maps"))
    explorer.transport.axis = "epoch"
    assert explorer.selection.axis == "epoch"
    (curves,) = shown(card_of(explorer, "Loss"))
    assert curves.object.kdims == []
    assert next(iter(curves.object)).kdims[0].label == "epoch"
    assert shown(card_of(explorer, "Feature maps")) == [frames]


def test_a_layer_visited_again_has_its_picture_still(explorer):
    (before,) = shown(card_of(explorer, "Feature maps"))
    explorer.graph.selected = "pool1"
    explorer.graph.selected = "conv1"
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
    explorer.transport.resting = 4
    explorer.graph.selected = "dense"
    from bokeh.models import Plot

    (body,) = shown(card_of(explorer, "Weight distribution"))
    (figure,) = body.get_root().select({"type": Plot})
    assert figure.select_one({"name": "trainlapse-cursor"}).location == 10


@pytest.mark.parametrize(
    ("widget", "wrong", "kept"),
    [("graph", "no such layer", "conv1"), ("picker", 6, 0), ("picker", -1, 0)],
)
def test_what_is_not_in_the_run_is_put_back_and_logged(explorer, caplog, widget, wrong, kept):
    getattr(explorer, widget).selected = wrong
    assert getattr(explorer, widget).selected == kept
    assert (explorer.selection.layer, explorer.selection.probe) == ("conv1", 0)
    assert "Not in this run" in caplog.text


def test_sessions_of_a_run_select_on_their_own_and_share_its_frames(image_run):
    data = RunData(image_run)
    one, other = Explorer(data), Explorer(data)
    one.graph.selected = "dense"
    one.picker.selected = 4
    assert (other.selection.layer, other.picker.selected) == ("conv1", 0)
    assert one.data is other.data


# -- the session's worker ---------------------------------------------------------------------


def test_the_picker_marks_each_probe_at_each_step(explorer, image_run):
    output = image_run.read("layers/softmax/activation", (slice(None),) * 3)
    assert explorer.picker.predicted.dtype == np.uint8
    np.testing.assert_array_equal(explorer.picker.predicted, output.argmax(axis=-1))
    np.testing.assert_array_equal(
        explorer.picker.correct, output.argmax(axis=-1) == [0, 1, 2, 3, 0, 1]
    )


def test_the_page_does_not_wait_for_all_predictions(image_run, monkeypatch):
    callbacks = []
    document = types.SimpleNamespace(
        session_context=object(), add_next_tick_callback=callbacks.append
    )
    state = types.SimpleNamespace(curdoc=document)
    served = types.SimpleNamespace(state=state, pane=pn.pane, Column=pn.Column, panel=pn.panel)
    monkeypatch.setattr("explorer.views.card.pn", served)
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


# -- the header -------------------------------------------------------------------------------


def test_the_header_tells_what_the_run_holds(image_run, recorded):
    variables = page(RunData(image_run))._render_variables
    assert variables["run_name"] == "synthetic"
    assert variables["facts"] == "7 layers · 226 parameters · 8 recorded steps (0 to 100)"
    growing = page(recorded(steps=(0, 1), finished=False))._render_variables
    assert growing["facts"].endswith("2 recorded steps (0 to 1) · not finished")
    empty = page(recorded(steps=(), finished=False))._render_variables
    assert empty["facts"] == "7 layers · 226 parameters · not finished"
