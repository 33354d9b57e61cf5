"""A card keeps its view in step with the selection, and holds its faults."""

from __future__ import annotations

import logging
import types

import panel as pn
import pytest

from explorer.state import Moment
from explorer.views.base import View
from explorer.views.card import KEPT_BODIES, Card, framed


class Told(View):
    """Draws the layer's name and counts."""

    title = "Told"
    region = "layer"
    depends = ("layer", "probe")

    def __init__(self):
        self.drawn = []
        self.missing = None

    def serves(self, layer):
        return layer.kind != "pooling"

    def requirement(self, _scene):
        return self.missing

    def caption(self, scene):
        return f"The layer <{scene.moment.layer}>."

    def compute(self, scene):
        return scene.moment.layer.upper()

    def draw(self, scene, computed):
        self.drawn.append((scene.moment.layer, scene.index, computed))
        return pn.pane.Str(computed)


class Page:
    """A card on a page, and the selection that it follows."""

    def __init__(self, data, view):
        self.view = view
        self.layer, self.probe, self.axis, self.index = "conv1", 0, "step", 0
        self.card = Card(view, data, "main", self.current)
        self.root = self.card.panel.get_root()

    def current(self):
        return Moment(self.layer, self.probe, self.axis), self.index

    def select(self, **changes):
        vars(self).update(changes)
        self.card.update()
        return self

    @property
    def sentence(self):
        return self.card.panel[1].object

    @property
    def bodies(self):
        return [body.object for body in self.card.panel[2]]

    @property
    def visible(self):
        return [body.object for body in self.card.panel[2] if body.visible]


@pytest.fixture
def page(image_data):
    return Page(image_data, Told()).select()


def test_a_card_has_heading_caption_and_body(page):
    assert "Told" in page.card.panel[0].object
    assert "The layer &lt;conv1&gt;." in page.sentence
    assert page.visible == ["CONV1"]


def test_a_view_draws_from_what_it_computed_with_the_cursor_where_the_slider_is(page):
    page.select(layer="dense", index=4)
    assert page.view.drawn == [("conv1", 0, "CONV1"), ("dense", 4, "DENSE")]
    assert page.visible == ["DENSE"]


def test_what_a_view_does_not_depend_on_does_not_draw_it_anew(page):
    page.select(axis="epoch", index=7)
    page.select()
    assert len(page.view.drawn) == 1


def test_a_body_is_kept_for_the_way_back(page):
    body = page.card.panel[2][0]
    page.select(layer="dense")
    page.select(layer="conv1")
    assert len(page.view.drawn) == 2
    assert page.card.panel[2][-1] is body
    assert page.visible == ["CONV1"]
    assert "conv1" in page.sentence


def test_old_bodies_are_dropped(page):
    for layer in ("dense", "relu1", "flatten", "softmax"):
        page.select(layer=layer)
    assert page.bodies == ["RELU1", "FLATTEN", "SOFTMAX"]
    assert len(page.bodies) == KEPT_BODIES
    page.select(layer="conv1")
    assert page.view.drawn[-1] == ("conv1", 0, "CONV1")


def test_a_body_that_was_seen_lately_outlives_one_that_was_not(page):
    for layer in ("dense", "relu1", "conv1", "flatten"):
        page.select(layer=layer)
    assert page.bodies == ["RELU1", "CONV1", "FLATTEN"]


def test_a_card_hides_for_layers_that_its_view_does_not_serve(page):
    page.select(layer="pool1")
    assert not page.card.panel.visible
    assert len(page.view.drawn) == 1
    page.select(layer="conv1")
    assert page.card.panel.visible
    assert page.visible == ["CONV1"]


def test_a_requirement_stands_in_place_of_the_picture(page):
    page.view.missing = "This needs <patience>."
    page.select(layer="dense")
    assert "This needs &lt;patience&gt;." in page.sentence
    assert page.visible == []
    page.select(layer="conv1", probe=1)
    assert len(page.view.drawn) == 1
    page.view.missing = None
    page.select(layer="dense", probe=0)
    assert page.visible == ["DENSE"]


@pytest.mark.parametrize("part", ["serves", "requirement", "compute", "draw", "caption"])
def test_a_fault_is_a_sentence_on_the_card_and_in_the_log(page, caplog, monkeypatch, part):
    def fail(*_):
        raise RuntimeError("<no> luck")

    monkeypatch.setattr(page.view, part, fail, raising=True)
    page.select(layer="dense")
    assert "cannot be drawn: RuntimeError: &lt;no&gt; luck" in page.sentence
    assert page.visible == []
    (record,) = caplog.records
    assert (record.levelno, record.getMessage()) == (logging.ERROR, "View 'Told' failed")
    assert record.exc_info

    monkeypatch.undo()
    page.select(layer="relu1")
    assert page.visible == ["RELU1"]
    page.select(layer="dense")  # and it is tried again
    assert page.visible == ["DENSE"]


def test_a_picture_that_breaks_when_it_reaches_the_page_is_a_fault_too(page, caplog):
    class Broken(pn.pane.Str):
        def _get_model(self, *_, **__):
            raise RuntimeError("no such glyph")

    page.view.draw = lambda _, computed: Broken(computed)
    page.select(layer="dense")
    assert "cannot be drawn: RuntimeError: no such glyph" in page.sentence
    assert page.bodies == ["CONV1"]
    assert page.visible == []
    assert caplog.records
    page.select(layer="conv1")
    assert page.visible == ["CONV1"]


def test_a_view_of_the_whole_run_needs_no_layer(image_data):
    view = Told()
    view.region, view.depends = "run", ()
    page = Page(image_data, view).select(layer="")
    assert page.view.drawn == [("", 0, "")]


def test_a_run_without_layers_has_no_layer_cards(image_data):
    page = Page(image_data, Told()).select(layer="")
    assert not page.card.panel.visible
    assert page.view.drawn == []


# -- with a server, the worker computes -------------------------------------------------------


class Session:
    """A document with a session; its event loop turns when the test says so."""

    session_context = object()

    def __init__(self):
        self.callbacks = []

    def add_next_tick_callback(self, callback):
        self.callbacks.append(callback)

    def turn(self, data):
        data.worker.submit(lambda: None).result()  # everything before it is done
        while self.callbacks:
            self.callbacks.pop(0)()


@pytest.fixture
def session(page, monkeypatch):
    session = Session()
    state = types.SimpleNamespace(curdoc=session)
    monkeypatch.setattr(
        "explorer.views.card.pn", types.SimpleNamespace(state=state, panel=pn.panel)
    )
    return session


def test_the_event_loop_does_not_wait_for_a_slow_view(page, session, image_data):
    page.select(layer="dense")
    assert "Computing" in page.sentence
    assert page.visible == []
    session.turn(image_data)
    assert page.visible == ["DENSE"]
    assert "dense" in page.sentence


def test_only_the_last_of_quick_selections_is_drawn(page, session, image_data):
    for layer in ("dense", "relu1", "flatten"):
        page.select(layer=layer)
    session.turn(image_data)
    assert [layer for layer, *_ in page.view.drawn] == ["conv1", "flatten"]
    assert page.visible == ["FLATTEN"]


def test_there_and_back_draws_once(page, session, image_data):
    for layer in ("dense", "relu1", "dense"):
        page.select(layer=layer)
    session.turn(image_data)
    assert [layer for layer, *_ in page.view.drawn] == ["conv1", "dense"]


def test_the_cursor_starts_where_the_slider_is_when_the_picture_is_done(page, session, image_data):
    page.select(layer="dense", index=2)
    page.index = 6
    session.turn(image_data)
    assert page.view.drawn[-1] == ("dense", 6, "DENSE")


def test_a_fault_in_the_worker_reaches_the_card(page, session, image_data, caplog):
    def fail(scene):
        raise MemoryError("too large")

    page.view.compute = fail
    page.select(layer="dense")
    session.turn(image_data)
    assert "cannot be drawn: MemoryError: too large" in page.sentence


def test_a_frame_is_titled_in_text():
    panel = framed("<b>title</b>", pn.pane.Str("x"), width=5)
    assert "&lt;b&gt;title&lt;/b&gt;" in panel[0].object
    assert panel.styles["grid-column"] == "span 5"
