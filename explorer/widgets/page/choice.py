"""Choose one of the options of a view."""

from __future__ import annotations

import param

from explorer.widgets.base import Widget, script, styles


class Choice(Widget):
    """A labelled row of buttons, or a list if the options are many or long."""

    title = param.String(default="", doc="What is chosen.")
    options = param.Dict(default={}, doc="Text of each option, by its value.")
    value = param.String(default="", doc="The chosen value.")
    waits = param.Boolean(
        default=False, doc="Whether the picture of the chosen value is not on screen yet."
    )
    shown = param.String(default="", doc="While it waits: the value that is on screen, if any.")

    _esm = script("choice.js")
    _stylesheets = styles("choice")
