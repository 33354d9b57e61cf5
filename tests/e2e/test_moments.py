"""Moments and live follow in a real browser."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from store import Run, RunWriter, open_run
from store.reading import moments
from store.testing import append_steps
from tests.e2e.conftest import Begin, Open, at

pytestmark = pytest.mark.browser

MARKUP = "<img src=x onerror=alert(1)> nap & mop"  # with every key that means something


def kept(run: Run) -> list[tuple[int, str | None, int | None, str]]:
    found = moments.load(open_run(run.location))
    return [(each.step, each.layer, each.unit, each.note) for each in found]


def mark(page: Page, note: str) -> None:
    """Mark what is on screen, and wait until it is in the list."""
    page.keyboard.press("m")
    page.get_by_role("textbox", name="Note").fill("")
    page.keyboard.type(note)
    page.keyboard.press("Enter")
    expect(page.locator(".moments form")).to_have_count(0)


def test_a_tour_is_marked_kept_and_walked_through(
    begin: Begin, watched_page: Page, explore: Open, runs: dict[str, Run]
) -> None:
    page = begin("image", unit=2, index=runs["image"].index_of(2))
    mark(page, MARKUP)
    page.keyboard.press("Escape")
    page.evaluate('window.trainlapseClocks.get("main").choose({ layer: "dense" })')
    expect(page).to_have_url(re.compile("(?=.*layer=dense)(?=.*unit=0)"))
    page.keyboard.press("Home")
    mark(page, "at the start")
    expect(page.locator(".moments li")).to_have_count(2)
    assert kept(runs["image"]) == [(2, "conv1", 2, MARKUP), (0, "dense", 0, "at the start")]

    # Somebody else opens the run, and follows the tour by keys.
    explore("image", layer="pool1", step=5)
    watched_page.keyboard.press("n")
    at(watched_page, 2)
    told = watched_page.locator(".moments .told")
    expect(told).to_have_text(MARKUP)
    expect(watched_page).to_have_url(re.compile(r"(?=.*layer=conv1)(?=.*unit=2)"))
    watched_page.keyboard.press("n")
    at(watched_page, 0)
    expect(watched_page).to_have_url(re.compile("layer=dense"))
    watched_page.keyboard.press("n")  # the last one
    watched_page.keyboard.press("p")
    at(watched_page, 2)

    watched_page.get_by_role("button", name="Moments (2)").click()
    watched_page.get_by_role("button", name="Delete this moment").first.click()
    expect(watched_page.locator(".moments li")).to_have_count(1)
    watched_page.get_by_role("button", name="Undo", exact=True).click()
    expect(watched_page.locator(".moments .text").first).to_have_text(MARKUP)
    watched_page.get_by_role("button", name="Later in the tour").first.click()
    expect(watched_page.locator(".moments .text").last).to_have_text(MARKUP)
    watched_page.get_by_role("button", name="Change the note").last.click()
    watched_page.get_by_role("textbox", name="Note").fill("short")
    watched_page.locator(".moments .save").click()
    expect(watched_page.locator(".moments .text").last).to_have_text("short")
    assert kept(runs["image"]) == [(0, "dense", 0, "at the start"), (2, "conv1", 2, "short")]
    watched_page.mouse.click(640, 780)
    expect(watched_page.locator(".moments .sheet")).to_be_hidden()


def test_a_recording_is_followed_until_it_ends(
    watched_page: Page, explore: Open, recording: RunWriter
) -> None:
    explore("live")
    switch = watched_page.get_by_role("switch")
    expect(switch).to_have_attribute("aria-checked", "true")
    at(watched_page, 2)
    append_steps(recording, 3, 5)
    recording.commit()
    at(watched_page, 4)
    expect(watched_page.locator(".typed").first).to_have_value("5")
    watched_page.keyboard.press("Home")
    expect(switch).to_have_attribute("aria-checked", "false")
    append_steps(recording, 8)
    recording.commit()
    expect(switch).to_contain_text("6 steps")
    at(watched_page, 0)
    switch.click()
    at(watched_page, 5)
    recording.close()
    expect(switch).to_be_hidden()
