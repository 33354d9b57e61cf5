"""Which two runs are compared, and what is said where they cannot be."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from store.testing import image_run_spec, write_run
from tests.e2e.compare.conftest import Look, scroll_to, shown, sides
from tests.e2e.conftest import STAGE


def test_a_run_that_the_server_was_not_started_with_is_opened_by_its_path(
    watched_page: Page, look: Look, tmp_path: Path
) -> None:
    write_run(tmp_path / "third.zarr", image_run_spec("third"), steps=(0, 1))
    look(layer="conv1", units="matched", matching="last")
    watched_page.get_by_label("Run B").select_option(label="Another run …")
    field = watched_page.get_by_label("Path of another run")
    field.fill(str(tmp_path / "thrid.zarr"))
    field.press("Enter")
    expect(watched_page.get_by_text("Did you mean 'third.zarr'")).to_be_visible()
    field.fill(str(tmp_path / "third.zarr"))
    watched_page.get_by_role("button", name="Open", exact=True).click()
    watched_page.wait_for_url(re.compile(r"/compare\?a=1&b=3.*matching=last"))
    chosen = watched_page.get_by_label("Run B").locator("option:checked")
    expect(chosen).to_have_text("third")
    alone = watched_page.get_by_title("Look at run B alone")
    assert alone.get_attribute("href") == "/run?number=3"
    alone.click()
    expect(watched_page.locator("nav a[aria-current]")).to_have_text("third")
    watched_page.get_by_label("Compare with").select_option(index=1)
    watched_page.wait_for_url(re.compile(r"/compare\?a=3&b=1"))


def test_runs_without_a_common_probe_say_so(watched_page: Page, server: str) -> None:
    watched_page.goto(f"{server}/compare?a=1&b=3&tab=differences")
    expect(watched_page.get_by_text("The runs have no probe in common")).to_be_visible()
    scroll_to(watched_page, "Both runs in numbers", ".facts")
    scroll_to(watched_page, "Both runs in numbers", "text=This needs probes that both runs have.")


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("a=1&b=99", "There is no run '99' to show"),
        ("a=x&b=1", "There is no run 'x' to show"),
        ("a=1&b=2&map=nonsense", "map in the address should be"),
        ("a=1&b=2&map={%22conv9%22:null}", "has no layer 'conv9'"),
        ("a=2&b=5", "has recorded no step yet"),
    ],
)
def test_what_cannot_be_compared_is_a_sentence(
    watched_page: Page, server: str, query: str, said: str
) -> None:
    watched_page.goto(f"{server}/compare?{query}")
    expect(watched_page.get_by_text(said).first).to_be_visible()


def test_a_menu_leads_from_one_run_to_two(watched_page: Page, server: str) -> None:
    watched_page.goto(f"{server}/run-2?layer=dense&step=2")
    watched_page.locator(STAGE).first.wait_for()
    watched_page.get_by_label("Compare with").select_option(index=3)  # the run with one step
    watched_page.wait_for_url(re.compile(r"/compare\?a=2&b=4"))
    for side in sides(watched_page):
        expect(side).to_have_attribute("aria-label", re.compile("of dense"))
    shown(watched_page, 2, 0)
