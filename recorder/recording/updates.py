"""Single updates: the weights are held before those whose step may be recorded, then compared."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from recorder import arguments
from recorder.backend import MeasuresUpdates, UpdateNorm
from store.errors import ArgumentError
from store.format.names import Array
from store.format.spec import UPDATE_ARRAYS, UPDATE_COUNT_PATH, UpdatesSpec, update_path

Frames = Mapping[str, Array]

# Which of a measured update each array of a run holds.
_HELD_IN: Mapping[str, Callable[[UpdateNorm], float]] = {
    "norm": lambda norm: norm.update,
    "weight": lambda norm: norm.weight,
    "cosine": lambda norm: norm.cosine,
    "gradient": lambda norm: norm.gradient,
}
assert _HELD_IN.keys() == UPDATE_ARRAYS.keys()


@dataclass(frozen=True, slots=True)
class _Held:
    """The weights as they were when so many updates were done."""

    step: int
    weights: Any


class UpdateMeter:
    """Measures the update that leads to a recorded step.

    It holds the weights before each update, and lets them go as soon as no step near is to be
    recorded: what is held costs the training a copy.

    Parameters
    ----------
    subject : MeasuresUpdates
        The model.
    spec : UpdatesSpec
        The variables, as the run has them.
    """

    def __init__(self, subject: MeasuresUpdates, spec: UpdatesSpec) -> None:
        self._subject = subject
        self._spec = spec
        # One more than the two that are compared: an update that was announced may not come, where
        # the data or a loop end.
        self._held: deque[_Held] = deque(maxlen=3)

    @property
    def held(self) -> int:
        """How many sets of weights are held."""
        return len(self._held)

    def before_update(self, step: int, *, hold: bool) -> None:
        """Note that an update begins.

        Parameters
        ----------
        step : int
            Optimizer updates done.
        hold : bool
            Whether a step may be recorded after this update, or after the one that follows.
        """
        if not hold:
            self._held.clear()
            return
        if self._held and self._held[-1].step == step:  # no update came of the last one
            self._held.pop()
        self._held.append(_Held(step, self._subject.hold_weights()))

    def measure(self, step: int, gradients: Sequence[Any] | None = None) -> Callable[[], Frames]:
        """Read the weights after an update; the result gives the run's arrays, on another thread.

        Parameters
        ----------
        step : int
            Optimizer updates done. Where the update that led there was not seen, nothing is known.
        gradients : sequence, optional
            As for `MeasuresUpdates.update_norms`.
        """
        if isinstance(gradients, Mapping):  # as they are given of several models
            arguments.refuse(
                "record(gradients=...)", gradients, "numbers, or None, for each trainable variable"
            )
        past = [held for held in self._held if held.step < step]
        if not past:
            return lambda: self._frames(0, {})
        before = past[-1]
        earlier = past[-2].weights if len(past) > 1 else None
        try:
            norms = self._subject.update_norms(before.weights, gradients, earlier=earlier)
        except ValueError as error:
            if gradients is None or isinstance(error, ArgumentError):
                raise
            raise ArgumentError(
                "record(gradients=...) expects one gradient, or None, for each trainable variable, "
                f"in the model's order: {error}"
            ) from error
        return lambda: self._frames(step - before.step, norms())

    def _frames(self, count: int, norms: Mapping[str, UpdateNorm]) -> Frames:
        unknown = UpdateNorm(np.nan)
        measured = [norms.get(path, unknown) for path in self._spec.variables]
        frames = {
            update_path(name): np.array([value(norm) for norm in measured], np.float64)
            for name, value in _HELD_IN.items()
        }
        return {UPDATE_COUNT_PATH: np.array(count, np.int64), **frames}
