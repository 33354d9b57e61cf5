"""The way of a probe through the network: the strongest units of each layer, and their links."""

from __future__ import annotations

import param

from explorer.widgets.base import script, styles
from explorer.widgets.stepped import Stepped


class Flow(Stepped):
    """A column for each layer, from input to classes: its strongest units, and links between them.

    Links that pass other columns run between their rows. Groups of columns that are folded are
    opened by a click.

    For a recorded step the provider returns a mapping. Its arrays are over `columns`, without the
    input, and `rows`:

    - ``units`` (column, row), int32: numbers of units, -1 for an empty row;
    - ``contributions``, ``values`` (column, row), float32;
    - ``links`` (link, row, row), float32: of each of `links`, from a row of the one column to a row
      of the other; of the input, from its first row;
    - ``pixels``, uint8: of each column, if it has them, the maps, the maps before the activation
      and the kernels, each (row, height, width), flattened one after the other;
    - ``evidence`` (height, width), uint8: over the input, 128 for none;
    - ``target``, int: the explained class.
    """

    columns = param.List(
        default=[],
        doc="Layer, title, kind and sizes of maps and kernels of each column; the group that it "
        "stands for, how many columns that has, whether all are shown, and which groups are folded "
        "before it.",
    )
    opened = param.List(default=[], doc="Groups of columns that were opened by hand.")
    rows = param.Integer(default=5, doc="Units shown of each column.")
    image = param.Parameter(doc="The probe: (y, x, channel) uint8.")
    class_names = param.List(default=[], doc="Name of each class.")
    sequential = param.Parameter(doc="Colours from nothing to much: (768,) uint8.")
    diverging = param.Parameter(doc="Colours from against to for: (768,) uint8.")
    links = param.List(default=[], doc="Columns that are linked, by their layers: [from, to].")
    scales = param.List(
        default=[], doc="Contribution into each column that is drawn at full strength."
    )

    _esm = script("flow.js")
    _stylesheets = styles("flow")
