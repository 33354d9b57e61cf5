"""Two runs side by side: recordings, a server of both, and what the tests look at."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from store import Run, open_run
from tests.e2e.conftest import STAGE, recorded_once, serving, unused_port

Look = Callable[..., None]


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, Run]:
    """LeNet on digits, two seeds; the second training ends before the first."""
    options = {"epochs": 2, "seed": 1}, {"epochs": 1}
    first, second = (recorded_once(tmp_path_factory, "lenet-mnist", **each) for each in options)
    return open_run(first), open_run(second)


@pytest.fixture(scope="module")
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
        expect(watched_page.locator(".busy:visible")).to_have_count(0)

    return open_page


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
    for _ in range(300):
        page.get_by_text(title, exact=True).scroll_into_view_if_needed()
        if wanted.is_visible():
            return wanted
        page.wait_for_timeout(100)
    raise AssertionError(f"{drawn} does not come into view with {title!r}")
