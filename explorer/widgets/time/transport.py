"""The time control: slider, playback, keys, typed jump, time axis."""

from __future__ import annotations

from explorer.widgets.base import script, styles
from explorer.widgets.time.clock_sync import SHARED, ClockSync


class Transport(ClockSync):
    """Owns step and selection of a run in the browser, where its slider is."""

    _esm = script("transport.js", *SHARED, "address", "controls")
    _stylesheets = styles("transport")
