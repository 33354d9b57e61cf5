"""Heat map of a text over training: a row a token, the first one on top."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import holoviews as hv
import numpy as np
import numpy.typing as npt

from explorer.plots.matrices import time_heatmap
from explorer.plots.sources import with_rows

Array = npt.NDArray[Any]

# Pixels of a row with its word, and of the time axis below.
ROW_HEIGHT = 13
AXIS_HEIGHT = 60
LEAST_HEIGHT, MOST_HEIGHT = 240, 480
# Letters of a word beside a row.
MOST_LETTERS = 14


def token_map(values: Array, words: Sequence[str], *, y_label: str, **options: Any) -> hv.Image:
    """Draw one value a token and step.

    Parameters
    ----------
    values : ndarray (step, token)
        NaN is see-through.
    words : sequence of str
        Text of each token; if there is no room for all, every second, third, ... is written.
    y_label : str
        What the rows are.
    **options
        As for `explorer.plots.matrices.time_heatmap`: x_edges, x_label, positions, ...; the height
        is by default `map_height`.
    """
    count = values.shape[1]
    height = options.pop("height", map_height(count))
    picture = time_heatmap(
        values[:, ::-1],
        y_edges=np.arange(count + 1) - 0.5,
        y_label=y_label,
        height=height,
        **options,
    )
    picture = with_rows(picture, values, words)
    every = -(-count * ROW_HEIGHT // max(ROW_HEIGHT, height - AXIS_HEIGHT))
    ticks = [(count - 1 - at, _cut(words[at])) for at in range(0, count, max(1, every))]
    return picture.opts(yticks=ticks or 0, backend="bokeh")


def map_height(count: int) -> int:
    """Height of a map of some number of tokens, in pixels: enough for their words, if few."""
    return min(MOST_HEIGHT, max(LEAST_HEIGHT, ROW_HEIGHT * count + AXIS_HEIGHT))


def _cut(word: str) -> str:
    return word if len(word) <= MOST_LETTERS else f"{word[: MOST_LETTERS - 1]}…"
