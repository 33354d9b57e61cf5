"""Read an activation that is not stored: as it follows from others, part by part."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from store.format.derived_layers import DerivedArray
from store.format.names import Array
from store.format.operations import Box
from store.reading.arrays import ArrayReader, Index, normalized


class FollowingArray:
    """An activation that follows from others at every step.

    Parameters
    ----------
    derived : DerivedArray
        How, and its shape.
    sources : sequence of ArrayReader
        The activations that it follows from. Of these just that is read which is needed: of a
        packed run's histories, a history.
    """

    def __init__(self, derived: DerivedArray, sources: Sequence[ArrayReader]) -> None:
        self.shape, self.dims, self.dtype = derived.shape, derived.dims, np.dtype(derived.dtype)
        self._derivation = derived.derivation
        self._sources = sources

    def read(self, index: Index) -> Array:
        """Elements at `index`, as a new array."""
        first, *rest = normalized(index, self.shape)
        # One step as several: readers of the live form then map just what is asked for.
        steps = slice(first, first + 1) if isinstance(first, int) else first
        axes = [_box_and_rest(part, size) for part, size in zip(rest, self.shape[1:], strict=True)]
        values = self._read(steps, tuple(box for box, _ in axes))
        chosen = (0 if isinstance(first, int) else slice(None), *(inside for _, inside in axes))
        return np.asarray(values[chosen])

    def _read(self, steps: slice, box: Box) -> Array:
        shapes = [source.shape[1:] for source in self._sources]
        needs = self._derivation.operation.needs(box, *shapes)
        blocks = [
            source.read((steps, *needed))
            for source, needed in zip(self._sources, needs, strict=True)
        ]
        return self._derivation.compute(box, shapes, blocks)


class JoinedArray:
    """An activation that followed at the first steps, and is stored at the others.

    Parameters
    ----------
    following, stored : ArrayReader
        Both of its full length.
    begins : int
        Position of the first step that is stored.
    """

    def __init__(self, following: ArrayReader, stored: ArrayReader, begins: int) -> None:
        self.shape, self.dims, self.dtype = following.shape, following.dims, following.dtype
        self._parts = (following, stored)
        self._begins = begins

    def read(self, index: Index) -> Array:
        """Elements at `index`, as a new array."""
        first, *rest = normalized(index, self.shape)
        if isinstance(first, int):
            return self._parts[first >= self._begins].read((first, *rest))
        steps = range(self.shape[0])[first]
        rising = steps if steps.step > 0 else steps[::-1]
        early = len(range(rising.start, min(rising.stop, self._begins), rising.step))
        values = np.concatenate(
            [
                part.read((slice(some.start, some.stop, some.step), *rest))
                for part, some in zip(self._parts, (rising[:early], rising[early:]), strict=True)
                if some
            ]
            or [self._parts[0].read((slice(0, 0), *rest))]
        )
        return values if rising is steps else values[::-1]


def _box_and_rest(part: int | slice, size: int) -> tuple[slice, int | slice]:
    """Range of an axis that holds what is asked for, and where within it that is."""
    if isinstance(part, int):
        return slice(part, part + 1), 0
    places = range(size)[part]
    if not places:
        return slice(0, 0), slice(None)
    low, high = min(places[0], places[-1]), max(places[0], places[-1])
    return slice(low, high + 1), slice(None, None, places.step)
