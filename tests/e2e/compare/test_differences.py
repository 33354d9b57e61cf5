"""The tab with what differs between two runs, in a real browser."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from tests.e2e.compare.conftest import scroll_to, sides
from tests.e2e.conftest import Begin
from tests.e2e.watching import computed

# What there is of the tab from the beginning; and its card with all layers.
TAB = "text=How units go together over time"
LAYERS = "Which layer belongs to which"


def test_examples_in_dispute_are_listed(begin: Begin) -> None:
    page = begin(tab="differences", index=20)
    page.locator(TAB).wait_for()
    scroll_to(page, "How far weights are apart", "text=They do not share their initialization")
    scroll_to(page, "Examples in dispute", ".listing:has-text('A says') td")
    rows = page.locator(".listing", has_text="A says").locator("tr:has(td)")
    expect(rows.first).to_be_visible()
    # They are of the evaluation set that both runs hold, which no other card shows one by one.
    expect(rows.and_(page.locator(".link"))).to_have_count(0)


def test_a_row_of_the_layers_chooses_both(begin: Begin) -> None:
    page = begin(tab="differences")
    page.locator(TAB).wait_for()
    scroll_to(page, LAYERS, ".listing tr.link")
    computed(page)  # until then cards are drawn anew, and a click may meet what is replaced
    row = page.get_by_role("row", name=re.compile("^dense2 "))
    row.click()
    expect(row).to_have_attribute("aria-selected", "true")
    page.get_by_role("tab", name="Layers").click()
    for side in sides(page):
        expect(side).to_have_attribute("aria-label", re.compile("of dense2"))


def test_a_counterpart_is_set_by_hand_and_taken_back(begin: Begin) -> None:
    page = begin(tab="differences")
    # Each change loads the page anew: the fewer cards are in sight, the sooner it is there.
    page.set_viewport_size({"width": 1280, "height": 500})
    page.locator(TAB).wait_for()
    scroll_to(page, LAYERS, ".pairs")
    table = page.locator(".pairs")
    rows = table.locator("tr.hand")
    table.get_by_text("Set counterparts by hand").click()
    table.get_by_label("Counterpart of conv1").select_option("conv2")
    page.wait_for_url(re.compile("map="))
    scroll_to(page, LAYERS, ".pairs")
    expect(rows).to_have_count(1)
    expect(rows).to_contain_text("by hand")
    expect(table.get_by_label("Counterpart of conv1")).to_have_value("conv2")
    table.get_by_label("Counterpart of conv2").select_option("none")
    page.wait_for_url(re.compile("null"))
    scroll_to(page, LAYERS, ".pairs")
    expect(rows).to_have_count(2)
    table.get_by_label("Reset conv1").click()
    expect(page).not_to_have_url(re.compile("conv1.{1,10}conv2"))
    scroll_to(page, LAYERS, ".pairs")
    expect(rows).to_have_count(1)
    expect(table.get_by_label("Counterpart of conv1")).to_have_value("conv1")
    table.get_by_text("Reset all").click()
    expect(page).not_to_have_url(re.compile("map="))
    scroll_to(page, LAYERS, ".pairs")
    expect(rows).to_have_count(0)
