"""Tabs: groups of views, of which one is on screen."""

from __future__ import annotations

import param

from explorer.widgets.base import Widget, script, styles


class Tabs(Widget):
    """A row of tabs. The selected one is part of the page's selection."""

    titles = param.Dict(default={}, doc="Title of each tab, by its name.")

    _esm = script("tabs.js")
    _stylesheets = styles("tabs")
