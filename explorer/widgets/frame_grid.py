"""A grid of 8-bit pictures, painted in the browser from frames that are read ahead."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import panel as pn
import param

from explorer.widgets.base import Widget, script

logger = logging.getLogger(__name__)

# What the browser may ask for in one message, and what may wait from earlier ones.
MOST_WANTED = 32
MOST_WAITING = 8

Provider = Callable[[int], npt.NDArray[np.uint8]]


class FrameGrid(Widget):
    """Shows the frame of the step on screen.

    The browser asks for frames by position and keeps them; the newest request is served first,
    one frame an event-loop tick, so that a jump never waits behind what is read ahead.

    Parameters
    ----------
    provider : callable
        Returns the frame of a recorded step: (tiles, height, width), uint8, 0 for NaN.
    count : int
        Number of recorded steps.
    """

    key = param.String(default="", doc="What the frames are of; a new key drops those kept.")
    mode: param.Selector[str] = param.Selector(
        default="tiles", objects=["tiles", "matrix"], doc="Layout."
    )
    palette = param.Parameter(doc="Colours: (768,) uint8.")
    low = param.Number(default=0.0, doc="Value of the lowest colour.")
    high = param.Number(default=1.0, doc="Value of the highest colour.")
    places = param.Integer(default=1, doc="Tiles of each unit; 0 if tiles are no units.")
    x_labels = param.List(default=[], doc="Texts under the columns of a matrix.")
    x_name = param.String(default="token", doc="What a column of a matrix is.")
    label = param.String(default="", doc="Description for screen readers.")

    _esm = script("frame_grid.js")

    def __init__(self, provider: Provider, count: int, **params: Any) -> None:
        self._provider = provider
        self._count = count
        self._queue: list[int] = []
        self._serving = False
        super().__init__(**params)

    def _handle_msg(self, data: Any) -> None:
        """Queue what the browser asks for; anything malformed or outdated is ignored."""
        if not isinstance(data, dict) or data.get("key") != self.key:
            return
        asked = data.get("want")
        if not isinstance(asked, list):
            return
        wanted = [
            index
            for index in asked[:MOST_WANTED]
            if type(index) is int and 0 <= index < self._count
        ]
        wanted = list(dict.fromkeys(wanted))
        rest = [index for index in self._queue if index not in wanted]
        self._queue = wanted + rest[:MOST_WAITING]
        if not self._serving:
            self._serving = True
            self._serve()

    def _serve(self) -> None:
        if not self._queue:
            self._serving = False
            return
        index = self._queue.pop(0)
        answer: dict[str, Any] = {"key": self.key, "index": index}
        try:
            answer["frame"] = self._provider(index)
        except Exception as error:  # shown in place of the picture, and logged
            logger.exception("Frame %s of %s cannot be read", index, self.key)
            answer["error"] = f"This step cannot be shown: {error}"
        self._send_msg(answer)
        document = pn.state.curdoc
        if document is not None and document.session_context is not None:
            document.add_next_tick_callback(self._serve)
        else:
            self._serve()
