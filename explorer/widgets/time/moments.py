"""Moments of a training: mark them, list them, go to them, walk through them as a tour."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import param

from explorer.widgets.base import Widget, script, styles

Act = Callable[[Mapping[str, Any]], None]


class Moments(Widget):
    """A strip with the current moment of the tour, and a list of all moments.

    To go to a moment needs no server. Changes of the list are sent to Python, which answers with
    the list as it is stored.

    Parameters
    ----------
    act : callable, optional
        Takes a change that the browser requests: ``{"do": "add" | "edit" | "delete" | "move" |
        "undo", …}``. Without it the list is read-only.
    **params
        Parameters of the component.
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
        """Pass on a change that the browser requests; a malformed one is ignored."""
        if self._act is not None and self.editable and isinstance(data, dict) and "do" in data:
            self._act(data)
