"""Checksums of small frames, in an array of their own along the steps.

Many small frames share a chunk of the live form, which is written on step by step and can bear no
checksum; larger ones end with the codec ``crc32c``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import google_crc32c
import numpy as np

from store.format.live_layout import place
from store.format.metadata import Document
from store.format.names import CHECKED_DIM, CHECKSUMS, STEP_DIM, Array
from store.format.spec import ArraySpec

# Attribute of the array: paths of the arrays that its columns are of.
_ARRAYS = "arrays"
_DTYPE = "uint32"


def checksum_spec(specs: Iterable[ArraySpec]) -> ArraySpec:
    """Describe the checksums of all arrays along the steps whose frames are small.

    Parameters
    ----------
    specs : iterable of ArraySpec
        Every array along the steps, stored or not.
    """
    small = [
        spec.path
        for spec in specs
        if place(spec.frame_shape, np.dtype(spec.dtype).itemsize).is_dense
    ]
    # In an order that does not change when layers are described in another one.
    paths = sorted(small)
    dims = (STEP_DIM, CHECKED_DIM)
    return ArraySpec(CHECKSUMS, dims, (len(paths),), _DTYPE, {_ARRAYS: paths})


def frame_checksums(frames: Iterable[Array]) -> Array:
    """CRC-32C of the bytes of each frame, little endian, one element after the other.

    Returns
    -------
    ndarray (frame,), uint32
    """
    value = google_crc32c.value
    return np.array([value(frame.tobytes()) for frame in frames], _DTYPE)


def checked_paths(attributes: Mapping[str, Any]) -> Sequence[str]:
    """Paths of the arrays that the columns are of, as the array's attributes say."""
    paths: Sequence[str] = attributes[_ARRAYS]
    return paths


def checked_columns(nodes: Mapping[str, Document]) -> dict[str, int]:
    """Which column is of which array, by path; empty in runs that have no such checksums."""
    node = nodes.get(CHECKSUMS)
    if node is None:
        return {}
    return {path: column for column, path in enumerate(checked_paths(node["attributes"]))}


def checksum_problem(node: Any) -> str | None:
    """Say what is wrong with the array's metadata, which is sound for an array of any name."""
    if node["node_type"] != "array" or node["dimension_names"] != [STEP_DIM, CHECKED_DIM]:
        return f"is not an array along {STEP_DIM} and {CHECKED_DIM}"
    paths = node["attributes"].get(_ARRAYS)
    if not isinstance(paths, list) or not all(isinstance(path, str) for path in paths):
        return f"{_ARRAYS} is not a list of texts"
    if len(paths) != node["shape"][1] or len(set(paths)) != len(paths):
        return f"{_ARRAYS} does not name each of the {node['shape'][1]} columns once"
    if node["data_type"] != _DTYPE:
        return f"data type is {node['data_type']}, expected {_DTYPE}"
    return None
