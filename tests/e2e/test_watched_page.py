"""The watch over pages sees what it is there to see: a browser test can fail."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from playwright.sync_api import Page

PAGES = {
    "/sound": "<p>hello</p><script>console.log('fine'); console.warn('still fine')</script>",
    "/console": "<script>console.error('the canvas is gone')</script>",
    "/uncaught": "<script>setTimeout(() => { throw new Error('no such layer') }, 0)</script>",
    "/foreign": "<link rel=stylesheet href='http://fonts.example/sans.css'>",
    "/socket": "<script>new WebSocket('ws://elsewhere.example/ws')</script>",
    "/missing": "<script src='/nothing.js'></script>",
    "/late": "<button onclick=\"fetch('http://late.example/').catch(() => 0)\">go</button>",
    "/inner": "<img src='data:image/gif;base64,R0lGODlhAQABAAAAACwAAAAAAQABAAA='>",
}


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    """`PAGES` on 127.0.0.1."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = PAGES.get(self.path)
            self.send_response(404 if body is None else 200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            if body is not None:
                self.wfile.write(b"<!doctype html><link rel=icon href='data:,'>" + body.encode())

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_sound_page_passes(watched_page: Page, site: str) -> None:
    watched_page.goto(f"{site}/sound")
    assert watched_page.inner_text("p") == "hello"


def test_content_inside_the_page_is_no_foreign_request(watched_page: Page, site: str) -> None:
    watched_page.goto(f"{site}/inner")


@pytest.mark.parametrize(
    ("path", "problem"),
    [
        ("/console", "console error: the canvas is gone"),
        ("/uncaught", "page error: .*no such layer"),
        ("/foreign", r"leaves the machine: http://fonts\.example/sans\.css"),
        ("/socket", r"leaves the machine: ws://elsewhere\.example/ws"),
        ("/missing", "console error: .*404"),
    ],
)
def test_a_problem_fails(page_checker, site: str, path: str, problem: str) -> None:
    with pytest.raises(AssertionError, match=problem), page_checker() as page:
        page.goto(f"{site}{path}", wait_until="networkidle")


def test_a_problem_after_a_click_fails(page_checker, site: str) -> None:
    def click() -> None:
        with page_checker() as page:
            page.goto(f"{site}/late")
            page.click("button")

    with pytest.raises(AssertionError, match=r"http://late\.example/"):
        click()


def test_a_second_page_is_watched_too(page_checker, site: str) -> None:
    def open_another() -> None:
        with page_checker() as page:
            page.goto(f"{site}/sound")
            with page.context.expect_page() as opened:
                page.evaluate("url => void window.open(url)", f"{site}/console")
            opened.value.wait_for_load_state()

    with pytest.raises(AssertionError, match="the canvas is gone"):
        open_another()


def test_an_error_of_the_test_itself_is_not_hidden(page_checker, site: str) -> None:
    def stumble() -> None:
        with page_checker() as page:
            page.goto(f"{site}/console")
            raise LookupError("the test's own")

    with pytest.raises(LookupError, match="the test's own"):
        stumble()
