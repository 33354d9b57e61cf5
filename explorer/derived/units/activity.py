"""What the units of a layer do: dead, saturated, constant, selective or always on; when units die.

All of it goes by the slope of the layer's activation function, for the slope is what a gradient is
multiplied with on its way to the unit's weights.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from explorer.derived.time.over_steps import NEVER, by_step, carry_forward, first_stable

Array = npt.NDArray[Any]

DEAD = 0
SELECTIVE = 1
ALWAYS_ON = 2
UNKNOWN = 3
SATURATED = 4
CONSTANT = 5

# A value is active where the slope is at least this share of the function's steepest: tanh between
# -0.98 and 0.98, a sigmoid between 0.01 and 0.99.
ACTIVE_SLOPE = 0.04
# Values that differ by less, as a share of the largest, differ by their rounding in float32.
ROUNDING = 1e-6
# Later records in which a unit must be dead before it counts as dead for good.
STAYED = 5


class Judged(NamedTuple):
    """Values of a layer at one step, and the slope of its function at each.

    Attributes
    ----------
    values : ndarray (probe, ..., unit)
        Activations; what lies between are positions. NaN is left out (a masked token, for
        instance).
    slope : ndarray (probe, ..., unit)
        As a share of the function's steepest slope.
    """

    values: Array
    slope: Array


@dataclass(frozen=True)
class UnitStates:
    """What the units of a layer do at every step, over all probes and positions.

    Attributes
    ----------
    active_share : ndarray (step, unit), float32
        Share of the values at which the slope is at least `ACTIVE_SLOPE`; NaN where no value is
        known.
    mean : ndarray (step, unit), float32
        Mean value.
    state : ndarray (step, unit), uint8
        The first of these that holds. `UNKNOWN`: all values are NaN. `DEAD`: the slope is exactly
        0 for every probe at every position. `CONSTANT`: all values are one. `SATURATED`: no value
        is active, but a little gradient passes. `ALWAYS_ON`: every value is active. `SELECTIVE`:
        some are.
    """

    active_share: Array
    mean: Array
    state: Array


def unit_states(frames: Iterable[Judged], *, can_die: bool) -> UnitStates:
    """Share of active values, mean and state of each unit.

    A ReLU whose slope is 0 for every input gets no gradient: Lu et al. (2019), *Dying ReLU and
    initialization*. Probes are a sample: see `unseen_share`.

    Parameters
    ----------
    frames : iterable of Judged
        Those of one step after the other.
    can_die : bool
        Whether the function has a slope of exactly 0; see
        `explorer.derived.network.activations.Activation`. A slope that was rounded to 0 is none.
    """
    rows = [_measure(frame, can_die=can_die) for frame in frames]
    share, mean, state = (by_step(row[part] for row in rows) for part in range(3))
    return UnitStates(share, mean, state)


def _measure(frame: Judged, *, can_die: bool) -> tuple[Array, Array, Array]:
    values, slope = frame
    everywhere = tuple(range(values.ndim - 1))
    is_known = ~np.isnan(values)
    known = np.count_nonzero(is_known, axis=everywhere)
    active = np.count_nonzero(is_known & (np.abs(slope) >= ACTIVE_SLOPE), axis=everywhere)
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        share = (active / known).astype(np.float32)
        mean = (np.nansum(values, axis=everywhere, dtype=np.float64) / known).astype(np.float32)
        least = np.where(is_known, values, np.inf).min(axis=everywhere, initial=np.inf)
        most = np.where(is_known, values, -np.inf).max(axis=everywhere, initial=-np.inf)
        spread, size = most - least, np.maximum(np.abs(least), np.abs(most))
        is_one = np.isfinite(spread) & (spread <= ROUNDING * size)
    state = np.full(known.shape, SELECTIVE, np.uint8)
    state[active == known] = ALWAYS_ON
    state[active == 0] = SATURATED
    state[is_one & (known > 1)] = CONSTANT
    if can_die:
        state[np.count_nonzero(is_known & (slope != 0), axis=everywhere) == 0] = DEAD
    state[known == 0] = UNKNOWN
    return share, mean, state


def unseen_share(count: int) -> float:
    """Share of inputs that may do what none of the inputs that were seen does, at 95 %.

    The rule of three: Hanley and Lippman-Hand (1983), *If nothing goes wrong, is everything all
    right?* It holds if the inputs that were seen are a random sample of all.

    Parameters
    ----------
    count : int
        Inputs that were seen: whole probes, for the positions of one are no sample.

    Examples
    --------
    >>> unseen_share(50)
    0.06
    """
    return min(1.0, 3 / count) if count else 1.0


class Event(NamedTuple):
    """A unit that died or woke.

    Attributes
    ----------
    unit : int
        Which unit.
    step_index : int
        Index of the recorded step at which it is seen first.
    kind : {"died", "woke"}
        What happened.
    """

    unit: int
    step_index: int
    kind: Literal["died", "woke"]


@dataclass(frozen=True)
class TurningPoints:
    """When the units of a layer died and woke.

    Attributes
    ----------
    dead_since : ndarray (unit,), int64
        Index of the first step from which the unit is dead to the end; `NEVER` (-1) otherwise, and
        where fewer than `STAYED` records follow: a unit that just fell silent may well wake.
    events : tuple of Event
        Every death and waking, by step and unit. A unit that is dead from the start on did not
        die.
    """

    dead_since: Array
    events: tuple[Event, ...]


def turning_points(state: Array) -> TurningPoints:
    """When units died and woke.

    Parameters
    ----------
    state : ndarray (step, unit), uint8
        States as of `unit_states`. Across steps that are `UNKNOWN` the state before them is
        compared with that after; a unit that is unknown at the last step is dead since never.
    """
    known = state != UNKNOWN
    dead = carry_forward(state, known) == DEAD
    seen = np.logical_or.accumulate(known, axis=0)
    changed = (dead[1:] != dead[:-1]) & seen[:-1]
    events = tuple(
        Event(int(unit), int(index) + 1, "died" if dead[index + 1, unit] else "woke")
        for index, unit in np.argwhere(changed)
    )
    since = first_stable(state == DEAD)
    is_long = len(state) - 1 - since >= STAYED
    return TurningPoints(np.where(is_long, since, NEVER), events)
