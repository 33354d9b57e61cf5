"""Counts epochs and optimizer updates of a training, over several fits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from recorder.keras import settings
from store.live.metrics_table import EpochMeans


@dataclass(slots=True)
class EpochCount:
    """Counts epochs.

    Attributes
    ----------
    done : float
        Epochs done, over all fits.
    """

    done: float = 0.0
    _base: float = 0.0
    _first: bool = True
    _epoch: int = 0
    _batches: int | None = None

    def begin_fit(self) -> None:
        """Note that a fit begins."""
        self._first = True

    def begin_epoch(self, epoch: int, batches: int | None) -> None:
        """Note that an epoch begins, of so many batches if that is known."""
        if self._first:
            # A further fit counts its epochs from 0 again, unless it is told otherwise.
            self._base = max(0.0, self.done - epoch)
            self._first = False
        self._epoch = epoch
        if batches is not None:
            self._batches = batches
        self.done = self._base + epoch

    def ends_within(self, batch: int, batches: int) -> bool | None:
        """Whether the epoch ends within so many batches from this one on; None: not known."""
        return None if self._batches is None else batch + batches >= self._batches

    def end_batch(self, batch: int) -> None:
        """Note that a batch is done."""
        if self._batches:
            self.done = self._base + self._epoch + min(1.0, (batch + 1) / self._batches)

    def end_epoch(self, last_batch: int) -> None:
        """Note that an epoch is done."""
        self._batches = self._batches or last_batch + 1
        self.done = self._base + self._epoch + 1


@dataclass(slots=True)
class UpdateCount:
    """Counts optimizer updates, by the optimizer itself where it counts them.

    A training step of one's own may use optimizers that Keras does not know; then every batch is
    an update.
    """

    _seen: int | None = None
    _moved: bool = False
    _batch: int = -1

    @property
    def batch(self) -> int:
        """The last batch of this epoch."""
        return self._batch

    def begin_epoch(self, model: Any) -> None:
        """Note that an epoch begins."""
        self._batch = -1
        self._seen = settings.updates_done(model)

    def end_batch(self, model: Any, batch: int) -> int:
        """Note that a batch, or several, are done; give the updates since the last time."""
        batches, self._batch = max(1, batch - self._batch), batch
        before, self._seen = self._seen, settings.updates_done(model)
        if before is None or self._seen is None:
            return batches
        updates = self._seen - before
        self._moved = self._moved or updates > 0
        return updates if self._moved or settings.may_pause(model) else batches


@dataclass(slots=True)
class RunningMeans:
    """Knows which metrics `fit` gives as means over the epoch so far."""

    _names: frozenset[str] | None = None

    def now(self, model: Any) -> EpochMeans | None:
        """Give them after a batch, and of how many samples; None where that is not known."""
        samples = settings.epoch_samples(model)
        if samples is None:
            return None
        if self._names is None:  # compiled metrics are there from the first batch on
            self._names = frozenset(settings.running_means(model))
        return EpochMeans(self._names, samples)


@dataclass(slots=True)
class BatchMetrics:
    """Computes the metrics of single batches from Keras's means over the epoch so far."""

    _means: Mapping[str, float] | None = None
    _batches: int = 0

    def alone(self, model: Any, metrics: Mapping[str, float], batches: int) -> Mapping[str, float]:
        """Give the metrics of the batches since the last call.

        Parameters
        ----------
        model : keras.Model
            Says which metrics are means.
        metrics : mapping of str to float
            Means over this epoch so far, and others.
        batches : int
            Batches of this epoch so far.
        """
        known = settings.running_means(model)
        fresh = self._means is None or batches <= self._batches
        before: Mapping[str, float] = {} if fresh or self._means is None else self._means
        done = 0 if fresh else self._batches
        self._means, self._batches = dict(metrics), batches
        return {
            name: (value * batches - before.get(name, 0.0) * done) / (batches - done)
            if name in known
            else value
            for name, value in metrics.items()
        }
