"""One unit's map before and after a pooling, and which positions it keeps."""

from __future__ import annotations

import param

from explorer.widgets.base import script, styles
from explorer.widgets.stepped import Stepped


class PoolSwitches(Stepped):
    """Shows both maps in place, the second one's cells where their windows lie on the first.

    The provider returns ``before`` (height, width) and ``after`` (windows down, windows across),
    uint8 colour codes; ``kept``, int32, the position that each window hands on, -1 for none, or
    empty if the pooling chooses none; and ``note``, a text. A map of height 1 is a row.
    """

    window = param.List(
        default=[], doc="Down and across each: first place, size and stride of the windows."
    )
    palette = param.Parameter(doc="Colours: (768,) uint8.")
    low = param.Number(default=0.0, doc="Value of the lowest colour.")
    high = param.Number(default=1.0, doc="Value of the highest colour.")
    names = param.List(default=["before", "after"], doc="Title of each map.")
    value_name = param.String(default="activation", doc="What a colour stands for, in the legend.")

    _esm = script("pool_switches.js")
    _stylesheets = styles("pool_switches")
