"""When a card computes: once it is seen, in the worker, for the last of quick selections."""

from __future__ import annotations

import threading
import time
import types

import panel as pn
import pytest

from explorer.cards.card import EMPTY_PX
from explorer.data.absence import Nothing
from explorer.derived.time.headway import counted
from explorer.views.base import Unfinished
from explorer.worker import TimeLimit
from tests.explorer.conftest import CardPage, Told


@pytest.fixture
def page(image_data):
    return CardPage(image_data, Told()).select()


# -- cards that are not on screen --------------------------------------------------------------


@pytest.fixture
def lazy(image_data):
    return CardPage(image_data, Told(), lazy=True).select()


def test_a_lazy_card_draws_when_it_is_seen(lazy):
    lazy.select(probe=1, index=3)
    assert (lazy.view.computed, lazy.bodies, lazy.sentence) == ([], [], "")
    assert lazy.card.panel.visible
    lazy.card.head.seen = True
    assert lazy.view.drawn == [("conv1", 3, "CONV1")]
    assert lazy.visible == ["CONV1"]


def test_a_card_out_of_sight_keeps_its_picture_until_it_is_seen_again(lazy):
    lazy.card.head.seen = True
    lazy.card.head.seen = False
    lazy.select(layer="dense")
    lazy.select(layer="relu1")
    assert lazy.view.computed == ["conv1"]
    lazy.card.head.seen = True
    assert lazy.view.computed == ["conv1", "relu1"]
    assert lazy.visible == ["RELU1"]


def test_seeing_a_card_again_draws_nothing_new(lazy):
    for seen in (True, False, True):
        lazy.card.head.seen = seen
    assert lazy.view.computed == ["conv1"]


def test_a_card_out_of_sight_still_hides_for_other_layers(lazy):
    lazy.select(layer="pool1")
    assert not lazy.card.panel.visible
    lazy.card.head.seen = True
    assert lazy.view.computed == []
    lazy.select(layer="conv1")
    assert lazy.visible == ["CONV1"]


def test_a_lazy_card_says_what_is_missing_only_when_seen(lazy):
    lazy.view.missing = Nothing("This needs patience.")
    lazy.select(probe=2)
    assert lazy.sentence == ""
    lazy.card.head.seen = True
    assert lazy.sentence == "This needs patience."


# -- with a server, the worker computes -------------------------------------------------------


class Session:
    """A document with a session; its event loop turns when the test says so."""

    def __init__(self):
        self.callbacks = []
        self.session_context = types.SimpleNamespace(destroyed=False)

    def add_next_tick_callback(self, callback):
        self.callbacks.append(callback)

    def turn(self, data):
        data.worker.submit(lambda: None).result()  # everything before it is done
        while self.callbacks:
            self.callbacks.pop(0)()


@pytest.fixture
def session(page, monkeypatch):
    session = Session()
    state = types.SimpleNamespace(curdoc=session, onload=lambda callback: callback())
    monkeypatch.setattr(
        "explorer.worker.pn",
        types.SimpleNamespace(state=state, panel=pn.panel, Column=pn.Column, io=pn.io),
    )
    return session


def test_the_event_loop_does_not_wait_for_a_slow_view(page, session, image_data):
    page.select(layer="dense")
    assert page.card.head.busy
    assert page.view.drawn == [("conv1", 0, "CONV1")]
    session.turn(image_data)
    assert not page.card.head.busy
    assert page.visible == ["DENSE"]
    assert "dense" in page.sentence


@pytest.fixture
def busy(image_data):
    """Keep the worker from beginning until the event is set."""
    gate = threading.Event()
    image_data.worker.submit(gate.wait)
    yield gate
    gate.set()


def test_of_quick_selections_only_the_last_is_computed_and_drawn(page, session, image_data, busy):
    for layer in ("dense", "relu1", "flatten"):
        page.select(layer=layer)
    busy.set()
    session.turn(image_data)
    assert page.view.computed == ["conv1", "flatten"]
    assert [layer for layer, *_ in page.view.drawn] == ["conv1", "flatten"]
    assert page.visible == ["FLATTEN"]
    assert not page.card.head.busy


def test_what_was_computed_for_an_earlier_selection_is_not_drawn(page, session, image_data):
    page.select(layer="dense")
    image_data.worker.submit(lambda: None).result()  # computed, not yet drawn
    page.select(layer="relu1")
    session.turn(image_data)
    assert page.view.computed == ["conv1", "dense", "relu1"]
    assert [layer for layer, *_ in page.view.drawn] == ["conv1", "relu1"]


def test_a_card_that_went_back_to_a_kept_picture_is_not_busy(page, session, image_data, busy):
    page.select(layer="dense")
    page.select(layer="conv1")
    assert not page.card.head.busy
    busy.set()
    session.turn(image_data)
    assert (page.visible, page.card.head.busy) == (["CONV1"], False)
    page.view.missing = Nothing("This needs patience.")
    page.select(layer="relu1")
    assert not page.card.head.busy


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


def test_a_picture_begins_with_what_was_chosen_while_it_was_computed(page, session, image_data):
    page.select(layer="dense")
    page.select(unit=3)
    session.turn(image_data)
    assert page.view.followed == [("CONV1", 0), ("DENSE", 3)]


def test_a_picture_out_of_sight_is_drawn_for_what_it_was_computed(page, session, image_data):
    page.select(layer="dense")
    page.card.head.seen = False
    page.select(layer="relu1", index=5)
    session.turn(image_data)
    assert page.view.drawn[-1] == ("dense", 5, "DENSE")


def test_a_card_keeps_room_until_it_has_something_to_show(image_data, page, session):
    for missing in (None, Nothing("This needs patience.")):
        view = Told()
        view.missing = missing
        card = CardPage(image_data, view, lazy=True).select().card
        _, holder = card.panel
        assert holder.min_height == EMPTY_PX
        card.head.seen = True
        assert holder.min_height == (EMPTY_PX if missing is None else None)  # it is computed yet
        session.turn(image_data)
        assert holder.min_height is None


def test_what_is_computed_in_time_is_drawn_at_once(page, session):
    page.layer = "dense"
    page.card.update(deadline=time.monotonic() + 60)
    assert (page.visible, page.card.head.busy, session.callbacks) == (["DENSE"], False, [])


@pytest.mark.parametrize("seconds", [0.01, -1])
def test_what_takes_longer_is_drawn_later(page, session, image_data, busy, seconds):
    page.layer = "dense"
    page.card.update(deadline=time.monotonic() + seconds)
    assert page.card.head.busy
    busy.set()
    session.turn(image_data)
    assert page.visible == ["DENSE"]
    assert len(page.view.drawn) == 2


def test_a_fault_in_the_worker_reaches_the_card(page, session, image_data, caplog):
    def fail(scene):
        raise MemoryError("too large")

    page.view.compute = fail
    page.select(layer="dense")
    session.turn(image_data)
    assert "cannot be drawn: MemoryError: too large" in page.sentence


# -- states ------------------------------------------------------------------------------------


def test_the_old_caption_and_picture_stay_until_the_new_ones_come(page, session, image_data):
    page.select(layer="dense")
    head = page.card.head
    assert (head.state, head.caption, page.visible) == (
        "computing",
        "The layer <conv1>.",
        ["CONV1"],
    )
    session.turn(image_data)
    assert (head.state, head.caption, page.visible) == ("content", "The layer <dense>.", ["DENSE"])


def test_a_sentence_stays_under_its_caption_until_the_picture_comes(page, session, image_data):
    page.view.missing = Nothing("This needs patience.")
    page.select(layer="dense")
    page.view.missing = None
    page.select(layer="relu1")
    assert (page.card.head.state, page.card.head.said) == ("computing", "This needs patience.")
    session.turn(image_data)
    assert (page.card.head.state, page.card.head.said) == ("content", "")


def test_a_card_that_nobody_has_seen_yet_is_neither_busy_nor_content(lazy):
    assert (lazy.card.head.state, lazy.card.head.busy) == ("unseen", False)


def test_a_newer_reading_leaves_the_picture_as_good_as_it_was(page, session, image_data):
    page.card.renew(image_data)
    assert (page.card.head.state, page.card.head.busy) == ("renewing", True)
    page.card.renew(image_data)  # and another one, before it is done
    assert page.card.head.state == "renewing"
    page.select(layer="dense")
    assert page.card.head.state == "computing"
    page.select(layer="conv1")  # what is on screen is of that layer
    assert page.card.head.state == "renewing"
    session.turn(image_data)
    assert page.card.head.state == "content"


def test_a_long_computation_says_how_far_it_is(page, session, image_data, monkeypatch):
    monkeypatch.setattr("explorer.worker.FIRST_REPORT_S", 0)
    monkeypatch.setattr("explorer.worker.REPORT_INTERVAL_S", 0)
    gate = threading.Event()

    def compute(scene):
        for step in counted(range(4)):
            if step == 3:
                gate.wait(timeout=30)
        return scene.selected.layer.upper()

    page.view.compute = compute
    page.select(layer="dense")
    shares = []
    page.card.head.param.watch(lambda event: shares.append(event.new), "share")
    while len(session.callbacks) < 4:  # 0, 1, 2 and 3 of 4 are done
        time.sleep(0.001)
    while session.callbacks:
        session.callbacks.pop(0)()
    assert shares == [0, 0.25, 0.5, 0.75]
    assert page.card.head.state == "computing"
    gate.set()
    session.turn(image_data)
    assert page.visible == ["DENSE"]


def test_what_is_told_of_an_earlier_selection_is_not_heard(page, session, image_data, monkeypatch):
    monkeypatch.setattr("explorer.worker.FIRST_REPORT_S", 0)

    def compute(scene):
        return [*counted(range(2))] and scene.selected.layer.upper()

    page.view.compute = compute
    page.select(layer="dense")
    image_data.worker.submit(lambda: None).result()
    page.select(layer="conv1")  # which is kept
    page.card.head.share = -1
    session.turn(image_data)
    assert page.card.head.share == -1


def test_a_quick_computation_tells_nothing(page, session, image_data):
    page.view.compute = lambda scene: [*counted(range(9))] and scene.selected.layer.upper()
    page.select(layer="dense")
    image_data.worker.submit(lambda: None).result()
    assert len(session.callbacks) == 1  # the outcome alone


def test_others_have_their_turn_before_an_unfinished_computation_goes_on(page, session, image_data):
    order = []

    def part(number):
        order.append(number)
        return "DONE" if number == 2 else Unfinished(number / 2, lambda: part(number + 1))

    page.view.compute = lambda _: part(0)
    page.select(layer="dense")
    image_data.worker.submit(lambda: order.append("another card"))
    image_data.worker.submit(lambda: None).result()
    assert order == [0, "another card"]
    shares = []
    while page.card.head.state == "computing":
        session.turn(image_data)
        shares.append(page.card.head.share)
    assert shares[:2] == [0, 0.5]
    assert (order, page.visible) == ([0, "another card", 1, 2], ["DONE"])


def test_a_part_is_shown_while_the_rest_is_computed(page, session, image_data):
    last = Unfinished(0.75, lambda: "WHOLE", "MORE")
    page.view.compute = lambda _: Unfinished(0.5, lambda: last, "SOME")
    page.select(layer="dense")
    seen = []
    while page.visible != ["WHOLE"]:
        session.turn(image_data)
        seen.append((page.visible, page.card.head.state, page.card.head.share))
    assert seen[:2] == [(["SOME"], "renewing", 0.5), (["MORE"], "renewing", 0.75)]
    assert seen[-1][1] == "content"


def test_a_part_that_was_left_is_not_taken_for_the_whole(page, session, image_data):
    page.view.compute = lambda _: Unfinished(0.5, lambda: "WHOLE", "SOME")
    page.select(layer="dense")
    session.turn(image_data)
    assert page.visible == ["SOME"]
    page.select(layer="conv1")  # before the rest is there
    session.turn(image_data)
    page.select(layer="dense")
    while page.visible != ["WHOLE"]:
        session.turn(image_data)
    assert page.card.head.state == "content"


def test_an_unfinished_computation_that_nobody_waits_for_ends(page, session, image_data):
    went_on = []
    page.view.compute = lambda _: Unfinished(0.5, lambda: went_on.append(True))
    page.select(layer="dense")
    image_data.worker.submit(lambda: None).result()
    page.select(layer="conv1")
    for _ in range(3):
        session.turn(image_data)
    assert went_on == []


# -- cancelled, or too slow -------------------------------------------------------------------


class Slow:
    """A computation that stops half-way, until it is let on."""

    def __init__(self, view):
        self.begun, self.gate, self.ended = threading.Event(), threading.Event(), []
        view.compute = self.compute

    def compute(self, scene):
        for step in counted(range(2)):
            if step == 1:
                self.begun.set()
                self.gate.wait(timeout=30)
        self.ended.append(scene.selected.layer)
        return scene.selected.layer.upper()


def test_what_is_cancelled_stops_where_it_tells_of_itself_and_is_computed_when_asked_again(
    page, session, image_data
):
    slow = Slow(page.view)
    page.select(layer="dense")
    slow.begun.wait(timeout=30)
    page.card.head.cancels += 1
    assert (page.card.head.state, page.card.head.said) == ("stopped", "It was cancelled.")
    assert page.visible == []
    slow.gate.set()
    session.turn(image_data)
    assert (slow.ended, page.card.head.state) == ([], "stopped")
    page.select(index=3)  # time goes on, and begins nothing
    session.turn(image_data)
    assert (slow.ended, page.card.head.state) == ([], "stopped")
    page.card.head.retries += 1
    assert page.card.head.busy
    session.turn(image_data)
    assert (slow.ended, page.visible) == (["dense"], ["DENSE"])


def test_what_is_cancelled_while_it_waits_is_never_begun(page, session, image_data, busy):
    page.select(layer="dense")
    page.card.head.cancels += 1
    busy.set()
    session.turn(image_data)
    assert page.view.computed == ["conv1"]
    assert page.card.head.state == "stopped"


def test_a_part_of_a_picture_goes_when_the_rest_is_cancelled(page, session, image_data):
    went_on = []
    rest = Unfinished(0.75, lambda: went_on.append(True), "MORE")
    page.view.compute = lambda _: Unfinished(0.5, lambda: rest, "SOME")
    page.select(layer="dense")
    session.turn(image_data)
    assert page.visible == ["SOME"]
    page.card.head.cancels += 1
    for _ in range(3):
        session.turn(image_data)
    assert (went_on, page.visible, page.card.head.state) == ([], [], "stopped")


def test_cancel_comes_too_late_for_what_is_there(page, session, image_data):
    page.select(layer="dense")
    session.turn(image_data)
    page.card.head.cancels += 1
    page.card.head.retries += 1
    assert (page.visible, page.card.head.state) == (["DENSE"], "content")
    assert page.view.computed == ["conv1", "dense"]


def test_another_selection_is_computed_after_one_that_was_cancelled(page, session, image_data):
    slow = Slow(page.view)
    page.select(layer="dense")
    slow.begun.wait(timeout=30)
    page.card.head.cancels += 1
    page.select(layer="relu1")
    slow.gate.set()
    session.turn(image_data)
    assert (slow.ended, page.visible) == (["relu1"], ["RELU1"])


def test_what_another_selection_has_replaced_is_not_computed_to_its_end(page, session, image_data):
    slow = Slow(page.view)
    page.select(layer="dense")
    slow.begun.wait(timeout=30)
    page.select(layer="relu1")
    slow.gate.set()
    session.turn(image_data)
    assert slow.ended == ["relu1"]


def test_what_takes_too_long_is_stopped_and_says_so(page, session, image_data, monkeypatch, caplog):
    monkeypatch.setattr("explorer.cards.card.TimeLimit", lambda: TimeLimit(0))
    slow = Slow(page.view)
    slow.gate.set()
    page.select(layer="dense")
    session.turn(image_data)
    assert page.card.head.state == "stopped"
    assert page.card.head.said == "It was stopped after 0 minutes of work."
    assert caplog.records == []


def test_nothing_is_computed_for_a_page_that_is_closed(page, session, image_data):
    slow = Slow(page.view)
    page.select(layer="dense")
    slow.begun.wait(timeout=30)
    session.session_context.destroyed = True
    slow.gate.set()
    image_data.worker.submit(lambda: None).result()
    assert (slow.ended, session.callbacks) == ([], [])
