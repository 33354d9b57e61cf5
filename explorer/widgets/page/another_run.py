"""A field for the path of a run that the server was not started with."""

from __future__ import annotations

import param

from explorer.widgets.base import Widget, script, styles


class AnotherRun(Widget):
    """Asks for the path of a run when the page's menus request it, and gets the run's number.

    The path is sent through the page's own connection, so that no link can open a file.
    """

    asked = param.List(default=[], doc="The path that was typed, and the number of requests.")
    opened = param.List(default=[], doc="Number of the run that was opened, and of the request.")
    said = param.String(default="", doc="Why it cannot be opened.")

    _esm = script("another_run.js")
    _stylesheets = styles("another_run")
