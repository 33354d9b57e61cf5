"""Which examples are right at which step, and how surely."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import holoviews as hv
import numpy as np
import numpy.typing as npt

from explorer.derived.predictions.verdicts import RIGHT, UNKNOWN
from explorer.plots.blocks import block_means, block_starts
from explorer.plots.matrices import time_heatmap
from explorer.plots.sources import with_rows

Array = npt.NDArray[Any]

# Far apart in lightness too, for colour-blind readers and for print; the time cursor is seen on
# both, and both on a light and on a dark page.
RIGHT_COLOUR = "#5cc4a8"
WRONG_COLOUR = "#99366d"
# Rows beyond this are thinner than a pixel.
MOST_ROWS = 512
# Pixels of a row with its name, and of the time axis.
ROW_HEIGHT = 12
AXIS_HEIGHT = 60
LEAST_HEIGHT, MOST_HEIGHT = 300, 660
# Of a map with more rows than have room for their names.
UNNAMED_HEIGHT = 560


def verdict_map(
    marks: Array, names: Sequence[str], *, y_label: str, height: int | None = None, **options: Any
) -> hv.Image:
    """Map with a row for each example, the first one on top.

    Parameters
    ----------
    marks : ndarray (step, example), uint8
        `RIGHT`, `WRONG` or `UNKNOWN`, which is see-through. More than `MOST_ROWS` examples are
        drawn as the share that is right among neighbours.
    names : sequence of str
        Name of each example; written where there is room.
    y_label : str
        What the rows are.
    height : int, optional
        Height of the figure in pixels; by default `verdict_height`.
    **options
        As for `explorer.plots.matrices.time_heatmap`: x_edges, x_label, positions, ...
    """
    right = np.where(marks == UNKNOWN, np.nan, marks == RIGHT)
    starts = block_starts(right.shape[1], MOST_ROWS)
    shares = block_means(right, starts, axis=1)
    count = shares.shape[1]
    height = verdict_height(count) if height is None else height
    picture = time_heatmap(
        shares[:, ::-1],
        y_edges=np.arange(count + 1) - 0.5,
        y_label=y_label,
        value_label="right",
        limits=(0.0, 1.0),
        height=height,
        **options,
    )
    picture = with_rows(picture, right, names)
    named = len(names) == count and has_names(count, height)
    ticks = [(count - 1 - row, name) for row, name in enumerate(names)] if named else []
    return picture.opts(
        cmap=blend(WRONG_COLOUR, RIGHT_COLOUR),
        colorbar=False,
        # Without ticks the library would choose its own: one that is out of sight is none.
        yticks=ticks or [(-1, "")],
        backend="bokeh",
    )


def margin_map(margins: Array, *, y_label: str, height: int, **options: Any) -> hv.Image:
    """Map of signed margins with a row for each example, the first one on top.

    Parameters
    ----------
    margins : ndarray (step, example)
        -1 to 1; NaN is see-through. More than `MOST_ROWS` examples are drawn as the mean of
        neighbours.
    y_label : str
        What the rows are.
    height : int
        Height of the figure in pixels.
    **options
        As for `explorer.plots.matrices.time_heatmap`: x_edges, x_label, positions, ...
    """
    rows = block_means(margins, block_starts(margins.shape[1], MOST_ROWS), axis=1)
    picture = time_heatmap(
        rows[:, ::-1],
        y_edges=np.arange(rows.shape[1] + 1) - 0.5,
        y_label=y_label,
        value_label="margin",
        limits=(-1.0, 1.0),
        signed=True,
        height=height,
        **options,
    )
    picture = with_rows(picture, margins, np.arange(margins.shape[1]))
    return picture.opts(yticks=[(-1, "")], backend="bokeh")


def has_names(count: int, height: int | None = None) -> bool:
    """Whether the rows of a map of so many examples have room for their names."""
    height = verdict_height(count) if height is None else height
    return ROW_HEIGHT * count <= height - AXIS_HEIGHT


def verdict_height(count: int) -> int:
    """Height of a map of some number of examples, in pixels: enough for their names, if few."""
    wanted = ROW_HEIGHT * count + AXIS_HEIGHT
    return max(LEAST_HEIGHT, wanted) if wanted <= MOST_HEIGHT else UNNAMED_HEIGHT


def blend(low: str, high: str) -> list[str]:
    """256 colours from one to another.

    Examples
    --------
    >>> blend("#000000", "#ffffff")[1]
    '#010101'
    """
    ends = [np.frombuffer(bytes.fromhex(colour[1:]), np.uint8) for colour in (low, high)]
    shares = np.linspace(0, 1, 256)[:, None]
    mixed = np.rint((1 - shares) * ends[0] + shares * ends[1]).astype(np.uint8)
    return [f"#{row.tobytes().hex()}" for row in mixed]
