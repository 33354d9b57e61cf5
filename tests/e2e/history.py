"""When the choices on a page are entries of its history."""

from __future__ import annotations

from playwright.sync_api import Page

# Notes when the page last wrote its address; choices that follow within this time are one entry.
NOTED = """
for (const how of ["pushState", "replaceState"]) {
  const own = history[how];
  history[how] = (...given) => {
    window.wroteAt = performance.now();
    own.apply(history, given);
  };
}
"""
IN_A_ROW_MS = 300


def note_writes(page: Page) -> None:
    """Note from the next address on when the page writes it; `gap` needs it."""
    page.add_init_script(NOTED)


def gap(page: Page) -> None:
    """Wait until another choice would be an entry of its own."""
    page.wait_for_function(
        "(gap) => !(performance.now() < window.wroteAt + gap)", arg=IN_A_ROW_MS, polling=50
    )
