"""What pictures of units share: shades of grey, and the steps of a film strip."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from explorer.derived.predictions.pictures import LUMA
from explorer.derived.time.frames import Limits, quantize

Array = npt.NDArray[Any]


def grey_palette() -> npt.NDArray[np.uint8]:
    """Colours from black to white: (768,) uint8, red, green and blue in turn."""
    return np.repeat(np.arange(256, dtype=np.uint8), 3)


def grey_limits(images: Array) -> Limits:
    """Limits from the darkest to the brightest finite value; 0 to 1 where there is none."""
    finite = images[np.isfinite(images)]
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)
    return Limits(low, high if high > low else low + 1, signed=False)


def grey_codes(images: Array) -> npt.NDArray[np.uint8]:
    """Images as shades of grey, all with the same limits.

    Parameters
    ----------
    images : ndarray (probe, y, x, channel)
        Of three or four channels the first three count as red, green and blue; others are averaged.

    Returns
    -------
    ndarray (probe, y, x), uint8
        1 for the least value to 255 for the greatest, 0 for NaN.
    """
    values = images.astype(np.float64)
    with np.errstate(invalid="ignore"):
        if images.shape[-1] in (3, 4):
            values = values[..., :3] @ np.array(LUMA)
        else:
            values = values.mean(axis=-1)
    return quantize(values, grey_limits(values))


def spaced_steps(steps: Sequence[int] | Array, most: int) -> list[int]:
    """Positions of recorded steps, about evenly spaced on a logarithmic axis.

    Parameters
    ----------
    steps : sequence of int
        Recorded steps, increasing.
    most : int
        Most positions; the first and the last are among them.

    Examples
    --------
    >>> spaced_steps([0, 1, 2, 3, 4, 5, 6, 7, 8], 4)
    [0, 1, 3, 8]
    """
    places = np.log1p(np.asarray(steps, np.float64))
    count = len(places)
    if count <= most:
        return list(range(count))
    wanted = np.linspace(places[0], places[-1], most)
    chosen = [int(np.abs(places - place).argmin()) for place in wanted]
    # Where steps are scarce, as at the start, each still comes once: the next one moves on.
    for at in range(1, most):
        chosen[at] = max(chosen[at], chosen[at - 1] + 1)
    for at in range(most - 1, -1, -1):
        chosen[at] = min(chosen[at], count - most + at)
    return chosen
