"""A plain callback that copies weights and notes losses."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import keras

from benchmarks.trainings.attempt import Attempt, Seen


class Witness(keras.callbacks.Callback):
    """Watches a ``fit``, as any callback of a user does.

    Parameters
    ----------
    attempt : Attempt
        Takes what is seen.
    inputs : Any
        The probe.
    model : keras.Model or None
        What is watched; None: the model that is fitted.
    count : callable or None
        Gives the updates done; None: they are the batches.
    is_resumed : bool
        Whether an earlier process has begun the training.
    """

    def __init__(
        self,
        attempt: Attempt,
        inputs: Any,
        *,
        model: Any,
        count: Callable[[], int] | None,
        is_resumed: bool,
    ) -> None:
        super().__init__()
        self._attempt, self._inputs, self._chosen = attempt, inputs, model
        self._count, self._is_resumed = count, is_resumed
        self._seen: Seen | None = None
        self._watched: Any = None
        self._batches = self._batch = 0

    def on_train_begin(self, logs: Mapping[str, Any] | None = None) -> None:
        """Begin anew with a model that was not seen before."""
        watched = self.model if self._chosen is None else self._chosen
        if watched is not self._watched:
            self._watched, self._batches = watched, 0
            self._seen = self._attempt.see(watched, self._inputs)
            self._seen.is_resumed, self._seen.is_fitted = self._is_resumed, True

    def on_epoch_begin(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Count the batches of this epoch from its start."""
        self._batch = 0
        self._note()

    def on_train_batch_begin(self, batch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Note the start of a model that is built by now, and was not before."""
        self._note()

    def on_train_batch_end(self, batch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Note what a batch, or the last of several in one execution, has come to."""
        self._batches += batch + 1 - self._batch
        self._batch = batch + 1
        self._attempt.note_losses(logs or {})
        self._note()

    def on_epoch_end(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Note the losses of validation, too."""
        self._attempt.note_losses(logs or {})

    def _note(self) -> None:
        assert self._seen is not None
        self._seen.note(self._batches if self._count is None else self._count())
