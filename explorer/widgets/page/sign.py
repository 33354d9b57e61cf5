"""The states of a place that has no heading."""

from __future__ import annotations

from explorer.widgets.base import script, styles
from explorer.widgets.page.states import States


class Sign(States):
    """The states of a place that has no heading."""

    _esm = script("sign.js")
    _stylesheets = styles("states", "sign")
