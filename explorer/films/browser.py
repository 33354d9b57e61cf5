"""Find the browser that draws films and figures, or say what to install."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

from explorer.films.writer import EXTRA
from store.errors import MissingExtraError

# Names on PATH, and the places of applications on macOS.
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
BROWSER_PLACES = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
)


def playwright_library() -> Any:
    """Import Playwright, which drives the browser.

    Raises
    ------
    MissingExtraError
        Playwright is not installed.
    """
    try:
        import playwright.sync_api as library
    except ModuleNotFoundError as error:
        raise MissingExtraError(
            f"Films and figures need playwright, which is not installed. {EXTRA}"
        ) from error
    return library


def require_browser() -> None:
    """Check that a browser can be opened. Call it outside of an event loop.

    Raises
    ------
    MissingExtraError
        Playwright, or a browser, is not installed.
    """
    library = playwright_library()
    if find_browser() is None:
        with library.sync_playwright() as playwright:
            bundled_browser(playwright.chromium.executable_path)


def find_browser() -> str | None:
    """Path of the system's Chromium or Chrome, if any; `TRAINLAPSE_CHROMIUM` overrides it."""
    named = os.environ.get("TRAINLAPSE_CHROMIUM")
    if named:
        return shutil.which(named)
    on_path = (shutil.which(name) for name in BROWSERS)
    elsewhere = (place for place in BROWSER_PLACES if Path(place).exists())
    return next((path for path in (*on_path, *elsewhere) if path), None)


def bundled_browser(path: str) -> str:
    """Check that Playwright's own browser is at a path, and return the path.

    Raises
    ------
    MissingExtraError
        There is none.
    """
    if Path(path).exists():
        return path
    raise MissingExtraError(
        "Films and figures need Chromium or Chrome, which was not found. Install one (apt install "
        "chromium, or playwright install chromium), or set TRAINLAPSE_CHROMIUM to its path."
    )
