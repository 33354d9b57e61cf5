"""Which unit of another run stands for a unit, over time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import holoviews as hv
import numpy as np
import numpy.typing as npt

from explorer.plots.style import (
    COLOUR_BAR,
    HEIGHT,
    NEUTRAL,
    SEQUENTIAL,
    common,
    palette,
    time_cursor,
    x_ticks,
)

Array = npt.NDArray[Any]


def partners_over_time(
    partners: Array,
    scores: Array,
    *,
    positions: Array,
    others: int,
    x_label: str,
    y_label: str,
    score_label: str,
    cursor: Array,
    index: int = 0,
    ticks: Sequence[tuple[float, str]] | None = None,
    height: int = HEIGHT,
) -> hv.Overlay:
    """Draw the number of a unit's counterpart as a staircase, its dots coloured by score.

    Parameters
    ----------
    partners : ndarray (moment,), int
        Number of the counterpart; below 0 for none, which leaves a gap.
    scores : ndarray (moment,)
        How alike both are, 0 to 1 in colours.
    positions : ndarray (moment,)
        Place of each moment on the x axis.
    others : int
        Units that there are.
    x_label, y_label, score_label : str
        What the axes and the colours show.
    cursor : ndarray (position,)
        Place of each position of the slider on the x axis.
    index : int
        Position of the cursor at the start.
    ticks : sequence of (float, str), optional
        Ticks of the x axis.
    height : int
        Height of the figure in pixels.
    """
    known = partners >= 0
    numbers = np.where(known, partners, np.nan).astype(np.float64)
    x, y = hv.Dimension("x", label=x_label), hv.Dimension("y", label=y_label)
    line = hv.Curve((positions, numbers), x, y).opts(
        interpolation="steps-mid", color=NEUTRAL, line_width=1, backend="bokeh"
    )
    score = hv.Dimension("score", label=score_label, range=(0, 1))
    dots = hv.Scatter((positions[known], numbers[known], scores[known]), x, [y, score]).opts(
        color="score",
        cmap=list(palette(SEQUENTIAL)),
        clim=(0, 1),
        size=7,
        line_color=NEUTRAL,
        line_width=0.5,
        tools=["hover"],
        colorbar=True,
        colorbar_opts=COLOUR_BAR,
        clabel=score_label,
        backend="bokeh",
    )
    ends = np.concatenate([positions, cursor])
    span = {"xlim": (float(ends.min()), float(ends.max()))} if np.ptp(ends) > 0 else {}
    return hv.Overlay([line, dots]).opts(
        **common(
            height=height,
            hooks=[time_cursor(cursor, index)],
            ylim=(-0.5, max(others, 1) - 0.5),
            show_legend=False,
            **x_ticks(ticks),
            **span,
        )
    )
