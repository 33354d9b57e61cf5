"""How far the classes are apart, over training."""

from __future__ import annotations

from typing import Any

import holoviews as hv
import numpy as np
import numpy.typing as npt

from explorer.plots.curves import metric_curves

Array = npt.NDArray[Any]


def separation_curve(positions: Array, values: Array, **options: Any) -> hv.Overlay:
    """Mean silhouette of the probes, with zero in view.

    Parameters
    ----------
    positions : ndarray (step,)
        Place of each recorded step on the x axis.
    values : ndarray (step,)
        -1 to 1; NaN leaves a gap.
    **options
        As for `explorer.plots.curves.metric_curves`: x_label, ticks, index, height.
    """
    known = np.append(values[np.isfinite(values)], 0.0)
    room = 0.05 * max(0.1, float(np.ptp(known)))
    return metric_curves(
        {"separation": (positions, values)},
        y_label="separation of the classes",
        cursor=positions,
        y_range=(float(known.min()) - room, float(known.max()) + room),
        **options,
    )
