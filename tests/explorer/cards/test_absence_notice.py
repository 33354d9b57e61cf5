"""What a run cannot show: said once for all cards that lack the same, and no card is empty."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from explorer.cards.absence_notice import AbsenceNotice
from explorer.data.absence import GIVE_PROBE, Lack, Unfit
from explorer.data.run import RunData
from explorer.session.session import Explorer
from store.live.writer import RunWriter
from store.testing import image_run_spec, text_run_spec
from tests.explorer.conftest import CardPage, Told, with_probe, with_updates, without_probe


def card(data, title, absence):
    view = Told()
    view.title, view.missing = title, absence
    return CardPage(data, view).select().card


@pytest.fixture
def cards(image_data):
    labels, step = Lack("No <labels>. Record them."), Lack("One step. Record more.")
    return [
        card(image_data, "<One>", labels),
        card(image_data, "Two", None),
        card(image_data, "Three", labels),
        card(image_data, "Four", step),
        card(image_data, "Five", Unfit("This is no classifier.")),
    ]


def test_each_sentence_is_said_once_with_the_titles_of_all_that_lack_it(cards):
    said = AbsenceNotice(cards)
    assert said.visible
    assert said.object.count("No &lt;labels&gt;. Record them.") == 1
    assert "Not shown: &lt;One&gt; · Three<" in said.object
    assert "One step. Record more.</span> Not shown: Four<" in said.object
    assert "classifier" not in said.object


def test_where_every_card_is_there_nothing_is_said(cards):
    said = AbsenceNotice([cards[1], cards[4]])
    assert (said.visible, said.object) == (False, "")


def test_a_place_that_would_be_empty_says_why(cards):
    said = AbsenceNotice(cards, main=[cards[4]])
    assert "This is no classifier." in said.object
    assert "Five" not in said.object
    assert "This is no classifier." in AbsenceNotice([cards[4]]).object


def test_it_follows_the_cards(image_data, cards):
    said = AbsenceNotice(cards[:1])
    assert said.visible
    cards[0].view.missing = None
    cards[0].renew(image_data)
    said.update()
    assert not said.visible


# -- on the page -------------------------------------------------------------------------------


def on_tab(explorer, tab, **choice):
    """What is said of a tab, and the titles of its cards."""
    explorer.selection.choose(tab=tab, **choice)
    shown = [
        card.view.title
        for region, cards in explorer.cards.items()
        if explorer.tab_of.get(region, tab) == tab
        for card in cards
        if card.panel.visible
    ]
    said = explorer.absent[tab]
    return (said.object if said.visible else ""), shown


@pytest.mark.parametrize("spec", [image_run_spec(), text_run_spec()], ids=["image", "text"])
def test_a_whole_run_lacks_nothing(recorded, spec):
    explorer = Explorer(recorded(with_updates(spec), steps=(0, 1, 2)))
    for tab in ("learning", "training"):
        said, shown = on_tab(explorer, tab)
        assert not said
        assert shown


def test_a_run_without_a_probe_says_so_once(recorded):
    explorer = Explorer(recorded(without_probe(), steps=(0, 1)))
    said, shown = on_tab(explorer, "layers")
    assert said.count(GIVE_PROBE) == said.count("<p ") == 1
    assert "Feature maps" not in said  # nobody knows whether it gives maps
    assert "Unit activations" in said
    assert "Weight distribution" in shown
    said, shown = on_tab(explorer, "learning")
    assert "Confusion · Learned, forgotten, relearned · Margins and losses" in said
    assert shown == ["Loss", "Accuracy"]


def test_one_step_is_said_once(recorded):
    explorer = Explorer(recorded(steps=(0,)))
    said, shown = on_tab(explorer, "training")
    assert said.count("This needs 2 recorded steps; 1 step was recorded.") == said.count("<p ") == 1
    assert shown == []  # no update has been logged, either


def test_without_labels_only_what_needs_them_is_gone(recorded):
    explorer = Explorer(recorded(with_probe(labels=None), steps=(0, 1, 2)))
    said, shown = on_tab(explorer, "layers", layer="dense")
    assert "Not shown: What if a unit were silent · Units by class · Class detectors<" in said
    assert {"Classes separating", "Units over training", "Probabilities of the probe"} <= {*shown}


def test_what_is_no_classifier_has_no_cards_of_classes_and_an_empty_tab_says_why(recorded):
    regression = with_probe(labels=np.linspace(0, 1, 6))
    explorer = Explorer(recorded(regression, steps=(0, 1, 2)))
    said, shown = on_tab(explorer, "learning")
    assert said.count("The network is no classifier") == 1
    assert "Not shown" not in said
    assert shown == ["Loss", "Accuracy"]
    said, shown = on_tab(explorer, "layers", layer="dense")
    assert not said
    assert "Probabilities of the probe" not in shown
    assert "Units by class" not in shown


def test_an_input_layer_has_a_sentence_in_place_of_its_picture(image_run):
    explorer = Explorer(RunData(image_run))
    said, shown = on_tab(explorer, "layers", layer="image")
    assert "An input layer hands on the probe itself" in said
    assert "Unit activations" not in shown
    said, _ = on_tab(explorer, "layers", layer="conv1")
    assert said.count("<p ") == 1  # six probes are too few for one card
    assert "Not shown: Class detectors<" in said


def test_metrics_that_a_run_does_not_have_leave_the_row_to_the_others(recorded, monkeypatch):
    def rows(self, update, row, write=RunWriter.append_metrics):
        write(self, update, {"loss": row["loss"]})

    monkeypatch.setattr(RunWriter, "append_metrics", rows)
    explorer = Explorer(recorded(steps=(0, 1, 2)))
    loss, accuracy, probabilities = explorer.cards["run"]
    assert not accuracy.panel.visible
    places = {card.panel.styles["grid-column"] for card in (loss, probabilities)}
    assert len(places) == 1
    assert "6" in places.pop()


def test_weights_that_were_not_recorded_are_told_apart_from_none(recorded):
    spec = image_run_spec()
    layers = tuple(dataclasses.replace(layer, weights=()) for layer in spec.layers)
    explorer = Explorer(recorded(dataclasses.replace(spec, layers=layers), steps=(0, 1, 2)))
    said, shown = on_tab(explorer, "layers", layer="conv1")
    assert said.count("No weights were recorded.") == 1
    assert (
        "Kernels · Weight distribution · What if a unit were silent · Norms and update ratio"
        in said
    )
    assert "Feature maps" in shown
    said, _ = on_tab(explorer, "layers", layer="pool1")  # it has none
    assert "Weight distribution" not in said
