"""Size of the weights, and of an update relative to them."""

from __future__ import annotations

import math
from typing import Any

import holoviews as hv
import numpy as np
import numpy.typing as npt
from bokeh.models.annotations import Span

from explorer.plots.curves import metric_curves
from explorer.plots.style import NEUTRAL

Array = npt.NDArray[Any]

RULE_OF_THUMB = 1e-3
# On an axis of a hundred pixels.
MOST_TICKS = 5


def size_curves(positions: Array, norm: Array, from_start: Array, **options: Any) -> hv.Overlay:
    """Norm of the weights and distance from the start, to stand above `ratio_curve`.

    Parameters
    ----------
    positions : ndarray (step,)
        Place of each recorded step on the x axis, whose title is left to the picture below.
    norm, from_start : ndarray (step,)
        L2 norms.
    **options
        As for `explorer.plots.curves.metric_curves`: x_label, index, ticks, height.
    """
    series = {"norm": (positions, norm), "distance from the start": (positions, from_start)}
    picture = metric_curves(series, y_label="L2 norm", cursor=positions, **options)
    return picture.opts(xlabel="", backend="bokeh")


def ratio_curve(positions: Array, ratio: Array, *, index: int = 0, **options: Any) -> hv.Overlay:
    """Ratio of update and weights on a logarithmic axis, with a line at `RULE_OF_THUMB`.

    Parameters
    ----------
    positions : ndarray (step,)
        Place of each recorded step on the x axis.
    ratio : ndarray (step,)
        What is not above 0 leaves a gap: on this axis it has no place.
    index : int
        Recorded step of the cursor at the start.
    **options
        As for `explorer.plots.curves.metric_curves`: x_label, ticks, height.
    """
    shown = np.where(np.isfinite(ratio) & (ratio > 0), ratio, np.nan)
    known = np.append(shown[~np.isnan(shown)], RULE_OF_THUMB)
    low, high = float(known.min()) / 1.5, float(known.max()) * 1.5
    curve = metric_curves(
        {"update / weights": (positions, shown)},
        y_label="update / weights",
        cursor=positions,
        index=index,
        y_range=(low, high),
        hooks=[_rule_of_thumb],
        **options,
    )
    return curve.opts(
        logy=True,
        yticks=[(value, f"{value:g}") for value in log_places(low, high)],
        backend="bokeh",
    )


def log_places(low: float, high: float) -> list[float]:
    """Choose places for ticks on a logarithmic axis: powers of ten, and 2 and 5 between few.

    Examples
    --------
    >>> log_places(0.0008, 0.004)
    [0.001, 0.002]
    >>> log_places(1e-7, 1e-1)
    [1e-07, 1e-05, 0.001, 0.1]
    """
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    within: list[float] = []
    for factors in ((1, 2, 5), (1,)):
        places = [float(f"{factor}e{power}") for power in decades for factor in factors]
        within = [place for place in places if low <= place <= high]
        if len(within) <= MOST_TICKS:
            return within
    return within[:: math.ceil(len(within) / MOST_TICKS)]


def _rule_of_thumb(plot: Any, _element: Any) -> None:
    line = Span(
        location=RULE_OF_THUMB,
        dimension="width",
        line_color=NEUTRAL,
        line_width=1.2,
        line_dash="dashed",
        level="underlay",
        name="rule-of-thumb",
    )
    if plot.state.select_one({"name": line.name}) is None:
        plot.state.add_layout(line)
