"""Heat maps over training time: distributions and unit histories."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import holoviews as hv
import numpy as np
import numpy.typing as npt

from explorer.derived.time.timeline import spread
from explorer.plots.sources import Source, with_source
from explorer.plots.style import (
    COLOUR_BAR,
    DIVERGING,
    SEQUENTIAL,
    common,
    palette,
    time_cursor,
    x_ticks,
)

Array = npt.NDArray[Any]

# As wide as a large screen: cells of uneven width become evenly spaced columns of one image,
# which paints faster than a rectangle a cell, and without seams.
PICTURE_COLUMNS = 1600


def time_heatmap(
    values: Array,
    *,
    x_edges: Array,
    y_edges: Array,
    x_label: str,
    y_label: str,
    value_label: str,
    positions: Array,
    index: int = 0,
    ticks: Sequence[tuple[float, str]] | None = None,
    limits: tuple[float, float] | None = None,
    signed: bool = False,
    height: int = 300,
) -> hv.Image:
    """Heat map whose x axis is training time, with a time cursor.

    Parameters
    ----------
    values : ndarray (step, row)
        NaN is see-through.
    x_edges, y_edges : ndarray (step + 1,), (row + 1,)
        Borders of the cells; those of the rows evenly spaced.
    x_label, y_label, value_label : str
        What the axes and the colour bar show.
    positions : ndarray (step,)
        Place of each recorded step on the x axis.
    index : int
        Recorded step of the cursor at the start.
    ticks : sequence of (float, str), optional
        Ticks of the x axis.
    limits : (float, float), optional
        Values of the lowest and the highest colour.
    signed : bool
        Whether colours diverge from zero.
    height : int
        Height of the figure in pixels.
    """
    known = values[np.isfinite(values)]
    low, high = limits or ((float(known.min()), float(known.max())) if known.size else (0, 1))
    clim = (low, high if high > low else low + 1)
    picture = hv.Image(
        np.flipud(spread(values, x_edges, PICTURE_COLUMNS).T),
        bounds=(x_edges[0], y_edges[0], x_edges[-1], y_edges[-1]),
        kdims=[hv.Dimension("x", label=x_label), hv.Dimension("row", label=y_label)],
        vdims=hv.Dimension("value", label=value_label, range=clim),
    )
    middles = (np.asarray(y_edges)[1:] + np.asarray(y_edges)[:-1]) / 2
    picture = with_source(picture, Source(values, positions, middles, y_label, value_label))
    return picture.opts(
        **common(
            height=height,
            show_grid=False,
            cmap=list(palette(DIVERGING if signed else SEQUENTIAL)),
            clim=clim,
            colorbar=True,
            colorbar_opts=COLOUR_BAR,
            clabel=value_label,
            hooks=[time_cursor(positions, index)],
            xlim=(float(x_edges[0]), float(x_edges[-1])),
            ylim=(float(y_edges[0]), float(y_edges[-1])),
            **x_ticks(ticks),
        )
    )
