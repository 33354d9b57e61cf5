"""Helpers to read the numbers of widgets: names of variables, steps, colour codes as values."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from explorer.derived.time.frames import HIGHEST_CODE, LOWEST_CODE, NAN_CODE, values_kept
from explorer.widgets.stepped import Stepped

Array = npt.NDArray[Any]

STEP = "step"
STEP_ATTRIBUTES = {"long_name": "optimizer updates done", "units": "1"}
# Units that stand in brackets behind a name, as UDUNITS calls them.
UNITS = {"%": "percent", "s": "s", "ms": "ms", "updates": "1"}
# Letters of a name of a variable, about.
MOST_LETTERS = 32
_STEP_WORD = re.compile(r"\b(at )?(this )?steps?\b")
QUANTIZED = "8 bit: 254 even steps from low to high, values beyond saturate"


@dataclass(frozen=True)
class TimeAxis:
    """The axis on which pictures over time are drawn: it gives back what they were drawn of.

    Attributes
    ----------
    label : str
        How its title begins.
    updates : ndarray (update,)
        Numbers of optimizer updates that may be drawn; those of the recorded steps come first.
    places : ndarray (update,)
        Where each lies on the axis.
    """

    label: str
    updates: Array
    places: Array

    def updates_at(self, positions: Array) -> Array | None:
        """Give the updates that were drawn at positions; None if one of them is none of these."""
        count = len(positions)
        if np.array_equal(self.places[:count], positions, equal_nan=True):
            return np.asarray(self.updates[:count])  # also where several lie at one place
        order = np.argsort(self.places, kind="stable")
        places = self.places[order]
        found = np.searchsorted(places, positions).clip(0, max(0, len(places) - 1))
        if not len(places) or not np.array_equal(places[found], positions):
            return None
        return np.asarray(self.updates[order][found])


@dataclass(frozen=True)
class Steps:
    """The recorded steps whose numbers are read.

    Attributes
    ----------
    indices : sequence of int
        Positions of the steps among the recorded ones.
    updates : ndarray (step,), int64
        Number of optimizer updates at each recorded step of the run.
    axis : TimeAxis, optional
        The axis of pictures over time.
    """

    indices: Sequence[int]
    updates: Array
    axis: TimeAxis | None = None

    def of(self, array: Array) -> Array:
        """Take these steps of an array over all recorded steps: (step, ...)."""
        return np.asarray(array)[list(self.indices)]

    @property
    def coordinate(self) -> Array:
        """Number of optimizer updates at each of these steps: (step,), int64."""
        return self.of(self.updates)

    def payloads(self, widget: Stepped) -> list[Mapping[str, Any]]:
        """Return what a widget shows at each of these steps; once if it is the same at all.

        Where it shows colours, these are the values that they stand for.
        """
        with values_kept():
            return [
                widget.payload(index)
                for index in (self.indices[:1] if widget.still else self.indices)
            ]


def identifier(text: str, default: str = "value") -> str:
    """Make a short name of a variable of a text: letters, digits and underscores.

    What stands behind the first words, in brackets or after a comma, is left to the attributes
    (`described`); so is "step", which names recorded steps and nothing else.

    Examples
    --------
    >>> identifier("Share of inputs (%)"), identifier("at this step"), identifier("L2 norm")
    ('share_of_inputs', 'now', 'l2_norm')
    """
    words = re.split(r"[(\[;:,]", text.casefold())[0].strip() or text.casefold()
    if words and words != STEP:
        words = _STEP_WORD.sub("", words).strip() or "now"
    plain = unicodedata.normalize("NFKD", words).encode("ascii", "ignore").decode()
    name = re.sub(r"[^a-z0-9]+", "_", plain).strip("_")
    while len(name) > MOST_LETTERS and "_" in name:
        name = name.rpartition("_")[0]
    return f"n_{name}" if name[:1].isdigit() else name or default


def described(text: str) -> dict[str, str]:
    """Give the attributes of a variable by the conventions of CF: its long name, and its units.

    Examples
    --------
    >>> described("Share of inputs (%)")
    {'long_name': 'Share of inputs (%)', 'units': 'percent'}
    >>> described("L2 norm")
    {'long_name': 'L2 norm'}
    """
    found = re.search(r"\(([^()]*)\)", text)
    units = UNITS.get(found[1].strip()) if found else None
    return {"long_name": text, **({"units": units} if units else {})}


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
    """Make a variable of colour codes, with attributes that say how it was quantized.

    What is no codes but values (`explorer.derived.time.frames.values_kept`) is taken as it is.
    """
    if codes.dtype != np.uint8:
        return dims, codes, {}
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
    title: str,
    variables: Mapping[str, Any],
    coordinates: Mapping[str, Any],
    texts: Iterable[str] = (),
) -> xr.Dataset:
    """Make the dataset of one picture. Coordinates that are None or empty are left out.

    Parameters
    ----------
    title : str
        Of the picture.
    variables, coordinates : mapping
        As of `xarray.Dataset`.
    texts : iterable of str
        What the axes and values are called on screen: the long names of the variables whose names
        `identifier` made of them.
    """
    known = {
        name: value
        for name, value in coordinates.items()
        if value is not None and len(value[1] if isinstance(value, tuple) else value)
    }
    made = xr.Dataset(dict(variables), known, {"title": title})
    told = {identifier(text): described(text) for text in texts if text}
    for name, variable in made.variables.items():
        attributes = STEP_ATTRIBUTES if name == STEP else told.get(str(name), {})
        variable.attrs = {**attributes, **variable.attrs}
    return made
