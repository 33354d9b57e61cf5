"""Helpers to read the numbers of widgets: names of variables, steps, colour codes as values."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from explorer.derived.time.frames import HIGHEST_CODE, LOWEST_CODE, NAN_CODE
from explorer.widgets.stepped import Stepped

Array = npt.NDArray[Any]

STEP = "step"
QUANTIZED = "8 bit: 254 even steps from low to high, values beyond saturate"


@dataclass(frozen=True)
class Steps:
    """The recorded steps whose numbers are read.

    Attributes
    ----------
    indices : sequence of int
        Positions of the steps among the recorded ones.
    updates : ndarray (step,), int64
        Number of optimizer updates at each recorded step of the run.
    exact : callable, optional
        Takes a position, returns the values whose 8-bit codes are in the frame, in its shape.
    """

    indices: Sequence[int]
    updates: Array
    exact: Callable[[int], Array] | None = None

    def of(self, array: Array) -> Array:
        """Take these steps of an array over all recorded steps: (step, ...)."""
        return np.asarray(array)[list(self.indices)]

    @property
    def coordinate(self) -> Array:
        """Number of optimizer updates at each of these steps: (step,), int64."""
        return self.of(self.updates)

    def payloads(self, widget: Stepped) -> Iterator[Mapping[str, Any]]:
        """Return what a widget shows at each of these steps; once if it is the same at all."""
        return map(widget.payload, self.indices[:1] if widget.still else self.indices)


def identifier(text: str, default: str = "value") -> str:
    """Make a name of a variable of a text: letters, digits and underscores, as NetCDF demands.

    Examples
    --------
    >>> identifier("Share of inputs (%)")
    'share_of_inputs'
    """
    plain = unicodedata.normalize("NFKD", text.casefold()).encode("ascii", "ignore").decode()
    name = re.sub(r"[^a-z0-9]+", "_", plain).strip("_")
    return f"n_{name}" if name[:1].isdigit() else name or default


def distinct(*names: str) -> tuple[str, ...]:
    """Make names distinct: one that has occurred gets the prefix ``other_``.

    Examples
    --------
    >>> distinct("unit", "unit")
    ('unit', 'other_unit')
    """
    found: list[str] = []
    for name in names:
        while name in found:
            name = f"other_{name}"
        found.append(name)
    return tuple(found)


def values_of(codes: Array, low: float, high: float) -> npt.NDArray[np.float32]:
    """Convert colour codes to the middle of the values that each stands for.

    Parameters
    ----------
    codes : ndarray (...), uint8
        As from `explorer.derived.time.frames.quantize`.
    low, high : float
        Values of codes 1 and 255.

    Returns
    -------
    ndarray (...), float32
        NaN for code 0.
    """
    share = (codes.astype(np.float64) - LOWEST_CODE) / (HIGHEST_CODE - LOWEST_CODE)
    # Not low + share * (high - low): the difference may be beyond the range of floats.
    values = low * (1 - share) + high * share
    values[codes == NAN_CODE] = np.nan
    with np.errstate(over="ignore"):
        return values.astype(np.float32)


def decoded(
    codes: Array, dims: Sequence[str], low: float, high: float
) -> tuple[Sequence[str], Array, dict[str, Any]]:
    """Make a variable of colour codes, with attributes that say how it was quantized."""
    return dims, values_of(codes, low, high), {"quantized": QUANTIZED, "low": low, "high": high}


def stacked(frames: Sequence[Array]) -> Array:
    """Stack the frames of several steps: (step, ...). Smaller frames are padded with NaN."""
    arrays = [np.asarray(frame) for frame in frames]
    shapes = {array.shape for array in arrays}
    if len(shapes) == 1:
        return np.stack(arrays)
    size = tuple(max(sizes) for sizes in zip(*shapes, strict=True))
    made = np.full((len(arrays), *size), np.nan, np.float32)
    for step, array in enumerate(arrays):
        made[step][tuple(slice(length) for length in array.shape)] = array
    return made


def picture_dataset(
    title: str, variables: Mapping[str, Any], coordinates: Mapping[str, Any]
) -> xr.Dataset:
    """Make the dataset of one picture. Coordinates that are None or empty are left out."""
    known = {
        name: value
        for name, value in coordinates.items()
        if value is not None and len(value[1] if isinstance(value, tuple) else value)
    }
    return xr.Dataset(dict(variables), known, {"title": title})
