"""Pairs of synthetic runs: a frame is a function of its array's name and its step."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from explorer.compare.page import ComparisonPage
from explorer.compare.pair import RunPair
from explorer.compare.session import Comparison
from explorer.compare.side import Side
from store.testing import image_run_spec
from tests.explorer.conftest import RunMaker, renamed

LONG, SHORT = (0, 1, 2, 5, 10, 20), (0, 2, 4, 8)
# The second run calls two layers otherwise: their frames differ from those of the first.
OTHER_NAMES = {"conv1": "first", "dense": "last"}

Compare = Callable[..., Comparison]


@pytest.fixture
def pair(recorded: RunMaker) -> RunPair:
    """Two runs of one network, of different length and cadence; layers with other names."""
    return RunPair(
        recorded(image_run_spec("a"), steps=LONG),
        recorded(renamed(image_run_spec("b"), OTHER_NAMES), steps=SHORT),
    )


@pytest.fixture
def comparison(pair: RunPair) -> Comparison:
    """A session at its beginning, of units by their number."""
    return Comparison(pair, {"units": "number"})


def choose(side: Side, **changes: Any) -> None:
    """What the browser does when a widget of one run is clicked."""
    choice = side.transport.choice | changes
    if "layer" in changes and "unit" not in changes:
        choice["unit"] = None
    side.transport.choice = choice


def texts_on(page: ComparisonPage) -> list[Any]:
    """Captions of all cards that are visible and have been looked at."""
    cards = [*page.cards]
    for side in page.comparison.sides:
        cards += [card for cards_of in side.cards.values() for card in cards_of]
    return [card.head.caption for card in cards if card.panel.visible]
