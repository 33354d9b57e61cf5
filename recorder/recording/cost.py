"""What a recording costs the training, and when that is too much."""

from __future__ import annotations

import logging
import statistics
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

# Most of the training's time that a recorder may take before it says so.
COST_LIMIT = 0.05
# What is left out to hold the limit is judged as if the training took at least this long: at its
# start every cost is a large share.
LEAST_SECONDS = 20.0
# The steady share is a median over spans of the training, each of so many seconds. The first one is
# not among them: models are traced in it.
SPAN_SECONDS = 2.0
# Fewer spans say nothing yet; more are of the past.
FEWEST_SPANS, MOST_SPANS = 10, 60


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
    clock : callable
        Gives the time in seconds.
    """

    limit: float = COST_LIMIT
    thin: bool = False
    opening: float = 0.0
    recording: float = 0.0
    clock: Callable[[], float] = time.perf_counter
    _spans: deque[float] = field(default_factory=lambda: deque(maxlen=MOST_SPANS))
    _span_began: tuple[float, float] | None = None  # when, and the cost until then
    _is_warm: bool = False
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
        running = 0.0 if self._began is None else self.clock() - self._began
        return self._past + running

    @property
    def steady_share(self) -> float | None:
        """Share of the training's time that the recorder takes lately; None: not known yet."""
        if len(self._spans) < FEWEST_SPANS:
            return None
        return statistics.median(self._spans)

    def warn_once(self, log: logging.Logger) -> None:
        """Look at the clock; say, once, that the recorder steadily takes more than its share."""
        if self._warned or not self._span_ended():
            return
        share = self.steady_share
        if share is None or share <= self.limit:
            return
        self._warned = True
        log.warning(
            "Recording takes %.0f %% of the training's time, more than the %g %% of cost_limit. "
            "Record fewer steps, probes or layers%s.",
            100 * share,
            100 * self.limit,
            "" if self.thin else ", or pass thin=True to leave out steps until it fits",
        )

    def begin(self, at: float) -> None:
        """Note when a training began; again before `end` does nothing."""
        if self._began is None:
            self._began = at
            self._span_began, self._is_warm = (at, self.recording), False

    def end(self, at: float) -> None:
        """Note when a training ended."""
        if self._began is not None:
            self._past += at - self._began
            self._began = None

    def _span_ended(self) -> bool:
        """Take the share of the span that ends now, if one does."""
        now = self.clock()
        if self._span_began is None:
            self._span_began = now, self.recording
        began, spent = self._span_began
        if now - began < SPAN_SECONDS:
            return False
        if self._is_warm:
            self._spans.append((self.recording - spent) / (now - began))
        self._span_began, self._is_warm = (now, self.recording), True
        return True

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
