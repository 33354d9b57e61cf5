"""Room on every screen for every kind of network, every tab and layer, and for two runs."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from explorer.selection import TABS, TABS_OF_TWO
from store import open_run
from tests.e2e.boxes import faults, rest, watch_boxes
from tests.e2e.conftest import recorded_once, serving, unused_port
from tests.e2e.watching import watched

pytestmark = pytest.mark.full

TALL = 9000
SCREENS = (800, 1000, 1280, 1440, 1920)
# Pages of 1280 and 1920 px, enlarged: what is left of their width.
ENLARGED = {1.5: (853, 1280), 2: (640, 960)}
RECORDED: dict[str, dict[str, Any]] = {
    "lenet": {"preset": "lenet-mnist", "epochs": 2, "seed": 1},
    "another": {"preset": "lenet-mnist", "epochs": 1},
    "alexnet": {"preset": "alexnet-mnist", "epochs": 1},
    "convlstm": {"preset": "convlstm-reviews", "epochs": 1},
    "lstm": {"preset": "lstm-reviews", "epochs": 1},
}
PLACES = {
    "lenet": "/?layer=conv1",
    "alexnet": "/run-3?layer=conv1",
    "convlstm": "/run-4?layer=conv",
    "lstm": "/run-5?layer=lstm",
    "two runs": "/compare?layer=conv1",
}
OPEN_LISTS = """
() => {
  const visit = (node) => {
    for (const child of (node.shadowRoot ?? node).querySelectorAll("*")) {
      if (child.localName === "details") child.open = true;
      if (child.shadowRoot) visit(child);
    }
  };
  visit(document);
}
"""


@pytest.fixture(scope="module")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Path of each run, by name."""
    return {
        name: str(recorded_once(tmp_path_factory, **options)) for name, options in RECORDED.items()
    }


@pytest.fixture(scope="module")
def address(recordings: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of an explorer of all the runs, with the first two side by side."""
    port = unused_port()
    command = [sys.executable, "-m", "explorer.cli", "explore", "--no-browser", "--port", str(port)]
    command += recordings.values()
    with serving(command, port, tmp_path_factory.mktemp("log") / "server.txt") as url:
        yield url


@contextmanager
def page_at(browser: Browser, url: str, width: int, scale: float = 1) -> Iterator[Page]:
    """A page whose cards are all drawn."""
    size = {"width": width, "height": TALL}
    with watched(browser, viewport=size, device_scale_factor=scale) as (page, watch):
        watch_boxes(page.context)
        page.goto(url)
        rest(page)
        yield page
        watch.check(page)


def choose(page: Page, **choice: str) -> None:
    page.evaluate('(choice) => trainlapseClocks.get("main").choose(choice)', choice)
    rest(page)


def faults_of_tabs(page: Page, place: str, width: int) -> dict[str, list[str]]:
    """Faults of each tab at a width of the page."""
    page.set_viewport_size({"width": width, "height": TALL})
    found = {}
    for tab in TABS_OF_TWO if place == "two runs" else TABS:
        choose(page, tab=tab)
        page.evaluate(OPEN_LISTS)
        rest(page)
        found[f"{tab} at {width} px"] = faults(page)
    return {where: sentences for where, sentences in found.items() if sentences}


@pytest.mark.parametrize("place", PLACES)
def test_every_tab_has_room_on_every_screen(browser: Browser, address: str, place: str) -> None:
    found: dict[str, list[str]] = {}
    with page_at(browser, address + PLACES[place], SCREENS[-1]) as page:
        for width in reversed(SCREENS):
            found |= faults_of_tabs(page, place, width)
    assert not found


@pytest.mark.parametrize("scale", ENLARGED)
@pytest.mark.parametrize("place", PLACES)
def test_every_tab_has_room_on_an_enlarged_page(
    browser: Browser, address: str, place: str, scale: float
) -> None:
    found: dict[str, list[str]] = {}
    with page_at(browser, address + PLACES[place], ENLARGED[scale][0], scale) as page:
        for width in ENLARGED[scale]:
            found |= faults_of_tabs(page, place, width)
    assert not found


@pytest.mark.parametrize("place", ["lenet", "alexnet", "convlstm", "lstm"])
def test_every_layer_has_room_where_cards_are_narrowest(
    browser: Browser, address: str, recordings: dict[str, str], place: str
) -> None:
    found: dict[str, list[str]] = {}
    with page_at(browser, address + PLACES[place], 1000) as page:
        for layer in open_run(recordings[place]).layers:
            choose(page, layer=layer)
            if sentences := faults(page):
                found[layer] = sentences
    assert not found
