"""Films from the menu of a card: what is asked for, what is said, and one at a time a page."""

from __future__ import annotations

import sys
import types
from typing import ClassVar

import numpy as np
import panel as pn
import pytest

from explorer.cards import films
from explorer.export.selecting import every_view
from explorer.widgets.page.choice import Choice
from store.errors import MissingExtraError
from tests.explorer.conftest import CardPage, Told

FILM = bytes(range(256)) * 6000


class Document:
    """A page with a session; its event loop turns when the test says so."""

    def __init__(self):
        self.session_context = types.SimpleNamespace(destroyed=False)
        self.callbacks, self.leave = [], None

    def add_next_tick_callback(self, callback):
        self.callbacks.append(callback)

    def on_session_destroyed(self, callback):
        self.leave = callback

    def turn(self):
        while self.callbacks:
            self.callbacks.pop(0)()


class Job:
    """A film that is made when the test says so."""

    begun: ClassVar[list[Job]] = []

    def __init__(self, request, ending, progress, finished):
        self.request, self.ending, self.progress, self.finished = (
            request,
            ending,
            progress,
            finished,
        )
        self.cancelled = False
        Job.begun.append(self)

    def cancel(self):
        self.cancelled = True


@pytest.fixture
def document(monkeypatch):
    document = Document()
    state = types.SimpleNamespace(curdoc=document)
    monkeypatch.setattr(films, "pn", types.SimpleNamespace(state=state))
    monkeypatch.setattr(films, "FilmJob", Job)
    monkeypatch.setattr(Job, "begun", [])
    return document


def make_card(data, view=None):
    """A card whose messages are kept."""
    page = CardPage(data, view or Told()).select()
    page.sent = []
    page.card.head._send_msg = page.sent.append
    return page


@pytest.fixture
def page(document, image_data):
    return make_card(image_data)


def ask(page, **changes):
    wish = {"ending": "gif", "fps": 12.0, "first": 0.0, "last": 5.0, "theme": "dark", **changes}
    page.card.head._handle_msg({"film": "make", **wish})


# -- what a film is of ------------------------------------------------------------------------


def test_a_film_is_of_what_the_card_shows(page, image_data):
    page.select(layer="dense", probe=2, unit=3, axis="epoch")
    ask(page)
    (job,) = Job.begun
    assert job.ending == "gif"
    assert job.request == {
        "run": image_data.run.location,
        "part": None,
        "card": "Told",
        "fps": 12.0,
        "first": 0,
        "last": 5,
        "theme": "dark",
        "layer": "dense",
        "unit": 3,
        "probe": 2,
        "target": -1,
        "axis": "epoch",
        "choices": [],
    }


def test_what_is_chosen_on_the_card_goes_along_unless_it_is_hidden(document, image_data):
    class Options(Told):
        def draw(self, *_):
            options = {"a": "A", "b": "B"}
            shown = Choice(title="order", options=options, value="b")
            return pn.Column(shown, Choice(title="hidden", options=options, visible=False))

    page = make_card(image_data, Options())
    ask(page)
    assert Job.begun[0].request["choices"] == [{"title": "order", "value": "b"}]


def test_every_view_is_found_again_by_its_title():
    titles = [view.title for view in every_view()]
    assert len({title.casefold() for title in titles}) == len(titles) > 20


@pytest.mark.parametrize(
    ("wish", "said"),
    [
        ({"fps": 0.0}, "Frames a second are 0.1 to 60, got 0."),
        ({"fps": 61.0}, "Frames a second are 0.1 to 60, got 61."),
        ({"first": 5.0, "last": 2.0}, "Step 5 is after step 2: exchange them."),
        ({"first": 1e6, "last": 2e6}, "No step from 1e+06 to 2e+06 was recorded."),
    ],
)
def test_what_cannot_be_is_said_and_no_process_begins(page, wish, said):
    ask(page, **wish)
    assert page.card.head.film_said == said
    assert Job.begun == []


def test_a_card_without_a_picture_has_no_film(page):
    page.view.missing = "This needs patience."
    page.select(layer="dense")
    ask(page)
    assert page.card.head.film_said == "There is no picture here to film."
    assert Job.begun == []


@pytest.mark.parametrize(
    "changes",
    [
        {"ending": "avi"},
        {"ending": ["gif"]},
        {"theme": "</style>"},
        {"fps": "10"},
        {"fps": True},
        {"first": None},
        {"last": float("nan")},
        {"last": 10**400},
        {"film": "other"},
    ],
)
def test_what_is_malformed_is_ignored(page, changes):
    ask(page, **changes)
    assert Job.begun == []
    assert page.card.head.film_said == ""


def test_steps_between_two_whole_ones_are_no_steps(page):
    ask(page, first=0.5, last=5.5)
    assert (Job.begun[0].request["first"], Job.begun[0].request["last"]) == (1, 5)


# -- how far it is, and how it ends -----------------------------------------------------------


def test_a_card_hears_how_far_its_film_is_then_hands_it_over_in_parts(page, document):
    ask(page)
    head, (job,) = page.card.head, Job.begun
    assert head.film == {"done": 0, "count": 0}
    job.progress(2, 6)
    document.turn()
    assert head.film == {"done": 2, "count": 6}
    job.finished(FILM, "")
    document.turn()
    parts = [message["film"] for message in page.sent]
    assert b"".join(part["part"].tobytes() for part in parts) == FILM
    assert [part["ends"] for part in parts] == [False, True]
    assert {(part["kind"], part["name"]) for part in parts} == {("gif", "steps 0 to 5")}
    assert (head.film, head.film_said) == ({}, "The film is saved: 1,536 kB.")
    ask(page)
    assert len(Job.begun) == 2
    assert head.film_said == ""


def test_a_fault_is_a_sentence(page, document):
    ask(page)
    Job.begun[0].finished(None, "The browser failed: it left.")
    document.turn()
    head = page.card.head
    assert head.film_said == "The film cannot be made: The browser failed: it left."
    assert (head.film, page.sent) == ({}, [])


def test_a_process_that_does_not_start_is_a_sentence_and_in_the_log(page, monkeypatch, caplog):
    def fail(*_):
        raise OSError("no room")

    monkeypatch.setattr(films, "FilmJob", fail)
    ask(page)
    assert page.card.head.film_said == "The film cannot be made: OSError: no room"
    assert page.card.head.film == {}
    assert caplog.records


def test_a_cancelled_film_is_heard_of_no_more(page, document):
    ask(page)
    (job,) = Job.begun
    job.progress(1, 6)
    page.card.head._handle_msg({"film": "cancel"})
    job.finished(FILM, "")
    document.turn()
    assert job.cancelled
    assert (page.card.head.film, page.sent) == ({}, [])
    assert page.card.head.film_said == "The film was cancelled."


def test_a_film_ends_with_its_page(page, document):
    ask(page)
    document.leave(None)
    assert Job.begun[0].cancelled


def test_a_film_that_is_handed_over_stops_with_its_page(page, document):
    ask(page)
    Job.begun[0].finished(FILM, "")
    document.callbacks.pop(0)()
    document.leave(None)
    document.turn()
    assert len(page.sent) == 1


# -- one at a time ----------------------------------------------------------------------------


def test_one_film_at_a_time_and_the_other_card_says_so(page, document, image_data):
    other = make_card(image_data)
    ask(page)
    ask(other)
    assert len(Job.begun) == 1
    said = "A film of “Told” is being made; one at a time."
    assert other.card.head.film_said == said
    other.card.head._handle_msg({"film": "cancel"})  # it is not its own
    assert not Job.begun[0].cancelled
    Job.begun[0].finished(FILM, "")
    document.turn()
    other.card.head.film_asked += 1
    assert other.card.head.film_said == ""
    ask(other)
    assert len(Job.begun) == 2


def test_pages_do_not_wait_for_each_other(page, image_data, monkeypatch):
    ask(page)
    monkeypatch.setattr(films.pn.state, "curdoc", Document())
    ask(make_card(image_data))
    assert len(Job.begun) == 2


# -- what is offered --------------------------------------------------------------------------


@pytest.fixture
def offered(page, monkeypatch):
    """Ask for the offer; give what the menu shows."""
    films._require_browser.cache_clear()

    def offered():
        head = page.card.head
        head.film_asked += 1
        assert head.film_answered == head.film_asked
        return head.film_lacks, head.film_formats

    yield offered
    films._require_browser.cache_clear()


def test_the_menu_hears_of_steps_and_files(offered, page, image_run, monkeypatch):
    monkeypatch.setattr("explorer.films.browser.find_browser", lambda: sys.executable)
    assert offered() == ("", ["mp4", "gif"])
    np.testing.assert_array_equal(page.card.head.film_steps, image_run.steps)


@pytest.mark.slow
def test_without_its_programs_the_menu_says_what_to_install(offered, monkeypatch):
    def missing(_):
        raise MissingExtraError("Films need Chromium. Install it.")

    monkeypatch.setattr("explorer.films.browser.find_browser", lambda: None)
    with monkeypatch.context() as without:
        without.setattr("explorer.films.browser.bundled_browser", missing)
        assert offered() == ("Films need Chromium. Install it.", [])
    for name in ("playwright.sync_api", "PIL"):
        with monkeypatch.context() as without:
            without.setattr("explorer.films.browser.bundled_browser", lambda _: sys.executable)
            without.setitem(sys.modules, name, None)
            lacks, formats = offered()
        assert 'Install it with: pip install "trainlapse[film]"' in lacks
        assert formats == []


def test_without_ffmpeg_there_are_gifs(offered, monkeypatch):
    monkeypatch.setattr("explorer.films.browser.find_browser", lambda: sys.executable)
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
    assert offered() == ("", ["gif"])


def test_in_a_notebook_the_menu_names_the_command(image_data):
    page = make_card(image_data)
    page.card.head.film_asked += 1
    assert page.card.head.film_lacks == "In a notebook, make it by the command: trainlapse film"
    ask(page)
    page.card.head._handle_msg({"film": "cancel"})
    assert page.card.head.film == {}


def test_a_heading_without_films_answers_nothing(image_data):
    page = CardPage(image_data, Told(), films=False).select()
    assert not page.card.head.films
    ask(page)
    assert page.card.head.film == {}
