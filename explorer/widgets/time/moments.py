"""Moments of a training: marked, listed, gone to, and walked through as a tour."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import param

from explorer.widgets.base import Widget, script, styles

Act = Callable[[Mapping[str, Any]], None]


class Moments(Widget):
    """A strip with the moment of the tour that one is at, and a list of all.

    Going to a moment needs no server; what changes the list is told to Python, which answers with
    the list as it is kept.

    Parameters
    ----------
    act : callable, optional
        Called with what the browser wants to be done: ``{"do": "add" | "edit" | "delete" | "move"
        | "undo", …}``. Without it, the list cannot be changed.
    """

    moments = param.Parameter(
        default=(),
        doc="Dictionaries in the order of the tour: id, step, index, note, place, view, missing, "
        "and go: what to choose.",
    )
    editable = param.Boolean(default=True, doc="Whether moments can be added and changed.")
    whole_page = param.Boolean(
        default=True, doc="Whether keys are heard anywhere on the page, not only here."
    )
    undo = param.String(default="", doc="What can be taken back; empty if there is nothing.")
    problem = param.String(default="", doc="What went wrong, for the reader.")

    _esm = script("moments.js")
    _stylesheets = styles("moments")

    def __init__(self, act: Act | None = None, **params: Any) -> None:
        super().__init__(**{"editable": act is not None, **params})
        self._act = act

    def _handle_msg(self, data: Any) -> None:
        """Hand on what the browser wants; anything malformed is ignored."""
        if self._act is not None and self.editable and isinstance(data, dict) and "do" in data:
            self._act(data)
