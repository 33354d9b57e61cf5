"""A small sample of a network's weights, cheap enough to be looked at after every update."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from store.format.names import Array

# Scalars that are taken of each variable, evenly spread over it.
SAMPLED = 512

# Takes a stride k for each variable; makes what reads every k-th element of it, in C order. The
# variables follow each other: (element,), float32.
MakeReader = Callable[[Sequence[int]], Callable[[], Array]]


class WeightSample:
    """Evenly spread elements of every trainable variable.

    Parameters
    ----------
    shapes : sequence of tuple of int
        Shape of each variable.
    make_reader : callable
        Makes what reads the sample; called before the sample is first read.
    """

    def __init__(self, shapes: Sequence[Sequence[int]], make_reader: MakeReader) -> None:
        sizes = [math.prod(shape) for shape in shapes]
        self._strides = [max(1, size // SAMPLED) for size in sizes]
        # Making a reader may take 50 ms, and most recordings never need one.
        self._make_reader = make_reader
        self._read: Callable[[], Array] | None = None if sizes else _nothing
        # An element stands for the elements beside it that were not taken.
        counts = [-(-size // stride) for size, stride in zip(sizes, self._strides, strict=True)]
        self._shares = np.repeat(np.array(sizes) / np.maximum(counts, 1), counts)
        self._ends = np.cumsum(counts, dtype=np.int64)

    @classmethod
    def joined(cls, samples: Sequence[WeightSample]) -> WeightSample:
        """Give the sample of several models as one."""
        whole = cls([], _no_reader)
        whole._shares = np.concatenate([sample._shares for sample in samples])
        whole._read = lambda: np.concatenate([sample.now() for sample in samples])
        return whole

    def now(self) -> Array:
        """Read the sample: (element,), float32."""
        if self._read is None:
            self._read = self._make_reader(self._strides)
        return self._read()

    def change_since(self, before: Array) -> float:
        """Norm of the difference over the norm before, as estimated from the sample.

        Parameters
        ----------
        before : ndarray (element,)
            What `now` gave earlier.
        """
        moved = float(np.sum(self._shares * (self.now() - before) ** 2))
        size = float(np.sum(self._shares * before**2))
        return float(np.sqrt(moved / size)) if size else float(np.inf if moved else 0.0)

    def moved_since(self, before: Array) -> list[bool]:
        """Tell of each variable whether the elements that were taken of it are others.

        Parameters
        ----------
        before : ndarray (element,)
            What `now` gave earlier.
        """
        now = self.now()
        moved = (now != before) & ~(np.isnan(now) & np.isnan(before))
        return [bool(part.any()) for part in np.split(moved, self._ends)[: len(self._ends)]]


def _no_reader(strides: Sequence[int]) -> Callable[[], Array]:  # noqa: ARG001
    return _nothing


def _nothing() -> Array:
    return np.empty(0, np.float32)
