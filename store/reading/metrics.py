"""The metrics of a run as one table, with what each says of itself."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from store.format.metadata import Document
from store.format.names import (
    EPOCH_MEAN,
    EPOCH_MEAN_UNTIL,
    EPOCH_SAMPLES,
    RESERVED_METRICS,
    UPDATE_DIM,
    Array,
    metric_path,
)


def metrics_of(
    nodes: Mapping[str, Document], read: Callable[[Sequence[str]], Iterable[Array]]
) -> xr.Dataset:
    """Make the table of a run's metrics.

    Parameters
    ----------
    nodes : mapping of str to Document
        Checked metadata of every node, by path.
    read : callable
        Takes paths of arrays, and gives each of them whole.

    Returns
    -------
    Dataset (update,)
        As of `store.reading.run.Run.metrics`.
    """
    coords = {UPDATE_DIM: (UPDATE_DIM, np.empty(0, np.int64))}
    variables = {}
    paths = [path for path in nodes if path.startswith(metric_path(""))]
    for path, array in zip(paths, read(paths), strict=True):
        node, attributes = path.removeprefix(metric_path("")), nodes[path]["attributes"]
        if node == UPDATE_DIM or (node == EPOCH_SAMPLES and "name" not in attributes):
            coords[node] = (UPDATE_DIM, array)
            continue
        # The node is named so that every file system takes it; the attribute is exact.
        name = attributes.get("name", node)
        key = name if name not in RESERVED_METRICS else path
        variables[key] = (UPDATE_DIM, array, _marks_of_means(attributes))
    return xr.Dataset(variables, coords=coords)


def _marks_of_means(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Give what a metric says of being a mean over the epoch so far."""
    if attributes.get(EPOCH_MEAN) is not True:
        return {}
    until = attributes.get(EPOCH_MEAN_UNTIL)
    return {EPOCH_MEAN: True} | ({} if until is None else {EPOCH_MEAN_UNTIL: until})
