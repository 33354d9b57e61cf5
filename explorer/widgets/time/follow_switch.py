"""Whether the page follows a run that is still being recorded."""

from __future__ import annotations

import param

from explorer.widgets.base import Widget, script, styles


class FollowSwitch(Widget):
    """A switch that keeps the slider at the newest step; hidden unless the run is being recorded.

    Its state is in the browser only; Python sends the number of steps.
    """

    count = param.Integer(default=0, doc="Number of recorded steps.")
    live = param.Boolean(default=False, doc="Whether the run is still being recorded.")
    reload = param.Integer(default=0, doc="Grows by 1 when the page must be reloaded.")

    _esm = script("follow_switch.js")
    _stylesheets = styles("follow_switch")
