"""Replay a recorded training: arrays (`derived`), pictures (`plots`), panes (`views`), the app.

In a notebook, `explore` shows a run, `picture` one view of it as a HoloViews object. `findings`
says in sentences what happened in it. Opening the explorer loads no TensorFlow. Names are imported
at their first use: nothing but what is needed.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from explorer.derived.findings.finding import Finding
    from explorer.inquiry.findings import findings
    from explorer.notebook import explore, picture, titles
    from store.errors import (
        ChunkDamagedError,
        MissingExtraError,
        RemoteError,
        RunFormatError,
        RunNotFoundError,
        SchemaVersionError,
        SpecError,
        TrainlapseError,
    )

__all__ = [
    "ChunkDamagedError",
    "Finding",
    "MissingExtraError",
    "RemoteError",
    "RunFormatError",
    "RunNotFoundError",
    "SchemaVersionError",
    "SpecError",
    "TrainlapseError",
    "explore",
    "findings",
    "picture",
    "titles",
]

# Where what is neither an error nor of the notebook comes from.
HOMES = {
    "Finding": "explorer.derived.findings.finding",
    "findings": "explorer.inquiry.findings",
}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    home = "store.errors" if name.endswith("Error") else HOMES.get(name, "explorer.notebook")
    return getattr(importlib.import_module(home), name)


def __dir__() -> list[str]:
    return [*__all__]
