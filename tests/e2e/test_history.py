"""Back and forward in a real browser: choices make entries, time and corrections do not."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from explorer.session.session import TAB_TITLES
from store import Run
from tests.e2e.conftest import RUNS, Begin, Open, answered, at, grid
from tests.e2e.history import gap
from tests.e2e.watching import PATIENCE_MS

pytestmark = pytest.mark.browser

CLOCK = 'window.trainlapseClocks.get("main")'
# Whether a key pressed on an element is left to the browser.
PRESSED = """
(element) => element.dispatchEvent(new KeyboardEvent("keydown", {
  key: "ArrowRight", altKey: true, bubbles: true, composed: true, cancelable: true,
}))
"""
MARK = "window.isTheSamePage = true"


def settled(page: Page) -> None:
    """Wait until Python has answered and another choice would be an entry of its own."""
    answered(page)
    gap(page)


def entries(page: Page) -> int:
    """Entries of the page's history, once it is settled."""
    settled(page)
    return int(page.evaluate("history.length"))


def holds(page: Page, channel: str = "main", **choice: Any) -> None:
    """Wait until the page holds a choice, and its address too."""
    page.wait_for_function(
        """([channel, wanted]) => Object.entries(wanted).every(([name, value]) =>
          window.trainlapseClocks?.get(channel)?.choice[name] === value)""",
        arg=[channel, choice],
    )
    if channel == "main":
        for name, value in choice.items():
            expect(page).to_have_url(re.compile(rf"[?&]{name}={value}(&|$)"))


def layer(page: Page, name: str) -> None:
    page.locator(f'[data-layer="{name}"]').first.click()


def test_choices_are_gone_back_to_in_place_and_time_makes_no_entry(
    watched_page: Page, explore: Open, runs: dict[str, Run]
) -> None:
    page = watched_page
    first, later = (int(runs["lenet"].steps[index]) for index in (3, 5))
    explore("lenet", layer="conv1", unit=4, step=first)
    holds(page, layer="conv1", unit=4)
    page.evaluate(MARK)
    begun = entries(page)

    # Through time: by keys, by the slider, playing.
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    page.get_by_label("Play or pause (Space)").click()
    page.get_by_label("Play or pause (Space)").click()
    page.get_by_label("Recorded step", exact=True).fill(str(later))
    at(page, 5)
    expect(page).to_have_url(re.compile(rf"step={later}\b"))
    assert entries(page) == begun

    # Python says which unit the other layer shows; that is no entry of its own.
    layer(page, "conv2")
    holds(page, layer="conv2", unit=0)
    assert entries(page) == begun + 1
    page.keyboard.press("Home")
    at(page, 0)
    page.get_by_label("Time axis").select_option("epoch")
    expect(page).to_have_url(re.compile("axis=epoch"))
    assert entries(page) == begun + 2
    page.get_by_role("tab", name=TAB_TITLES["training"]).click()
    holds(page, tab="training")
    assert entries(page) == begun + 3

    page.go_back()
    holds(page, tab="layers", layer="conv2")
    page.go_back()
    expect(page.get_by_label("Time axis")).to_have_value("step")
    at(page, 0)
    page.get_by_label("Recorded step", exact=True).focus()
    page.keyboard.press("Alt+ArrowLeft")
    holds(page, layer="conv1", unit=4)
    at(page, 5)
    expect(grid(page)).to_have_attribute("data-key", re.compile(r"\|conv1\|"))
    assert entries(page) == begun + 3  # and Forward has not been cut off
    assert page.evaluate("window.isTheSamePage")

    page.keyboard.press("Alt+ArrowRight")
    holds(page, layer="conv2", unit=0)
    at(page, 0)
    # Elsewhere these keys are left to the browser, which a headless one does not serve.
    assert page.get_by_role("tab", name=TAB_TITLES["layers"]).evaluate(PRESSED)
    holds(page, tab="layers")
    page.go_forward()
    page.go_forward()
    holds(page, layer="conv2", tab="training")
    expect(page.get_by_label("Time axis")).to_have_value("epoch")
    assert page.evaluate("window.isTheSamePage")

    # A page that is loaded at an entry goes on from there.
    page.reload()
    holds(page, layer="conv2", tab="training")
    page.go_back()
    holds(page, layer="conv2", tab="layers")
    assert entries(page) == begun + 3


def test_going_back_at_once_overtakes_the_answer(begin: Begin) -> None:
    page = begin(unit=4)
    holds(page, layer="conv1", unit=4)
    settled(page)
    layer(page, "conv2")
    holds(page, layer="conv2", unit=0)
    settled(page)
    # Python still answers for relu1, which was chosen without a unit, when conv2 is there again.
    page.evaluate(
        """(patience) => new Promise((resolve, reject) => {
          addEventListener("popstate", resolve, { once: true });
          setTimeout(() => reject(new Error("the page never went back")), patience);
          dispatchEvent(new Event("pointerdown"));
          window.trainlapseClocks.get("main").choose({ layer: "relu1" });
          history.back();
        })""",
        PATIENCE_MS,
    )
    expect(grid(page)).to_have_attribute("data-key", re.compile(r"\|conv2\|"))
    settled(page)
    holds(page, layer="conv2", unit=0)
    assert page.evaluate(f"{CLOCK}.choice.layer") == "conv2"
    expect(page.get_by_role("heading", name=re.compile("conv2"))).to_be_visible()


def test_choices_in_a_row_are_one_entry(watched_page: Page, explore: Open) -> None:
    page = watched_page
    explore("lenet", layer="conv1", unit=0, step=0)
    holds(page, layer="conv1", unit=0)
    begun = entries(page)
    page.evaluate(
        """() => {
          for (const unit of [1, 2, 3]) {
            dispatchEvent(new Event("keydown"));
            window.trainlapseClocks.get("main").choose({ unit });
          }
        }"""
    )
    holds(page, unit=3)
    assert entries(page) == begun + 1
    page.go_back()
    holds(page, unit=0)


def test_an_address_that_is_corrected_is_no_entry(watched_page: Page, explore: Open) -> None:
    page = watched_page
    page.goto("about:blank")
    before = int(page.evaluate("history.length"))
    explore("image", layer="nonsense", probe=999, theme="dark")
    holds(page, layer="conv1", probe=0)
    assert entries(page) == before + 1
    layer(page, "dense")
    holds(page, layer="dense")
    expect(page).to_have_url(re.compile("theme=dark"))  # what is not the transport's stays
    page.go_back()
    holds(page, layer="conv1")
    expect(page).to_have_url(re.compile("theme=dark"))


def test_two_runs_go_back_to_their_alignment(watched_page: Page, server: str) -> None:
    page = watched_page
    number = RUNS.index("image") + 1
    page.goto(f"{server}/compare?a=1&b={number}&layer=conv1")
    page.locator("[role=tab]").first.wait_for()
    holds(page, layer="conv1")
    page.evaluate(MARK)
    begun = entries(page)
    page.get_by_label("Alignment").select_option("anchors")
    expect(page).to_have_url(re.compile("(?=.*align=anchors)(?=.*anchors=)"))
    assert entries(page) == begun + 1
    fields = page.locator(".anchors input")
    ends = [fields.nth(at).input_value() for at in range(4)]
    for at_field, step in enumerate((0, 0, 20, 2)):
        fields.nth(at_field).fill(str(step))
    page.get_by_role("button", name="Put together").click()
    expect(page).to_have_url(re.compile("anchors=0%2C0%2C20%2C2"))
    assert entries(page) == begun + 2
    page.keyboard.press("Home")
    expect(page).to_have_url(re.compile("(?=.*step=0&)(?=.*step_b=0&)"))
    layer(page, "dense1")
    holds(page, layer="dense1")
    assert entries(page) == begun + 3

    page.go_back()
    holds(page, layer="conv1")
    page.go_back()
    expect(fields.nth(2)).to_have_value(ends[2])
    page.go_back()
    expect(page.get_by_label("Alignment")).to_have_value("step")
    page.go_forward()
    page.go_forward()
    expect(fields.nth(2)).to_have_value("20")
    expect(page).to_have_url(re.compile("(?=.*step=0&)(?=.*step_b=0&)(?=.*a=1&)"))
    assert entries(page) == begun + 3
    assert page.evaluate("window.isTheSamePage")

    # What is chosen in B comes to A by Python, and is the visitor's choice all the same.
    page.evaluate(
        """() => {
          dispatchEvent(new Event("pointerdown"));
          window.trainlapseClocks.get("second").choose({ layer: "pool1" });
        }"""
    )
    holds(page, layer="pool1")
    page.go_back()
    holds(page, layer="conv1")
    holds(page, "second", layer="conv1")


def test_how_units_are_matched_is_gone_back_to(watched_page: Page, server: str) -> None:
    page = watched_page
    page.goto(f"{server}/compare?a=1&b=1&layer=conv1")
    page.locator("[role=tab]").first.wait_for()
    holds(page, layer="conv1")
    begun = entries(page)
    page.get_by_label("unit of B").select_option("last")
    expect(page).to_have_url(re.compile("(?=.*units=matched)(?=.*matching=last)"))
    assert entries(page) == begun + 1
    page.go_back()
    expect(page.get_by_label("unit of B")).to_have_value("number")
    settled(page)
    expect(page).not_to_have_url(re.compile("units=matched"))
    page.go_forward()
    expect(page.get_by_label("unit of B")).to_have_value("last")
    settled(page)
    expect(page).to_have_url(re.compile("(?=.*units=matched)(?=.*matching=last)"))
    assert entries(page) == begun + 1
