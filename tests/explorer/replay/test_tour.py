"""Moments in a replay: which are in it, where they lead, and what is said of the others."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from click.testing import CliRunner

from explorer.replay import tour
from explorer.replay.command import export
from explorer.replay.contents import Contents, everything
from explorer.replay.page import ReplayPage
from store import open_run
from store.reading import moments
from store.reading.bookmarks import Bookmark
from store.testing import image_run_spec, write_run
from tests.explorer.replay.test_page import EVIL, Page

STEPS = (0, 1, 2, 5, 10, 20, 50, 100)
TOUR = (
    Bookmark(5, EVIL, layer="conv1", unit=2, probe=3, target=1, tab="layers", view="Kernels"),
    Bookmark(100, "no place of its own"),
    Bookmark(7, "never recorded", layer="conv1"),
    Bookmark(10, "elsewhere", layer="dense", unit=1),
    Bookmark(1, "", layer="conv1", probe=4),
)
PART = Contents(("conv1",), (1, 3), (1, 3, 7))


@pytest.fixture
def marked(tmp_path):
    """A run of images with moments, and a folder to export to."""
    run = open_run(write_run(tmp_path / "run.zarr", image_run_spec(), steps=STEPS))
    moments.save(run, TOUR)
    return run, tmp_path


def test_moments_lead_to_positions_in_the_file(image_data):
    first, anywhere, other = tour.described(image_data, TOUR, PART)
    assert (first["index"], first["note"]) == (1, EVIL)
    assert first["go"] == {"layer": "conv1", "unit": 2, "probe": 1, "target": 1}
    assert first["missing"] == first["view"] == ""
    assert first["place"] == "step 5 · conv1 · unit 2 · probe 3"
    assert (anywhere["index"], anywhere["go"]) == (2, {})
    assert (other["index"], other["go"]) == (0, {"layer": "conv1"})
    assert other["missing"] == "This file has no probe 4."


def test_a_page_says_what_is_left_out_and_why(image_data):
    there = everything(image_data)
    held, left_out = tour.summary(image_data, TOUR, replace(there, layers=("conv1",)), PART)
    assert held == ["Moments in this file: 3 of 5."]
    assert left_out == [
        "Moments left out: 1 whose step was not asked for; 1 whose layer was not asked for."
    ]
    thinned = replace(there, layers=("conv1",), steps=(0, 7))
    _, left_out = tour.summary(image_data, TOUR, there, thinned)
    assert left_out == [
        "Moments left out: 3 whose step was left out to keep the file small; "
        "1 whose step was not asked for."
    ]
    _, left_out = tour.summary(image_data, TOUR, there, replace(there, layers=("conv1",)))
    assert left_out == [
        "Moments left out: 1 whose step was not asked for; "
        "1 whose layer was left out to keep the file small."
    ]
    assert tour.summary(image_data, (), there, PART) == ([], [])
    assert tour.summary(image_data, TOUR[:2], there, there) == (
        ["Moments in this file: 2 of 2."],
        [],
    )


def test_the_page_has_the_widgets_values_and_no_markup(image_data):
    text = ReplayPage(image_data, TOUR).html(PART)
    assert EVIL not in text
    state = Page(text).state["moments"]
    assert state["editable"] is False
    assert json.loads(json.dumps(state["moments"])) == tour.described(image_data, TOUR, PART)
    assert Page(ReplayPage(image_data, TOUR[2:4]).html(PART)).state["moments"] is None


def test_the_command_tells_of_moments_and_leaves_them_out_if_asked(marked):
    run, folder = marked
    out = folder / "page.html"
    done = CliRunner().invoke(export, [run.location, "-o", str(out)])
    assert done.exit_code == 0, done.output
    assert done.output.splitlines()[-3:] == [
        "Moments in this file: 4 of 5.",
        "Moments left out: 1 whose step was not asked for.",
        tour.NOTES_INCLUDED,
    ]
    page = Page(out.read_text(encoding="utf-8"))
    assert len(page.state["moments"]["moments"]) == 4
    assert "Moments in this file: 4 of 5." in page.words

    done = CliRunner().invoke(export, [run.location, "-o", str(out), "--overwrite", "--no-moments"])
    assert done.output.splitlines()[-1] == tour.NOT_REQUESTED
    page = Page(out.read_text(encoding="utf-8"))
    assert page.state["moments"] is None
    assert tour.NOT_REQUESTED in page.words
    assert "elsewhere" not in json.dumps(page.state)


def test_a_run_without_moments_says_nothing_of_them(image_run, tmp_path):
    done = CliRunner().invoke(export, [image_run.location, "-o", str(tmp_path / "page.html")])
    assert done.exit_code == 0
    assert "Moments" not in done.output


@pytest.mark.slow
def test_steps_of_moments_are_in_a_small_file(tmp_path):
    steps = tuple(range(80))
    run = open_run(write_run(tmp_path / "run.zarr", image_run_spec(), steps=steps))
    marked = (61, 62, 63, 77)
    moments.save(run, [Bookmark(step, "here") for step in marked])
    out = tmp_path / "page.html"

    def exported(*options):
        asked = [run.location, "-o", str(out), "--layers", "conv1", "--probes", "0", "--overwrite"]
        done = CliRunner().invoke(export, [*asked, *options])
        assert done.exit_code == 0, done.output
        return done.output, out.stat().st_size

    between = (exported()[1] + exported("--steps", "0,79")[1]) // 2
    said, _ = exported("--max-size", str(between))
    kept = Page(out.read_text(encoding="utf-8"))
    found = kept.array(kept.state["transport"]["steps"]).tolist()
    assert len(found) < len(steps)
    assert set(marked) <= set(found)
    assert "Moments in this file: 4 of 4." in said
    for moment in kept.state["moments"]["moments"]:
        assert found[moment["index"]] == moment["step"]
