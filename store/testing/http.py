"""A small web server for tests and benchmarks: byte ranges, a delay, and a list of requests."""

from __future__ import annotations

import functools
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import ThreadingHTTPServer
from pathlib import Path

from store.tools.serve_files import FileHandler


@dataclass(slots=True)
class Served:
    """A directory being served on the loopback interface.

    Attributes
    ----------
    url : str
        Address of the directory.
    requests : list of str
        Path and range of every request answered.
    """

    url: str
    requests: list[str] = field(default_factory=list)


class _Handler(FileHandler):
    """Answers as `trainlapse serve-files` does, notes every request, and takes its time."""

    def __init__(
        self, *parts: object, root: Path, latency: float, ranges: bool, served: Served
    ) -> None:
        self._latency, self._ranges, self._served = latency, ranges, served
        super().__init__(*parts, root=root)

    def do_GET(self) -> None:  # noqa: N802 (the name that the library asks for)
        """Answer with a file or a part of it."""
        asked = self.headers.get("Range", "")
        self._served.requests.append(f"{self.path} {asked}".strip())
        time.sleep(self._latency)
        if not self._ranges:
            del self.headers["Range"]
        super().do_GET()

    def log_message(self, *_: object) -> None:
        """Stay silent."""


@contextmanager
def served(root: Path, *, latency: float = 0.0, ranges: bool = True) -> Iterator[Served]:
    """Serve a directory over HTTP on the loopback interface.

    Parameters
    ----------
    root : Path
        What to serve.
    latency : float
        Seconds that every answer waits.
    ranges : bool
        Whether parts of files are sent, as asked.
    """
    place = Served("")
    handler = functools.partial(_Handler, root=root, latency=latency, ranges=ranges, served=place)
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    place.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield place
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
