"""A field for the path of a run that the server was not started with."""

from __future__ import annotations

import param

from explorer.widgets.base import Widget, script, styles


class AnotherRun(Widget):
    """Asks for a path when the page's menus want it, and tells the page the number of that run.

    The path comes over the page's own connection, so that no link can open anything.
    """

    asked = param.List(default=[], doc="What was typed, and how many times something was.")
    opened = param.List(default=[], doc="Number of the run that was opened, and the same count.")
    said = param.String(default="", doc="Why it cannot be opened.")

    _esm = script("another_run.js")
    _stylesheets = styles("another_run")
