"""On every screen there is room for all texts and controls, enlarged pages too."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.e2e.boxes import faults, rest, watch_boxes
from tests.e2e.watching import computed, watched

# So high that every card is on screen, and therefore drawn.
TALL = 9000
# Half of a screen of 1280 × 800.
SMALL = {"width": 640, "height": 400}
NARROW = {"width": 800, "height": 900}
LEARNED = {"tab": "learning"}

At = Callable[..., Page]


@pytest.fixture(scope="module")
def kept_page(browser: Browser, server: str) -> Iterator[Page]:
    """LeNet's page, whose boxes are watched; to load it takes longer than to resize it."""
    with watched(browser, viewport={"width": 1920, "height": TALL}) as (page, watch):
        watch_boxes(page.context)
        page.goto(f"{server}/?layer=conv1&step=63")
        rest(page)
        yield page
        watch.check(page)


@pytest.fixture
def at(kept_page: Page) -> At:
    """Take over the page at a size, with a choice."""

    def begin(width: int, height: int = TALL, **choice: Any) -> Page:
        kept_page.keyboard.press("Escape")
        kept_page.set_viewport_size({"width": width, "height": height})
        whole = {"layer": "conv1", "tab": "layers"} | choice
        kept_page.evaluate('(choice) => trainlapseClocks.get("main").choose(choice)', whole)
        kept_page.evaluate('document.querySelector("main").scrollTo(0, 0)')
        rest(kept_page)
        return kept_page

    return begin


# Each is narrow for another reason: the most columns, the narrowest cards, one column.
@pytest.mark.parametrize("width", [1280, 1000, 640])
def test_texts_and_controls_have_room(at: At, width: int) -> None:
    assert not faults(at(width))


@pytest.mark.parametrize(("width", "choice"), [(1280, {"layer": "dense1"}), (800, LEARNED)])
def test_so_they_have_for_other_layers_and_tabs(at: At, width: int, choice: dict[str, str]) -> None:
    assert not faults(at(width, **choice))


def columns(page: Page) -> int:
    """Cards beside each other, at most."""
    lefts = page.locator("main .head h3").evaluate_all(
        """(titles) => titles.map((title) => {
          const head = title.getRootNode().host;
          const card = head.parentNode.host ?? head.parentElement;
          return Math.round(card.getBoundingClientRect().left);
        }).filter((left) => left > 0)"""
    )
    return len(set(lefts))


@pytest.mark.parametrize(("width", "alone"), [(1000, False), (999, True)])
def test_below_a_thousand_pixels_there_is_one_column(at: At, width: int, alone: bool) -> None:
    assert (columns(at(width)) == 1) is alone


# -- the network as a drawer --------------------------------------------------------------------


def drawer(page: Page) -> Locator:
    return page.get_by_role("complementary", name="Network")


def opener(page: Page) -> Locator:
    return page.get_by_role("button", name="Network")


def test_on_a_wide_page_the_network_stands_beside_the_cards(at: At) -> None:
    page = at(1000, 900)
    expect(opener(page)).to_be_hidden()
    expect(page.locator('[data-layer="conv2"]')).to_be_visible()


def test_on_a_narrow_page_the_network_is_a_drawer(at: At) -> None:
    page = at(**NARROW)
    layer = page.locator('[data-layer="conv2"]')
    expect(layer).to_be_hidden()
    expect(opener(page)).to_have_attribute("aria-expanded", "false")

    opener(page).click()
    expect(opener(page)).to_have_attribute("aria-expanded", "true")
    expect(page.locator('[data-layer="conv1"]')).to_be_focused()
    expect(page.get_by_label("Recorded step", exact=True)).to_be_in_viewport(ratio=1)
    rest(page)
    assert not [fault for fault in faults(page) if "is covered" not in fault]

    layer.click()
    expect(layer).to_be_hidden()
    expect(opener(page)).to_be_focused()
    expect(opener(page)).to_have_attribute("aria-expanded", "false")
    expect(page).to_have_url(re.compile("layer=conv2"))


def test_the_drawer_is_left_by_keys_and_by_a_click_elsewhere(at: At) -> None:
    page = at(**NARROW)
    layer = page.locator('[data-layer="conv1"]')
    opener(page).press("Enter")
    expect(layer).to_be_focused()
    page.keyboard.press("Escape")
    expect(layer).to_be_hidden()
    expect(opener(page)).to_be_focused()

    opener(page).press("Enter")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(layer).to_be_hidden()
    expect(page).to_have_url(re.compile("layer=relu1"))

    opener(page).click()
    expect(layer).to_be_visible()
    page.mouse.click(NARROW["width"] - 30, NARROW["height"] - 30)
    expect(layer).to_be_hidden()


# -- little room ----------------------------------------------------------------------------------


def within(page: Page, part: Locator) -> None:
    """Wait until a part is on screen as a whole."""
    expect(part).to_be_in_viewport(ratio=1)


def test_time_stays_in_sight_and_the_header_gives_its_room(at: At) -> None:
    page = at(**SMALL)
    header = page.locator("header")
    for control in page.locator("header :is(button, select):visible").all():
        within(page, control)
    page.mouse.move(320, 300)
    page.mouse.wheel(0, 900)
    expect(header).to_be_hidden()
    bar = page.locator("body > .bar")
    for name in ("Play or pause (Space)", "Recorded step", "Time axis", "Repeat at the end"):
        within(page, bar.get_by_label(name, exact=True))
    box = bar.bounding_box()
    assert box is not None
    assert box["y"] + box["height"] < 0.45 * SMALL["height"]
    page.mouse.wheel(0, -2000)
    expect(header).to_be_visible()


@pytest.mark.parametrize("size", [SMALL, NARROW], ids=["small", "narrow"])
def test_menus_stay_on_the_screen(at: At, size: dict[str, int]) -> None:
    page = at(**size)
    page.get_by_role("button", name="Moments", exact=True).click()
    sheet = page.get_by_role("group", name="Moments", exact=True)
    # Of a long list the sheet shows a part.
    sheet.evaluate(
        "(sheet) => { sheet.append(document.createElement('p'));"
        " sheet.lastChild.style.height = '2000px'; }"
    )
    within(page, sheet)
    sheet.evaluate("(sheet) => sheet.lastChild.remove()")
    page.get_by_role("button", name="Moments", exact=True).click()
    computed(page)  # a card above that grows would push the menu's button away
    for title in ("Loss", "Feature maps"):
        card = page.locator(".head", has=page.get_by_role("heading", name=title, exact=True))
        save = card.get_by_role("button", name="Save")
        save.click()
        within(page, card.locator(".menu"))
        page.keyboard.press("Escape")
