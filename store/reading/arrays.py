"""Read one array of a run, in the fastest way that its layout allows.

On a local disk the live form is read without Zarr: single steps by reading just their bytes,
histories and scans through memory maps, where a file is a strided array (`store.reading.live`).
`ZarrArray` serves every other case.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
import zarr
import zarr.abc.store
import zarr.storage

from store.errors import RunFormatError, TrainlapseError
from store.format.metadata import Document
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


class ZarrArray:
    """Any array, through zarr-python.

    Parameters
    ----------
    document : Document
        Metadata as the run's root document gives it: an array's own may lag behind.
    store : Store
        Where the run is.
    path : str
        The array's path below the root.
    """

    def __init__(self, document: Document, store: zarr.abc.store.Store, path: str) -> None:
        self.shape = tuple(document["shape"])
        self.dtype = np.dtype(document["data_type"])
        self.dims = tuple(document["dimension_names"])
        self._metadata: Any = document
        self._place = zarr.storage.StorePath(store, path)
        self._lock = threading.Lock()
        self._array: Any = None

    def read(self, index: Index) -> Array:
        """Elements at `index`, as a new array."""
        where = normalized(index, self.shape)
        try:
            with self._lock:
                if self._array is None:
                    self._array = zarr.Array(zarr.AsyncArray(self._metadata, self._place))
            return np.asarray(self._array[where])
        except (TrainlapseError, MemoryError):
            raise
        except Exception as error:  # codecs raise whatever they like on damaged bytes
            if isinstance(error, OSError) and error.errno is not None:
                raise  # the disk's own complaint
            raise RunFormatError(f"{self._place} cannot be decoded: {error}") from error
