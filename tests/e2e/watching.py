"""Pages in a browser that are watched for what must not happen."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Browser, BrowserContext, Page, ViewportSize, expect

from tests.e2e.history import note_writes

LOCAL_HOSTS = frozenset({"127.0.0.1", "localhost", "::1"})
# Opens the servers of these tests; a browser exchanges it for a cookie with the first page.
SERVER_TOKEN = "token-of-the-tests"  # noqa: S105, opens nothing else
LET_IN = {"Authorization": f"token {SERVER_TOKEN}"}
# Content that the page carries itself.
INNER_SCHEMES = frozenset({"about", "blob", "data"})
# A loaded two-core machine needs seconds for a page that takes half of one otherwise.
PATIENCE_MS = 30_000
# It computes forty cards of two runs in minutes.
CARDS_PATIENCE_MS = 240_000

# What Bokeh was told to hide and is seen all the same: a figure under another one's caption.
HIDDEN_BUT_SEEN = """
() => {
  const seen = [];
  const walk = (view, hidden) => {
    const hides = hidden || view.model.visible === false;
    if (hides && view.el.getClientRects().length) seen.push(view.model.type);
    else for (const child of view.child_views ?? []) walk(child, hides);
  };
  for (const view of window.Bokeh?.index ?? []) walk(view, false);
  return seen;
}
"""


# Pages without an origin, such as about:blank, have no storage.
FORGET = "() => { try { localStorage.clear(); } catch { /* there is none */ } }"


def computed(page: Page) -> None:
    """Wait until no card in sight is being computed."""
    expect(page.locator(".busy:visible")).to_have_count(0, timeout=CARDS_PATIENCE_MS)


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

    def check(self, page: Page) -> None:
        """Fail for what has been seen since the last time."""
        # Messages travel after what caused them: one round trip brings in those under way.
        if not page.is_closed():
            hidden = page.evaluate(HIDDEN_BUT_SEEN)
            self.problems.extend(f"hidden, and on screen all the same: {kind}" for kind in hidden)
        problems, self.problems = self.problems, []
        assert not problems, "in the browser:\n" + "\n".join(problems)

    def forget(self) -> None:
        """Begin anew, for another page."""
        self.problems, self.requests = [], []


@contextmanager
def watched(browser: Browser, **options: Any) -> Iterator[tuple[Page, PageWatch]]:
    """Open a page in a browser context of its own, with these arguments of Playwright's."""
    context = browser.new_context(extra_http_headers=LET_IN, **options)
    try:
        watch = PageWatch(context)
        yield _opened(context), watch
    finally:
        context.close()


def _opened(context: BrowserContext) -> Page:
    page = context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    note_writes(page)
    return page


class Contexts:
    """Browser contexts, each lent to one page at a time and kept for the next one.

    What a page has fetched and compiled is there already for the next, which saves it a third of
    its work. So is all else that is changed in a context, apart from what pages have stored: who
    changes more, takes one of its own (`watched`). After a failure a context is not kept.
    """

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self._idle: dict[str, list[tuple[BrowserContext, PageWatch]]] = {}

    @contextmanager
    def watched(
        self, viewport: ViewportSize | None = None, **options: Any
    ) -> Iterator[tuple[Page, PageWatch]]:
        """Open a page in a context that no other page has meanwhile; arguments as of `watched`."""
        idle = self._idle.setdefault(repr(sorted(options.items())), [])
        context, watch = idle.pop() if idle else self._made(options)
        try:
            page = _opened(context)
            if viewport is not None:
                page.set_viewport_size(viewport)
            yield page, watch
        except BaseException:
            context.close()
            raise
        if page.is_closed():
            context.close()
            return
        page.evaluate(FORGET)
        for each in context.pages:
            each.close()
        watch.forget()
        idle.append((context, watch))

    def _made(self, options: dict[str, Any]) -> tuple[BrowserContext, PageWatch]:
        context = self._browser.new_context(extra_http_headers=LET_IN, **options)
        return context, PageWatch(context)
