"""Whether the weights that a training goes on with are those that it had left."""

from __future__ import annotations

import math

import numpy as np

from recorder.weight_sample import WeightSample
from store.format.names import Array

# Sums of the sampled weights with random signs stand for them: the distance of two such sets of
# sums is about that of the weights, so that all that were ever left can be kept.
SUMS = 8
# Weights that are no further apart, in shares of their norm, are the same: what is swapped in and
# out again by adding and subtracting comes back with other last bits.
SAME = 1e-6


class Continuity:
    """Remembers the weights wherever the training may be left, and compares.

    A sample of the trainable weights is looked at, which is quick to read. Weights that are loaded,
    restored, averaged or set differ from those before nearly everywhere, so that a sample shows it.

    Parameters
    ----------
    sample : WeightSample
        Of the model.
    """

    def __init__(self, sample: WeightSample) -> None:
        self._sample = sample
        self._signs: Array | None = None
        self._known: list[Array] = []  # every one that was left, (SUMS + 1,): the norm comes last
        self._is_left = False

    @property
    def is_left(self) -> bool:
        """Whether no update followed the last `leave`."""
        return self._is_left

    def leave(self) -> None:
        """Remember the weights as they are after an update."""
        self._known.append(self._now())
        self._is_left = True

    def go_on(self) -> bool:
        """Tell whether the weights changed since `leave`, before an update changes them."""
        was_left, self._is_left = self._is_left, False
        return was_left and not self.is_as_left()

    def is_as_left(self) -> bool:
        """Whether the weights are those of the last `leave`."""
        return self._are_among(self._known[-1:])

    def is_at_start(self) -> bool:
        """Whether the weights are those of the first `leave`."""
        return self._are_among(self._known[:1])

    def is_known(self) -> bool:
        """Whether the weights are those of any `leave`."""
        return self._are_among(self._known)

    def _are_among(self, known: list[Array]) -> bool:
        now = self._now()
        return any(_same(now, each) for each in known)

    def _now(self) -> Array:
        values = self._sample.now().astype(np.float64)
        if self._signs is None:
            self._signs = np.random.default_rng(0).choice([-1.0, 1.0], (SUMS, values.size))
        with np.errstate(over="ignore", invalid="ignore"):  # a training may break down
            # By one thread: those of a BLAS spin while the training needs the cores.
            sums = np.einsum("ij,j->i", self._signs, values)
            return np.append(sums, np.sqrt(np.einsum("i,i->", values, values)))


def _same(one: Array, other: Array) -> bool:
    if np.array_equal(one, other, equal_nan=True):
        return True
    apart = float(np.sqrt(np.mean((one[:-1] - other[:-1]) ** 2)))
    return math.isfinite(apart) and apart <= SAME * float(max(one[-1], other[-1]))
