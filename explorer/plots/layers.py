"""A number for each layer over training."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import holoviews as hv
import numpy as np
import numpy.typing as npt

from explorer.plots.matrices import time_heatmap
from explorer.plots.sources import with_rows

Array = npt.NDArray[Any]

# Pixels of a row: enough for its name. And those of a picture, with its time axis.
ROW_HEIGHT = 17
AXIS_HEIGHT = 60
LEAST_HEIGHT, MOST_HEIGHT = 230, 620
# Longer names are cut in the middle: layers often differ in how they start and in how they end.
MOST_LETTERS = 18


def layers_height(count: int) -> int:
    """Height of a picture of some number of layers, in pixels."""
    return min(MOST_HEIGHT, max(LEAST_HEIGHT, ROW_HEIGHT * count + AXIS_HEIGHT))


def layer_heatmap(
    values: Array,
    names: Sequence[str],
    *,
    row_label: str = "layer",
    height: int | None = None,
    **options: Any,
) -> hv.Image:
    """Heat map with a row for each layer, the first one on top.

    Parameters
    ----------
    values : ndarray (step, layer)
        NaN is see-through.
    names : sequence of str
        Name of each layer.
    row_label : str
        What the rows are; their names alone are written beside them.
    height : int, optional
        Height of the figure in pixels; by default enough for the names.
    **options
        As for `explorer.plots.matrices.time_heatmap`: x_edges, x_label, value_label, ...
    """
    height = layers_height(len(names)) if height is None else height
    every = max(1, round(len(names) * ROW_HEIGHT / (height - AXIS_HEIGHT) - 0.3))
    rows = len(names) - 1 - np.arange(len(names))
    ticks = [(int(row), shortened(name)) for row, name in list(zip(rows, names, strict=True))]
    picture = time_heatmap(
        values[:, ::-1],
        y_edges=np.arange(len(names) + 1) - 0.5,
        y_label=row_label,
        height=height,
        **options,
    )
    picture = with_rows(picture, values, names)
    return picture.opts(yticks=ticks[::every], ylabel="", backend="bokeh")


def shortened(name: str) -> str:
    """Cut a long name in the middle.

    Examples
    --------
    >>> shortened("conv5_block3_3_bn_relu")
    'conv5_blo…_bn_relu'
    """
    if len(name) <= MOST_LETTERS:
        return name
    first = MOST_LETTERS // 2
    return f"{name[:first]}…{name[first + 1 - MOST_LETTERS :]}"
