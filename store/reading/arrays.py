"""Read one array of a run, in the fastest way that its layout allows.

On a local disk single steps of the live form are read as just their bytes, histories and scans
through memory maps, where a file is a strided array (`store.reading.live`). Every other array is
read chunk by chunk (`store.reading.packed`). Neither goes through zarr-python, which lets a codec
make of a few bytes what it likes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np

from store.format.names import Array

# Basic indexing only: what every reader supports.
Index = tuple[int | slice, ...]


class ArrayReader(Protocol):
    """An array of a run, read lazily."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    dims: tuple[str, ...]

    def read(self, index: Index) -> Array:
        """Elements at `index` (integers and slices), as a new array."""
        ...


def normalized(index: Index, shape: Sequence[int]) -> Index:
    """Index with an entry for every axis, no negative integer and nothing out of bounds.

    Readers look at files that may hold more than is committed; what lies past `shape` does not
    exist.

    Examples
    --------
    >>> normalized((-1,), (4, 8))
    (3, slice(0, 8, 1))
    """
    if len(index) > len(shape):
        raise IndexError(f"The array has {len(shape)} dimensions, the index {len(index)}.")
    full = (*index, *(slice(None) for _ in range(len(shape) - len(index))))
    return tuple(
        _bounded_slice(part, size) if isinstance(part, slice) else _bounded(int(part), size)
        for part, size in zip(full, shape, strict=True)
    )


def _bounded(position: int, size: int) -> int:
    if not -size <= position < size:
        raise IndexError(f"Position {position} is out of bounds for an axis of size {size}.")
    return position % size


def _bounded_slice(part: slice, size: int) -> slice:
    start, stop, stride = part.indices(size)
    return slice(start, None if stop < 0 else stop, stride)
