"""What is sent while the socket is being written arrives, without a further message."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from bokeh.document import Document
from panel.io import document as panel_document

from explorer.writes import send_all_that_is_queued


class Socket:
    """Takes messages; each is written when the test says so."""

    def __init__(self) -> None:
        self.taken: list[str] = []
        self.writing: list[asyncio.Future[None]] = []

    def write(self, message: str) -> list[asyncio.Future[None]]:
        self.taken.append(message)
        self.writing.append(asyncio.get_running_loop().create_future())
        return self.writing[-1:]


class Connection:
    """A browser as Panel knows it; a message is the text of its one event."""

    def __init__(self, socket: Socket) -> None:
        self._socket = socket
        self.protocol = self

    def create(self, kind: str, events: list[str]) -> str:
        assert kind == "PATCH-DOC"
        return events[0]


async def two_messages() -> list[str]:
    """What is taken of two messages, the second queued as the write of the first ends."""
    socket, doc = Socket(), Document()
    connections: Any = [Connection(socket)]

    def send(text: Any) -> None:
        panel_document.schedule_write_events(doc, connections, [text])

    send("first")
    while not socket.writing:
        await asyncio.sleep(0)
    socket.writing[0].set_result(None)  # the task awakes before that of the second message begins
    send("second")
    for _ in range(20):
        await asyncio.sleep(0)
    for future in socket.writing[1:]:
        future.set_result(None)
    for _ in range(20):
        await asyncio.sleep(0)
    assert doc not in panel_document._WRITE_BLOCK
    return socket.taken


@pytest.fixture
def dispatch(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Panel's own dispatch, put back in the end."""
    monkeypatch.setattr(panel_document, "_dispatch_msgs", panel_document._dispatch_msgs)
    handlers = {Socket: lambda connection, msg: connection._socket.write(msg)}
    monkeypatch.setattr(panel_document, "extra_socket_handlers", handlers)
    return monkeypatch


def test_a_message_queued_while_another_is_written_is_sent(dispatch: pytest.MonkeyPatch) -> None:
    send_all_that_is_queued()
    send_all_that_is_queued()
    # In a thread of its own: this one may have a loop, of browser tests before.
    with ThreadPoolExecutor(1) as pool:
        taken = pool.submit(asyncio.run, two_messages()).result()
    assert taken == ["first", "second"]


def test_a_panel_without_that_part_is_left_alone(dispatch: pytest.MonkeyPatch) -> None:
    dispatch.delattr(panel_document, "_dispatch_msgs")
    send_all_that_is_queued()
    assert not hasattr(panel_document, "_dispatch_msgs")
