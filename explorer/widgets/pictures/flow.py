"""A probe's way through the network: the units that count most in each layer, linked."""

from __future__ import annotations

import param

from explorer.widgets.base import script, styles
from explorer.widgets.stepped import Stepped


class Flow(Stepped):
    """Columns from the input to the classes, the strongest units of each, and what joins them.

    The provider returns, for a recorded step, arrays over `columns` and `rows`, the input left
    out: ``units`` (column, row) int32, -1 for an empty row; ``contributions`` and ``values``
    (column, row) float32; ``links`` (column - 1, row, row) float32, from the row of a column to
    the row of the next; ``pixels`` uint8, for each column in turn the maps, the maps before the
    activation, the kernels, each (row, height, width) if the column has them; ``evidence``
    (height, width) uint8 over the input, 128 for none; ``target`` the explained class.
    """

    columns = param.List(
        default=[], doc="Layer, title, kind and sizes of maps and kernels of each column."
    )
    rows = param.Integer(default=5, doc="Units shown of each column.")
    image = param.Parameter(doc="The probe: (y, x, channel) uint8.")
    class_names = param.List(default=[], doc="Name of each class.")
    sequential = param.Parameter(doc="Colours from nothing to much: (768,) uint8.")
    diverging = param.Parameter(doc="Colours from against to for: (768,) uint8.")
    scales = param.List(
        default=[], doc="Contribution into each column that is drawn at full strength."
    )

    _esm = script("flow.js")
    _stylesheets = styles("flow")
