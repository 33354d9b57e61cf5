"""A small web server for tests and benchmarks: byte ranges, a delay, and a list of requests."""

from __future__ import annotations

import functools
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

_RANGE = re.compile(r"bytes=(\d*)-(\d*)")


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


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Without it, headers and body are two packets, and the second waits for an acknowledgement.
    wbufsize = -1
    disable_nagle_algorithm = True

    def __init__(
        self, *parts: object, root: Path, latency: float, ranges: bool, served: Served
    ) -> None:
        self._root, self._latency, self._ranges, self._served = root, latency, ranges, served
        super().__init__(*parts)  # type: ignore[arg-type]

    def do_GET(self) -> None:
        """Answer with a file or a part of it."""
        asked = self.headers.get("Range", "")
        self._served.requests.append(f"{self.path} {asked}".strip())
        time.sleep(self._latency)
        file = self._root / unquote(urlsplit(self.path).path).lstrip("/")
        if ".." in file.parts or not file.is_file():
            self._answer(404, b"", {})
            return
        size = file.stat().st_size
        part = self._part(asked, size) if self._ranges else None
        if part is None:
            self._answer(200, file.read_bytes(), {})
        elif part.start >= size:
            self._answer(416, b"", {"Content-Range": f"bytes */{size}"})
        else:
            span = f"bytes {part.start}-{part.stop - 1}/{size}"
            with file.open("rb") as opened:
                opened.seek(part.start)
                self._answer(206, opened.read(part.stop - part.start), {"Content-Range": span})

    def log_message(self, *_: object) -> None:
        """Stay silent."""

    def _part(self, asked: str, size: int) -> slice | None:
        match = _RANGE.fullmatch(asked)
        if match is None:
            return None
        first, last = match.groups()
        if not first:
            return slice(max(0, size - int(last)), size)
        return slice(int(first), min(size, int(last) + 1) if last else size)

    def _answer(self, status: int, content: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(content)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)
        self.wfile.flush()


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
