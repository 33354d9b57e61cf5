"""The run as a file: an open Zarr v3 hierarchy, written step by step and read lazily.

Knows NumPy, Zarr and xarray; never TensorFlow, never a drawing library. Names are imported at
their first use, so that a command line starts without loading Zarr.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from store.errors import TrainlapseError

if TYPE_CHECKING:
    from store.format.layers import Layer, Layers
    from store.live.writer import RunWriter
    from store.reading.run import Run, open_run

__all__ = ["Layer", "Layers", "Run", "RunWriter", "TrainlapseError", "open_run"]

_HOMES = {
    "Layer": "store.format.layers",
    "Layers": "store.format.layers",
    "Run": "store.reading.run",
    "RunWriter": "store.live.writer",
    "open_run": "store.reading.run",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'store' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)
