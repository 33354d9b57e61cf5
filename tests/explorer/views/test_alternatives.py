"""A choice among pictures: one is shown, each is computed once, and when it is wanted."""

from __future__ import annotations

import panel as pn
import pytest

from explorer.data.absence import Nothing
from explorer.views.alternatives import Alternatives, Chosen


def written(_, made):
    """Draw what was computed."""
    return pn.pane.Str(made)


class Pictures:
    """Notes what is computed, drawn and chosen."""

    def __init__(self, data, value="layer"):
        self.computed, self.chosen = [], []
        self.card = Alternatives(
            data,
            {"layer": "whole layer", "unit": "unit 0"},
            value,
            f"{value} first",
            compute=self.compute,
            draw=lambda name, made: pn.pane.Str(f"{name}: {made}"),
            chosen=self.chosen.append,
        )

    def compute(self, name):
        self.computed.append(name)
        return f"{name} later"

    @property
    def shown(self):
        return self.card.place.pictures.shown.object


@pytest.fixture
def pictures(image_data):
    return Pictures(image_data)


def test_the_first_picture_is_drawn_from_what_was_computed(pictures):
    assert pictures.shown == "layer: layer first"
    assert pictures.computed == []
    assert pictures.card.choice.options == {"layer": "whole layer", "unit": "unit 0"}


def test_each_picture_is_computed_once_and_stays(pictures):
    pictures.card.choice.value = "unit"
    assert pictures.shown == "unit: unit later"
    pictures.card.choice.value = "layer"
    assert pictures.shown == "layer: layer first"
    pictures.card.choice.value = "unit"
    assert pictures.computed == ["unit"]
    assert pictures.chosen == ["unit", "layer", "unit"]


def test_a_renewed_picture_is_computed_anew_if_it_is_shown(pictures):
    pictures.card.choice.value = "unit"
    other = {"compute": lambda name: f"{name} 3", "draw": written}
    pictures.card.renew("unit", "unit 3", **other)
    assert pictures.shown == "unit 3"
    assert pictures.card.choice.options["unit"] == "unit 3"
    assert len(pictures.card.place.pictures) == 2


def test_a_renewed_picture_that_is_not_shown_waits(pictures):
    asked = []
    other = {"compute": lambda name: asked.append(name) or "new", "draw": written}
    pictures.card.choice.value = "unit"
    pictures.card.choice.value = "layer"
    pictures.card.renew("unit", "unit 3", **other)
    assert (pictures.shown, asked) == ("layer: layer first", [])
    assert len(pictures.card.place.pictures) == 1
    pictures.card.choice.value = "unit"
    assert (pictures.shown, asked) == ("new", ["unit"])


def test_what_has_not_changed_or_is_no_option_is_left_alone(pictures):
    pictures.card.choice.value = "unit"
    for name, text in (("unit", "unit 0"), ("gate", "gate 1")):
        pictures.card.renew(name, text, compute=pytest.fail, draw=pytest.fail)
    assert pictures.shown == "unit: unit later"
    assert "gate" not in pictures.card.choice.options


def test_a_fault_is_said_in_place_of_the_picture(image_data, caplog):
    def fail(name):
        raise OSError(f"no {name} here")

    card = Alternatives(
        image_data,
        {"layer": "whole layer", "unit": "unit 0"},
        "layer",
        "made",
        compute=fail,
        draw=written,
    )
    card.choice.value = "unit"
    assert card.place.sign.state == "fault"
    assert card.place.sign.said == "This picture cannot be drawn: OSError: no unit here"
    assert card.place.pictures.shown is None
    assert "cannot be drawn" in caplog.text


def test_what_was_computed_for_an_earlier_selection_is_not_shown(image_data, monkeypatch):
    waiting = []
    monkeypatch.setattr(
        "explorer.views.awaited.in_worker", lambda _, work, use, **__: waiting.append((work, use))
    )
    pictures = Pictures(image_data)
    pictures.card.choice.value = "unit"
    new = {"compute": lambda _: "of 3", "draw": written}
    pictures.card.renew("unit", "unit 3", **new)
    for work, use in reversed(waiting):
        use(work())
    assert pictures.shown == "of 3"


# -- until the picture is there ----------------------------------------------------------------


@pytest.fixture
def waiting(monkeypatch):
    jobs = []
    monkeypatch.setattr(
        "explorer.views.awaited.in_worker", lambda _, work, use, **__: jobs.append((work, use))
    )
    return jobs


def test_the_button_of_what_is_on_screen_stays_pressed(image_data, waiting):
    pictures = Pictures(image_data)
    choice = pictures.card.choice
    choice.value = "unit"
    assert (choice.waits, choice.shown, pictures.shown) == (True, "layer", "layer: layer first")
    assert pictures.card.place.sign.state == "computing"
    work, use = waiting.pop()
    use(work())
    assert (choice.waits, choice.shown, pictures.shown) == (False, "unit", "unit: unit later")


def test_no_button_is_pressed_over_a_picture_of_something_else(image_data, waiting):
    pictures = Pictures(image_data, value="unit")
    pictures.card.renew("unit", "unit 3", compute=lambda _: "of 3", draw=written)
    choice = pictures.card.choice
    assert (choice.options["unit"], choice.waits, choice.shown) == ("unit 3", True, "")
    assert [frame[0].object for frame in pictures.card.place.pictures] == ["unit: unit first"]
    work, use = waiting.pop()
    use(work())
    assert (choice.waits, choice.shown, pictures.shown) == (False, "unit", "of 3")


def test_an_alternative_may_have_nothing_to_show(image_data):
    card = Alternatives(
        image_data,
        {"layer": "whole layer", "unit": "unit 0"},
        "layer",
        Nothing("The layer is dead."),
        compute=lambda _: "made",
        draw=written,
    )
    assert (card.place.sign.state, card.place.sign.said) == ("nothing", "The layer is dead.")
    card.choice.value = "unit"
    assert (card.place.sign.state, card.place.pictures.shown.object) == ("content", "made")


def test_nothing_without_an_alternative_is_nothing():
    nothing = Nothing("The layer is dead.")
    assert Chosen.of("layer", nothing, alone=True) is nothing
    assert Chosen.of("layer", nothing) == ("layer", nothing)
    assert Chosen.of("layer", "made", alone=True) == ("layer", "made")
