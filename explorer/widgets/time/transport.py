"""The time control: slider, playback, keys, typed jump, time axis."""

from __future__ import annotations

from explorer.widgets.base import script, styles
from explorer.widgets.time.clock_sync import ClockSync


class Transport(ClockSync):
    """The slider of a run. In the browser it holds the run's step and selection."""

    _esm = script("transport.js")
    _stylesheets = styles("transport")
