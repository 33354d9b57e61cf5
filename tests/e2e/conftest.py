"""A real headless Chromium, and pages that are watched while a test drives them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

CHROMIUM_FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    # Whatever asks for another host gets no answer, on a developer's machine too.
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1 , EXCLUDE localhost",
)
LOCAL_HOSTS = frozenset({"127.0.0.1", "localhost", "::1"})
# Content that the page carries itself.
INNER_SCHEMES = frozenset({"about", "blob", "data"})
# A loaded two-core machine needs seconds for a page that takes half of one otherwise.
PATIENCE_MS = 30_000

PageChecker = Callable[..., AbstractContextManager[Page]]


class PageWatch:
    """Collects what must not happen in a browser context, in all of its pages.

    Attributes
    ----------
    problems : list of str
        Errors in the console, uncaught errors, crashes, and requests that leave the machine.
    requests : list of str
        Every address asked for, web sockets included.
    """

    def __init__(self, context: BrowserContext) -> None:
        self.problems: list[str] = []
        self.requests: list[str] = []
        context.on("console", self._console)
        context.on("weberror", lambda error: self.problems.append(f"page error: {error.error}"))
        context.on("request", lambda request: self._address(request.url))
        context.on("page", self._page)

    def _page(self, page: Page) -> None:
        page.on("websocket", lambda socket: self._address(socket.url))
        page.on("crash", lambda _: self.problems.append("the page crashed"))

    def _console(self, message: Any) -> None:
        if message.type == "error":
            where = message.location.get("url", "")
            self.problems.append(f"console error: {message.text} ({where})")

    def _address(self, url: str) -> None:
        self.requests.append(url)
        parts = urlsplit(url)
        if parts.scheme not in INNER_SCHEMES and parts.hostname not in LOCAL_HOSTS:
            self.problems.append(f"request leaves the machine: {url}")


@pytest.fixture(scope="session")
def browser(chromium_path: str) -> Iterator[Browser]:
    """The system's Chromium, started once."""
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(
            executable_path=chromium_path, args=list(CHROMIUM_FLAGS)
        )
        yield running
        running.close()


@pytest.fixture
def page_checker(browser: Browser) -> PageChecker:
    """Open a watched page: ``with page_checker(viewport={"width": 1920, "height": 1080}) as page``.

    Leaving the block without an error of its own fails for a console error, an uncaught error or
    a request that left the machine. Arguments are those of a Playwright context.
    """

    @contextmanager
    def checked(**options: Any) -> Iterator[Page]:
        context = browser.new_context(**options)
        try:
            watch = PageWatch(context)
            page = context.new_page()
            page.set_default_timeout(PATIENCE_MS)
            yield page
            # Messages travel after what caused them: one round trip brings in those under way.
            if not page.is_closed():
                page.evaluate("0")
            assert not watch.problems, "in the browser:\n" + "\n".join(watch.problems)
        finally:
            context.close()

    return checked


@pytest.fixture
def watched_page(page_checker: PageChecker) -> Iterator[Page]:
    """A page of 1280 x 800 whose problems fail the test, see `page_checker`."""
    with page_checker(viewport={"width": 1280, "height": 800}) as page:
        yield page
