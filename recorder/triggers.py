"""Schedules that watch the training: they record where weights move fast, and at events."""

from __future__ import annotations

import math
import statistics
from collections import deque
from dataclasses import dataclass
from typing import Any

from recorder import arguments
from recorder.schedule import Observation, Schedule, Trigger, Watch
from recorder.scope import parse_bytes

# The smallest change that is worth a step of its own: below this two pictures look alike.
FINEST_CHANGE = 1e-3
# With n steps left of the budget, the next one is recorded when the weights have moved by PACE / n
# of the way that they have come so far. Then n falls like way ** (-1 / PACE): a tenth of the steps
# is left when the way is 10,000 times as long.
PACE = 4.0
# Fewer values than this do not tell what is usual.
LEAST_HISTORY = 8


@dataclass(frozen=True, slots=True)
class _Adaptive(Trigger):
    budget: int | str
    change: float

    def watch(self, step_bytes: int) -> Watch:
        return _ChangeWatch(max(0, parse_bytes(self.budget) // max(1, step_bytes)), self.change)

    def __repr__(self) -> str:
        return f"adaptive({self.budget!r}, change={self.change})"


class _ChangeWatch:
    """Wants a step when the weights have moved far enough since the last recorded one."""

    def __init__(self, steps: int, finest: float) -> None:
        self._left = steps  # of the budget
        self._finest = finest
        self._way = 0.0  # sum of the changes from one recorded step to the next
        self._last: Any = None

    def wants(self, observation: Observation) -> bool:
        if self._left <= 1:  # one is kept for the last step of the training
            return False
        if self._last is None:
            return True
        enough = max(self._finest, PACE * self._way / self._left)
        return bool(observation.weights.change_since(self._last) >= enough)

    def recorded(self, observation: Observation) -> None:
        if self._last is not None:
            change = observation.weights.change_since(self._last)
            self._way += change if math.isfinite(change) else 0.0
        self._last = observation.weights.now()
        self._left -= 1


@dataclass(frozen=True, slots=True)
class _OnEvent(Trigger):
    metric: str
    factor: float
    window: int
    after: int

    def watch(self, step_bytes: int) -> Watch:  # noqa: ARG002
        return _EventWatch(self)

    def __repr__(self) -> str:
        return (
            f"on_event({self.metric!r}, factor={self.factor}, window={self.window}, "
            f"after={self.after})"
        )


class _EventWatch:
    """Wants a step when a metric leaves its usual range, and a few steps that follow."""

    def __init__(self, event: _OnEvent) -> None:
        self._event = event
        self._usual: deque[float] = deque(maxlen=event.window)
        self._following = 0
        self._outside = False

    def wants(self, observation: Observation) -> bool:
        value = observation.metrics.get(self._event.metric)
        before = self._outside
        if value is not None:
            self._outside = self._is_outside(value)
            if math.isfinite(value):
                self._usual.append(value)
        if self._outside and not before:
            self._following = self._event.after
            return True
        self._following -= 1
        return self._following >= 0

    def recorded(self, observation: Observation) -> None:
        """Do nothing: recording does not change what is usual."""

    def _is_outside(self, value: float) -> bool:
        if not math.isfinite(value):
            return True
        if len(self._usual) < LEAST_HISTORY:
            return False
        middle = statistics.median(self._usual)
        return value > middle + (self._event.factor - 1) * abs(middle)


def adaptive(budget: int | str, *, change: float = FINEST_CHANGE) -> Schedule:
    """Record densely where the weights move fast, within a number of bytes.

    At first a step is recorded when the weights have moved by `change` since the last recorded
    step. Later they must move by a share of the way that they have come so far, and this share
    grows as the budget runs out. So a training of any length is covered to its end and keeps within
    its bytes. Every recorded step takes its part of the budget, whichever schedule wanted it.

    Parameters
    ----------
    budget : int or str
        Most bytes of recorded steps before compression, for instance ``"200 MB"``.
    change : float
        The smallest change that is recorded: the Euclidean norm of the weights' difference over
        that of the weights, both estimated from a sample of them. By default 0.001.

    Raises
    ------
    SpecError
        `budget` is no number of bytes.
    ArgumentError
        `change` is not a number above 0.

    Examples
    --------
    >>> from recorder import every_epoch
    >>> adaptive("200 MB") | every_epoch()
    adaptive('200 MB', change=0.001) | every_epoch()
    """
    parse_bytes(budget, "adaptive(budget=...)")
    least = arguments.number("adaptive(change=...)", change, above=0.0)
    return _Adaptive(arguments.plain(budget), least)


def on_event(
    metric: str = "loss", *, factor: float = 3.0, window: int = 50, after: int = 3
) -> Schedule:
    """Record when a metric jumps up or stops being a number, and a few steps that follow.

    Parameters
    ----------
    metric : str
        Name of the metric to watch, update by update; by default the loss.
    factor : float
        A value is a jump when it is this many times the usual one, which is the median of the last
        values. By default 3.
    window : int
        How many of the last values count for the median, at least 8; by default 50.
    after : int
        How many steps are recorded after the jump; by default 3.

    Raises
    ------
    ArgumentError
        `metric` is no text, or a number is out of its range.

    Examples
    --------
    >>> on_event(factor=2)
    on_event('loss', factor=2, window=50, after=3)
    """
    return _OnEvent(
        arguments.text("on_event(metric=...)", metric),
        arguments.number("on_event(factor=...)", factor, above=1.0),
        arguments.whole("on_event(window=...)", window, least=LEAST_HISTORY),
        arguments.whole("on_event(after=...)", after, least=0),
    )
