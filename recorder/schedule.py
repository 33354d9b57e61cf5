"""Which steps are recorded. The recorder itself adds step 0 and the last step to every schedule."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from recorder import arguments

# On 630 updates in 10 epochs (LeNet on 4,000 digits) this records 54 steps; twice the density
# records 88, at two thirds more cost. Each further decade of training adds this many.
STEPS_PER_DECADE = 20
# What an error about a schedule expects.
SCHEDULES = (
    "what functions such as every_n_steps(), every_epoch() or log_spaced() give, joined by |"
)


@dataclass(frozen=True, slots=True)
class Schedule:
    """Base of all schedules. Combine two with ``|``: a step is recorded when either wants it."""

    def due(self, step: int, epoch_end: bool) -> bool:
        """Whether to record this step.

        Parameters
        ----------
        step : int
            Optimizer updates done.
        epoch_end : bool
            Whether an epoch ends with this step.
        """
        raise NotImplementedError

    def triggers(self) -> tuple[Trigger, ...]:
        """Give the parts that decide by metrics or weights, not by the step's number."""
        return ()

    def __or__(self, other: Schedule) -> Schedule:
        if not isinstance(other, Schedule):
            return NotImplemented
        return _Union((*_parts(self), *_parts(other)))


@dataclass(frozen=True, slots=True)
class Observation:
    """What a trigger may look at when a step is done.

    Attributes
    ----------
    step : int
        Optimizer updates done.
    metrics : mapping of str to float
        Metrics of this update alone.
    weights : recorder.weight_sample.WeightSample
        A sample of the weights, taken when it is asked for.
    """

    step: int
    metrics: Mapping[str, float]
    weights: Any


class Watch(Protocol):
    """A trigger at work in one training."""

    def wants(self, observation: Observation) -> bool:
        """Whether to record the step that was just done; asked once for every step."""

    def recorded(self, observation: Observation) -> None:
        """Note that the step was recorded, whichever schedule wanted it."""


@dataclass(frozen=True, slots=True)
class Trigger(Schedule):
    """A schedule that watches the training; see `recorder.triggers`."""

    def due(self, step: int, epoch_end: bool) -> bool:  # noqa: ARG002, D102
        return False

    def triggers(self) -> tuple[Trigger, ...]:  # noqa: D102
        return (self,)

    def watch(self, step_bytes: int) -> Watch:
        """Begin to watch a training whose recorded steps take so many bytes each."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class _AtSteps(Schedule):
    steps: frozenset[int] = field(default_factory=frozenset)

    def due(self, step: int, epoch_end: bool) -> bool:  # noqa: ARG002
        return step in self.steps

    def __repr__(self) -> str:
        return f"at_steps({sorted(self.steps)})"


@dataclass(frozen=True, slots=True)
class _EveryNSteps(Schedule):
    n: int

    def due(self, step: int, epoch_end: bool) -> bool:  # noqa: ARG002
        return step % self.n == 0

    def __repr__(self) -> str:
        return f"every_n_steps({self.n})"


@dataclass(frozen=True, slots=True)
class _EveryEpoch(Schedule):
    def due(self, step: int, epoch_end: bool) -> bool:  # noqa: ARG002
        return epoch_end

    def __repr__(self) -> str:
        return "every_epoch()"


@dataclass(frozen=True, slots=True)
class _LogSpaced(Schedule):
    per_decade: int

    def due(self, step: int, epoch_end: bool) -> bool:  # noqa: ARG002
        if step < 1:
            return step == 0
        # A step is due when a point 10 ** (k / per_decade) rounds to it.
        nearest = round(math.log10(step) * self.per_decade)
        # Half a step is at most this many points away, since points are denser at small steps.
        reach = math.ceil(self.per_decade / step) + 1
        return any(
            round(10 ** (k / self.per_decade)) == step
            for k in range(max(0, nearest - reach), nearest + reach + 1)
        )

    def __repr__(self) -> str:
        return f"log_spaced(per_decade={self.per_decade})"


@dataclass(frozen=True, slots=True)
class _Union(Schedule):
    parts: tuple[Schedule, ...]

    def due(self, step: int, epoch_end: bool) -> bool:
        return any(part.due(step, epoch_end) for part in self.parts)

    def triggers(self) -> tuple[Trigger, ...]:
        return tuple(trigger for part in self.parts for trigger in part.triggers())

    def __repr__(self) -> str:
        return " | ".join(repr(part) for part in self.parts)


def every_n_steps(n: int) -> Schedule:
    """Record every `n` optimizer updates.

    Parameters
    ----------
    n : int
        Optimizer updates from one recorded step to the next.

    Raises
    ------
    ArgumentError
        `n` is not a whole number of at least 1.

    Examples
    --------
    >>> [step for step in range(10) if every_n_steps(4).due(step, False)]
    [0, 4, 8]
    """
    return _EveryNSteps(arguments.whole("every_n_steps(n=...)", n, least=1))


def at_steps(steps: Iterable[int]) -> Schedule:
    """Record at these steps.

    Parameters
    ----------
    steps : iterable of int
        Optimizer updates done, for instance ``[1, 10, 100]`` or ``range(500, 600)``.

    Raises
    ------
    ArgumentError
        One of them is not a whole number of at least 0.

    Examples
    --------
    >>> at_steps([100, 1]) | every_epoch()
    at_steps([1, 100]) | every_epoch()
    """
    given = arguments.plain(steps)
    if isinstance(given, str | bytes) or not isinstance(given, Iterable):
        arguments.refuse("at_steps(steps=...)", steps, "steps such as [1, 10, 100]")
    named = "each of at_steps(steps=...)"
    return _AtSteps(frozenset(arguments.whole(named, each, least=0) for each in given))


def every_epoch() -> Schedule:
    """Record at the end of every epoch.

    Examples
    --------
    >>> every_n_steps(100) | every_epoch()
    every_n_steps(100) | every_epoch()
    """
    return _EveryEpoch()


def log_spaced(per_decade: int = STEPS_PER_DECADE) -> Schedule:
    """Record densely at the start, where most is learned, and ever more sparsely later.

    Parameters
    ----------
    per_decade : int
        Recorded steps between 100 and 1,000, between 1,000 and 10,000, and so on; by default 20.
        Where this is more than there are steps, every step is recorded: of 20, up to step 11.

    Raises
    ------
    ArgumentError
        `per_decade` is not a whole number of at least 1.

    Examples
    --------
    >>> [step for step in range(101) if log_spaced(per_decade=3).due(step, False)]
    [0, 1, 2, 5, 10, 22, 46, 100]
    """
    return _LogSpaced(arguments.whole("log_spaced(per_decade=...)", per_decade, least=1))


def default_schedule() -> Schedule:
    """Give the schedule of a recorder that was told none."""
    return log_spaced() | every_epoch()


def due_since(schedule: Schedule, previous: int, step: int, *, epoch_end: bool) -> bool:
    """Whether any step after `previous`, up to `step`, is due.

    Some trainings do several updates between two callbacks (``steps_per_execution``); the first
    step that is seen at or after a due one is then recorded in its place.
    """
    return schedule.due(step, epoch_end) or any(
        schedule.due(skipped, False) for skipped in range(previous + 1, step)
    )


def _parts(schedule: Schedule) -> tuple[Schedule, ...]:
    return schedule.parts if isinstance(schedule, _Union) else (schedule,)
