"""One unit's map before and after a pooling, and which positions it keeps."""

from __future__ import annotations

import param

from explorer.widgets.base import script, styles
from explorer.widgets.stepped import Stepped


class PoolSwitches(Stepped):
    """Shows both maps to scale: each cell of the second lies where its window is on the first.

    For a recorded step the provider returns a mapping:

    - ``before`` (y, x), ``after`` (window_y, window_x), uint8: colour codes;
    - ``kept``, int32: the position in ``before``, flattened, that each window keeps, -1 for none;
      empty for a pooling that keeps no single position;
    - ``note``, str: a text below the maps.

    A map of height 1 is drawn as a row.
    """

    window = param.List(
        default=[],
        doc="First position, size and stride of the windows, vertically and horizontally.",
    )
    palette = param.Parameter(doc="Colours: (768,) uint8.")
    low = param.Number(default=0.0, doc="Value of the lowest colour.")
    high = param.Number(default=1.0, doc="Value of the highest colour.")
    names = param.List(default=["before", "after"], doc="Title of each map.")
    value_name = param.String(default="activation", doc="What a colour stands for, in the legend.")

    _esm = script("pool_switches.js")
    _stylesheets = styles("pool_switches")
