"""With two runs, too, each card shows what it shows on a fresh page, and no more."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlencode

import pytest

from store import Run
from tests.e2e.conftest import PageChecker
from tests.e2e.figures import ALL_CARDS, WALKS, at_rest, become, go, go_round, weighed

HIGH = {"width": 1920, "height": ALL_CARDS}
PLACES = [*WALKS["lenet"], {**WALKS["lenet"][0], "axis": "step", "tab": "differences"}]


@pytest.mark.full
def test_every_card_of_every_place_is_that_of_a_fresh_page(
    page_checker: PageChecker, pair_server: str
) -> None:
    with page_checker(viewport=HIGH) as walked, page_checker(viewport=HIGH) as loaded:
        walked.goto(f"{pair_server}/")
        at_rest(walked)
        for place in [*PLACES, *reversed(PLACES)]:
            go(walked, place)
            at_rest(walked)
        for place in PLACES:
            loaded.goto(f"{pair_server}/?{urlencode(place)}")
            fresh = at_rest(loaded)
            go(walked, place)
            become(walked, fresh)


@pytest.mark.full
def test_going_round_leaves_nothing_behind(
    page_checker: PageChecker, pair: tuple[Run, Run], tmp_path: Path
) -> None:
    paths = [run.location for run in pair]
    with (
        weighed(paths, tmp_path, side_by_side=True) as (at, weigh),
        page_checker(viewport=HIGH) as page,
    ):
        page.goto(at)
        at_rest(page)
        go_round(page, PLACES, weigh)
