"""Groups of views, one on screen at a time."""

from __future__ import annotations

import param

from explorer.widgets.base import Widget, script, styles


class Tabs(Widget):
    """Chooses the tab; the selection knows which one it is."""

    titles = param.Dict(default={}, doc="Title of each tab, by its name.")

    _esm = script("tabs.js")
    _stylesheets = styles("tabs")
