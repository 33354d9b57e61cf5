"""Parts that readings of widgets share: names, steps beside each other, codes as values."""

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
    """Recorded steps of which numbers are wanted.

    Attributes
    ----------
    indices : sequence of int
        Their positions among the recorded steps.
    updates : ndarray (step,), int64
        Optimizer updates done, of every recorded step.
    exact : callable, optional
        Gives the values of which a frame holds 8-bit codes, in the frame's shape.
    """

    indices: Sequence[int]
    updates: Array
    exact: Callable[[int], Array] | None = None

    def of(self, array: Array) -> Array:
        """Choose from an array over all recorded steps."""
        return np.asarray(array)[list(self.indices)]

    @property
    def coordinate(self) -> Array:
        """Optimizer updates done at each of them."""
        return self.of(self.updates)

    def payloads(self, widget: Stepped) -> Iterator[Mapping[str, Any]]:
        """Give what a widget shows of each of them; of a still one, what it always shows."""
        return map(widget.payload, self.indices[:1] if widget.still else self.indices)


def identifier(text: str, default: str = "value") -> str:
    """Text as a name of a variable: of letters, digits and underscores, as NetCDF demands.

    Examples
    --------
    >>> identifier("Share of inputs (%)")
    'share_of_inputs'
    """
    plain = unicodedata.normalize("NFKD", text.casefold()).encode("ascii", "ignore").decode()
    name = re.sub(r"[^a-z0-9]+", "_", plain).strip("_")
    return f"n_{name}" if name[:1].isdigit() else name or default


def apart(*names: str) -> tuple[str, ...]:
    """Names that differ: one that came before is of the other kind.

    Examples
    --------
    >>> apart("unit", "unit")
    ('unit', 'other_unit')
    """
    told: list[str] = []
    for name in names:
        while name in told:
            name = f"other_{name}"
        told.append(name)
    return tuple(told)


def values_of(codes: Array, low: float, high: float) -> npt.NDArray[np.float32]:
    """Values in the middle of what each colour code stands for; NaN for code 0.

    Parameters
    ----------
    codes : ndarray of uint8
        As `explorer.derived.time.frames.quantize` gives them.
    low, high : float
        Values of codes 1 and 255.
    """
    share = (codes.astype(np.float64) - LOWEST_CODE) / (HIGHEST_CODE - LOWEST_CODE)
    # Both ends apart: their difference may leave the range of floats.
    values = low * (1 - share) + high * share
    values[codes == NAN_CODE] = np.nan
    with np.errstate(over="ignore"):
        return values.astype(np.float32)


def decoded(
    codes: Array, dims: Sequence[str], low: float, high: float
) -> tuple[Sequence[str], Array, dict[str, Any]]:
    """Make a variable of codes that says how it was quantized."""
    return dims, values_of(codes, low, high), {"quantized": QUANTIZED, "low": low, "high": high}


def stacked(frames: Sequence[Array]) -> Array:
    """Frames of several steps in one array; where a frame is smaller than others, NaN."""
    arrays = [np.asarray(frame) for frame in frames]
    shapes = {array.shape for array in arrays}
    if len(shapes) == 1:
        return np.stack(arrays)
    size = tuple(max(sizes) for sizes in zip(*shapes, strict=True))
    made = np.full((len(arrays), *size), np.nan, np.float32)
    for step, array in enumerate(arrays):
        made[step][tuple(slice(length) for length in array.shape)] = array
    return made


def part(title: str, variables: Mapping[str, Any], coordinates: Mapping[str, Any]) -> xr.Dataset:
    """Make a dataset of one picture; labels that are missing are left out."""
    known = {
        name: value
        for name, value in coordinates.items()
        if value is not None and len(value[1] if isinstance(value, tuple) else value)
    }
    return xr.Dataset(dict(variables), known, {"title": title})
