"""How a state grows or fades under a recurrent matrix, over the training."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import holoviews as hv
import numpy as np
import numpy.typing as npt
from bokeh.models.annotations import Span

from explorer.plots.curves import metric_curves
from explorer.plots.style import NEUTRAL

Array = npt.NDArray[Any]


def growth_curves(
    series: Mapping[str, Array], positions: Array, *, index: int = 0, **options: Any
) -> hv.Overlay:
    """Curves of growth per token, with a dashed line at 1, where nothing grows or fades.

    Parameters
    ----------
    series : mapping of str to ndarray (step,)
        Growth by name; what is not finite leaves a gap.
    positions : ndarray (step,)
        Place of each recorded step on the x axis.
    index : int
        Recorded step of the cursor at the start.
    **options
        As for `explorer.plots.curves.metric_curves`: x_label, y_label, ticks, height.
    """
    shown = {name: np.where(np.isfinite(values), values, np.nan) for name, values in series.items()}
    known = [values[~np.isnan(values)] for values in shown.values()]
    top = float(np.concatenate([*known, [1.05]]).max())
    return metric_curves(
        {name: (positions, values) for name, values in shown.items()},
        cursor=positions,
        index=index,
        y_range=(0.0, 1.05 * top),
        hooks=[_even],
        **options,
    )


def _even(plot: Any, _element: Any) -> None:
    """Add the line at 1, once."""
    figure = plot.state
    if figure.select_one({"name": "even"}) is not None:
        return
    line = Span(
        location=1.0,
        dimension="width",
        line_color=NEUTRAL,
        line_dash="dashed",
        line_width=1,
        name="even",
    )
    figure.add_layout(line)
