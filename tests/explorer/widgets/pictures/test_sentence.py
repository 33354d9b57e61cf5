"""The browser half of a sentence's picture: where its columns and places stand, and its limits."""

from __future__ import annotations

from typing import Any

import pytest

from tests.explorer.node import evaluated


def in_browser(expression: str) -> Any:
    return evaluated("widgets/shared/bands.js", expression)


@pytest.mark.parametrize(
    ("room", "count", "letters", "padding", "wide", "content"),
    [
        (700, 10, False, 0, 70, 700),
        (728, 10, False, 4, 70, 728),
        (700, 2, False, 0, 160, 320),
        (700, 200, False, 0, 15, 3000),
        (700, 64, True, 0, 700 / 64, 700),
    ],
    ids=["fits", "with padding", "few", "scrolled", "characters"],
)
def test_columns_are_as_wide_as_the_room_allows(room, count, letters, padding, wide, content):
    found = in_browser(f"columnsIn({room}, {count}, {str(letters).lower()}, {padding})")
    assert found["wide"] == pytest.approx(wide)
    assert found["content"] == pytest.approx(content)


def test_a_token_lies_in_the_place_that_has_it_to_itself():
    places = in_browser("[0, 1, 2, 3, 9].map((at) => bandPlace({ranges: [0, 2, 3, 4]}, at))")
    assert places == [0, 0, -1, 1, -1]
    assert in_browser("bandPlace({ranges: null}, 0)") == -1


@pytest.mark.parametrize(
    ("codes", "signed", "ends"),
    [
        ([0, 100, 130], "true", [100, 156]),
        ([0, 100, 130], "false", [100, 130]),
        ([7], "false", [7, 8]),
        ([0], "true", [1, 255]),
        ([128], "true", [127, 129]),
    ],
)
def test_limits_of_one_step_are_what_it_shows(codes, signed, ends):
    assert in_browser(f"codeRange({codes}, {signed})") == ends
