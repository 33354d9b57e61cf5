"""Curves of two runs in one figure, over the time axis that they have in common."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import holoviews as hv
import numpy as np
import numpy.typing as npt

from explorer.plots.style import HEIGHT, common, legend_of, time_cursor, x_ticks

Array = npt.NDArray[Any]

# With fewer points each is marked: what lies between them was not measured.
MOST_MARKED = 30


class Line(NamedTuple):
    """A curve of a figure.

    Attributes
    ----------
    name : str
        In the legend.
    x, y : ndarray (n,)
        Finite or not; NaN leaves a gap.
    colour : str
        As ``#rrggbb``.
    dashed : bool
        Whether it is drawn in dashes.
    """

    name: str
    x: Array
    y: Array
    colour: str
    dashed: bool = False


def overlay(
    lines: Sequence[Line],
    *,
    x_label: str,
    y_label: str,
    cursor: Array,
    index: int = 0,
    ticks: Sequence[tuple[float, str]] | None = None,
    y_range: tuple[float, float] | None = None,
    logarithmic: bool = False,
    height: int = HEIGHT,
) -> hv.Overlay:
    """Draw lines with a time cursor.

    Parameters
    ----------
    lines : sequence of Line
        At least one.
    x_label, y_label : str
        Axis labels.
    cursor : ndarray (position,)
        Place of each position of the slider on the x axis.
    index : int
        Position of the cursor at the start.
    ticks : sequence of (float, str), optional
        Ticks of the x axis.
    y_range : (float, float), optional
        Fixed limits of the y axis.
    logarithmic : bool
        Whether the y axis is; values that are not above 0 are left out.
    height : int
        Height of the figure in pixels.
    """
    x_dim, y_dim = hv.Dimension("x", label=x_label), hv.Dimension("y", label=y_label)
    drawn: list[hv.Element] = []
    for name, x, y, colour, dashed in lines:
        values = np.where(y > 0, y, np.nan) if logarithmic else y
        curve = hv.Curve((x, values), x_dim, y_dim).relabel(name)
        drawn.append(
            curve.opts(
                color=colour,
                line_width=1.8,
                line_dash="dashed" if dashed else "solid",
                tools=["hover"],
                backend="bokeh",
            )
        )
        if len(x) <= MOST_MARKED:
            points = hv.Scatter((x, values), x_dim, y_dim).relabel(name)
            drawn.append(points.opts(color=colour, size=5, backend="bokeh"))
    places = np.concatenate([np.asarray(line.x, np.float64) for line in lines] + [cursor])
    known = places[np.isfinite(places)]
    span = {"xlim": (known.min(), known.max())} if known.size and np.ptp(known) > 0 else {}
    return hv.Overlay(drawn).opts(
        **common(
            height=height,
            hooks=[time_cursor(cursor, index)],
            **legend_of(len(lines)),
            **x_ticks(ticks),
            logy=logarithmic,
            **span,
            **({"ylim": y_range} if y_range else {}),
        ),
    )
