"""What a recording costs the training, and when that is too much."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, field

# Most of the training's time that a recorder may take before it says so.
COST_LIMIT = 0.05
# A shorter training is judged as if it took this long: at its start every cost is a large share.
LEAST_SECONDS = 20.0


@dataclass(slots=True)
class Cost:
    """Seconds that the training spent in the recorder, beside those it took in all.

    Attributes
    ----------
    limit : float
        Share of the training's time that is allowed.
    thin : bool
        Whether scheduled steps are left out while the share is above the limit.
    opening : float
        Seconds spent before the first step: tracing the model and creating the run.
    recording : float
        Seconds spent since then, waiting for a full queue included.
    """

    limit: float = COST_LIMIT
    thin: bool = False
    opening: float = 0.0
    recording: float = 0.0
    _past: float = 0.0
    _began: float | None = None
    _warned: bool = False
    _costs: list[float] = field(default_factory=lambda: [0.0])

    @property
    def seconds(self) -> float:
        """Seconds spent in the recorder."""
        return self.opening + self.recording

    @property
    def wall(self) -> float:
        """Seconds that the trainings took, the recorder included."""
        running = 0.0 if self._began is None else time.perf_counter() - self._began
        return self._past + running

    @property
    def is_over(self) -> bool:
        """Whether the recorder took more than its share."""
        return self.seconds > self.limit * max(self.wall, LEAST_SECONDS)

    def warn_once(self, log: logging.Logger) -> None:
        """Say that the recorder takes more than its share, if that was not said yet."""
        if self._warned:
            return
        self._warned = True
        log.warning(
            "Recording takes %.0f %% of the training's time so far, more than the %g %% of "
            "cost_limit. Record fewer steps, probes or layers%s.",
            100 * self.seconds / self.wall,
            100 * self.limit,
            "" if self.thin else ", or pass thin=True to leave out steps until it fits",
        )

    def begin(self, at: float) -> None:
        """Note when a training began; again before `end` does nothing."""
        if self._began is None:
            self._began = at

    def end(self, at: float) -> None:
        """Note when a training ended."""
        if self._began is not None:
            self._past += at - self._began
            self._began = None

    def note_step(self, seconds: float) -> None:
        """Note what the step that was just recorded took."""
        self._costs = [*self._costs[-4:], seconds]

    def allows(self) -> bool:
        """Whether a step that costs as much as the last few may be recorded.

        The time that it took to open the run does not count: it is spent, whatever is left out now.
        """
        if not self.thin:
            return True
        likely = sum(self._costs) / len(self._costs)
        return self.recording + likely <= self.limit * max(self.wall, LEAST_SECONDS)
