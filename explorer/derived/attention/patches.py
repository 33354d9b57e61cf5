"""Attention between the patches of a picture, laid out as the picture is."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


def mosaic(scores: Array, rows: int, columns: int) -> npt.NDArray[np.float32]:
    """Lay out, at the place of each patch, a small picture of what it attends to.

    Parameters
    ----------
    scores : ndarray (..., query, key)
        Of patches, row by row.
    rows, columns : int
        Of the patches.

    Returns
    -------
    ndarray (..., rows * (rows + 1) - 1, columns * (columns + 1) - 1), float32
        The small pictures, with a line of NaN between them.

    Examples
    --------
    >>> mosaic(np.array([[1.0, 0.0], [0.25, 0.75]]), 1, 2).tolist()
    [[1.0, 0.0, nan, 0.25, 0.75]]
    """
    lead = scores.shape[:-2]
    parts = scores.reshape(*lead, rows, columns, rows, columns)
    edges = [(0, 0)] * (len(lead) + 2) + [(0, 1), (0, 1)]
    padded = np.pad(parts.astype(np.float32), edges, constant_values=np.nan)
    turned = np.moveaxis(padded, -2, -3)  # (..., row, inner row, column, inner column)
    whole = turned.reshape(*lead, rows * (rows + 1), columns * (columns + 1))
    return np.asarray(whole[..., :-1, :-1])
