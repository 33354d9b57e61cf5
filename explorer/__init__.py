"""Replay a recorded training: arrays (`derived`), pictures (`plots`), panes (`views`), the app.

In a notebook, `explore` shows a run, `picture` one view of it as a HoloViews object; `network_at`
gives the network at a recorded step, for any input, and `findings` says what happened. Opening the
explorer loads no TensorFlow. Names are imported at their first use: nothing but what is needed.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from explorer.at_step.door import network_at
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
    "network_at",
    "picture",
    "titles",
]

_HOMES = {
    "Finding": "explorer.derived.findings.finding",
    "findings": "explorer.inquiry.findings",
    "network_at": "explorer.at_step.door",
}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    home = _HOMES.get(name, "store.errors" if name.endswith("Error") else "explorer.notebook")
    return getattr(importlib.import_module(home), name)


def __dir__() -> list[str]:
    return [*__all__]
