"""Serve the files of a folder over HTTP, with byte ranges: so that a run is read where it lies.

Python's own ``http.server`` sends whole files alone. This server only reads. It gives plain files
below one folder, no hidden ones, and follows no link in it; what it sends is never shown as a page,
so that nothing in the folder can act in a browser under the server's address.
"""

from __future__ import annotations

import functools
import re
import socket
import stat
import sys
from collections.abc import Iterable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import FileIO
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from store.errors import ArgumentError, RunFormatError, RunNotFoundError
from store.storage.confined import folder, open_file
from store.storage.location import on_disk
from store.terminal import printable, say

DEFAULT_PORT = 8000
LOOPBACK = "127.0.0.1"

_PIECE_BYTES = 256 * 1024
# For a client that neither asks nor reads.
_IDLE_SECONDS = 60
_MOST_LISTED = 10_000
_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")
_ORIGIN = re.compile(r"\*|https?://[^\s/]+")
_HOST = re.compile(r"(?P<name>\[[^\]]*\]|[^:]*)(:\d+)?")


def asked_range(header: str, size: int) -> range | None:
    """Bytes that a request for a part of a file asks for.

    Parameters
    ----------
    header : str
        Its ``Range``.
    size : int
        Bytes of the file.

    Returns
    -------
    range or None
        Empty: none of them is in the file. None: the header asks for no single part, so that the
        whole file is the answer (RFC 9110, 14.2).

    Examples
    --------
    >>> asked_range("bytes=-3", 10), asked_range("bytes=8-99", 10), asked_range("bytes=10-", 10)
    (range(7, 10), range(8, 10), range(10, 10))
    """
    found = _RANGE.fullmatch(header.strip())
    if found is None or found.groups() == ("", ""):
        return None
    first, last = found.groups()
    if not first:
        return range(max(0, size - int(last)), size)
    if last and int(last) < int(first):
        return None
    return range(min(int(first), size), min(size, int(last) + 1) if last else size)


class FileHandler(BaseHTTPRequestHandler):
    """Answers ``GET`` and ``HEAD`` with a file below a folder, a part of it, or a list of files.

    Parameters
    ----------
    *parts
        As a server gives them.
    root : Path
        The folder.
    origins : collection of str
        Pages that may read the files from a browser; ``*``: every page.
    any_host : bool
        Whether requests are answered whatever name of the server they ask for.
    """

    protocol_version = "HTTP/1.1"
    server_version = "trainlapse"
    sys_version = ""
    timeout = _IDLE_SECONDS
    # Without it, headers and body are two packets, and the second waits for an acknowledgement.
    wbufsize = -1
    disable_nagle_algorithm = True

    def __init__(
        self, *parts: object, root: Path, origins: Iterable[str] = (), any_host: bool = False
    ) -> None:
        self._root, self._origins, self._any_host = root, tuple(origins), any_host
        super().__init__(*parts)  # type: ignore[arg-type]

    def do_GET(self) -> None:
        """Answer with a file, a part of it, or a list of files."""
        if not self._any_host and not _is_loopback(self.headers.get("Host", "")):
            # A page of another host, whose name was made to lead here, must read nothing.
            self._refuse(HTTPStatus.MISDIRECTED_REQUEST, "Ask for localhost, or pass --host.")
            return
        key = unquote(urlsplit(self.path).path).strip("/")
        try:
            if any(name.startswith(".") for name in key.split("/")):
                raise FileNotFoundError(key)
            if not key or self._is_folder(key):
                self._send_text(HTTPStatus.OK, self._listing(key))
                return
            file = open_file(self._root, key)
        except (OSError, ValueError, RunFormatError):
            self._refuse(HTTPStatus.NOT_FOUND, "There is no such file.")
            return
        with file:
            self._send_file(file)

    do_HEAD = do_GET  # noqa: N815 (the name that the library asks for)

    def do_OPTIONS(self) -> None:
        """Tell a browser whether a page of another origin may ask for parts of files."""
        self._head(HTTPStatus.NO_CONTENT, 0, {"Access-Control-Allow-Headers": "Range"})

    def log_message(self, text: str, *values: object) -> None:
        """Say one request on the terminal."""
        say(printable(text % values), err=True)

    def _send_file(self, file: FileIO) -> None:
        file.seek(0, 2)
        size = file.tell()
        part = asked_range(self.headers.get("Range", ""), size)
        headers = {"Accept-Ranges": "bytes", "Content-Type": "application/octet-stream"}
        if part is None:
            part = range(size)
            self._head(HTTPStatus.OK, size, headers)
        elif not part:
            headers["Content-Range"] = f"bytes */{size}"
            self._head(HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, 0, headers)
        else:
            headers["Content-Range"] = f"bytes {part.start}-{part.stop - 1}/{size}"
            self._head(HTTPStatus.PARTIAL_CONTENT, len(part), headers)
        if self.command == "HEAD":
            return
        file.seek(part.start)
        left = len(part)
        while left and (piece := file.read(min(left, _PIECE_BYTES))):
            self.wfile.write(piece)
            left -= len(piece)
        if left:  # it became shorter meanwhile: the client must not wait for the rest
            self.close_connection = True

    def _is_folder(self, key: str) -> bool:
        try:
            folder(self._root, key)
        except RunFormatError:
            return False
        return True

    def _listing(self, key: str) -> str:
        """Names of what lies in a folder, one a line; folders end with a slash."""
        found = []
        for entry in sorted(_entries(self._root / key))[:_MOST_LISTED]:
            mode = entry.lstat().st_mode
            if stat.S_ISDIR(mode) or stat.S_ISREG(mode):
                found.append(printable(entry.name) + "/" * stat.S_ISDIR(mode))
        return "".join(f"{name}\n" for name in found)

    def _refuse(self, status: HTTPStatus, why: str) -> None:
        self._send_text(status, f"{why}\n")

    def _send_text(self, status: HTTPStatus, text: str) -> None:
        content = text.encode("utf-8", "replace")
        self._head(status, len(content), {"Content-Type": "text/plain; charset=utf-8"})
        if self.command != "HEAD":
            self.wfile.write(content)

    def _head(self, status: HTTPStatus, length: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        origin = self.headers.get("Origin", "")
        if "*" in self._origins or origin in self._origins:
            headers["Access-Control-Allow-Origin"] = origin or "*"
            headers["Access-Control-Expose-Headers"] = "Accept-Ranges, Content-Range"
            headers["Vary"] = "Origin"
        else:  # nor may a page of another origin embed it
            headers["Cross-Origin-Resource-Policy"] = "same-origin"
        headers |= {"X-Content-Type-Options": "nosniff", "Cache-Control": "no-cache"}
        for name, value in {"Content-Length": str(length), **headers}.items():
            self.send_header(name, value)
        self.end_headers()


def _entries(place: Path) -> list[Path]:
    return [entry for entry in place.iterdir() if not entry.name.startswith(".")]


def _is_loopback(host: str) -> bool:
    """Whether a name, with or without a port, is one of this machine alone."""
    found = _HOST.fullmatch(host)
    name = found["name"].strip("[]") if found else ""
    if name.casefold() == "localhost":
        return True
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return False


class FileServer(ThreadingHTTPServer):
    """Serves one folder until it is shut down; each connection has a thread.

    Parameters
    ----------
    folder : str or Path
        What is served.
    host : str
        Name or address of this machine on which it listens. On its own addresses (loopback), it
        answers only who asks for them by name.
    port : int
        0: any free one, then in `url`.
    origins : iterable of str
        Pages that may read the files from a browser, such as ``https://example.org``.

    Raises
    ------
    RunNotFoundError
        There is no such folder.
    ArgumentError
        An origin is not one.
    OSError
        The port is in use, or not allowed.
    """

    daemon_threads = True

    def __init__(
        self,
        folder: str | Path,
        host: str = LOOPBACK,
        port: int = DEFAULT_PORT,
        *,
        origins: Iterable[str] = (),
    ) -> None:
        root = on_disk(folder)
        if not root.is_dir():
            raise RunNotFoundError(f"There is no folder {root}.")
        pages = tuple(origin.rstrip("/") for origin in origins)
        for page in pages:
            if not _ORIGIN.fullmatch(page):
                raise ArgumentError(
                    f"{page!r} is no origin of a page: expected for instance https://example.org, "
                    "or * for every page."
                )
        if ":" in host:
            self.address_family = socket.AF_INET6
        handler = functools.partial(
            FileHandler, root=root, origins=pages, any_host=not _is_loopback(host)
        )
        super().__init__((host, port), handler)
        named = f"[{host}]" if ":" in host else host
        self.url = f"http://{named}:{self.server_address[1]}/"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of clients that have gone."""
        if not isinstance(sys.exception(), ConnectionError | TimeoutError):
            super().handle_error(request, client_address)
