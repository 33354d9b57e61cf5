"""The server of the explorer's pages. It answers on this machine only, to who has its token."""

from __future__ import annotations

import asyncio
import signal
import socket
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from typing import Any
from urllib.parse import urlencode

import panel as pn
from bokeh.util.browser import view

from explorer.server import addresses, log, scripts, sockets
from explorer.server.gate import PATTERNS, TOKEN, Gate

HOST = "127.0.0.1"
DEFAULT_PORT = 5006
PORTS_TRIED = 20

# A page that is closed in the browser disconnects a moment later: how often that is checked, and
# how long the server waits for it at the most.
POLL_S = 0.02
DISCONNECT_S = 5.0

Routes = Mapping[str, Callable[[], Any]]


class Server:
    """Serves pages at a port: with `run` in this thread, or with `start` in one of its own.

    Parameters
    ----------
    routes : mapping of str to callable
        For each path a function that makes the page of a visitor.
    port : int
        Port to listen on.
    gate : Gate
        Who is let in.
    """

    def __init__(self, routes: Routes, port: int, gate: Gate) -> None:
        self._routes = {path: scripts.fetching(make) for path, make in routes.items()}
        self._port = port
        self.gate = gate
        self._ended = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    @property
    def address(self) -> str:
        """Address of the page at ``/``, with the token that opens the server."""
        return f"http://{HOST}:{self._port}/?{urlencode({TOKEN: self.gate.token})}"

    def run(
        self, *, ready: Callable[[str], None] | None = None, open_browser: bool = False
    ) -> None:
        """Serve until Ctrl-C, in the main thread. The process is expected to exit afterwards.

        Parameters
        ----------
        ready : callable, optional
            Takes the address as soon as the port answers.
        open_browser : bool
            Whether to open the page in the default browser as soon as the port answers.

        Raises
        ------
        OSError
            The port cannot be used.
        """

        async def serve() -> None:
            self._listen()
            # In place of the handler of `pn.serve`, which would stop the loop in mid-work.
            signal.signal(signal.SIGINT, lambda *_: self._interrupted())
            if ready is not None:
                ready(self.address)
            if open_browser:
                # Some browsers are waited for until they have loaded the page, or are closed.
                opening = {"location": self.address, "new": "tab"}
                threading.Thread(target=view, kwargs=opening, daemon=True).start()
            await self._ended.wait()

        # The loop is never closed: that would cut off what is being sent to open pages.
        loop = asyncio.new_event_loop()
        asyncio.set_event_loop(loop)
        with log.bounded():
            loop.run_until_complete(serve())

    def start(self) -> None:
        """Serve in a thread of its own until `end`. Returns as soon as the port answers.

        Raises
        ------
        OSError
            The port cannot be used.
        """
        answers: Future[None] = Future()

        async def serve() -> None:
            try:
                server = self._listen()
            except OSError as error:
                answers.set_exception(error)
                return
            answers.set_result(None)
            await self._ended.wait()
            server.unlisten()
            await wait_for_disconnects(server)
            if hasattr(server, "stop_async"):  # from Bokeh 3.10 on: callbacks run in threads
                await server.stop_async()
            else:
                server.stop()

        self._thread = threading.Thread(target=asyncio.run, args=[serve()], name="explorer")
        self._thread.start()
        answers.result()

    def end(self) -> None:
        """Stop the server that `start` has started; does nothing if it has stopped already.

        It waits up to `DISCONNECT_S` for closed pages to disconnect.
        """
        if self._thread is not None and self._thread.is_alive():
            assert self._loop is not None
            self._loop.call_soon_threadsafe(self._ended.set)
            self._thread.join()

    def _listen(self) -> Any:
        """Start to listen on the running event loop; return Bokeh's server."""
        self._loop = asyncio.get_running_loop()
        sockets.repair()
        addresses.keep_as_texts()
        server = pn.serve(
            self._routes,
            port=self._port,
            address=HOST,
            websocket_origin="*",  # the gate has checked it when Bokeh is asked
            auth_provider=self.gate,
            extra_patterns=(*PATTERNS, *scripts.PATTERNS),
            show=False,
            start=False,
            title="Trainlapse",
            verbose=False,
        )
        server.start()
        return server

    def _interrupted(self) -> None:
        """Stop the server. A second Ctrl-C interrupts at once."""
        signal.signal(signal.SIGINT, signal.default_int_handler)
        assert self._loop is not None
        self._loop.call_soon_threadsafe(self._ended.set)


async def wait_for_disconnects(server: Any) -> None:
    """Wait until closed pages have disconnected and their callbacks are done.

    Once stopped, Bokeh's server has forgotten its connections, and fails when one closes later.

    Parameters
    ----------
    server : bokeh.server.server.Server
        A server that no longer listens.
    """
    loop = asyncio.get_running_loop()
    deadline = loop.time() + DISCONNECT_S
    while loop.time() < deadline and any(
        session.connection_count or session.expiration_blocked for session in server.get_sessions()
    ):
        await asyncio.sleep(POLL_S)


def free_port(first: int = DEFAULT_PORT) -> int:
    """Find the first free port from `first` on.

    Raises
    ------
    OSError
        `PORTS_TRIED` ports in a row are in use.
    """
    for port in range(first, first + PORTS_TRIED):
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            try:
                probe.bind((HOST, port))
            except OSError:
                continue
            return port
    raise OSError(
        f"Ports {first} to {first + PORTS_TRIED - 1} of {HOST} are all in use; pass --port."
    )
