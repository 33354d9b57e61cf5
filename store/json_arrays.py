"""Texts as arrays: UTF-8 JSON in uint8, since every Zarr reader reads bytes."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from store.schema import Array


def json_bytes(value: Any) -> Array:
    """UTF-8 JSON as a uint8 array: how texts are stored, since every Zarr reader reads bytes."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False)
    return np.frombuffer(text.encode(), np.uint8)


def from_json_bytes(values: Array) -> Any:
    """Invert `json_bytes`."""
    return json.loads(np.asarray(values, np.uint8).tobytes().decode())
