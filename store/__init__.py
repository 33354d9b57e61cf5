"""The run as a file: an open Zarr v3 hierarchy, written step by step and read lazily.

`open_run` gives a `Run` to read, `RunWriter` writes one; whatever goes wrong on purpose is a
`TrainlapseError`. Knows NumPy, Zarr and xarray; never TensorFlow, never a drawing library. Names
are imported at their first use, so that a command line starts without loading Zarr.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from store.errors import (
    ArgumentError,
    ArrayNotRecordedError,
    CheckpointError,
    ChunkDamagedError,
    LayerNotFoundError,
    MissingExtraError,
    PartNotFoundError,
    RemoteError,
    RunClosedError,
    RunExistsError,
    RunFormatError,
    RunLockedError,
    RunNotFoundError,
    SchemaVersionError,
    SpecError,
    StepNotRecordedError,
    StepOrderError,
    TrainlapseError,
)

if TYPE_CHECKING:
    from store.format.layers import Layer, Layers
    from store.live.writer import RunWriter
    from store.reading.run import Run, open_run

__all__ = [
    "ArgumentError",
    "ArrayNotRecordedError",
    "CheckpointError",
    "ChunkDamagedError",
    "Layer",
    "LayerNotFoundError",
    "Layers",
    "MissingExtraError",
    "PartNotFoundError",
    "RemoteError",
    "Run",
    "RunClosedError",
    "RunExistsError",
    "RunFormatError",
    "RunLockedError",
    "RunNotFoundError",
    "RunWriter",
    "SchemaVersionError",
    "SpecError",
    "StepNotRecordedError",
    "StepOrderError",
    "TrainlapseError",
    "open_run",
]

_HOMES = {
    "Layer": "store.format.layers",
    "Layers": "store.format.layers",
    "Run": "store.reading.run",
    "RunWriter": "store.live.writer",
    "open_run": "store.reading.run",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return [*__all__]
