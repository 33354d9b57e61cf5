"""Heading of a card: title, caption, whether it is on screen, and its picture as a file."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import param

from explorer.widgets.base import Widget, script, styles

# Files of numbers that the menu offers.
ENDINGS = ("csv", "npz", "nc")


class CardHead(Widget):
    """Says what a card shows; tells Python when the card comes into view; saves it.

    The browser makes pictures of the card by itself. It asks Python for the numbers behind it:
    `wanted` is called with the file's ending and the position of the step on screen, and answers
    by `hand_over` or `decline`.
    """

    title = param.String(default="", doc="Name of the view.")
    caption = param.String(default="", doc="What is shown, in which units, and how to read it.")
    busy = param.Boolean(default=False, doc="Whether the picture is being computed.")
    seen = param.Boolean(default=False, doc="Whether the card is on screen, or nearly.")
    source = param.String(default="", doc="What the picture is of, for its file.")
    numbers = param.Boolean(default=False, doc="Whether the numbers behind it can be saved.")

    _esm = script("card_head.js", "paint", "snapshot", "vector")
    _stylesheets = styles("card_head")

    def __init__(
        self, wanted: Callable[[str, int, str], None] | None = None, **params: Any
    ) -> None:
        self._wanted = wanted
        super().__init__(numbers=wanted is not None, **params)

    def hand_over(self, content: bytes, ending: str, step: str) -> None:
        """Give the browser a file of numbers to save; `step` ends its name."""
        file = np.frombuffer(content, np.uint8)
        self._send_msg({"file": file, "ending": ending, "step": step})

    def decline(self, why: str) -> None:
        """Say why there are no numbers to save."""
        self._send_msg({"error": why})

    def _handle_msg(self, data: Any) -> None:
        """Pass on what the browser asks for; anything malformed is ignored."""
        if self._wanted is None or not isinstance(data, dict):
            return
        ending, index, step = (data.get(name) for name in ("save", "index", "step"))
        if ending in ENDINGS and type(index) is int and isinstance(step, str):
            self._wanted(ending, index, step)
