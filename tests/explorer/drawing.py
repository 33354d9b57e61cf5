"""What a view draws, and what its widgets give the browser."""

from __future__ import annotations

from typing import Any

import panel as pn

from explorer.views.base import Scene, View, drawn
from explorer.widgets.page.choice import Choice


def drawn_by(view: View, scene: Scene) -> Any:
    """What a view draws, or the sentence that it gives instead."""
    return drawn(view, scene)


def payload_of(widget: Any, index: int = 0) -> Any:
    """What the browser gets for a recorded step."""
    sent: list[dict[str, Any]] = []
    widget._send_msg = sent.append
    widget._handle_msg({"key": widget.key, "want": [index]})
    assert "error" not in sent[0], sent[0]
    return sent[0]["payload"]


def choice_of(panel: pn.viewable.Viewable, title: str) -> Choice:
    """The one choice of that title within what a view drew."""
    (found,) = (choice for choice in panel.select(Choice) if choice.title == title)
    return found
