"""Zarr v3 metadata documents, built and parsed without opening an array.

The root document of a run carries the metadata of every node (consolidated), so that opening a
run is one read, and replacing that one file is the commit. Specification: Zarr core 3.0 and the
``sharding_indexed`` codec.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from store.format.names import utf8

Document = dict[str, Any]


def array_document(
    *,
    shape: Sequence[int],
    dtype: str,
    dims: Sequence[str],
    chunk_shape: Sequence[int],
    chain: Sequence[Document],
    attributes: Mapping[str, Any],
) -> Document:
    """Metadata document of an array."""
    return {
        "zarr_format": 3,
        "node_type": "array",
        "shape": list(shape),
        "data_type": dtype,
        "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": list(chunk_shape)}},
        "chunk_key_encoding": {"name": "default", "configuration": {"separator": "."}},
        "fill_value": _fill_value(dtype),
        "codecs": list(chain),
        "attributes": dict(attributes),
        "dimension_names": list(dims),
    }


def group_document(attributes: Mapping[str, Any]) -> Document:
    """Metadata document of a group."""
    return {"zarr_format": 3, "node_type": "group", "attributes": dict(attributes)}


def _fill_value(dtype: str) -> Any:
    """Choose what a reader sees where nothing was written: NaN is not mistaken for a value."""
    kind = np.dtype(dtype).kind
    if kind == "f":
        return "NaN"
    return False if kind == "b" else 0


class ConsolidatedRoot:
    """The root document as text, ready to be republished with other lengths.

    Serializing hundreds of nodes takes milliseconds; only the first length of each growing
    array changes, so the text between the lengths is made once.

    Parameters
    ----------
    nodes : mapping of str to Document
        Metadata by path, without the root.
    lengths : mapping of str to str
        For each growing array, the name of its first dimension.
    """

    # Stands for a length while the text is made; no valid shape contains it.
    _SLOT = -7_777_777_777

    def __init__(self, nodes: Mapping[str, Document], lengths: Mapping[str, str]) -> None:
        self._parts: list[str] = []
        self._slots: list[str] = []
        text = ""
        for number, (path, node) in enumerate(nodes.items()):
            text += ("," if number else "") + json.dumps(path) + ":"
            if path in lengths:
                slotted = {**node, "shape": [self._SLOT, *node["shape"][1:]]}
                before, _, after = _dump(slotted).partition(str(self._SLOT))
                self._parts.append(text + before)
                self._slots.append(lengths[path])
                text = after
            else:
                text += _dump(node)
        self._tail = text

    def render(self, attributes: Mapping[str, Any], lengths: Mapping[str, int]) -> bytes:
        """Root document as bytes, with the current length of each growing dimension."""
        metadata = "".join(
            part + str(lengths[dim]) for part, dim in zip(self._parts, self._slots, strict=True)
        )
        head = _dump(group_document(attributes))[:-1]
        return utf8(
            f'{head},"consolidated_metadata":{{"kind":"inline","must_understand":false,'
            f'"metadata":{{{metadata}{self._tail}}}}}}}'
        )


def _dump(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def document_bytes(document: Document) -> bytes:
    """Serialize a single node's document."""
    return utf8(_dump(document))
