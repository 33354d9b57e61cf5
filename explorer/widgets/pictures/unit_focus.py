"""The feature map of one unit, enlarged, over the input image."""

from __future__ import annotations

import numpy as np
import param

from explorer.widgets.base import script, styles
from explorer.widgets.numbers import Numbers
from explorer.widgets.stepped import Stepped


class UnitFocus(Stepped):
    """Shows the map over the input, the map alone, and the receptive field of each position.

    For a recorded step the provider returns the map: (y, x), uint8, 0 for NaN.
    """

    picture = Numbers(
        ("y", "x"), np.uint8, doc="The input in grey: (y, x) uint8, 0 for NaN; None: not shown."
    )
    size = param.List(default=[1, 1], doc="Height and width of the input, in its pixels.")
    extent = param.List(
        default=[0.0, 0.0, 1.0, 1.0],
        doc="Where the map lies on the input: top, left, bottom, right, in its pixels.",
    )
    rows = Numbers(
        ("position", 2), np.int32, doc="Rows of the input that each row of the map sees: from, to."
    )
    columns = Numbers(
        ("position", 2), np.int32, doc="Columns that each column of the map sees: from, to."
    )
    palette = Numbers((768,), np.uint8, doc="Colours: (768,) uint8.")
    low = param.Number(default=0.0, doc="Value of the lowest colour.")
    high = param.Number(default=1.0, doc="Value of the highest colour.")
    signed = param.Boolean(default=False, doc="Whether the middle colour is zero.")
    value_name = param.String(default="activation", doc="What a colour stands for, in the legend.")

    _esm = script("unit_focus.js")
    _stylesheets = styles("unit_focus")
