"""Repair how Panel and Bokeh treat websockets: no message is lost, and a browser may disconnect.

With `explorer.server.addresses`, the only module that changes functions of Panel and Bokeh. A
version that does not have a function which is repaired here is left as it is.
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable, Sequence
from typing import Any

from bokeh.server.connection import ServerConnection
from panel.io import document as panel_document

# Functions by which Panel writes to sockets itself: at once, or later if a write is under way.
PANEL_WRITERS = ("write_events", "schedule_write_events")
# Loggers of Bokeh, and how warnings of theirs begin that are none: for each message to a browser
# that has disconnected, and since all origins reach Bokeh, of those that the gate lets through.
UNFOUNDED = {
    "bokeh.server.views.ws": "Failed sending message as connection was closed",
    "bokeh.server.util": "Host wildcard",
}


def repair() -> None:
    """Repair Panel and Bokeh for all sessions of this process. A second call changes nothing."""
    send_through_bokeh()
    skip_closing_sockets()
    for name in UNFOUNDED:
        logging.getLogger(name).addFilter(is_worth_logging)


def send_through_bokeh() -> None:
    """Let Bokeh send all changes of a session, in order and under the lock of its document.

    Panel writes to sockets itself. A message that it queues just as another write ends is not sent
    before the session's next message; without a next one, a picture never arrives (seen in Panel
    1.9; 1.10 queues by the same rule, but more rarely). And if a socket closes during such a write,
    tasks are left whose exceptions are never retrieved. What Panel fails to write it hands to
    Bokeh, so its writers are replaced by one that always fails.
    """
    if all(hasattr(panel_document, writer) for writer in PANEL_WRITERS):
        for writer in PANEL_WRITERS:
            setattr(panel_document, writer, refuse_to_write)


class NotWrittenError(Exception):
    """Raised in place of writing to a socket, so that Panel hands the changes to Bokeh."""


def refuse_to_write(_document: Any, _connections: Any, events: Sequence[Any], **_: Any) -> None:
    """Refuse to write changes of a document, in place of Panel's functions.

    Like those, it takes away the callbacks of changes that were made in Python: Panel would treat
    them as changes in the browser, and apply them once more when they may be outdated.

    Raises
    ------
    NotWrittenError
        Always.
    """
    for event in events:
        if event.setter is None:
            event.callback_invoker = None
    raise NotWrittenError


def skip_closing_sockets() -> None:
    """Do not ping a socket that is closing.

    Bokeh pings all sockets now and then, and forgets the session of one that it finds closed.
    Messages that the browser had sent before, and the closing itself, are handled later and then
    fail. Pings cannot be left out altogether: only a ping finds a socket that was closed before
    its session was made.
    """
    connections: Any = ServerConnection
    send_ping = getattr(connections, "send_ping", None)
    if send_ping is not None and not hasattr(send_ping, "__wrapped__"):
        connections.send_ping = skipping_closing(send_ping)


def skipping_closing(send_ping: Callable[[Any], None]) -> Callable[[Any], None]:
    """Wrap Bokeh's function that pings a connection: it skips sockets that are closing."""

    @functools.wraps(send_ping)
    def ping(connection: Any) -> None:
        # Tornado sets it to None right before it reports the close.
        stream = getattr(getattr(connection, "_socket", None), "ws_connection", None)
        if stream is None or not stream.is_closing():
            send_ping(connection)

    return ping


def is_worth_logging(record: logging.LogRecord) -> bool:
    """Whether to log a record: all but those of `UNFOUNDED`."""
    unfounded = UNFOUNDED.get(record.name)
    return unfounded is None or not record.getMessage().startswith(unfounded)
