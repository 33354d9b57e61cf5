"""Where texts and controls stand on a page, those in canvases too; see boxes.js."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import BrowserContext, Page

# All cards of a page at once, on a loaded two-core machine.
ALL_CARDS_MS = 120_000
SCRIPT = (Path(__file__).parent / "boxes.js").read_text(encoding="utf-8")


def watch_boxes(context: BrowserContext) -> None:
    """Note where texts are drawn on the pages that a browser context opens from now on."""
    context.add_init_script(SCRIPT)


def rest(page: Page) -> None:
    """Wait until nothing on the page is computed, moves or is painted any more."""
    page.evaluate("(patience) => trainlapseBoxes.rest(patience)", ALL_CARDS_MS)


def faults(page: Page) -> list[str]:
    """Sentences, each of one thing that is not in its place.

    Texts that overlap each other, a control, a line or the edge of a picture; what leaves its
    card, is cut off or out of the page; a control that is covered.
    """
    found: list[str] = page.evaluate("trainlapseBoxes.faults()")
    return found
