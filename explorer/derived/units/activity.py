"""Which units of a layer are dead, selective or always on, and when that changes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from explorer.derived.time.over_steps import by_step, carry_forward, first_stable

Array = npt.NDArray[Any]

DEAD = 0
SELECTIVE = 1
ALWAYS_ON = 2
UNKNOWN = 3

# How near to a bound a tanh or sigmoid counts as saturated, as a share of its range: there its
# slope is under 4 % of the steepest.
MARGIN = 0.01
# A smaller value of a linear layer counts as 0.
NOTHING = 1e-6


@dataclass(frozen=True, slots=True)
class Activity:
    """Which values of a unit count as active: those for which its function passes a gradient.

    Attributes
    ----------
    low, high : float
        Bounds; a value that equals one is not active.
    outside : bool
        False: active between the bounds. True: active beyond them.

    Examples
    --------
    >>> Activity()(np.array([-1.0, 0.0, 0.5, np.nan])).tolist()
    [False, False, True, False]
    """

    low: float = 0.0
    high: float = np.inf
    outside: bool = False

    def __call__(self, values: Array) -> npt.NDArray[np.bool_]:
        """Say of each value whether it is active; NaN is not."""
        if self.outside:
            return np.asarray((values < self.low) | (values > self.high))
        # Infinity is above 0 as well: a bound that is infinite excludes nothing.
        below = values <= self.high if np.isinf(self.high) else values < self.high
        return np.asarray((values > self.low) & below)

    @property
    def text(self) -> str:
        """The same in words, for a caption."""
        if self.outside:
            return f"below {self.low:g} or above {self.high:g}"
        if np.isinf(self.high):
            return f"above {self.low:g}"
        return f"between {self.low:g} and {self.high:g}"


def unsaturated(low: float, high: float, *, margin: float = MARGIN) -> Activity:
    """Activity of a function that saturates: active away from both bounds.

    Parameters
    ----------
    low, high : float
        Bounds of the function's values.
    margin : float
        Share of the range, at each end, that counts as saturated.
    """
    near = margin * (high - low)
    return Activity(low + near, high - near)


ACTIVITIES: dict[str, Activity] = {
    "relu": Activity(),
    "relu6": Activity(0.0, 6.0),
    "leaky_relu": Activity(),
    "elu": Activity(),
    "tanh": unsaturated(-1, 1),
    "softsign": unsaturated(-1, 1),
    "hard_tanh": unsaturated(-1, 1, margin=0),
    "sigmoid": unsaturated(0, 1),
    "hard_sigmoid": unsaturated(0, 1, margin=0),
    "softmax": unsaturated(0, 1),
    "linear": Activity(-NOTHING, NOTHING, outside=True),
}


def activity_of(activation: str | None) -> Activity:
    """Activity that suits a layer's activation function.

    Parameters
    ----------
    activation : str or None
        Keras's name of the function; None is linear.

    Returns
    -------
    Activity
        Above 0 for functions that are not in `ACTIVITIES`.

    Examples
    --------
    >>> activity_of("tanh").text
    'between -0.98 and 0.98'
    """
    return ACTIVITIES.get(activation or "linear", Activity())


@dataclass(frozen=True)
class UnitStates:
    """What the units of a layer do at every step, over all probes and positions.

    Attributes
    ----------
    active_share : ndarray (step, unit), float32
        Share of the values that are active; NaN where no value is known.
    mean : ndarray (step, unit), float32
        Mean value.
    state : ndarray (step, unit), uint8
        `DEAD`: active for no probe at no position. `ALWAYS_ON`: active for every probe at every
        position. `SELECTIVE`: anything between. `UNKNOWN`: all values are NaN.
    """

    active_share: Array
    mean: Array
    state: Array


def unit_states(frames: Iterable[Array], *, activity: Activity | None = None) -> UnitStates:
    """Share of active values, mean and state of each unit.

    A ReLU that is active for no input passes no gradient and learns no more: Lu et al. (2019),
    *Dying ReLU and initialization*. Probes are a sample: a unit that is dead here may be active
    for another input.

    Parameters
    ----------
    frames : iterable of ndarray (probe, ..., unit)
        Activations of the layer, one frame a step; what lies between are positions. NaN is left
        out (a masked token, for instance).
    activity : Activity, optional
        Which values are active; above 0 by default. See `activity_of`.
    """
    active = Activity() if activity is None else activity
    rows = [_measure(frame, active) for frame in frames]
    share, mean, state = (by_step(row[part] for row in rows) for part in range(3))
    return UnitStates(share, mean, state)


def _measure(frame: Array, activity: Activity) -> tuple[Array, Array, Array]:
    everywhere = tuple(range(frame.ndim - 1))
    known = np.count_nonzero(~np.isnan(frame), axis=everywhere)
    active = np.count_nonzero(activity(frame), axis=everywhere)
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        share = (active / known).astype(np.float32)
        mean = (np.nansum(frame, axis=everywhere, dtype=np.float64) / known).astype(np.float32)
    state = np.full(known.shape, SELECTIVE, np.uint8)
    state[active == known] = ALWAYS_ON
    state[active == 0] = DEAD
    state[known == 0] = UNKNOWN
    return share, mean, state


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
        Index of the first step from which the unit is dead to the end; `NEVER` (-1) otherwise.
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
    return TurningPoints(first_stable(state == DEAD), events)
