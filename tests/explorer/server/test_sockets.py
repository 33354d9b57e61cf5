"""What a session sends arrives whatever its socket does, and a browser may leave in the midst."""

from __future__ import annotations

import asyncio
import logging
import weakref
from collections.abc import Awaitable
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import panel as pn
import pytest
from bokeh.document import Document
from bokeh.models import Div
from bokeh.protocol import Protocol
from bokeh.server.connection import ServerConnection
from bokeh.server.contexts import BokehSessionContext
from bokeh.server.session import ServerSession
from panel.io import document as panel_document
from panel.io.state import set_curdoc
from tornado.ioloop import IOLoop
from tornado.locks import Lock
from tornado.websocket import WebSocketClosedError

from explorer.server import sockets

TEXTS = ("first", "second")


@pytest.fixture(autouse=True)
def _the_ways_of_the_libraries(monkeypatch: pytest.MonkeyPatch) -> None:
    """They are put back in the end."""
    for way in sockets.PANEL_WRITERS:
        monkeypatch.setattr(panel_document, way, getattr(panel_document, way))
    monkeypatch.setattr(ServerConnection, "send_ping", ServerConnection.send_ping)
    # How Panel writes to sockets of a kind.
    handlers = {Socket: lambda connection, msg: connection._socket.write(msg)}
    monkeypatch.setattr(panel_document, "extra_socket_handlers", handlers)


# -- nothing is lost ----------------------------------------------------------------------------


class Socket:
    """Takes messages; what Panel writes past Bokeh is written when the test says so."""

    def __init__(self) -> None:
        self.taken: list[str] = []
        self.writing: list[asyncio.Future[None]] = []
        self.write_lock = Lock()

    async def send_message(self, message: Any) -> None:
        self.taken.append(message.content_json)

    def write(self, message: Any) -> list[asyncio.Future[None]]:
        self.taken.append(message.content_json)
        self.writing.append(asyncio.get_running_loop().create_future())
        return self.writing[-1:]

    def texts(self) -> list[str]:
        """What the messages set, in order."""
        return [text for message in self.taken for text in TEXTS if f'"{text}"' in message]


async def two_changes() -> list[str]:
    """What the browser gets of two, the second made as the writing of the first ends."""
    socket, document, shown = Socket(), Document(), Div()
    document.add_root(shown)
    session: Any = ServerSession("a session", document, io_loop=IOLoop.current())  # type: ignore
    context: Any = BokehSessionContext("a session", None, document)  # type: ignore
    context._set_session(session)
    document._session_context = weakref.ref(context)
    panel_document.init_doc(document)
    pn.state._on_load(document)
    session.subscribe(ServerConnection(Protocol(), socket, None, session))  # type: ignore

    def change(text: str) -> Awaitable[None]:
        def callback() -> None:
            with set_curdoc(document), pn.io.unlocked():
                shown.text = text

        return session.with_document_locked(callback)

    with await socket.write_lock.acquire():  # something is being written
        await change("first")
    while not socket.taken:
        await asyncio.sleep(0)
    for written in socket.writing:
        written.set_result(None)  # who waits for it awakes after what comes next
    await change("second")
    for _ in range(20):
        await asyncio.sleep(0)
    return socket.texts()


def run(coroutine: Any) -> Any:
    """Run in a thread of its own: this one may have a loop, of browser tests before."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, coroutine).result()


def test_a_change_made_while_another_is_written_arrives() -> None:
    sockets.repair()
    sockets.repair()
    assert run(two_changes()) == ["first", "second"]


def test_a_change_is_told_to_the_browser_and_not_to_python_again() -> None:
    """Panel would take it for one that the browser has made."""
    of_python = SimpleNamespace(setter=None, callback_invoker=print)
    of_browser = SimpleNamespace(setter="a session", callback_invoker=print)
    with pytest.raises(sockets.NotWrittenError):
        sockets.refuse_to_write(None, [], [of_python, of_browser])
    assert of_python.callback_invoker is None
    assert of_browser.callback_invoker is print


# -- a browser leaves ----------------------------------------------------------------------------


def connection(*, closing: bool | None) -> tuple[ServerConnection, list[bytes]]:
    """Connection of a socket that is open, is closing, or (None) has come to its end."""
    pings: list[bytes] = []

    def ping(data: bytes) -> None:
        if closing is not False:
            raise WebSocketClosedError
        pings.append(data)

    state = None if closing is None else SimpleNamespace(is_closing=lambda: closing)
    socket: Any = SimpleNamespace(ping=ping, ws_connection=state)
    session: Any = SimpleNamespace(subscribe=lambda _: None)
    return ServerConnection(Protocol(), socket, None, session), pings  # type: ignore


def test_a_socket_that_is_closing_comes_to_its_end_before_it_is_given_up() -> None:
    sockets.repair()
    sockets.repair()
    is_open, pings = connection(closing=False)
    is_open.send_ping()
    is_open.send_ping()
    assert pings == [b"0", b"1"]
    connection(closing=True)[0].send_ping()
    with pytest.raises(WebSocketClosedError):  # nobody else would hear of that end
        connection(closing=None)[0].send_ping()


def test_of_who_has_left_nothing_is_logged() -> None:
    sockets.repair()
    said: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: said.append(record.getMessage())  # type: ignore
    sender = logging.getLogger("bokeh.server.views.ws")
    sender.addHandler(handler)
    try:
        sender.warning("Failed sending message as connection was closed")
        sender.warning("Something %s", "else")
    finally:
        sender.removeHandler(handler)
    assert said == ["Something else"]


# -- other versions ------------------------------------------------------------------------------


def test_where_a_library_has_not_that_part_it_is_left_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for way in sockets.PANEL_WRITERS:
        monkeypatch.delattr(panel_document, way)
    monkeypatch.delattr(ServerConnection, "send_ping")
    sockets.repair()
    assert not any(hasattr(panel_document, way) for way in sockets.PANEL_WRITERS)
    assert not hasattr(ServerConnection, "send_ping")
