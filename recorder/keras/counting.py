"""Counts epochs and optimizer updates of a training, over several fits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from recorder.keras import settings
from recorder.keras.optimizers import counting_optimizer
from recorder.weight_sample import WeightSample
from store.format.names import Array
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

    @property
    def fit_begins(self) -> bool:
        """Whether no epoch of the present fit has begun."""
        return self._first

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

    One that has counted none may wait for more batches, whose gradients a training step of one's
    own adds up, or it does nothing, and the step uses another that Keras does not know. The weights
    tell: where they move, an update was done. Every batch counts as one where nothing is trained,
    and in a model of parts, whose updates several optimizers may do.
    """

    _optimizer: Any = None  # the one that may count; None: every batch is an update
    _counts: bool = False  # whether it has done so
    _seen: int | None = None
    _batch: int = -1
    _sample: WeightSample | None = None
    _weights: Array | None = None  # the sample when it was last looked at

    @property
    def batch(self) -> int:
        """The last batch of this epoch."""
        return self._batch

    def counts_again(self, model: Any) -> bool:
        """Whether the optimizer has done fewer updates than when it was last asked."""
        now = settings.updates_done(model)
        return now is not None and self._seen is not None and now < self._seen

    def begin_epoch(self, model: Any, sample: WeightSample | None = None) -> None:
        """Note that an epoch begins.

        Parameters
        ----------
        model : keras.Model
            The model that is trained.
        sample : WeightSample, optional
            Of its weights; by default they are not known.
        """
        self._batch = -1
        before, self._optimizer = self._optimizer, counting_optimizer(model)
        self._counts = self._counts and self._optimizer is before
        self._seen = settings.updates_of(self._optimizer)
        self._sample = sample
        if sample is not None and self._seen is not None and not self._counts:
            self._weights = sample.now()

    def end_batch(self, model: Any, batch: int) -> int:
        """Note that a batch, or several, are done; give the updates since the last time."""
        batches, self._batch = max(1, batch - self._batch), batch
        before, self._seen = self._seen, settings.updates_of(self._optimizer)
        if before is None or self._seen is None:
            return batches
        updates = self._seen - before
        self._counts = self._counts or updates > 0
        if self._counts or settings.may_pause(model):
            return updates
        nothing_is_trained = not model.trainable_variables
        return batches if nothing_is_trained or self._weights_moved() else 0

    def _weights_moved(self) -> bool:
        """Whether the weights are others than when they were last looked at, if that is known."""
        if self._sample is None or self._weights is None:
            return True
        before, self._weights = self._weights, self._sample.now()
        # In a training that breaks down NaN differs from NaN: its updates go on.
        return not np.array_equal(before, self._weights)


@dataclass(slots=True)
class RunningMeans:
    """Knows which metrics `fit` gives as means over the samples of the epoch so far.

    Whether a metric has weights or masks shows in nothing but what it counts, and they may begin at
    any batch. So each is asked at every one: it is a mean over the samples as long as it has
    counted every sample of the epoch the same number of times, once or once for each token.
    """

    _samples: float = 0.0  # that were given last
    _begins: bool = True
    _is_told_apart: bool = True
    _per_sample: dict[str, float] = field(default_factory=dict)

    def begin_epoch(self) -> None:
        """Note that an epoch begins."""
        self._per_sample.clear()
        self._begins = True

    def now(self, samples: float | None, counts: Mapping[str, float]) -> EpochMeans | None:
        """Give them after a batch, and of how many samples; None where that is not known.

        Parameters
        ----------
        samples : float or None
            Of the epoch so far, where that is known.
        counts : mapping of str to float
            What each metric has counted in that time.
        """
        if samples is None:
            return None
        if self._begins:
            # Who reads the samples sees a new epoch where they do not grow, and only there.
            self._is_told_apart = samples <= self._samples or not self._samples
            self._begins = False
        if not self._is_told_apart:
            return None
        self._samples = samples
        names = set()
        for name, count in counts.items():
            per_sample = self._per_sample.setdefault(name, count / samples if samples else 0.0)
            if per_sample >= 1 and per_sample % 1 == 0 and count == per_sample * samples:
                names.add(name)
        return EpochMeans(frozenset(names), samples)


@dataclass(slots=True)
class BatchMetrics:
    """Computes the metrics of single batches from Keras's means over the epoch so far."""

    _means: Mapping[str, float] = field(default_factory=dict)
    _counts: Mapping[str, float] = field(default_factory=dict)

    def alone(
        self, metrics: Mapping[str, float], counts: Mapping[str, float]
    ) -> Mapping[str, float]:
        """Give the metrics of the batches since the last call.

        Parameters
        ----------
        metrics : mapping of str to float
            Means over this epoch so far, and others.
        counts : mapping of str to float
            What each of those means has counted, weights and masks included.
        """
        found = {name: self._since(name, value, counts) for name, value in metrics.items()}
        self._means, self._counts = dict(metrics), counts
        return found

    def _since(self, name: str, mean: float, counts: Mapping[str, float]) -> float:
        count, before = counts.get(name), self._counts.get(name, 0.0)
        if count is None or count <= before or name not in self._means:
            return mean  # none of these means, or the first of an epoch
        return (mean * count - self._means[name] * before) / (count - before)
