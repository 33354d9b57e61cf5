"""Single updates: the weights are held before those whose step may be recorded, then compared."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from recorder.backend import MeasuresUpdates, UpdateNorm
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

    It holds the weights before an update, and before the one before that, and lets them go as
    soon as no step near is to be recorded: what is held costs the training a copy.

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
        self._before: _Held | None = None  # the update that is going on, or was just done
        self._earlier: _Held | None = None  # the one before it

    @property
    def held(self) -> int:
        """How many sets of weights are held."""
        return sum(held is not None for held in (self._before, self._earlier))

    def before_update(self, step: int, *, hold: bool) -> None:
        """Note that an update begins.

        Parameters
        ----------
        step : int
            Optimizer updates done.
        hold : bool
            Whether a step may be recorded after this update, or after the one that follows.
        """
        if self._before is None or self._before.step < step:
            self._earlier = self._before
        self._before = _Held(step, self._subject.hold_weights()) if hold else None

    def measure(self, step: int, gradients: Sequence[Any] | None = None) -> Callable[[], Frames]:
        """Read the weights after an update; the result gives the run's arrays, on another thread.

        Parameters
        ----------
        step : int
            Optimizer updates done. Where the update that led there was not seen, nothing is known.
        gradients : sequence, optional
            As for `MeasuresUpdates.update_norms`.
        """
        before, earlier = self._before, self._earlier
        if before is not None and before.step >= step:
            # The next update was announced already, as in a loop that then ends.
            before, earlier = earlier, None
        if before is None or before.step >= step:
            return lambda: self._frames(0, {})
        norms = self._subject.update_norms(
            before.weights, gradients, earlier=None if earlier is None else earlier.weights
        )
        return lambda: self._frames(step - before.step, norms())

    def _frames(self, count: int, norms: Mapping[str, UpdateNorm]) -> Frames:
        unknown = UpdateNorm(np.nan)
        measured = [norms.get(path, unknown) for path in self._spec.variables]
        frames = {
            update_path(name): np.array([value(norm) for norm in measured], np.float64)
            for name, value in _HELD_IN.items()
        }
        return {UPDATE_COUNT_PATH: np.array(count, np.int64), **frames}
