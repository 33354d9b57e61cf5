"""Turn a layer's activation for one probe into a picture: tiles, a matrix, 8-bit codes.

Code 0 is NaN; codes 1 to 255 span the limits evenly, values outside of them saturate.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

NAN_CODE = 0
LOWEST_CODE = 1
HIGHEST_CODE = 255

# Share of values left to saturate at each end: one stray value must not wash out a picture.
TAIL = 0.002
# Values of this size or larger count as missing.
FARTHEST = float(np.finfo(np.float32).max)


@dataclass(frozen=True, slots=True)
class Limits:
    """Values of the lowest and the highest colour.

    Attributes
    ----------
    low, high : float
        ``low < high``. Symmetric about zero when `signed`.
    signed : bool
        Whether values of both signs occur, so that colours should diverge from zero.
    """

    low: float
    high: float
    signed: bool


@dataclass(frozen=True, slots=True)
class FrameLayout:
    """How the frames of a layer are laid out.

    Attributes
    ----------
    mode : {"tiles", "matrix"}
        A tile for each unit, or one matrix with tokens from left to right and units downwards.
    axes : tuple of int
        Order in which the frame's axes are transposed.
    shape : tuple of int
        ``(tiles, height, width)``.
    places : int
        Tiles of each unit, one after the other: the places at which it gives a picture each.
        0 if the frame has no unit.
    """

    mode: Literal["tiles", "matrix"]
    axes: tuple[int, ...]
    shape: tuple[int, int, int]
    places: int = 1

    def arrange(self, frame: Array) -> Array:
        """Frame of one probe as (tiles, height, width)."""
        return np.transpose(frame, self.axes).reshape(self.shape)


def picture_of(dims: Sequence[str], shape: Sequence[int]) -> FrameLayout:
    """Layout of a layer's activation for one probe.

    Parameters
    ----------
    dims : sequence of str
        Names of the frame's dimensions, without step and probe.
    shape : sequence of int
        Their sizes.

    Examples
    --------
    >>> picture_of(["y", "x", "unit"], [24, 24, 6]).shape
    (6, 24, 24)
    >>> picture_of(["token", "unit"], [40, 32]).shape
    (1, 32, 40)
    >>> picture_of(["unit"], [10]).shape
    (10, 1, 1)
    >>> picture_of(["token", "y", "x", "unit"], [5, 24, 24, 6]).places
    5
    """
    names, sizes = list(dims), list(shape)
    if sorted(names) == ["token", "unit"]:
        axes = (names.index("unit"), names.index("token"))
        return FrameLayout("matrix", axes, (1, sizes[axes[0]], sizes[axes[1]]))
    unit = names.index("unit") if "unit" in names else None
    others = [axis for axis in range(len(names)) if axis != unit]
    plane = others[-2:] if unit is not None or len(others) > 1 else []
    folded = [axis for axis in range(len(names)) if axis not in plane]
    folded.sort(key=lambda axis: axis != unit)
    tiles = int(np.prod([sizes[axis] for axis in folded], dtype=int))
    height = sizes[plane[0]] if len(plane) == 2 else 1
    width = sizes[plane[-1]] if plane else 1
    places = 0 if unit is None else tiles // max(1, sizes[unit])
    return FrameLayout("tiles", (*folded, *plane), (tiles, height, width), places)


def robust_limits(samples: Iterable[Array]) -> Limits:
    """Limits that hold for a whole training, from samples of its steps.

    Parameters
    ----------
    samples : iterable of ndarray
        Frames, of any shape; left out are NaN, infinities, and what a maximum over NaN gives in
        their place: the lowest float32.

    Returns
    -------
    Limits
        The widest of the samples' `TAIL` quantiles, from zero on where nothing is negative;
        symmetric where both signs occur; 0 to 1 where nothing is finite.
    """
    low, high = np.inf, -np.inf
    least, greatest = np.inf, -np.inf
    for sample in samples:
        values = np.asarray(sample, np.float64)
        finite = values[np.abs(values) < FARTHEST]
        if not finite.size:
            continue
        below, above = np.quantile(finite, [TAIL, 1 - TAIL])
        low, high = min(low, float(below)), max(high, float(above))
        least, greatest = min(least, float(finite.min())), max(greatest, float(finite.max()))
    if low > high:
        return Limits(0.0, 1.0, signed=False)
    if low == high:  # nearly all values are equal: show the few others
        low, high = least, greatest
    if least < 0 < greatest:
        bound = max(-low, high)
        return Limits(-bound, bound, signed=True)
    if low >= 0:
        low = 0.0
    # A single value: added to a huge one, 1 would be lost to rounding.
    return Limits(low, high if high > low else low + max(1.0, 1e-9 * abs(low)), signed=False)


_KEEPS_VALUES = ContextVar("_KEEPS_VALUES", default=False)


@contextmanager
def values_kept() -> Iterator[None]:
    """Let `quantize` give values in place of colour codes, for who reads numbers off a picture.

    What was quantized before, and is only read in the block, stays as it is.
    """
    token = _KEEPS_VALUES.set(True)
    try:
        yield
    finally:
        _KEEPS_VALUES.reset(token)


def keeps_values() -> bool:
    """Whether this is within `values_kept`: what is made now is no code, and not to be cached."""
    return _KEEPS_VALUES.get()


def quantize(values: Array, limits: Limits) -> npt.NDArray[Any]:
    """Values as colour codes.

    Parameters
    ----------
    values : ndarray
        Any shape; floats, integers or booleans.
    limits : Limits
        Values of codes 1 and 255.

    Returns
    -------
    ndarray of uint8, the same shape
        0 where a value is NaN. Within `values_kept`: the values themselves.
    """
    if keeps_values():
        return np.asarray(values)
    span = HIGHEST_CODE - LOWEST_CODE
    # In float64: a training that diverges or dies out leaves the range of float32 arithmetic.
    codes = np.asarray(np.subtract(values, limits.low, dtype=np.float64))
    with np.errstate(over="ignore"):  # what is beyond saturates
        codes /= limits.high - limits.low
        codes *= span
    np.clip(codes, 0, span, out=codes)
    codes += LOWEST_CODE + 0.5  # the cast below truncates: half a code more makes it round
    codes[np.isnan(codes)] = NAN_CODE
    return codes.astype(np.uint8)


def sample_indices(count: int, most: int) -> list[int]:
    """Spread indices evenly over `count`, first and last included.

    Examples
    --------
    >>> sample_indices(100, 4)
    [0, 33, 66, 99]
    """
    return sorted({int(index) for index in np.linspace(0, count - 1, min(count, most))})
