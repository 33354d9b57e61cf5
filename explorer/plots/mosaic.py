"""The picture that the browser paints from colour codes, as HoloViews has it: for notebooks."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import holoviews as hv
import numpy as np
import numpy.typing as npt

from explorer.derived.time.frames import HIGHEST_CODE, LOWEST_CODE, NAN_CODE
from explorer.plots.style import common

Array = npt.NDArray[Any]

# Between tiles: a share of a tile's longer side, and one cell at least.
GAP_SHARE = 0.08
HEIGHT = 340
MOST_WIDTH = 760


def values_of(codes: npt.NDArray[np.uint8], low: float, high: float) -> npt.NDArray[np.float32]:
    """Values that colour codes stand for, the inverse of `quantize` up to its rounding.

    Parameters
    ----------
    codes : ndarray of uint8
        Any shape.
    low, high : float
        Values of the lowest and the highest code.

    Returns
    -------
    ndarray of float32, the same shape
        NaN where the code is that of NaN.
    """
    share = (codes.astype(np.float64) - LOWEST_CODE) / (HIGHEST_CODE - LOWEST_CODE)
    values = (low + share * (high - low)).astype(np.float32)
    values[codes == NAN_CODE] = np.nan
    return values


def mosaic(tiles: Array, columns: int | None = None) -> Array:
    """Lay tiles beside each other, row by row, with gaps of NaN.

    Parameters
    ----------
    tiles : ndarray (tile, y, x)
        At least one.
    columns : int, optional
        Tiles in a row; by default as many as make the whole about twice as wide as high.

    Returns
    -------
    ndarray (row, column)

    Examples
    --------
    >>> mosaic(np.array([[[1.0]], [[2.0]], [[3.0]]]), columns=2)
    array([[ 1., nan,  2.],
           [nan, nan, nan],
           [ 3., nan, nan]])
    """
    count, height, width = tiles.shape
    gap = max(1, round(GAP_SHARE * max(height, width)))
    columns = columns or min(count, max(1, round(math.sqrt(2 * count * height / width))))
    lines = math.ceil(count / columns)
    whole = np.full((lines * (height + gap) - gap, columns * (width + gap) - gap), np.nan)
    for number, tile in enumerate(tiles):
        top, left = (number // columns) * (height + gap), (number % columns) * (width + gap)
        whole[top : top + height, left : left + width] = tile
    return whole


def mosaic_picture(
    codes: npt.NDArray[np.uint8],
    *,
    low: float,
    high: float,
    palette: npt.NDArray[np.uint8],
    value_label: str,
    label: str = "",
    height: int = HEIGHT,
    axes: tuple[str, str] | None = None,
    x_labels: Sequence[str] = (),
    y_labels: Sequence[str] = (),
) -> hv.Image:
    """Picture of one frame: all of its tiles, or a matrix with named rows and columns.

    Parameters
    ----------
    codes : ndarray of uint8 (tile, y, x)
        Colour codes; one tile for a matrix.
    low, high : float
        Values of the lowest and the highest colour.
    palette : ndarray of uint8 (768,)
        Colours: red, green and blue in turn.
    value_label : str
        What a colour stands for.
    label : str
        Title.
    height : int
        Most height of tiles, or height of a matrix, in pixels.
    axes : (str, str), optional
        What a column and a row of a matrix are; without it, tiles have no axes.
    x_labels, y_labels : sequence of str
        Texts at the columns and rows of a matrix.
    """
    values = values_of(codes, low, high)
    picture = values[0] if axes else mosaic(values)
    rows, columns = picture.shape
    image = hv.Image(
        picture,
        bounds=(-0.5, -0.5, columns - 0.5, rows - 0.5),
        kdims=[
            # HoloViews refuses a label without a character.
            hv.Dimension("x", label=(axes[0] or " ") if axes else "x"),
            hv.Dimension("y", label=(axes[1] or " ") if axes else "y"),
        ],
        vdims=hv.Dimension("value", label=value_label or "value", range=(low, high)),
        label=label,
    )
    flipped = [(rows - 1 - row, text) for row, text in enumerate(y_labels)]
    # As wide as it is in cells: responsive figures do not keep the shape of what is in them.
    scale = min(height / rows, MOST_WIDTH / columns)
    options: dict[str, Any] = {
        "responsive": False,
        "height": None,
        "frame_width": round(columns * scale),
        "frame_height": round(rows * scale),
        "xaxis": None,
        "yaxis": None,
    }
    if axes:
        options = {
            "height": height,
            "xticks": list(enumerate(x_labels)) or 6,
            "yticks": flipped or [(rows - 1 - row, str(row)) for row in _spaced(rows)],
            "xrotation": 60 if x_labels else 0,
        }
    return image.opts(
        **common(
            title=label,
            show_grid=False,
            cmap=[f"#{r:02x}{g:02x}{b:02x}" for r, g, b in palette.reshape(-1, 3).tolist()],
            clim=(low, high if high > low else low + 1),
            colorbar=True,
            clabel=value_label,
            **options,
        )
    )


def _spaced(rows: int) -> list[int]:
    """Give some row numbers, evenly spread."""
    return list(range(0, rows, max(1, math.ceil(rows / 8))))
