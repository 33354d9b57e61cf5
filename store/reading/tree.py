"""Show a run as a lazy `xarray.DataTree`, group by group as it is stored."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import xarray as xr

from store.format.metadata import Document
from store.format.names import CHECKSUMS, HISTORY_PREFIX
from store.reading.arrays import ArrayReader
from store.reading.lazy import lazy_variable, whole


def tree_of(
    attributes: Mapping[str, Any],
    nodes: Mapping[str, Document],
    reader: Callable[[str], ArrayReader],
) -> xr.DataTree:
    """Make the tree that `xarray.open_datatree` gives, of readers that hold to the byte budget.

    Parameters
    ----------
    attributes : mapping
        Of the root.
    nodes : mapping of str to Document
        Checked metadata of every node, by path; history twins and checksums are left out.
    reader : callable
        Gives the reader of an array by its path.

    Returns
    -------
    DataTree
        Lazy but for coordinates: arrays that are called as their only dimension.

    Raises
    ------
    ValueError
        Dimensions of one name disagree in size.
    """
    groups: dict[str, dict[str, xr.Variable]] = {"": {}}
    said: dict[str, Mapping[str, Any]] = {"": attributes}
    for path, node in nodes.items():
        if f"{path}/".startswith(HISTORY_PREFIX) or path == CHECKSUMS:
            continue
        if node["node_type"] == "group":
            groups.setdefault(path, {})
            said[path] = node["attributes"]
            continue
        group, _, name = path.rpartition("/")
        variable = lazy_variable(reader(path), node["attributes"])
        if variable.dims == (name,):
            variable = xr.Variable(name, np.asarray(whole(reader(path))), node["attributes"])
        groups.setdefault(group, {})[name] = variable
    made = {
        f"/{group}": xr.Dataset(
            {name: each for name, each in variables.items() if each.dims != (name,)},
            {name: each for name, each in variables.items() if each.dims == (name,)},
            dict(said.get(group, {})),
        )
        for group, variables in groups.items()
    }
    return xr.DataTree.from_dict(made)
