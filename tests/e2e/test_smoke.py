"""What must work in a browser on every Python: one page, its themes, a time axis, a layer.

CI runs what is marked `smoke` on the newest Python as well, and nothing else in a browser.
"""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import Open, at, bars, card, grid
from tests.e2e.watching import computed

pytestmark = pytest.mark.smoke

CANVASES = "canvas:visible"


def test_a_page_changes_its_theme_axis_and_layer(watched_page: Page, explore: Open) -> None:
    """`watched_page` fails it for whatever the console says."""
    page = watched_page
    explore("lenet", layer="conv1", step=0)
    at(page, 0)
    assert bars(page)

    html = page.locator("html")
    before = html.get_attribute("data-theme")
    for _ in range(2):
        theme = html.get_attribute("data-theme")
        page.locator("#theme").click()
        expect(html).not_to_have_attribute("data-theme", str(theme))
        computed(page)
    expect(html).to_have_attribute("data-theme", str(before))

    axis = page.get_by_label("Time axis")
    count = page.locator(CANVASES).count()
    for value in ("epoch", "log_step", "step"):
        axis.select_option(value)
        expect(page).to_have_url(re.compile(f"axis={value}"))
        computed(page)
    expect(page.locator(CANVASES)).to_have_count(count)

    page.get_by_role("treeitem", name=re.compile("^conv2")).click()
    expect(grid(page)).to_have_attribute("aria-label", re.compile("of conv2"))
    computed(page)
    page.keyboard.press("End")
    expect(grid(page)).not_to_have_attribute("data-index", "0")
    expect(card(page, "Feature maps")).to_contain_text("each of the 16 units")
