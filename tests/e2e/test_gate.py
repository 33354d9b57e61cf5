"""Who is let in, as browsers do it: cookies, redirects, reloads, another tab, a tunnel."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from explorer.server.server import HOST
from tests.e2e.conftest import VIEWPORT, grid
from tests.e2e.watching import PATIENCE_MS, SERVER_TOKEN, PageWatch

AT = "layer=conv1&step=0"


@pytest.fixture
def stranger(browser: Browser) -> Iterator[tuple[BrowserContext, PageWatch]]:
    """A browser that has no token."""
    context = browser.new_context(viewport=VIEWPORT)
    context.set_default_timeout(PATIENCE_MS)
    yield context, PageWatch(context)
    context.close()


def lives(page: Page) -> None:
    """Wait until the page has its picture, and moves it: so its socket is let in, too."""
    grid(page).first.wait_for()
    page.keyboard.press("End")
    expect(grid(page)).not_to_have_attribute("data-index", "0")


def test_the_printed_address_lets_a_browser_in_and_no_copy_of_the_next_one_another(
    stranger: tuple[BrowserContext, PageWatch], browser: Browser, server: str
) -> None:
    context, watch = stranger
    page = context.new_page()
    page.goto(f"{server}/?token={SERVER_TOKEN}&{AT}")
    lives(page)
    assert "token" not in page.url
    assert SERVER_TOKEN not in page.evaluate("document.cookie + document.referrer")
    page.reload()
    lives(page)
    tab = context.new_page()
    tab.goto(f"{server}/?{AT}")
    lives(tab)
    page.go_back()
    assert "token" not in page.url  # it is in no history either
    watch.check(tab)

    another = browser.new_context()
    copied = another.new_page()
    answer = copied.goto(tab.url)
    assert answer is not None
    assert answer.status == 403
    expect(copied.get_by_role("heading")).to_have_text("This page needs the token of its server.")
    expect(copied.locator("main")).to_contain_text(f"{server}/?token=")
    another.close()


@contextmanager
def tunnel(port: int) -> Iterator[int]:
    """A port that leads to another one, as `ssh -L` makes it."""
    listening = socket.create_server((HOST, 0))

    def pipe(source: socket.socket, target: socket.socket) -> None:
        try:
            while part := source.recv(1 << 16):
                target.sendall(part)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def carry(near: socket.socket) -> None:
        with near, socket.create_connection((HOST, port)) as far:
            back = threading.Thread(target=pipe, args=(far, near), daemon=True)
            back.start()
            pipe(near, far)
            back.join()

    def accept() -> None:
        while True:
            try:
                near, _ = listening.accept()
            except OSError:
                return
            threading.Thread(target=carry, args=(near,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield int(listening.getsockname()[1])
    finally:
        listening.shutdown(socket.SHUT_RDWR)
        listening.close()


def test_through_a_tunnel_the_address_works_with_another_port(
    stranger: tuple[BrowserContext, PageWatch], server: str
) -> None:
    context, watch = stranger
    with tunnel(int(server.rpartition(":")[2])) as port:
        page = context.new_page()
        page.goto(f"http://localhost:{port}/?token={SERVER_TOKEN}&{AT}")
        lives(page)
        assert re.match(rf"http://localhost:{port}/\?(?!.*token)", page.url)
        watch.check(page)
        page.close()
