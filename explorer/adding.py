"""Opens a run that the server was not started with, as a page asks for it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from explorer.data import RunData
from explorer.views.card import in_worker
from explorer.widgets.another_run import AnotherRun

logger = logging.getLogger(__name__)


def another_run(data: RunData, add: Callable[[str], int]) -> AnotherRun:
    """Make the field.

    Parameters
    ----------
    data : RunData
        Run of the page, in whose worker others are opened.
    add : callable
        Takes a path or address and gives the number of the run; ValueError says why not.
    """
    widget = AnotherRun(width=0, height=0, margin=0)

    def work(location: str) -> int | str:
        try:
            return add(location)
        except ValueError as error:
            return str(error)
        except Exception as error:
            logger.exception("%s cannot be opened", location)
            return f"{location} cannot be opened: {type(error).__name__}: {error}"

    def on_asked(event: Any) -> None:
        location, count = str(event.new[0]), event.new[1]

        def use(found: int | str) -> None:
            if isinstance(found, str):
                widget.said = ""  # the same sentence twice is news, too
                widget.said = found
            else:
                widget.opened = [found, count]

        in_worker(data, lambda: work(location), use)

    widget.param.watch(on_asked, "asked")
    return widget
