"""A component that asks the server for what it shows at each recorded step."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import panel as pn
import param

from explorer.widgets.base import Widget

logger = logging.getLogger(__name__)

# Most steps that the browser may request in one message, and that stay queued from earlier ones.
MOST_WANTED = 32
MOST_WAITING = 8

Payload: TypeAlias = Mapping[str, Any]
Provider = Callable[[int], "npt.NDArray[np.uint8] | Payload"]


class Stepped(Widget):
    """Sends the steps that the browser requests, the newest request first.

    The browser requests steps by position and keeps what it gets. One step is sent in each tick of
    the event loop, so that a jump of the slider need not wait for steps that are read ahead.

    Parameters
    ----------
    provider : callable
        Takes the position of a recorded step, returns what is shown at it: an array, which is sent
        under the name ``frame``, or a mapping of arrays and texts by name.
    count : int
        Number of recorded steps.
    **params
        Parameters of the component.
    """

    key = param.String(default="", doc="What the frames are of; a new key drops those kept.")
    still = param.Boolean(default=False, doc="Whether every step shows the frame of position 0.")
    label = param.String(default="", doc="Description for screen readers.")

    def __init__(self, provider: Provider, count: int, **params: Any) -> None:
        self._provider = provider
        self._count = count
        self._queue: list[int] = []
        self._serving = False
        super().__init__(**params)

    def change(self, key: str, provider: Provider, **changes: Any) -> None:
        """Show something else.

        Parameters
        ----------
        key : str
            What the new frames are of; the browser drops those of another key.
        provider : callable
            As of the class.
        **changes
            Values of other parameters that are set together with it.
        """
        self._provider = provider
        self._queue.clear()
        self.param.update(key=key, **changes)

    def payload(self, index: int) -> Payload:
        """Return what is shown at a recorded step, by its position: arrays and texts by name."""
        made = self._provider(0 if self.still else index)
        return made if isinstance(made, Mapping) else {"frame": made}

    def _handle_msg(self, data: Any) -> None:
        """Queue the steps that the browser requests; malformed or outdated requests are ignored."""
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
            answer["payload"] = dict(self.payload(index))
        except Exception as error:  # shown in place of the picture, and logged
            logger.exception("Frame %s of %s cannot be read", index, self.key)
            answer["error"] = f"This step cannot be shown: {error}"
        self._send_msg(answer)
        document = pn.state.curdoc
        if document is not None and document.session_context is not None:
            document.add_next_tick_callback(self._serve)
        else:
            self._serve()
