"""The server of the explorer's pages: for this machine alone; it says when it answers, and ends."""

from __future__ import annotations

import asyncio
import signal
import socket
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from typing import Any

import panel as pn

from explorer.server import sockets

HOST = "127.0.0.1"
DEFAULT_PORT = 5006
PORTS_TRIED = 20

# A page that has been closed in the browser is gone from the server a moment later.
LOOK_S = 0.02
PATIENCE_S = 5.0

Routes = Mapping[str, Callable[[], Any]]


class Server:
    """Pages at a port of this machine, by `run` in this thread or by `start` in one of its own.

    Parameters
    ----------
    routes : mapping
        What makes the page of each visitor, by path.
    port : int
        Where to listen.
    """

    def __init__(self, routes: Routes, port: int) -> None:
        self._routes = dict(routes)
        self._port = port
        self._ended = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    @property
    def address(self) -> str:
        """Where the page at ``/`` is."""
        return f"http://{HOST}:{self._port}/"

    def run(
        self, *, ready: Callable[[str], None] | None = None, open_browser: bool = False
    ) -> None:
        """Serve until Ctrl-C, in the main thread of a process that ends then.

        Parameters
        ----------
        ready : callable, optional
            Takes the address once the port answers.
        open_browser : bool
            Open the page in the default browser then.

        Raises
        ------
        OSError
            The port cannot be used.
        """

        async def serve() -> None:
            server = self._listen()
            # In place of that of `pn.serve`, which stops the loop under our feet.
            signal.signal(signal.SIGINT, lambda *_: self._interrupted())
            if ready is not None:
                ready(self.address)
            if open_browser:
                server.show("/")
            await self._ended.wait()

        # The loop stays open, and this thread's, until the process is gone: to close it would cut
        # off what is being sent to pages that are still there.
        loop = asyncio.new_event_loop()
        asyncio.set_event_loop(loop)
        loop.run_until_complete(serve())

    def start(self) -> None:
        """Serve in a thread of its own until `end`; return when the port answers.

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
            await left_by_all(server)
            if hasattr(server, "stop_async"):  # from Bokeh 3.10 on: callbacks run in threads
                await server.stop_async()
            else:
                server.stop()

        self._thread = threading.Thread(target=asyncio.run, args=[serve()], name="explorer")
        self._thread.start()
        answers.result()

    def end(self) -> None:
        """End what `start` has begun, when its pages are closed; twice is like once."""
        if self._thread is not None and self._thread.is_alive():
            assert self._loop is not None
            self._loop.call_soon_threadsafe(self._ended.set)
            self._thread.join()

    def _listen(self) -> Any:
        """Begin to listen on the running loop; give Bokeh's server."""
        self._loop = asyncio.get_running_loop()
        sockets.mend()
        server = pn.serve(
            self._routes,
            port=self._port,
            address=HOST,
            websocket_origin=[f"{HOST}:{self._port}", f"localhost:{self._port}"],
            show=False,
            start=False,
            title="Trainlapse",
            verbose=False,
        )
        server.start()
        return server

    def _interrupted(self) -> None:
        """End; who presses Ctrl-C again ends at once."""
        signal.signal(signal.SIGINT, signal.default_int_handler)
        assert self._loop is not None
        self._loop.call_soon_threadsafe(self._ended.set)


async def left_by_all(server: Any) -> None:
    """Wait until the browsers of closed pages are gone, and what they asked for is done.

    Bokeh forgets who looks at a session when it is stopped, and fails when that one leaves.
    """
    loop = asyncio.get_running_loop()
    until = loop.time() + PATIENCE_S
    while loop.time() < until and any(
        session.connection_count or session.expiration_blocked for session in server.get_sessions()
    ):
        await asyncio.sleep(LOOK_S)


def free_port(first: int = DEFAULT_PORT) -> int:
    """First port from `first` on that nobody listens to."""
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
