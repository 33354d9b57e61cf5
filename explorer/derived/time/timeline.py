"""Positions of recorded steps on a time axis."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt

Axis = Literal["step", "log_step", "epoch", "wall_time"]
AXES: tuple[Axis, ...] = get_args(Axis)

LABELS: dict[Axis, str] = {
    "step": "step (updates)",
    "log_step": "step (log)",
    "epoch": "epoch",
    "wall_time": "time since start (s)",
}
# Steps are recorded by the logarithm if half of them lie within this share of the training.
EARLY = 0.25
FEWEST_SPREAD = 5
# Ends of epochs that are marked; of more every second, fifth, tenth and so on.
MOST_EPOCHS = 15


@dataclass(frozen=True)
class Timeline:
    """The three clocks of a run, recorded step by recorded step.

    Attributes
    ----------
    steps : ndarray (step,), int64
        Optimizer updates done.
    epochs : ndarray (step,), float64
        Epochs done.
    wall_times : ndarray (step,), float64
        Seconds since the start of the training.
    """

    steps: npt.NDArray[np.int64]
    epochs: npt.NDArray[np.float64]
    wall_times: npt.NDArray[np.float64]

    def positions(self, axis: Axis) -> npt.NDArray[np.float64]:
        """Where each recorded step lies on `axis`: (step,), float64.

        The logarithmic axis is ``log10(1 + step)``, so that step 0 has a place.
        """
        return self.convert(self.steps, axis)

    def convert(self, updates: npt.NDArray[Any], axis: Axis) -> npt.NDArray[np.float64]:
        """Where any optimizer updates lie on `axis`, interpolated between recorded steps.

        Parameters
        ----------
        updates : ndarray (n,)
            Numbers of optimizer updates.
        axis : Axis
            One of `AXES`.
        """
        values = np.asarray(updates, np.float64)
        if axis == "step":
            return values
        if axis == "log_step":
            return logarithmic(values)
        if not len(self.steps):
            return np.full(values.shape, np.nan)
        clock = self.epochs if axis == "epoch" else self.wall_times
        return np.interp(values, self.steps, clock)

    def before(
        self, updates: Sequence[int] | npt.NDArray[Any], axis: Axis
    ) -> npt.NDArray[np.float64]:
        """Where on `axis` it lies what happened right before updates: half an update earlier.

        Parameters
        ----------
        updates : sequence of int
            Numbers of optimizer updates.
        axis : Axis
            One of `AXES`.
        """
        return self.convert(np.maximum(np.asarray(updates, np.float64) - 0.5, 0.0), axis)

    def epoch_ends(self, axis: Axis) -> npt.NDArray[np.float64]:
        """Where epochs end on `axis`: (epoch,), float64; of many every k-th.

        Between recorded steps epochs are taken to go evenly.
        """
        known = np.isfinite(self.epochs)
        epochs, steps = np.maximum.accumulate(self.epochs[known]), self.steps[known]
        last = int(epochs[-1]) if len(epochs) else 0
        if not last:
            return np.zeros(0)
        apart = next(size for size in _round_numbers() if size * MOST_EPOCHS >= last)
        ends = np.arange(apart, last + 1, apart)
        # Of an epoch that was recorded at several steps the first one has ended it.
        first = np.unique(epochs, return_index=True)[1]
        return self.convert(np.interp(ends, epochs[first], steps[first]), axis)


def first_from(steps: npt.NDArray[np.int64], updates: Sequence[int]) -> list[int]:
    """Give the positions of the first steps at or after updates, where there is a step before.

    Parameters
    ----------
    steps : ndarray (step,)
        Optimizer updates done, growing.
    updates : sequence of int
        Numbers of optimizer updates.

    Examples
    --------
    >>> first_from(np.array([0, 5, 9]), [0, 3, 5, 7, 12])
    [1, 2]
    """
    places = {int(place) for place in np.searchsorted(steps, updates)}
    return sorted(place for place in places if 0 < place < len(steps))


def logarithmic(steps: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """Where steps lie on the logarithmic axis: ``log10(1 + step)``."""
    return np.log10(1 + np.asarray(steps, np.float64))


def _round_numbers() -> Iterator[int]:
    """Yield 1, 2, 5, 10, 20 and so on."""
    return (digit * 10**power for power in itertools.count() for digit in (1, 2, 5))


def usual_axis(steps: npt.NDArray[np.int64]) -> Axis:
    """Give the axis on which recorded steps are spread: that of their logarithm, or their own.

    Parameters
    ----------
    steps : ndarray (step,)
        Optimizer updates done, growing.

    Examples
    --------
    >>> usual_axis(np.array([0, 1, 2, 5, 10, 20, 50, 100])), usual_axis(np.arange(0, 101, 10))
    ('log_step', 'step')
    """
    if len(steps) < FEWEST_SPREAD or np.median(steps) > EARLY * steps[-1]:
        return "step"
    return "log_step"


def edges(positions: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Borders of cells around positions: (n + 1,), half-way between neighbours.

    A lone position gets a cell of width 1. Equal neighbours keep a sliver of width, since a
    drawing library needs increasing borders.
    """
    if len(positions) == 1:
        return np.array([positions[0] - 0.5, positions[0] + 0.5])
    middle = (positions[1:] + positions[:-1]) / 2
    first = positions[0] - (middle[0] - positions[0])
    last = positions[-1] + (positions[-1] - middle[-1])
    borders = np.concatenate([[first], middle, [last]])
    borders = np.maximum.accumulate(borders)
    sliver = 1e-9 * max(1.0, float(np.abs(borders).max()))
    # What is closer than a thousandth of it would be lost to rounding once slivers are added.
    ties = np.diff(borders, prepend=-np.inf) < sliver / 1000
    distinct: npt.NDArray[np.float64] = borders + sliver * np.cumsum(ties)
    return distinct


def spread(
    values: npt.NDArray[Any], borders: npt.NDArray[np.float64], columns: int
) -> npt.NDArray[Any]:
    """Redraw cells of uneven width as evenly spaced columns, for a picture.

    Parameters
    ----------
    values : ndarray (step, ...)
        One row a cell.
    borders : ndarray (step + 1,)
        Borders of the cells, as from `edges`.
    columns : int
        Number of columns; each shows the cell at its middle.

    Returns
    -------
    ndarray (columns, ...)
    """
    width = (borders[-1] - borders[0]) / columns
    middles = borders[0] + width * (np.arange(columns) + 0.5)
    cells = np.searchsorted(borders, middles, side="right") - 1
    columns_of: npt.NDArray[Any] = values[np.clip(cells, 0, len(values) - 1)]
    return columns_of


def thin(values: npt.NDArray[Any], most: int) -> npt.NDArray[np.intp]:
    """Choose positions that draw the same curve with fewer points: no peak is lost.

    Parameters
    ----------
    values : ndarray (n,)
        NaN where unknown.
    most : int
        Points to keep, about.

    Returns
    -------
    ndarray (kept,)
        Increasing: both ends, and the lowest and the highest value of each stretch.
    """
    count = len(values)
    if count <= most:
        return np.arange(count)
    borders = np.linspace(0, count, max(1, most // 2) + 1).astype(np.intp)
    stretches = list(itertools.pairwise(borders))
    low = [start + np.argmin(_known(values[start:end], np.inf)) for start, end in stretches]
    high = [start + np.argmax(_known(values[start:end], -np.inf)) for start, end in stretches]
    return np.unique(np.array([0, *low, *high, count - 1], np.intp))


def _known(values: npt.NDArray[Any], instead: float) -> npt.NDArray[Any]:
    return np.where(np.isnan(values), instead, values)


def log_ticks(largest: float) -> list[tuple[float, str]]:
    """Tick positions and labels of the logarithmic step axis, up to a number of steps.

    Examples
    --------
    >>> [label for _, label in log_ticks(500)]
    ['0', '1', '10', '100']
    """
    decades = int(np.floor(np.log10(max(1.0, largest))))
    values = [0, *(10**power for power in range(decades + 1))]
    return [(float(np.log10(1 + value)), f"{value:,}") for value in values]
