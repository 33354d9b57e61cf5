"""A notice of what a part of the page cannot show of this run, for all of its cards at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import panel as pn

from explorer.cards.card import Card
from explorer.data.absence import Absence, Lack
from explorer.selection import Tab
from explorer.views.base import Region
from explorer.widgets.markup import render
from explorer.widgets.page.beside import columns


class AbsenceNotice(pn.pane.HTML):
    """Lists the hidden cards of a part of the page, with the reason why each is hidden.

    A card is listed if the run lacks what it needs, but not if it is not meant for this run or
    layer. If all main cards are hidden, their reasons are given in either case.

    Parameters
    ----------
    cards : sequence of Card
        Cards of a part of the page, in order.
    main : sequence of Card, optional
        Those without which the part looks empty. By default all.
    **params
        Parameters of the pane.
    """

    def __init__(
        self, cards: Sequence[Card], main: Sequence[Card] | None = None, **params: Any
    ) -> None:
        self._cards = cards
        self._main = cards if main is None else main
        super().__init__(margin=0, sizing_mode="stretch_width", **params)
        self.update()

    @classmethod
    def of(
        cls, tab: Tab, cards: Mapping[Region, Sequence[Card]], tab_of: Mapping[Region, Tab]
    ) -> AbsenceNotice:
        """Make the notice of a tab. It includes the cards that stand above all tabs.

        Parameters
        ----------
        tab : Tab
            The tab.
        cards : mapping of Region to sequence of Card
            All cards of a run.
        tab_of : mapping of Region to Tab
            The tab of each region; regions that are not in it stand above the tabs.
        """
        regions = [region for region in cards if tab_of.get(region, tab) == tab]
        own = [region for region in regions if region in tab_of]
        # Without the layer's main picture, the place beside the probe is empty.
        main: list[Region] = ["stage"] if "stage" in own else own
        return cls(
            [card for region in regions for card in cards[region]],
            [card for region in main for card in cards[region]],
        )

    def update(self) -> None:
        """Bring the notice up to the current state of the cards."""
        said: dict[Absence, list[str]] = {}
        is_empty = all(card.absence is not None for card in self._main)
        for card in self._cards:
            absence = card.absence
            if absence and (isinstance(absence, Lack) or (is_empty and card in self._main)):
                titles = said.setdefault(absence, [])
                titles += [card.view.title] if isinstance(absence, Lack) else []
        self.param.update(
            object=render("absence_notice.html", reasons=said) if said else "", visible=bool(said)
        )


def share_row(cards: Sequence[Card]) -> None:
    """Share the width of a row among those of its cards that are shown."""
    shown = [card.panel for card in cards if card.panel.visible]
    for panel in shown:
        place = columns(12 // len(shown))
        if panel.styles["grid-column"] != place:
            panel.styles = {**panel.styles, "grid-column": place}
