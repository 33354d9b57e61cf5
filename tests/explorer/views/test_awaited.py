"""A place for pictures within a card: dimmed until the wanted one is there, or a sentence."""

from __future__ import annotations

import panel as pn
import pytest

from explorer.data.absence import Nothing
from explorer.views.awaited import Awaited
from explorer.worker import OutOfTimeError


@pytest.fixture
def waiting(monkeypatch):
    """What the worker was given, and who wants it."""
    jobs = []
    monkeypatch.setattr(
        "explorer.views.awaited.in_worker",
        lambda _, work, use, progress, wanted: jobs.append((work, use, progress, wanted)),
    )
    return jobs


@pytest.fixture
def place(image_data):
    made = Awaited(image_data)
    made.put("old", "old", pn.pane.Str)
    return made


def finish(job):
    work, use, _, wanted = job
    if wanted():
        use(work())


def test_the_old_picture_stays_while_another_one_is_computed(place, waiting):
    there = []
    place.want("new", lambda: "new", pn.pane.Str, there=lambda: there.append(True))
    assert (place.sign.state, place.pictures.shown.object, there) == ("computing", "old", [])
    waiting[0][2](0.4)
    assert place.sign.share == 0.4
    finish(waiting[0])
    assert (place.sign.state, place.pictures.shown.object, there) == ("content", "new", [True])


def test_what_is_kept_is_there_at_once(place, waiting):
    place.want("new", lambda: "new", pn.pane.Str)
    finish(waiting.pop())
    place.want("old", pytest.fail, pytest.fail)
    assert (place.sign.state, place.pictures.shown.object, waiting) == ("content", "old", [])


def test_only_the_last_wish_counts(place, waiting):
    computed = []
    for key in ("first", "second"):
        place.want(key, lambda key=key: computed.append(key) or key, pn.pane.Str)
    waiting[0][2](0.9)
    assert place.sign.share == -1
    for job in waiting:
        finish(job)
    assert computed == ["second"]
    assert place.pictures.shown.object == "second"


def test_a_wish_that_went_back_leaves_nothing_dimmed(place, waiting):
    place.want("new", lambda: "new", pn.pane.Str)
    place.want("old", pytest.fail, pytest.fail)
    assert place.sign.state == "content"
    finish(waiting[0])
    assert place.pictures.shown.object == "old"


def test_nothing_is_a_sentence_in_place_of_the_picture(place, waiting):
    place.want("none", lambda: Nothing("None is dead."), pytest.fail)
    finish(waiting.pop())
    assert (place.sign.state, place.sign.said) == ("nothing", "None is dead.")
    assert place.pictures.shown is None
    place.want("old", pytest.fail, pytest.fail)
    assert (place.sign.state, place.sign.said) == ("content", "")
    place.want("none", pytest.fail, pytest.fail)  # it is known
    assert place.sign.said == "None is dead."


def test_of_sentences_only_the_last_are_kept(image_data, waiting, monkeypatch):
    monkeypatch.setattr("explorer.views.awaited.KEPT_SENTENCES", 2)
    place = Awaited(image_data)
    for key in ("first", "second", "third"):
        place.put(key, Nothing(f"None of {key}."), pytest.fail)
    place.want("second", pytest.fail, pytest.fail)
    assert (place.sign.said, waiting) == ("None of second.", [])
    place.want("first", lambda: Nothing("None of first."), pytest.fail)
    assert len(waiting) == 1


@pytest.mark.parametrize("part", ["compute", "draw"])
def test_a_fault_is_a_sentence_and_a_log_entry(place, waiting, caplog, part):
    def fail(*_):
        raise OSError("no such unit")

    parts = {"compute": lambda: "made", "draw": pn.pane.Str} | {part: fail}
    place.want("new", *parts.values())
    finish(waiting.pop())
    assert place.sign.state == "fault"
    assert place.sign.said == "This picture cannot be drawn: OSError: no such unit"
    assert place.pictures.shown is None
    assert caplog.records
    place.want("old", pytest.fail, pytest.fail)
    assert place.pictures.shown.object == "old"


def test_what_is_dropped_stays_on_screen_until_another_one_comes(place, waiting):
    place.drop("old")
    assert place.pictures[0][0].object == "old"
    place.want("old", lambda: "newer", pn.pane.Str)
    assert place.sign.state == "computing"
    finish(waiting.pop())
    assert [frame[0].object for frame in place.pictures] == ["newer"]


def test_what_is_put_there_ends_the_waiting(place, waiting):
    place.want("new", lambda: "new", pn.pane.Str)
    place.put("none", Nothing("Select words."), pytest.fail)
    finish(waiting[0])
    assert (place.sign.said, place.pictures.shown) == ("Select words.", None)


def test_what_is_cancelled_is_computed_when_asked_again(place, waiting):
    there = []
    place.want("new", lambda: "new", pn.pane.Str, there=lambda: there.append(True))
    place.sign.cancels += 1
    assert (place.sign.state, place.pictures.shown) == ("stopped", None)
    finish(waiting.pop())
    assert (place.sign.state, there) == ("stopped", [])
    place.sign.retries += 1
    assert place.sign.busy
    finish(waiting.pop())
    assert (place.sign.state, place.pictures.shown.object, there) == ("content", "new", [True])
    place.sign.cancels += 1
    place.sign.retries += 1
    assert (place.sign.state, waiting) == ("content", [])


def test_what_takes_too_long_is_stopped_and_says_so(place, waiting):
    def compute():
        raise OutOfTimeError("It was stopped.")

    place.want("new", compute, pytest.fail)
    finish(waiting.pop())
    assert (place.sign.state, place.sign.said) == ("stopped", "It was stopped.")
    place.want("old", pytest.fail, pytest.fail)
    assert (place.sign.state, place.pictures.shown.object) == ("content", "old")
