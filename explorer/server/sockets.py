"""Sockets as this process wants them: nothing that is sent is lost, and a browser may leave.

The only module that reaches into how Panel and Bokeh treat sockets. Where a version of theirs has
not what is mended here, it is left as it is.
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable, Sequence
from typing import Any

from bokeh.server.connection import ServerConnection
from panel.io import document as panel_document

# With these Panel writes past Bokeh: at once, or, while the socket is being written to, later.
WAYS_PAST_BOKEH = ("write_events", "schedule_write_events")
# What Bokeh warns of, by this logger, for each message that no longer reaches a browser.
SENDER = "bokeh.server.views.ws"
NOBODY_THERE = "Failed sending message as connection was closed"


def mend() -> None:
    """Mend the ways of Panel and Bokeh for all sessions of this process; twice is like once."""
    send_through_bokeh()
    let_sockets_close()
    logging.getLogger(SENDER).addFilter(is_news)


def send_through_bokeh() -> None:
    """Send all that a session changes in order, under the lock of its document, as Bokeh does.

    What Panel sends past Bokeh is lost where it is queued as the writing of another message ends:
    it waits for the session's next one, and without a next one a picture never comes (seen in 1.9;
    1.10 queues by the same rule, but more rarely). Where a socket closes in the midst of it, tasks
    are left whose errors nobody takes. Panel hands to Bokeh what it fails to write itself; so it
    fails with everything.
    """
    if all(hasattr(panel_document, way) for way in WAYS_PAST_BOKEH):
        for way in WAYS_PAST_BOKEH:
            setattr(panel_document, way, leave_to_bokeh)


class LeftToBokehError(Exception):
    """Says to Panel that it has not written."""


def leave_to_bokeh(_document: Any, _connections: Any, events: Sequence[Any], **_: Any) -> None:
    """Refuse to write changes of a document, in place of Panel's functions.

    What Python has changed Python is not told again, as it was not by those: Panel would take it
    for a change in the browser, and make it once more when it may be outdated.
    """
    for event in events:
        if event.setter is None:
            event.callback_invoker = None
    raise LeftToBokehError


def let_sockets_close() -> None:
    """Let a socket that is closing come to its end, before Bokeh forgets whose it was.

    Bokeh pings all sockets now and then, and forgets the sessions of those that it finds closed.
    What the browser had sent through one before, and the end itself, come later and then fail. Not
    to ping at all is no way out: a socket that was closed before its session was there comes to an
    end of which nobody is told, and only a ping finds it.
    """
    connections: Any = ServerConnection
    send_ping = getattr(connections, "send_ping", None)
    if send_ping is not None and not hasattr(send_ping, "__wrapped__"):
        connections.send_ping = patient(send_ping)


def patient(send_ping: Callable[[Any], None]) -> Callable[[Any], None]:
    """Make what pings over a connection of Bokeh's pass over those that are about to end."""

    @functools.wraps(send_ping)
    def ping(connection: Any) -> None:
        # Tornado drops it as the last thing before it tells the end.
        stream = getattr(getattr(connection, "_socket", None), "ws_connection", None)
        if stream is None or not stream.is_closing():
            send_ping(connection)

    return ping


def is_news(record: logging.LogRecord) -> bool:
    """Whether a record tells more than that a browser left while something was sent to it."""
    return record.getMessage() != NOBODY_THERE
