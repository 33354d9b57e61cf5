"""Replay a recorded training: arrays (`derived`), pictures (`plots`), panes (`views`), the app.

In a notebook, `explore` shows a run, `picture` one view of it as a HoloViews object. Opening the
explorer loads no TensorFlow. Names are imported at their first use: nothing but what is needed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from explorer.notebook import explore, picture, titles

__all__ = ["explore", "picture", "titles"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'explorer' has no attribute {name!r}")
    from explorer import notebook

    return getattr(notebook, name)
