"""Cards take columns of the page, and parts of a card stand beside each other if there is room."""

from __future__ import annotations

import re

import panel as pn
import pytest

from explorer.widgets.page.beside import beside, columns


def room(panel):
    """Pixels of a card below which the parts stand one below the other."""
    (sheet,) = panel.stylesheets
    return 1 + int(re.search(r"@container \(max-width: (\d+)px\)", sheet)[1])


@pytest.mark.parametrize(
    ("shares", "needed"),
    [((1, 1), 2 * 200 + 18), ((4, 3, 4), 11 * 200 // 3 + 36), ((8, 3), 11 * 200 // 3 + 18)],
)
def test_the_narrowest_part_has_its_pixels(shares, needed):
    parts = [pn.pane.Str(str(share)) for share in shares]
    assert room(beside(*parts, shares=shares)) == needed


def test_parts_may_need_less_and_the_first_may_take_less():
    panel = beside(pn.pane.Str("a"), pn.pane.Str("b"), shares=(8, 5), least=100, most=300, gap=10)
    assert room(panel) == 13 * 100 // 5 + 10
    assert "min(62%, 300px) minmax(0, 5fr)" in panel.stylesheets[0]
    assert "display" not in panel.styles  # it would win against Bokeh's hiding


def test_a_card_has_no_more_columns_than_the_page():
    assert columns(6) == "span min(6, var(--tl-columns, 12))"
    assert columns(6, 7) == f"min(7, var(--tl-columns, 12)) / {columns(6)}"
