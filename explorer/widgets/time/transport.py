"""The time control: slider, playback, keys, typed jump, time axis."""

from __future__ import annotations

from explorer.widgets.base import script, styles
from explorer.widgets.time.clock_sync import ClockSync


class Transport(ClockSync):
    """Owns step and selection of a run in the browser, where its slider is."""

    _esm = script("transport.js")
    _stylesheets = styles("transport")
