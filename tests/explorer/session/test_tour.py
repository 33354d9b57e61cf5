"""Moments on a page: marked where the slider is, kept with the run, gone to where it has them."""

from __future__ import annotations

import logging
import shutil
from pathlib import Path

import pytest

from explorer.data.run import RunData
from explorer.session import tour as page
from explorer.session.session import Explorer
from explorer.session.tour import Tour, bookmark_at, describe
from explorer.widgets.time.moments import Moments
from store import open_run
from store.reading import moments
from store.reading.bookmarks import MOST_MOMENTS, Bookmark
from store.reading.moments import FILE_NAME
from store.tools.share import share

CHOICE = {"layer": "conv1", "unit": 2, "probe": 3, "target": -1, "tab": "layers"}


@pytest.fixture(autouse=True)
def users_folder(tmp_path_factory, monkeypatch):
    monkeypatch.setenv(moments.FOLDER_VARIABLE, str(tmp_path_factory.mktemp("data")))


@pytest.fixture
def data(image_run, tmp_path):
    """A run of one's own: 8 recorded steps, 0 to 100."""
    return RunData(open_run(Path(shutil.copytree(image_run.location, tmp_path / "image.zarr"))))


@pytest.fixture
def tour(data):
    return Tour(data)


def send(tour, do, **more):
    """What the browser sends."""
    tour.widget._handle_msg({"do": do, **more})


def add(tour, index, note="", **choice):
    send(tour, "add", index=index, choice=CHOICE | choice, note=note, view=None)


def notes(tour):
    return [each["note"] for each in tour.widget.moments]


def kept(tour):
    """What another session would read."""
    return moments.load(open_run(tour._data.run.location))


# -- marking -----------------------------------------------------------------------------------


def test_what_is_on_screen_is_marked_and_kept(tour, data):
    send(tour, "add", index=4, choice=CHOICE, note="look", view="Feature maps")
    (one,) = kept(tour)
    step = int(data.run.steps[4])
    assert (one.step, one.note, one.layer, one.unit, one.probe, one.target, one.tab, one.view) == (
        step, "look", "conv1", 2, 3, -1, "layers", "Feature maps",
    )  # fmt: skip
    assert one.created
    assert tour.widget.moments == [
        {
            "id": one.id,
            "step": step,
            "index": 4,
            "note": "look",
            "place": f"step {step} · conv1 · unit 2 · probe 3 · Feature maps",
            "go": CHOICE,
            "view": "Feature maps",
            "missing": "",
        }
    ]
    assert tour.widget.problem == ""


@pytest.mark.slow
def test_a_moment_of_the_sessions_own_selection_leads_back_to_it(data):
    explorer = Explorer(data, {"layer": "dense", "unit": "2", "probe": "1", "tab": "training"})
    bookmark = bookmark_at(data, 0, explorer.selection.choice())
    other = Explorer(data)
    (item,) = describe(data, [bookmark])
    other.transport.choice = other.transport.choice | item["go"]
    assert other.selection.choice() == explorer.selection.choice()


def test_notes_are_changed_moved_deleted_and_brought_back(tour):
    for index, note in enumerate("abcd"):
        add(tour, index, note)
    a, b, _, d = [each["id"] for each in tour.widget.moments]
    send(tour, "edit", id=b, note="B")
    send(tour, "move", id=a, by=1)
    send(tour, "move", id=a, by=1)
    assert notes(tour) == ["B", "c", "a", "d"]
    send(tour, "move", id=b, by=-1)  # it is the first already
    send(tour, "move", id=d, by=1)
    assert notes(tour) == ["B", "c", "a", "d"]
    assert tour.widget.undo == ""
    before = kept(tour)
    send(tour, "delete", id=a)
    assert notes(tour) == ["B", "c", "d"]
    assert tour.widget.undo.startswith("Deleted: step 0 · conv1")
    send(tour, "undo")
    assert kept(tour) == before
    assert tour.widget.undo == ""
    send(tour, "undo")
    assert kept(tour) == before


def test_two_pages_work_on_what_is_kept(data):
    one, two = Tour(data), Tour(data)
    add(one, 0, "one")
    add(two, 1, "two")
    assert notes(two) == ["one", "two"]
    (first, second) = [each["id"] for each in two.widget.moments]
    send(one, "delete", id=second)
    assert notes(one) == ["one"]
    send(two, "move", id=second, by=-1)  # it is gone, and the list says so
    assert notes(two) == ["one"]
    send(two, "delete", id=first)
    send(one, "undo")
    assert [each.note for each in kept(one)] == ["two"]


@pytest.mark.slow
@pytest.mark.parametrize(
    "message",
    [
        {"do": "add"},
        {"do": "add", "index": 99, "choice": CHOICE},
        {"do": "add", "index": -1, "choice": CHOICE},
        {"do": "add", "index": True, "choice": CHOICE},
        {"do": "add", "index": "0", "choice": CHOICE},
        {"do": "add", "index": 0, "choice": [1]},
        {"do": "edit", "id": "x"},
        {"do": "delete", "id": "x"},
        {"do": "delete", "id": ["x"]},
        {"do": "move", "id": "x", "by": 1},
        {"do": "move", "id": "x", "by": "1"},
        {"do": "undo"},
        {"do": ["add"]},
        {"do": "__class__"},
        {"undo": 1},
        ["add"],
        None,
    ],
)
def test_what_makes_no_sense_changes_nothing(tour, message, caplog):
    add(tour, 0, "kept")
    before = kept(tour)
    with caplog.at_level(logging.ERROR):
        tour.widget._handle_msg(message)
    assert kept(tour) == before
    assert notes(tour) == ["kept"]
    assert not caplog.records


@pytest.mark.parametrize(
    ("more", "problem"),
    [
        ({"note": "x" * 2001}, "at most 2,000 characters"),
        ({"note": 5}, "note of moment 2"),
        ({"choice": {"layer": 5}}, "layer of moment 2"),
        ({"choice": {"unit": 1e9}}, "unit of moment 2"),
        ({"view": {"a": 1}}, "view of moment 2"),
    ],
)
def test_what_cannot_be_kept_is_said_and_the_next_success_clears_it(tour, more, problem):
    add(tour, 0, "kept")
    send(tour, "add", **{"index": 1, "choice": CHOICE, "note": "", "view": None, **more})
    assert problem in tour.widget.problem
    assert notes(tour) == ["kept"]
    add(tour, 1, "next")
    assert (tour.widget.problem, notes(tour)) == ("", ["kept", "next"])


def test_a_full_list_says_so(tour):
    moments.save(tour._data.run, [Bookmark(0) for _ in range(MOST_MOMENTS)])
    add(tour, 0)
    assert "more than 200 moments; delete some" in tour.widget.problem


def test_a_read_only_list_is_not_changed(tour):
    add(tour, 0, "kept")
    tour.widget.editable = False
    add(tour, 1)
    assert [each.note for each in kept(tour)] == ["kept"]
    widget = Moments()
    widget._handle_msg({"do": "add"})
    assert not widget.editable


# -- reading -----------------------------------------------------------------------------------


def test_a_zip_brings_its_tour_along(tour, data, tmp_path):
    add(tour, 3, "in the zip")
    zipped = share(data.run.location, tmp_path / "zips" / "run.zip").path
    before = zipped.read_bytes()
    other = Tour(RunData(open_run(zipped)))
    assert other.widget.moments == tour.widget.moments
    add(other, 4, "mine")
    assert zipped.read_bytes() == before
    assert notes(Tour(RunData(open_run(zipped)))) == ["in the zip", "mine"]
    assert notes(Tour(data)) == ["in the zip"]


def test_a_damaged_list_is_said_and_left_alone(data):
    file = Path(data.run.location) / FILE_NAME
    file.write_text("{")
    tour = Tour(data)
    assert "cannot be read" in tour.widget.problem
    assert "holds no moments" in tour.widget.problem
    add(tour, 0)
    assert "holds no moments" in tour.widget.problem
    assert file.read_text() == "{"


def test_an_unexpected_fault_is_logged_and_said(data, monkeypatch, caplog):
    def fail(_run):
        raise ZeroDivisionError("odd")

    monkeypatch.setattr(page.stored_moments, "load", fail)
    assert "cannot be read: ZeroDivisionError" in Tour(data).widget.problem
    assert "Moments cannot be read" in caplog.text


def test_what_a_run_lacks_is_said_and_not_chosen(data):
    bookmarks = [
        Bookmark(2, layer="gone", unit=0, probe=99, target=77, tab="nowhere"),
        Bookmark(10**15, layer="conv1", unit=3),
        Bookmark(10),
    ]
    gone, late, plain = describe(data, bookmarks)
    assert gone["go"] == {}
    assert gone["missing"] == "This run has no layer 'gone' and no probe 99."
    assert (late["go"], late["index"]) == ({"layer": "conv1"}, len(data.run) - 1)
    assert late["missing"] == f"This run has no step {10**15} and no unit 3 in conv1."
    assert (plain["go"], plain["missing"], plain["place"]) == ({}, "", "step 10")


@pytest.mark.parametrize("step", [0, 6, 8, 99, 2**53 - 1])
def test_the_nearest_recorded_step_is_gone_to(data, step):
    (item,) = describe(data, [Bookmark(step)])
    steps = [int(each) for each in data.run.steps]
    assert item["index"] == min(range(len(steps)), key=lambda at: abs(steps[at] - step))


def test_a_run_without_steps_probe_or_layers_has_nothing_to_go_to(recorded):
    data = recorded(steps=())
    tour = Tour(data)
    add(tour, 0)
    assert tour.widget.moments == []
    (item,) = describe(data, [Bookmark(0, layer="conv1", probe=0)])
    assert (item["index"], item["missing"]) == (0, "This run has no step 0.")
