"""Heading of a card: title, caption, whether it is on screen, and its picture as a file."""

from __future__ import annotations

import param

from explorer.widgets.base import Widget, script, styles


class CardHead(Widget):
    """Says what a card shows; tells Python when the card comes into view."""

    title = param.String(default="", doc="Name of the view.")
    caption = param.String(default="", doc="What is shown, in which units, and how to read it.")
    busy = param.Boolean(default=False, doc="Whether the picture is being computed.")
    seen = param.Boolean(default=False, doc="Whether the card is on screen, or nearly.")
    source = param.String(default="", doc="What the picture is of, for its file.")

    _esm = script("card_head.js", "paint", "snapshot")
    _stylesheets = styles("card_head")
