"""With two runs, too, each card shows what it shows on a fresh page, and no more."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.e2e.conftest import PageChecker
from tests.e2e.figures import ALL_CARDS, WALKS, at_rest, go_round, walk, weighed
from tests.e2e.small_runs import record

pytestmark = pytest.mark.full

# Whatever is in sight is drawn; a quarter of the pixels is as good, and quicker.
HIGH: Any = {"viewport": {"width": 1920, "height": ALL_CARDS}, "device_scale_factor": 0.25}
PLACES = [*WALKS["conv"], {**WALKS["conv"][0], "axis": "step", "tab": "differences"}]


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Where a small network is recorded twice; the second training is shorter."""
    folder = tmp_path_factory.mktemp("two")
    first = record(folder / "a.zarr", "conv")
    second = record(folder / "b.zarr", "conv", seed=8, epochs=2)
    return [first.location, second.location]


def test_every_card_of_every_place_is_that_of_a_fresh_page(
    page_checker: PageChecker, two: list[str], tmp_path: Path
) -> None:
    with (
        weighed(two, tmp_path, side_by_side=True) as (at, _),
        page_checker(**HIGH) as walked,
        page_checker(**HIGH) as loaded,
    ):
        walked.goto(at)
        walk(walked, loaded, PLACES, lambda place: f"{at}/?{urlencode(place)}")


def test_going_round_leaves_nothing_behind(
    page_checker: PageChecker, two: list[str], tmp_path: Path
) -> None:
    with (
        weighed(two, tmp_path, side_by_side=True) as (at, weigh),
        page_checker(**HIGH) as page,
    ):
        page.goto(at)
        at_rest(page)
        go_round(page, PLACES, weigh)
