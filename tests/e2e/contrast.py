"""Whether the texts of a page can be read: their contrast by WCAG 2, those in canvases included."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, expect

from tests.e2e.conftest import STAGE, VIEWPORT
from tests.e2e.watching import computed, watched

# Records what canvases show: for `add_init_script`, before the page is opened.
LISTENER = Path(__file__).with_suffix(".js").read_text(encoding="utf-8")

LEAST = 4.5
# Of controls that are off WCAG asks nothing; they can still be read.
LEAST_OFF = 3.0
# A theme is on screen when every canvas has been painted again.
PATIENCE_MS = 15_000


@contextmanager
def opened(browser: Browser, url: str, wait: str = STAGE, **options: Any) -> Iterator[Page]:
    """Open a page that listens to its canvases."""
    with watched(browser, **{"viewport": VIEWPORT} | options) as (page, watch):
        page.add_init_script(LISTENER)
        page.goto(url)
        page.locator(wait).first.wait_for()
        yield page
        watch.check(page)


@contextmanager
def opened_file(browser: Browser, path: Path, **options: Any) -> Iterator[Page]:
    """Open a file that listens to its canvases; no error may be left uncaught."""
    with closing(browser.new_context(**options)) as context:
        errors: list[str] = []
        context.on("weberror", lambda error: errors.append(str(error.error)))
        page = context.new_page()
        page.add_init_script(LISTENER)
        page.goto(path.as_uri())
        yield page
        page.evaluate("0")  # errors under way arrive with it
        assert not errors


def switch(page: Page) -> None:
    """Ask for the other theme."""
    page.locator("#theme").click()


@dataclass(frozen=True)
class Text:
    """A text on screen.

    Attributes
    ----------
    text : str
        Its first letters.
    where : str
        Its element and those around it, across shadow trees.
    off : bool
        Whether it belongs to a control that is off.
    ratio : float
        Its contrast to four fifths of what lies behind it, 1 to 21.
    colour, behind : str
        Of both, as they are seen.
    """

    text: str
    where: str
    off: bool
    ratio: float
    colour: str
    behind: str

    @property
    def in_canvas(self) -> bool:
        """Whether it was drawn."""
        return self.where.rpartition(" > ")[2].startswith("canvas")

    @property
    def is_legible(self) -> bool:
        """Whether its contrast is enough."""
        return self.ratio >= (LEAST_OFF if self.off else LEAST)


def texts_of(page: Page) -> list[Text]:
    """Every text that is seen now, the canvases' behind the page's."""
    return [Text(**found) for found in page.evaluate("window.trainlapseContrast()")]


def assert_legible(page: Page, theme: str = "") -> list[Text]:
    """Wait until all texts can be read, and give them; fail with those that cannot.

    Parameters
    ----------
    page : Page
        With `LISTENER` from its beginning.
    theme : {"light", "dark"}, optional
        Which one the page must have.
    """
    if theme:
        expect(page.locator("html")).to_have_attribute("data-theme", theme)
    computed(page)
    found: list[Text] = []

    def poor() -> list[Text]:
        found[:] = texts_of(page)
        return [text for text in found if not text.is_legible]

    left = settled(page, poor)
    alike = {(text.where, text.colour, text.behind): text for text in left}  # one of each kind
    assert not left, f"{len(left)} of {len(found)} texts are hard to read:\n" + "\n".join(
        f"{text.ratio:.2f} {text.text!r}, {text.colour} on {text.behind}: {text.where}"
        for text in alike.values()
    )
    return found


def settled(page: Page, faults: Callable[[], list[Any]]) -> list[Any]:
    """Ask for faults with every new picture until there is none, or no patience left."""
    until = page.evaluate("performance.now()") + PATIENCE_MS
    while (found := faults()) and page.evaluate(NEXT_PICTURE) < until:
        pass
    return found


NEXT_PICTURE = "new Promise(requestAnimationFrame).then(() => performance.now())"
