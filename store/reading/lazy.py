"""Show an `ArrayReader` as a lazy `xarray.DataArray`: indexing reads just what is asked for."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr
from xarray.backends import BackendArray
from xarray.core import indexing

from store.format.byte_budget import check_at_once
from store.format.names import PROBE_DIM, STEP_DIM, UNIT_DIM, Array
from store.reading.arrays import ArrayReader


class _LazyArray(BackendArray):
    """Adapter between xarray's indexers and `ArrayReader.read`."""

    def __init__(self, reader: ArrayReader) -> None:
        self._reader = reader
        self.shape = reader.shape
        self.dtype = reader.dtype

    def __getitem__(self, key: indexing.ExplicitIndexer) -> Any:
        return indexing.explicit_indexing_adapter(
            key, self.shape, indexing.IndexingSupport.BASIC, self._read
        )

    def _read(self, key: tuple[Any, ...]) -> Array:
        index = tuple(part if isinstance(part, slice) else int(part) for part in key)
        return self._reader.read(index)


def lazy_array(
    reader: ArrayReader,
    *,
    name: str,
    steps: Array | None,
    attributes: Mapping[str, Any],
) -> xr.DataArray:
    """DataArray over a reader, with coordinates for steps, probes and units.

    Parameters
    ----------
    reader : ArrayReader
        The array.
    name : str
        Name of the DataArray.
    steps : ndarray (step,) or None
        The recorded steps, for an array that has that dimension.
    attributes : mapping
        Attributes of the array. Where ``unit_stride`` says that units were left out, the
        coordinate ``unit`` names those that are there.
    """
    sizes = dict(zip(reader.dims, reader.shape, strict=True))
    coords: dict[str, Any] = {} if steps is None else {STEP_DIM: steps}
    if PROBE_DIM in sizes:
        coords[PROBE_DIM] = np.arange(sizes[PROBE_DIM])
    stride = attributes.get("unit_stride", 1)
    if stride > 1 and UNIT_DIM in sizes:
        coords[UNIT_DIM] = np.arange(sizes[UNIT_DIM]) * stride
    return xr.DataArray(lazy_variable(reader, attributes), coords=coords, name=name)


def lazy_variable(reader: ArrayReader, attributes: Mapping[str, Any]) -> xr.Variable:
    """Variable over a reader, which reads what is taken of it."""
    data = indexing.LazilyIndexedArray(_LazyArray(reader))
    return xr.Variable(reader.dims, data, dict(attributes))


def whole(reader: ArrayReader) -> Array:
    """Every element of an array that is small in any sound run.

    Raises
    ------
    RunFormatError
        It claims more than is read at once, or is damaged.
    """
    check_at_once(f"An array of shape {reader.shape}", nbytes(reader))
    return np.asarray(reader.read(tuple(slice(None) for _ in reader.shape)))


def nbytes(reader: ArrayReader) -> int:
    """Bytes of every element of an array."""
    return math.prod(reader.shape) * reader.dtype.itemsize
