"""The explorer's page of a run, without a browser: every layer, every card, every frame."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any, get_args

import panel as pn

from explorer.cards import card
from explorer.data.run import RunData
from explorer.selection import TABS
from explorer.session.session import Explorer
from explorer.views.base import Region
from explorer.widgets.page.states import FAULT
from explorer.widgets.stepped import Stepped
from store import Run


def page_problems(run: Run) -> Iterator[str]:
    """Open a run, look at every layer, and find the cards that fail and frames that do not come."""
    heard = _Heard()
    logger = logging.getLogger("explorer")
    logger.addHandler(heard)
    try:
        yield from _faults(RunData(run))
    except Exception as error:
        heard.faults.append(f"the page fails: {_said(error)}")
    finally:
        logger.removeHandler(heard)
    yield from dict.fromkeys(heard.faults)


def _faults(data: RunData) -> Iterator[str]:
    explorer = Explorer(data)
    page = _Page(explorer)
    for quantity in explorer.graph.quantities:
        explorer.graph.quantity = quantity
    for tab in TABS:
        explorer.selection.choose(tab=tab)
        yield from page.new_faults(tab)
    last = data.run.probe.size - 1 if data.run.probe else 0
    explorer.selection.choose(tab="layers", probe=last)
    for layer in data.run.layers:
        explorer.selection.choose(layer=layer)
        yield from page.new_faults(layer)


class _Page:
    """What a browser would show of a session, all of whose cards are in sight."""

    def __init__(self, explorer: Explorer) -> None:
        self._cards = [one for region in get_args(Region) for one in explorer.cards[region]]
        self._steps = len(explorer.data.run)
        self._seen: list[Any] = []
        self._drawn: set[str] = set()
        for one in self._cards:
            one.head.seen = True

    def new_faults(self, where: str) -> Iterator[str]:
        """Look at all that was not there before."""
        for one in self._cards:
            picture = one.pictures.shown
            if not one.panel.visible or any(picture is kept for kept in self._seen):
                continue
            if one.head.state == FAULT:
                yield f"{one.view.title}, {where}: {one.head.said}"
            elif picture is not None:
                self._seen.append(picture)
                try:
                    self._draw(one.view.title, picture)
                except Exception as error:
                    yield f"{one.view.title}, {where}: {_said(error)}"

    def _draw(self, view: str, picture: Any) -> None:
        """Do what a browser would have done: ask for some frames, and draw the figures.

        That takes longer than all else, so that of each view only the first are drawn.
        """
        if view not in self._drawn:
            self._drawn.add(view)
            for figure in picture.select(pn.pane.HoloViews):
                figure.get_root()
        for widget in picture.select(Stepped):
            for index in {0, self._steps // 2, self._steps - 1}:
                widget.payload(index)


class _Heard(logging.Handler):
    """Keeps the faults that the explorer logs."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.faults: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if record.name == card.__name__:  # what a card logs it shows as well
            return
        error = record.exc_info[1] if record.exc_info else None
        self.faults.append(record.getMessage() + (f": {_said(error)}" if error else ""))


def _said(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"
