"""The one error of everything that has to do with checkpoints."""

from __future__ import annotations

from store.errors import TrainlapseError


class CheckpointError(TrainlapseError, ValueError):
    """A checkpoint cannot be read, does not fit the model, or has no place in time."""
