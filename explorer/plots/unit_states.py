"""How active each unit is over training; dead, constant and always active units are marked."""

from __future__ import annotations

from typing import Any

import holoviews as hv
import numpy as np
import numpy.typing as npt

from explorer.derived.units.activity import ALWAYS_ON, CONSTANT, DEAD, UNKNOWN
from explorer.plots.matrices import time_heatmap
from explorer.plots.sources import with_rows

Array = npt.NDArray[Any]

# Not among the colours of the shares, and of another lightness.
DEAD_COLOUR = "#d1193e"
CONSTANT_COLOUR = "#e8a13a"
ALWAYS_ON_COLOUR = "#ff9ad5"


def state_heatmap(share: Array, state: Array, **options: Any) -> hv.Image:
    """Heat map of the share of active values, in which units of three states stand out.

    Dead units are marked, or, in a layer where none is, constant ones; and units that are always
    on.

    Parameters
    ----------
    share : ndarray (step, unit)
        Share of active values, 0 to 1.
    state : ndarray (step, unit), uint8
        States as of `explorer.derived.units.activity.unit_states`.
    **options
        As for `explorer.plots.matrices.time_heatmap`: x_edges, x_label, positions, ...
    """
    # Just beyond the limits, where the clipping colours are drawn.
    shown = np.clip(np.asarray(share, np.float64), 0, 1)
    has_dead = bool((state == DEAD).any())
    shown[state == (DEAD if has_dead else CONSTANT)] = -1
    shown[state == ALWAYS_ON] = 2
    shown[state == UNKNOWN] = np.nan
    picture = time_heatmap(
        shown,
        y_edges=np.arange(share.shape[1] + 1) - 0.5,
        y_label="unit",
        value_label="share active",
        limits=(0.0, 1.0),
        **options,
    )
    picture = with_rows(picture, share, np.arange(share.shape[1]))
    lowest = DEAD_COLOUR if has_dead else CONSTANT_COLOUR
    colours = {"min": lowest, "max": ALWAYS_ON_COLOUR, "NaN": (0, 0, 0, 0)}
    return picture.opts(clipping_colors=colours, backend="bokeh")
