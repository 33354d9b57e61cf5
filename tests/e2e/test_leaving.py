"""A page may be closed at any moment: the server has nothing to say about that."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Browser, Page, expect

from tests.e2e.conftest import VIEWPORT, grid, no_fault_in
from tests.e2e.watching import LET_IN


def before_it_is_there(page: Page, address: str) -> None:
    page.goto(address, wait_until="commit")


def when_its_socket_opens(page: Page, address: str) -> None:
    with page.expect_websocket():
        page.goto(address, wait_until="commit")


def while_it_plays(page: Page, address: str) -> None:
    page.goto(address)
    grid(page).wait_for()
    page.keyboard.press("Space")
    expect(grid(page)).not_to_have_attribute("data-index", "0")


def while_cards_are_computed(page: Page, address: str) -> None:
    page.goto(address)
    grid(page).wait_for()
    for layer in ("conv2", "pool1", "conv1"):
        page.evaluate("layer => trainlapseClocks.get('main').choose({ layer })", layer)


def test_a_page_that_is_closed_in_the_midst_of_all_leaves_nothing_in_the_log(
    browser: Browser, server: str, server_log: Path
) -> None:
    moments = (
        before_it_is_there,
        when_its_socket_opens,
        while_cards_are_computed,
        while_it_plays,
    )
    no_fault_in(server_log)
    context = browser.new_context(viewport=VIEWPORT, extra_http_headers=LET_IN)
    for leave in moments:
        page = context.new_page()
        leave(page, f"{server}/?layer=conv1&step=0")
        page.close()
    # It has come to what those left behind when it has served another.
    page = context.new_page()
    page.goto(server)
    grid(page).wait_for()
    context.close()
    no_fault_in(server_log)
