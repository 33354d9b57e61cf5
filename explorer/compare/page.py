"""Where everything of two runs stands: A on the left, B on the right, what is of both between."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import panel as pn

from explorer.cards.absence_notice import AbsenceNotice
from explorer.cards.card import Card, card_head, framed
from explorer.compare.matching.at_step import KINDS
from explorer.compare.pair import RunPair
from explorer.compare.session import CHANNEL, Comparison
from explorer.compare.side import CHANNELS, HALF, Side
from explorer.compare.views.base import PairView, pair_views
from explorer.data.verdict import verdict
from explorer.plots import style
from explorer.selection import SelectionKey, Tab
from explorer.session.happened import Happened, tabs_of_cards
from explorer.session.session import TAB_TITLES, grid, notice, parts, rows
from explorer.views.base import Region
from explorer.widgets.markup import render
from explorer.widgets.page.choice import Choice
from explorer.widgets.page.tabs import Tabs
from explorer.widgets.page.text import paragraph

TITLES: dict[Tab, str] = {**TAB_TITLES, "differences": "Differences"}
# Tabs on which units of both runs stand beside each other.
OF_UNITS = ("layers", "differences")


class ComparisonPage:
    """The parts of a page with two runs.

    Parameters
    ----------
    pair : RunPair
        The runs.
    query : mapping
        Parameters of the page's address.

    Attributes
    ----------
    transport, graph, body : panel object
        For the bar on top, beside, and below.
    cards : list of Card
        Pictures of both runs in one.
    """

    def __init__(self, pair: RunPair, query: Mapping[str, Any] | None = None) -> None:
        self.comparison = Comparison(pair, query)
        self._above = self._cards("above")
        self._below = self._cards("differences")
        self.cards = [*self._above, *self._below]
        self._not_of_two = AbsenceNotice(self._below)
        first, second = self.comparison.sides
        self.transport = pn.Column(
            self.comparison.transport,
            first.transport,
            second.transport,
            sizing_mode="stretch_width",
            margin=0,
        )
        self.graph = self._graphs()
        self._happened = Happened(
            tabs_of_cards(Side.tab_of), CHANNELS[0], find=lambda data: verdict(data, second.data)
        )
        self._units = pn.pane.HTML(margin=0, align="center", styles={"flex": "1", "min-width": "0"})
        self._choice = self._unit_choice()
        row = {"display": "flex", "flex-direction": "row", "align-items": "center"}
        self._unit_row = rows(parts([self._choice, self._units], row))  # the outer is hidden
        self.body = self._layout()
        self.comparison.listeners.append(self.update)
        self.update()
        self._happened.adopt(first.data)

    def update(self) -> None:
        """Bring tabs and pictures of both runs up to the selection."""
        self._units.object = paragraph(self.comparison.said_of_units())
        self._choice.value = self.comparison.units.kind
        chosen = self.comparison.first.selection.tab
        for tab, panel in self._panels.items():
            panel.visible = tab == chosen
        self._unit_row.visible = chosen in OF_UNITS
        for card in self._above:
            card.update()
        if chosen == "differences":
            for card in self._below:
                card.update()
            self._not_of_two.update()

    # -- parts -------------------------------------------------------------------------------

    def _cards(self, place: str) -> list[Card]:
        comparison = self.comparison
        views: list[PairView] = pair_views(place, comparison)
        lazy = place != "above"
        data = comparison.pair.first
        cards = [
            Card(view, data, CHANNEL, self._current, lazy=lazy, numbers=view.saves, films=False)
            for view in views
        ]
        for card in cards:
            card.head.source = " and ".join(side.data.run.name for side in comparison.sides)
        return cards

    def _current(self) -> tuple[SelectionKey, int]:
        selected = self.comparison.first.selection.key()
        return selected, style.ClockIndex(self.comparison.index(), CHANNEL)

    def _graphs(self) -> Any:
        """Both networks, or one if they are alike: then it stands for both."""
        first, second = self.comparison.sides
        if are_alike(first, second):
            return first.graph
        framed_graphs = [
            pn.Column(
                pn.pane.HTML(_run_line(side), margin=(6, 0, 4, 6)),
                side.graph,
                sizing_mode="stretch_both",
                margin=0,
            )
            for side in self.comparison.sides
        ]
        return pn.Column(*framed_graphs, sizing_mode="stretch_both", margin=0)

    def _layout(self) -> pn.Column:
        comparison = self.comparison
        said = [*comparison.warnings, comparison.pair.probes.sentence]
        notices = [notice(sentence) for sentence in dict.fromkeys(said) if sentence]
        headings = [parts([side.heading], {"grid-column": side.half}) for side in comparison.sides]
        self._panels: dict[Tab, pn.Column] = {
            "layers": rows(
                *grid(headings),
                *grid([*self._facing("stage"), *self._absent("layers")]),
                *grid(self._probe_cards()),
                *grid(self._facing("joint")),
                *grid(self._facing("layer")),
            ),
            "learning": rows(*grid([*self._facing("learning"), *self._absent("learning")])),
            "training": rows(
                *grid(
                    [
                        *self._facing("training"),
                        *self._facing("run"),
                        *self._absent("training"),
                    ]
                )
            ),
            "differences": rows(*grid([card.panel for card in self._below]), self._not_of_two),
        }
        tabs = Tabs(titles=TITLES, channel=CHANNELS[0], sizing_mode="stretch_width", margin=0)
        return rows(
            *notices,
            self._happened.widget,
            *grid([card.panel for card in self._above]),
            tabs,
            self._unit_row,
            *self._panels.values(),
        )

    def _unit_choice(self) -> Choice:
        """Offer which unit of B stands for that of A."""
        choice = Choice(
            title="unit of B",
            options=dict(KINDS),
            value=self.comparison.units.kind,
            channel=CHANNEL,
            margin=0,
        )
        choice.param.watch(lambda event: self.comparison.match(event.new), "value")
        return choice

    def _facing(self, region: Region) -> list[Any]:
        """Cards of a region, each beside its counterpart."""
        first, second = self.comparison.sides
        cells: list[Any] = []
        for ours, theirs in zip(first.cards[region], second.cards[region], strict=True):
            cells += [ours.panel, _blank(ours, theirs, first, second), theirs.panel]
        return cells

    def _absent(self, tab: Tab) -> list[Any]:
        """Give what either run cannot show of a tab."""
        return [side.absent[tab] for side in self.comparison.sides]

    def _probe_cards(self) -> list[Any]:
        """Probes and what the networks say, side by side."""
        cells: list[Any] = []
        for name in ("picker", "bars"):
            for side in self.comparison.sides:
                widget = getattr(side, name)
                if widget is None:
                    continue
                title = "Probe" if name == "picker" else "The network says, at this step"
                head = card_head(
                    f"{side.letter} · {title}",
                    caption="" if name == "picker" else "Click a class to explain that one.",
                    channel=side.channel,
                    source=side.data.run.name,
                )
                cells.append(side.mark(framed(head, widget, width=HALF)))
        return cells


def are_alike(first: Side, second: Side) -> bool:
    """Whether two networks have the same layers, so that one graph shows both."""
    ours, theirs = (side.data.run.layers for side in (first, second))
    return [
        (a.name, a.class_name, a.output_shape, a.inbound, a.parameters) for a in ours.values()
    ] == [(b.name, b.class_name, b.output_shape, b.inbound, b.parameters) for b in theirs.values()]


def _run_line(side: Side) -> str:
    name = side.data.run.name
    return render("run_name.html", letter=side.letter, colour=side.colour, name=name)


def _blank(ours: Card, theirs: Card, first: Side, second: Side) -> pn.pane.HTML:
    """Stand in for a card that only the other run has."""
    blank = pn.pane.HTML(margin=0, sizing_mode="stretch_width")

    def settle(*_: Any) -> None:
        alone = ours.panel.visible != theirs.panel.visible
        if alone:
            missing = second if ours.panel.visible else first
            blank.param.update(
                object=render("no_counterpart.html", letter=missing.letter),
                styles={"grid-column": missing.half, "align-self": "stretch"},
            )
        blank.visible = alone

    for card in (ours, theirs):
        card.panel.param.watch(settle, "visible")
    settle()
    return blank


def facts_of(sides: Sequence[Side]) -> list[dict[str, Any]]:
    """Tell what the header says of each run."""
    return [
        {
            "letter": side.letter,
            "colour": side.colour,
            "name": side.data.run.name,
            "facts": f"{len(side.data.run)} recorded steps"
            + (" · not finished" if side.data.run.finished is None else ""),
        }
        for side in sides
    ]
