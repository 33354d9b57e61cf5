"""One visitor's look at two runs: choices are carried over, as far as the other run has them."""

from __future__ import annotations

import holoviews as hv
import numpy as np
import pytest

from explorer.compare.page import ComparisonPage
from explorer.compare.pair import RunPair
from explorer.compare.session import Comparison, class_across
from explorer.plots import style
from explorer.plots.curves import metric_curves
from explorer.plots.style import CURSOR_NAME, RUNS
from explorer.views.base import Scene
from explorer.widgets.base import Widget
from explorer.widgets.page.beside import columns
from explorer.widgets.page.choice import Choice
from store.format.spec import RunSpec
from store.testing import image_run_spec, text_run_spec
from tests.explorer.compare.conftest import LONG, SHORT, choose, texts_on
from tests.explorer.conftest import renamed, with_probe, without_probe

pytestmark = pytest.mark.slow


def choices(comparison):
    return [side.transport.choice for side in comparison.sides]


# -- choices ----------------------------------------------------------------------------------


def test_what_is_chosen_in_one_run_is_chosen_in_the_other(comparison):
    first, second = comparison.sides
    choose(first, layer="dense")
    assert second.selection.layer == "last"
    choose(second, layer="first", unit=2)
    assert (first.selection.layer, first.selection.unit) == ("conv1", 2)
    choose(second, probe=3, target=1, tab="differences")
    assert choices(comparison)[0] == choices(comparison)[1] | {"layer": "conv1"}
    assert first.transport.choice == {
        "layer": "conv1", "unit": 2, "probe": 3, "target": 1, "tab": "differences",
    }  # fmt: skip


def test_the_browser_is_told_which_units_stay_in_each_run(recorded, image_data):
    other = recorded(renamed(image_run_spec(), {"pool1": "shrunk"}), steps=(0, 1))
    comparison = Comparison(RunPair(image_data, other))
    (ours, theirs) = (side.transport.families for side in comparison.sides)
    assert (ours["pool1"], theirs["shrunk"]) == ("conv1", "conv1")
    assert comparison.transport.families == ours  # pictures of both choose in A
    comparison.first.transport.choice = comparison.first.transport.choice | {"unit": 2}
    comparison.first.transport.choice = comparison.first.transport.choice | {"layer": "relu1"}
    assert [side.selection.unit for side in comparison.sides] == [2, 2]


def test_a_layer_that_the_other_run_lacks_is_a_sentence(pair):
    alone = RunPair(pair.first, pair.second, {"relu1": None})
    comparison = Comparison(alone)
    first, second = comparison.sides
    choose(first, layer="relu1")
    assert second.selection.layer == "first"
    assert "Run B has nothing that corresponds to relu1 of run A." in second.heading.object
    choose(first, layer="pool1")
    assert second.selection.layer == "pool1"
    assert "nothing that corresponds" not in second.heading.object


def test_a_unit_that_the_other_run_lacks_leaves_its_own(recorded, image_data):
    few = recorded(image_run_spec(units=2), steps=(0, 1))
    comparison = Comparison(RunPair(image_data, few), {"unit": "1", "units": "number"})
    first, second = comparison.sides
    assert (first.selection.unit, second.selection.unit) == (1, 1)
    choose(first, unit=2)
    assert (first.selection.unit, second.selection.unit) == (2, 1)


def test_probes_are_carried_by_their_input(recorded, image_data):
    probe = image_run_spec().probe
    images = next(iter(probe.inputs.values()))
    turned = with_probe(inputs={"input": images[::-1].copy()}, labels=probe.labels[::-1].copy())
    comparison = Comparison(RunPair(image_data, recorded(turned, steps=(0, 1))), {"probe": "1"})
    first, second = comparison.sides
    assert (first.selection.probe, second.selection.probe) == (1, 4)
    choose(second, probe=5)
    assert first.selection.probe == 0


def test_classes_are_carried_by_name():
    assert class_across(1, ["cat", "dog"], ["dog", "cat"]) == 0
    assert class_across(-1, ["cat"], []) == -1
    assert class_across(0, ["cat"], ["dog"]) is None
    assert class_across(7, ["cat"], ["cat"]) is None


# -- time -------------------------------------------------------------------------------------


def test_a_page_starts_at_the_end_or_where_its_address_says(pair):
    ends = Comparison(pair)
    assert [side.transport.resting for side in ends.sides] == [len(LONG) - 1, len(SHORT) - 1]
    assert ends.transport.position == len(ends.alignment) - 1
    at = Comparison(pair, {"step": "5"})
    assert [side.selection.step for side in at.sides] == [5, 4]
    ended = Comparison(pair, {"step": "20", "step_b": "8"})
    assert [side.selection.step for side in ended.sides] == [20, 8]
    assert ended.index() == ended.transport.position
    for far in (10**40, -(10**40)):  # an address says anything
        assert Comparison(pair, {"step": "20", "step_b": str(far)}).first.selection.step == 20


def test_another_mode_gives_the_browser_another_path(comparison, pair):
    comparison.transport.mode = "metric:loss"
    np.testing.assert_array_equal(
        comparison.transport.path["second"], pair.align("metric:loss").second
    )
    comparison.transport.mode = "anchors"
    assert comparison.transport.anchors == [0, 0, 20, 8]
    comparison.transport.anchors = [0, 0, 10, 8]
    assert comparison.anchors == ((0, 0), (10, 8))
    np.testing.assert_array_equal(
        comparison.transport.path["first"], pair.align("anchors", ((0, 0), (10, 8))).first
    )


@pytest.mark.parametrize(
    ("wrong", "said"),
    [([5, 5, 2, 2], "follow each other"), ([1, 2], "Four steps"), (["a", 0, 1, 1], "Four steps")],
)
def test_anchors_that_cannot_be_are_put_back_and_said(comparison, wrong, said):
    comparison.transport.mode = "anchors"
    before = comparison.transport.path
    comparison.transport.anchors = wrong
    assert comparison.transport.anchors == [0, 0, 20, 8]
    assert said in comparison.transport.note
    assert comparison.transport.path is before
    comparison.transport.mode = "step"
    assert said not in comparison.transport.note


def test_what_the_runs_lack_in_time_is_said_below_the_slider(comparison, pair):
    ends = "A ends at step 20, B at step 8. Where one has ended, its last step is held."
    assert comparison.transport.note == ends
    comparison.transport.mode = "metric:loss"
    assert "B never reaches what A does: its best loss is 0.222, that of A 0.0952." in (
        comparison.transport.note
    )
    assert "A and B: loss as logged." in comparison.transport.note
    assert Comparison(RunPair(pair.first, pair.first)).transport.note == ""


def test_an_address_that_asks_for_the_impossible_is_answered_with_a_sentence(pair):
    comparison = Comparison(pair, {"align": "moon", "anchors": "1,2", "layer": "nowhere"})
    assert comparison.mode == "step"
    said = " ".join(comparison.warnings)
    for part in ("no alignment 'moon'", "four steps", "no layer 'nowhere'"):
        assert part in said


def test_the_axis_of_curves_is_one_for_both(comparison):
    comparison.transport.axis = "epoch"
    assert [side.selection.axis for side in comparison.sides] == ["epoch", "epoch"]


# -- the page ---------------------------------------------------------------------------------


def test_every_cursor_and_widget_follows_the_clock_of_its_run(pair):
    """Of B, since what forgets its clock follows that of A."""
    page = ComparisonPage(pair)
    side = page.comparison.second
    cards = [card for region in side.cards.values() for card in region]
    for tab in ("learning", "training", "differences", "layers"):
        page.comparison.first.selection.choose(tab=tab)
        for card in (*page.cards, *cards):
            card.head.seen = True
    for channel, shown in (("pair", page.cards), ("second", cards)):
        cursors, widgets = 0, 0
        for card in shown:
            for span in card.panel.get_root().select({"name": CURSOR_NAME}):
                assert span.tags[1] == channel, card.view.title
                cursors += 1
            for widget in card.panel.select(Widget):
                # A view's options know no clock.
                assert widget.channel == channel or isinstance(widget, Choice), card.view.title
                widgets += 1
        assert cursors > 1, channel
        assert widgets >= len(shown), channel
    assert not any("cannot be drawn" in text for text in texts_on(page))


def test_cards_stand_on_the_side_of_their_run_and_are_named_by_it(pair):
    page = ComparisonPage(pair)
    for side, letter, first in zip(page.comparison.sides, "AB", (1, 7), strict=True):
        for region, cards in side.cards.items():
            for card in cards:
                assert card.head.title.startswith(f"{letter} · ")
                assert side.colour == RUNS[side.number]
                assert side.colour in card.panel.styles["border-top"]
                if region != "joint":
                    assert card.panel.styles["grid-column"] == columns(6, first)


def test_a_picture_that_only_one_run_has_says_so_in_the_other_half(recorded, image_data):
    page = ComparisonPage(RunPair(image_data, recorded(text_run_spec(), steps=(0, 1))))
    page.comparison.first.selection.choose(layer="conv1")
    page.comparison.second.selection.choose(layer="embedding")
    told = page.body.select(lambda part: "no such picture" in str(getattr(part, "object", "")))
    blanks = [part for part in told if part.visible]
    assert any("A has no such picture" in part.object for part in blanks)
    assert any("B has no such picture" in part.object for part in blanks)
    for part in blanks:
        first = 1 if "A has" in part.object else 7
        assert part.styles["grid-column"] == columns(6, first)


def test_colours_of_their_own_on_request(pair):
    tied, own = Comparison(pair), Comparison(pair, {"colours": "own"})
    assert [side.data for side in tied.sides] == list(pair.tied)
    assert [side.data for side in own.sides] == [pair.first, pair.second]
    assert (tied.transport.tied, own.transport.tied) == (True, False)


# What the run is, and whether it is A.
ODD = {
    "no step": (image_run_spec(), (), True),
    "one step": (image_run_spec(units=1), (0,), False),
    "no probe, no labels": (without_probe(), (0, 1), False),
    "texts": (text_run_spec(), (0, 1, 5), True),
    "no layers": (RunSpec("bare", ()), (0, 1), True),
}


@pytest.mark.parametrize("name", ODD)
def test_any_two_runs_make_a_page(recorded, image_data, name):
    spec, steps, leads = ODD[name]
    other = recorded(spec, steps=steps)
    pair = RunPair(other, image_data) if leads else RunPair(image_data, other)
    page = ComparisonPage(pair, {"tab": "differences"})
    for card in page.cards:
        card.head.seen = True
    assert page.body.get_root() is not None
    assert not any("cannot be drawn" in text for text in texts_on(page))


def test_curves_of_each_run_have_its_colour_and_those_of_both_have_neither(comparison):
    for side, colour in zip(comparison.sides, style.RUNS, strict=True):
        _, index = side._current()
        assert index.channel == side.channel
        assert Scene(side.data, side.selection.key(), index).lines[0] == colour
        options = Scene(side.data, side.selection.key(), index).time_options()
        picture = metric_curves(
            {"training": (np.arange(3), np.arange(3)), "validation": (np.arange(3), np.arange(3))},
            y_label="loss",
            cursor=np.arange(3.0),
            **options,
        )
        drawn = picture.traverse(lambda curve: curve.opts.get("style").kwargs["color"], [hv.Curve])
        assert drawn == [colour, colour]
    assert not set(style.BESIDE_RUNS) & {*style.RUNS, *style.LINES[:1], style.LINES[3]}
