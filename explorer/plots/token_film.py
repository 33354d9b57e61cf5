"""One number at each token of a text, over the training: a film, with time from left to right."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import holoviews as hv
import numpy as np
import numpy.typing as npt

from explorer.plots.matrices import time_heatmap
from explorer.plots.sources import with_rows

Array = npt.NDArray[Any]

# Pixels of a row: enough for its word. And those of a picture, with its time axis.
ROW_HEIGHT, LEAST_ROW = 15, 11
AXIS_HEIGHT = 50
LEAST_HEIGHT, MOST_HEIGHT = 170, 560
MOST_LETTERS = 16


def film_height(count: int) -> int:
    """Height of a film of so many tokens, in pixels."""
    return min(MOST_HEIGHT, max(LEAST_HEIGHT, ROW_HEIGHT * count + AXIS_HEIGHT))


def token_film(
    values: Array, words: Sequence[str], *, height: int | None = None, **options: Any
) -> hv.Image:
    """Heat map with a row for each token, the first one on top.

    Parameters
    ----------
    values : ndarray (step, token)
        NaN is see-through.
    words : sequence of str
        Text of each token.
    height : int, optional
        Height of the figure in pixels; by default enough for the words.
    **options
        As for `explorer.plots.matrices.time_heatmap`: x_edges, x_label, value_label, ...
    """
    count = len(words)
    height = film_height(count) if height is None else height
    every = max(1, int(np.ceil(LEAST_ROW * count / (height - AXIS_HEIGHT))))
    ticks = [
        (count - 1 - at, word if len(word) <= MOST_LETTERS else f"{word[: MOST_LETTERS - 1]}…")
        for at, word in enumerate(words)
    ]
    picture = time_heatmap(
        values[:, ::-1],
        y_edges=np.arange(count + 1) - 0.5,
        y_label="token",
        height=height,
        **options,
    )
    picture = with_rows(picture, values, words)
    return picture.opts(yticks=ticks[::every], ylabel="", backend="bokeh")
