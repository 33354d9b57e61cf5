"""A card keeps its view in step with the selection, and holds its faults."""

from __future__ import annotations

import logging

import panel as pn
import pytest

from explorer.cards.card import card_head, framed
from explorer.data.absence import Lack, Nothing, Unfit
from explorer.views.base import KEPT_PICTURES
from explorer.widgets.page.beside import columns
from tests.explorer.conftest import CardPage, Told


@pytest.fixture
def page(image_data):
    return CardPage(image_data, Told()).select()


def test_a_card_has_heading_caption_and_body(page):
    head, _ = page.card.panel
    assert head is page.card.head
    assert (head.title, head.source, head.channel) == ("Told", "synthetic", "main")
    assert (head.caption, head.busy) == ("The layer <conv1>.", False)
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
    body = page.card.pictures.shown
    page.select(layer="dense")
    page.select(layer="conv1")
    assert len(page.view.drawn) == 2
    assert page.card.pictures.shown is body
    assert page.visible == ["CONV1"]
    assert "conv1" in page.sentence


def test_old_bodies_are_dropped(page):
    for layer in ("dense", "relu1", "flatten", "softmax"):
        page.select(layer=layer)
    assert page.bodies == ["RELU1", "FLATTEN", "SOFTMAX"]
    assert len(page.bodies) == KEPT_PICTURES
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
    page.view.missing = Nothing("This needs <patience>.")
    page.select(layer="dense")
    assert page.sentence == "This needs <patience>."
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
    assert "cannot be drawn: RuntimeError: <no> luck" in page.sentence
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
    page = CardPage(image_data, view).select(layer="")
    assert page.view.drawn == [("", 0, "")]


def test_a_run_without_layers_has_no_layer_cards(image_data):
    page = CardPage(image_data, Told()).select(layer="")
    assert not page.card.panel.visible
    assert page.view.drawn == []


def test_a_view_that_is_not_for_this_run_has_no_card(page):
    page.view.meant = False
    page.select(layer="dense")
    assert not page.card.panel.visible
    assert page.view.computed == ["conv1"]


# -- what a picture follows -------------------------------------------------------------------


def test_a_picture_is_adapted_to_what_it_follows_and_not_drawn_anew(page):
    page.select(unit=2)
    page.select(unit=2, probe=0, axis="epoch")
    page.select(unit=1)
    assert page.view.followed == [("CONV1", 0), ("CONV1", 2), ("CONV1", 1)]
    assert len(page.view.drawn) == 1


def test_a_picture_that_comes_back_is_adapted_if_something_changed(page):
    page.select(layer="dense")
    page.select(layer="conv1")  # with the unit as it was
    page.select(layer="dense", unit=3)
    page.select(layer="conv1")
    assert page.view.followed == [("CONV1", 0), ("DENSE", 0), ("DENSE", 3), ("CONV1", 3)]


def test_a_fault_in_following_is_a_sentence(page, caplog):
    def fail(_scene, _body):
        raise RuntimeError("no such unit")

    page.view.follow = fail
    page.select(unit=1)
    assert "cannot be drawn: RuntimeError: no such unit" in page.sentence
    assert page.visible == []
    assert caplog.records


def test_a_frame_holds_heading_and_content():
    head, content = card_head("<b>title</b>", caption="caption"), pn.pane.Str("x")
    panel = framed(head, content, width=5)
    assert list(panel) == [head, content]
    assert (head.title, head.caption) == ("<b>title</b>", "caption")
    assert panel.styles["grid-column"] == columns(5)


# -- states ------------------------------------------------------------------------------------


def test_nothing_is_a_sentence_under_the_caption_and_no_picture(page):
    page.view.compute = lambda scene: Nothing(f"No unit of {scene.selected.layer} is dead.")
    page.select(layer="dense")
    head = page.card.head
    assert (head.state, head.said) == ("nothing", "No unit of dense is dead.")
    assert head.caption == "The layer <dense>."
    assert page.visible == []
    assert len(page.view.drawn) == 1


def test_nothing_is_known_on_the_way_back_and_asked_again_of_a_newer_reading(page, image_data):
    asked = []
    page.view.compute = lambda scene: asked.append(scene.selected.layer) or Nothing("None.")
    for layer in ("dense", "conv1", "dense"):
        page.select(layer=layer)
    assert asked == ["dense"]
    assert page.card.head.said == "None."
    page.card.renew(image_data)
    assert asked == ["dense", "dense"]


def test_of_sentences_too_only_the_last_are_kept(image_data, monkeypatch):
    monkeypatch.setattr("explorer.cards.card.KEPT_SENTENCES", 2)
    page, asked = CardPage(image_data, Told()).select(), []
    page.view.compute = lambda scene: asked.append(scene.selected.layer) or Nothing("None.")
    for layer in ("dense", "relu1", "dense", "flatten"):  # relu1 is the one not seen for longest
        page.select(layer=layer)
    assert asked == ["dense", "relu1", "flatten"]
    page.select(layer="dense")
    assert asked == ["dense", "relu1", "flatten"]
    page.select(layer="relu1")
    assert asked == ["dense", "relu1", "flatten", "relu1"]


def test_a_picture_after_a_sentence_stands_alone(page):
    page.view.missing = Nothing("This needs <patience>.")
    page.select(layer="dense")
    page.view.missing = None
    page.select(layer="relu1")
    head = page.card.head
    assert (head.state, head.said, head.caption) == ("content", "", "The layer <relu1>.")


@pytest.mark.parametrize("absence", [Lack, Unfit])
def test_what_this_run_or_layer_cannot_have_has_no_card(page, absence):
    page.view.missing = absence("This needs labels.")
    page.select(layer="dense")
    assert not page.card.panel.visible
    assert page.card.absence == absence("This needs labels.")
    assert page.view.computed == ["conv1"]
    page.view.missing = None
    page.select(layer="conv1")
    assert page.card.panel.visible
    assert page.card.absence is None
    assert page.visible == ["CONV1"]


def test_a_card_out_of_sight_has_no_place_either_for_what_it_lacks(image_data):
    view = Told()
    view.missing = Lack("This needs labels.")
    card = CardPage(image_data, view, lazy=True).select().card
    assert not card.panel.visible


def test_a_fault_is_told_apart_from_nothing(page, caplog):
    def fail(_scene):
        raise RuntimeError("no luck")

    page.view.compute = fail
    page.select(layer="dense")
    assert page.card.head.state == "fault"
    assert caplog.records


def test_what_only_the_session_may_be_asked_for_is_asked_just_before(page):
    order = []
    page.view.prepare = lambda scene: order.append(("prepare", scene.selected.layer))
    page.view.compute = lambda scene: order.append(("compute", scene.selected.layer))
    page.select(layer="dense")
    page.select(layer="conv1")  # it is kept
    assert order == [("prepare", "dense"), ("compute", "dense")]
