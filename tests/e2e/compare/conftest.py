"""Two runs side by side: recordings, a server of both, and what the tests look at."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect
from playwright.sync_api import TimeoutError as NotYet

from store import Run, open_run
from tests.e2e.conftest import STAGE, Begin, LongPage, recorded_once, serving, unused_port
from tests.e2e.watching import CARDS_PATIENCE_MS, Contexts, computed

Look = Callable[..., None]
# After this time a card that was in view may have been pushed out of it by those above.
GROWS_MS = 100


@pytest.fixture(scope="session")
def pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, Run]:
    """LeNet on digits, two seeds; the second training ends before the first."""
    options = {"epochs": 2, "seed": 1}, {"epochs": 1}
    first, second = (recorded_once(tmp_path_factory, "lenet-mnist", **each) for each in options)
    return open_run(first), open_run(second)


@pytest.fixture(scope="session")
def pair_server(pair: tuple[Run, Run], tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of ``trainlapse explore A B``."""
    port = unused_port()
    command = [sys.executable, "-m", "explorer.cli", "explore", "--no-browser", "--port", str(port)]
    command += [run.location for run in pair]
    with serving(command, port, tmp_path_factory.mktemp("log") / "server.txt") as address:
        yield address


@pytest.fixture
def look(watched_page: Page, pair_server: str) -> Look:
    """Open the comparison at an address with these parameters."""

    def open_page(wait: str = STAGE, **query: Any) -> None:
        parameters = "&".join(f"{name}={value}" for name, value in query.items())
        watched_page.goto(f"{pair_server}/?{parameters}")
        watched_page.locator(wait).first.wait_for()
        computed(watched_page)

    return open_page


class LongPair(LongPage):
    """The page of two runs, which one test takes over from another."""

    def is_drawn(self, page: Page, chosen: Mapping[str, Any], index: int) -> None:  # noqa: ARG002
        if chosen["tab"] != "layers":
            expect(page.locator(STAGE)).to_have_count(0)
            return
        of = re.compile(r" of {layer}, probe {probe},".format(**chosen))
        for channel, side in zip(("main", "second"), sides(page), strict=True):
            expect(side).to_have_attribute("aria-label", of)
            own = page.evaluate("(name) => window.trainlapseClocks.get(name).index", channel)
            expect(side).to_have_attribute("data-index", str(own))


@pytest.fixture(scope="session")
def long_pair(contexts: Contexts, pair_server: str) -> Iterator[LongPair]:
    """One page for the tests of two runs; opened when the first of them begins."""
    lists = {"Alignment": "step", "Time axis": "step", "unit of B": "number"}
    kept = LongPair(contexts, f"{pair_server}/", channel="pair", lists=lists)
    yield kept
    kept.end(close=True)


@pytest.fixture
def begin(long_pair: LongPair, request: pytest.FixtureRequest) -> Iterator[Begin]:
    """Take over the page of both runs: ``page = begin(layer="conv1", unit=4, index=3)``."""
    failed_before = request.session.testsfailed
    yield long_pair.begin
    long_pair.end(close=request.session.testsfailed > failed_before)


def sides(page: Page) -> tuple[Locator, Locator]:
    """Main pictures of A and of B."""
    pictures = page.locator(STAGE)
    expect(pictures).to_have_count(2)
    return pictures.nth(0), pictures.nth(1)


def shown(page: Page, first: int, second: int) -> None:
    """Wait until both pictures are of these recorded steps."""
    for picture, index in zip(sides(page), (first, second), strict=True):
        expect(picture).to_have_attribute("data-index", str(index))


def scroll_to(page: Page, title: str, drawn: str) -> Locator:
    """Bring a card into view: what is out of sight is not drawn; the page grows meanwhile."""
    wanted = page.locator(drawn).first
    deadline = time.monotonic() + CARDS_PATIENCE_MS / 1000
    while not wanted.is_visible():
        assert time.monotonic() < deadline, f"{drawn} does not come into view with {title!r}"
        page.get_by_text(title, exact=True).scroll_into_view_if_needed()
        with suppress(NotYet):
            wanted.wait_for(timeout=GROWS_MS)
    return wanted
