"""One run of two: a session without a slider of its own, whose cards stand beside another's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import panel as pn

from explorer.cards.card import Card
from explorer.data.run import RunData
from explorer.plots import style
from explorer.selection import TABS_OF_TWO, SelectionKey, Tab
from explorer.session.session import TAB_OF, Explorer
from explorer.views.base import Region
from explorer.widgets.page.beside import columns
from explorer.widgets.time.clock_sync import ClockSync

CHANNELS = (style.CHANNEL, "second")
LETTERS = ("A", "B")
# Of twelve columns.
HALF = 6
# Pictures of the whole network are too wide for half a page, unless the page is very wide.
WIDE_PAGE_PX = 1700


class Side(Explorer):
    """A visitor's session of one of two runs.

    Parameters
    ----------
    data : RunData
        The run.
    number : {0, 1}
        Whether it is A, on the left, or B.
    query : mapping
        Parameters of the page's address.

    Attributes
    ----------
    letter, colour : str
        What the run is called on the page, and its colour.
    remark : str
        Said beside the layer's name.
    """

    tabs: ClassVar[tuple[Tab, ...]] = TABS_OF_TWO
    # Curves of the run stand far below: the page begins with those of both in one picture.
    eager: ClassVar[tuple[Region, ...]] = ("stage",)
    tab_of: ClassVar[Mapping[Region, Tab]] = {**TAB_OF, "run": "training"}
    tries: ClassVar[bool] = False

    def __init__(self, data: RunData, number: int, query: Mapping[str, Any]) -> None:
        self.number = number
        self.channel, self.letter = CHANNELS[number], LETTERS[number]
        self.colour = style.RUNS[number]
        self.remark = ""
        super().__init__(data, query)

    def say(self, remark: str) -> None:
        """Say something beside the layer's name; an empty text takes it back."""
        if remark != self.remark:
            self.remark = remark
            self.heading.object = self.layer_heading()

    @property
    def half(self) -> str:
        """Columns of the page that are the run's."""
        return columns(HALF, 1 + self.number * HALF)

    def mark(self, panel: pn.Column, region: Region | None = None) -> pn.Column:
        """Give a card the run's colour and its half of the page."""
        styles = {**panel.styles, "border-top": f"3px solid {self.colour}"}
        if region == "joint":
            del styles["grid-column"]
            panel.stylesheets = [
                *panel.stylesheets,
                f":host {{ grid-column: 1 / -1; }} @media (min-width: {WIDE_PAGE_PX}px) "
                f"{{ :host {{ grid-column: {self.half}; }} }}",
            ]
        else:
            styles["grid-column"] = self.half
        panel.styles = styles
        return panel

    def _current(self) -> tuple[SelectionKey, int]:
        """Give the selection, and the position of the step, which tells whose curves there are."""
        selected, index = super()._current()
        return selected, style.ClockIndex(index, self.channel, colour=self.colour)

    def _settle_row(self) -> None:
        """Leave the cards in the run's half of the page."""

    def _transport(self) -> ClockSync:
        return ClockSync(**self.clocks(), width=0, height=0, margin=0)

    def _cards(self, region: Region) -> list[Card]:
        cards = super()._cards(region)
        for card in cards:
            card.head.title = f"{self.letter} · {card.head.title}"
            self.mark(card.panel, region)
        return cards

    def _marks(self) -> dict[str, str]:
        return {"letter": self.letter, "letter_colour": self.colour, "remark": self.remark}

    def _layout(self) -> pn.Column:
        self.panels: dict[Tab, pn.Column] = {}  # those of the page are on it
        for absent in self.absent.values():
            absent.styles = {"grid-column": self.half}
        return pn.Column(margin=0)
