"""Light and dark with two runs on the page."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser

from tests.e2e.contrast import assert_legible, opened, switch

TALL = {"width": 1280, "height": 9000}


def test_two_runs_can_be_read_after_switching_both_ways(browser: Browser, pair_server: str) -> None:
    with opened(browser, pair_server) as page:
        found = assert_legible(page, "light")
        assert {text.text for text in found if text.where.endswith("span.side > b")} == {"A", "B"}
        switch(page)
        assert_legible(page, "dark")
        switch(page)
        assert_legible(page, "light")


@pytest.mark.full
@pytest.mark.parametrize("tab", ["layers", "learning", "training", "differences"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_card_of_two_runs_can_be_read(
    browser: Browser, pair_server: str, tab: str, scheme: str
) -> None:
    url = f"{pair_server}/?tab={tab}"
    with opened(browser, url, ".head h3:visible", viewport=TALL, color_scheme=scheme) as page:
        for _ in range(3):
            assert_legible(page)
            switch(page)
