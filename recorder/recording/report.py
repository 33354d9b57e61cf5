"""What a recording did and cost, as the user reads it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from store.tools.info import human_bytes

REASONS = {
    "cost_limit": "to hold the cost limit",
    "byte_budget": "to stay within the byte budget",
}


@dataclass(frozen=True, slots=True)
class Report:
    """What a recording did and cost.

    Attributes
    ----------
    steps, nbytes : int
        Steps recorded, and their uncompressed bytes: what `trainlapse info` counts as steps.
    seconds : float
        Time that the training spent in the recorder, waiting included.
    waited : float
        The part of it spent waiting for a full queue.
    wall_seconds : float
        Duration of the training, the recorder included.
    fault : Exception or None
        What ended the recording before the training ended.
    background_seconds : float
        Time that the recorder's own thread was at work beside the training. It costs the training
        nothing while a processor is free, and at most this.
    skipped : mapping of str to int
        Scheduled steps that were left out, by reason: ``cost_limit``, ``byte_budget``.
    """

    steps: int
    nbytes: int
    seconds: float
    waited: float
    wall_seconds: float
    fault: Exception | None = None
    background_seconds: float = 0.0
    skipped: Mapping[str, int] = field(default_factory=dict)

    @property
    def share(self) -> float:
        """Share of the training's duration that was spent in the recorder."""
        return self.seconds / self.wall_seconds if self.wall_seconds else 0.0

    def __str__(self) -> str:
        left_out = "".join(
            f", {count} left out {REASONS.get(reason, reason)}"
            for reason, count in self.skipped.items()
        )
        return (
            f"Recorded {self.steps} steps ({human_bytes(self.nbytes)} raw{left_out}): "
            f"{self.share:.1%} of the training's {self.wall_seconds:.1f} s, and "
            f"{self.background_seconds:.1f} s of work beside it"
        )
