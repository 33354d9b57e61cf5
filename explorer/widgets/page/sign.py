"""State of a place on a card that has no heading of its own."""

from __future__ import annotations

from explorer.widgets.base import script, styles
from explorer.widgets.page.states import States


class Sign(States):
    """Shows the state of a place on a card that has no heading of its own."""

    _esm = script("sign.js")
    _stylesheets = styles("states", "sign")
