"""Show an `ArrayReader` as a lazy `xarray.DataArray`: indexing reads just what is asked for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr
from xarray.backends import BackendArray
from xarray.core import indexing

from store.arrays import ArrayReader
from store.schema import Array


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
    coords: Mapping[str, Any],
    attributes: Mapping[str, Any],
) -> xr.DataArray:
    """DataArray over a reader; `coords` for dimensions that the array lacks are left out."""
    data = indexing.LazilyIndexedArray(_LazyArray(reader))
    variable = xr.Variable(reader.dims, data, dict(attributes))
    present = {dim: values for dim, values in coords.items() if dim in reader.dims}
    return xr.DataArray(variable, coords=present, name=name)


def whole(reader: ArrayReader) -> Array:
    """Every element of an array."""
    return np.asarray(reader.read(tuple(slice(None) for _ in reader.shape)))
