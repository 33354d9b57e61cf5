"""Read a run from any web server that answers requests for byte ranges."""

from __future__ import annotations

import urllib.parse
import urllib.request
from collections.abc import Mapping

import urllib3

from store.errors import RemoteError
from store.storage.confined import checked_key
from store.storage.sources import REMOTE_GAP_BYTES

CONNECT_SECONDS = 10
READ_SECONDS = 30
ATTEMPTS = 3
# As many as there are threads that read (`store.reading.packed.THREADS`), for two readers.
CONNECTIONS = 16
# A server without ranges sends whole files: fine for a root document, not for a shard.
WHOLE_BYTES = 16 * 1024**2
_PIECE_BYTES = 256 * 1024

_MISSING = (404, 410)
_BEYOND_END = 416


class WebClient:
    """Asks one server for parts of files, over connections that are kept.

    Attributes
    ----------
    requests : int
        Requests sent.
    """

    def __init__(self, url: str) -> None:
        self.requests = 0
        self._pool = _connection_pool(url)

    def get(self, url: str, start: int, length: int | None) -> tuple[bytes, int | None]:
        """Bytes of a file from `start` (from the end, if negative) on, and its whole size.

        Raises
        ------
        FileNotFoundError
            The server has no such file.
        RemoteError
            It does not answer as it must.
        """
        self.requests += 1
        headers = {"Accept-Encoding": "identity", "Range": _range(start, length)}
        try:
            answer = self._pool.request("GET", url, headers=headers, preload_content=False)
            try:
                return self._content(url, answer, start, length)
            finally:
                if answer.length_remaining != 0:  # what is unread must not meet the next request
                    answer.close()
                answer.release_conn()
        except urllib3.exceptions.HTTPError as error:
            raise RemoteError(f"{_public(url)} cannot be reached: {error}") from error

    def _content(
        self, url: str, answer: urllib3.BaseHTTPResponse, start: int, length: int | None
    ) -> tuple[bytes, int | None]:
        if answer.status in _MISSING:
            raise FileNotFoundError(f"{_public(url)} does not exist")
        if answer.status == _BEYOND_END:
            return b"", None
        declared = answer.headers.get("Content-Length", "")
        size = int(declared) if declared.isdecimal() else None
        if answer.status == 206:
            wanted = length if length is not None else -start if start < 0 else None
            return _limited(answer, wanted), _total(answer.headers.get("Content-Range", ""))
        if answer.status != 200:
            raise RemoteError(f"{_public(url)}: the server answered {answer.status}.")
        if size is None or size > WHOLE_BYTES:
            raise RemoteError(
                f"{_public(url)}: the server does not send parts of files (byte ranges), which "
                "reading a run in place needs. Use another server, or download the run."
            )
        content = _limited(answer, size)
        first = max(0, size + start) if start < 0 else start
        return content[first : None if length is None else first + length], size


class WebFile:
    """A file on a web server."""

    is_remote = True

    def __init__(self, url: str) -> None:
        self.location = _public(url)
        self.client = WebClient(url)
        self._url = url
        self._size: int | None = None

    def read(self, start: int, length: int | None = None) -> bytes:
        """Bytes of the file."""
        content, size = self.client.get(self._url, start, length)
        self._size = size if size is not None else self._size
        return content

    def size(self) -> int:
        """Bytes of the file, known from the first answer."""
        if self._size is None:
            raise RemoteError(f"{self.location}: the server does not tell the size of the file.")
        return self._size


class WebSource:
    """A directory on a web server."""

    is_remote = True
    gap_bytes = REMOTE_GAP_BYTES

    def __init__(self, url: str) -> None:
        self.location = _public(url)
        self.client = WebClient(url)
        self._parts = urllib.parse.urlsplit(url)

    def read(self, key: str, start: int = 0, length: int | None = None) -> bytes:
        """Bytes of a file below the directory."""
        path = f"{self._parts.path.rstrip('/')}/{urllib.parse.quote(checked_key(key))}"
        url = urllib.parse.urlunsplit(self._parts._replace(path=path))
        return self.client.get(url, start, length)[0]

    def sizes(self) -> Mapping[str, int] | None:
        """None: web servers have no common way to list."""
        return None


def _connection_pool(url: str) -> urllib3.PoolManager:
    retries = urllib3.Retry(
        ATTEMPTS, backoff_factor=0.2, status_forcelist=(502, 503, 504), raise_on_status=False
    )
    timeout = urllib3.Timeout(connect=CONNECT_SECONDS, read=READ_SECONDS)
    parts = urllib.parse.urlsplit(url)
    proxy = urllib.request.getproxies().get(parts.scheme)
    if proxy and not urllib.request.proxy_bypass(parts.hostname or ""):
        return urllib3.ProxyManager(
            proxy, retries=retries, timeout=timeout, maxsize=CONNECTIONS, block=True
        )
    return urllib3.PoolManager(retries=retries, timeout=timeout, maxsize=CONNECTIONS, block=True)


def _range(start: int, length: int | None) -> str:
    if start < 0 and (length is None or length >= -start):
        return f"bytes={start}"
    if start < 0:
        raise ValueError("a part from the end must reach to the end")
    return f"bytes={start}-{'' if length is None else start + max(1, length) - 1}"


def _total(content_range: str) -> int | None:
    total = content_range.rpartition("/")[2]
    return int(total) if total.isdecimal() else None


def _limited(answer: urllib3.BaseHTTPResponse, limit: int | None) -> bytes:
    """Body of an answer, never more than was asked for."""
    pieces, left = [], limit
    while left is None or left > 0:
        piece = answer.read(_PIECE_BYTES if left is None else min(left, _PIECE_BYTES))
        if not piece:
            break
        pieces.append(piece)
        left = None if left is None else left - len(piece)
    return b"".join(pieces)


def _public(url: str) -> str:
    """Address without what may be secret: user, password and signed query."""
    parts = urllib.parse.urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return urllib.parse.urlunsplit((parts.scheme, host, parts.path, "", ""))
