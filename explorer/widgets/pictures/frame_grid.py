"""A grid of 8-bit pictures, drawn in the browser from frames that are read ahead."""

from __future__ import annotations

import param

from explorer.widgets.base import script, styles
from explorer.widgets.stepped import Stepped


class FrameGrid(Stepped):
    """Shows the frame of the step on screen, as tiles or as a matrix with labels.

    For a recorded step the provider returns an array (tile, height, width), uint8, 0 for NaN; or a
    mapping with this array as ``frame`` and with ``captions`` and ``tile_ids``, if they change with
    the step.
    """

    mode: param.Selector[str] = param.Selector(
        default="tiles", objects=["tiles", "matrix"], doc="Layout."
    )
    palette = param.Parameter(doc="Colours: (768,) uint8.")
    low = param.Number(default=0.0, doc="Value of the lowest colour.")
    high = param.Number(default=1.0, doc="Value of the highest colour.")
    bounded = param.Boolean(
        default=False, doc="Whether no value can lie beyond; else the ends are read as ≤ and ≥."
    )
    places = param.Integer(default=1, doc="Number of tiles of each unit; 0 if tiles are no units.")
    selects: param.Selector[str] = param.Selector(
        default="",
        objects=["", "unit", "probe", "step"],
        doc="What a click on a tile, or on a row of a matrix, chooses.",
    )
    tile_ids = param.List(
        default=[], doc="What each tile or row stands for: its unit, probe or recorded step."
    )
    page = param.Integer(default=0, doc="Most tiles shown at once; of more, one page. 0: all.")
    orders = param.Dict(
        default={},
        doc="Orders of the tiles, by what they go by: numbers of all of them.",
    )
    captions = param.List(default=[], doc="Text under each tile.")
    x_labels = param.List(default=[], doc="Texts under the columns of a matrix.")
    y_labels = param.List(default=[], doc="Texts beside the rows of a matrix.")
    x_name = param.String(default="token", doc="What a column of a matrix is.")
    y_name = param.String(default="unit", doc="What a row of a matrix is.")
    value_name = param.String(default="", doc="What a colour stands for, in the legend.")
    square = param.Boolean(default=False, doc="Whether cells of a matrix are squares.")
    numbers = param.Boolean(default=False, doc="Whether values are written into the cells.")
    if_blank = param.String(default="", doc="Said in place of a step's picture without a value.")
    if_zero = param.String(default="", doc="Said in place of a step's picture that is all zero.")

    _esm = script("frame_grid.js")
    _stylesheets = styles("frame_grid")
