"""Read a run from any web server that answers requests for byte ranges.

The server may be a stranger's: how long it is waited for, how much is read, and where it may send
the reader are decided here.
"""

from __future__ import annotations

import time
import urllib.parse
import urllib.request
from collections.abc import Mapping

import urllib3
import urllib3.exceptions

from store.errors import RemoteError
from store.storage.confined import checked_key
from store.storage.patience import PATIENT_POOLS, Patience, patience, tls_context
from store.storage.redirects import MOST_REDIRECTS, PUBLIC_POOLS, redirected
from store.storage.sources import MOST_REMOTE_BYTES, REMOTE_GAP_BYTES

CONNECT_SECONDS = 10
ATTEMPTS = 3
BACKOFF_SECONDS = 0.2
# A server that is busy may ask for a pause; for a longer one, a person should decide.
MOST_PAUSE_SECONDS = 10
# As many as there are threads that read (`store.reading.packed.THREADS`), for two readers.
CONNECTIONS = 16
# A server without ranges sends whole files: fine for a root document, not for a shard.
WHOLE_BYTES = 16 * 1024**2
_PIECE_BYTES = 256 * 1024

_MISSING = (404, 410)
_BEYOND_END = 416
_BUSY = (429, 502, 503, 504)
_REDIRECTS = (301, 302, 303, 307, 308)


class _BusyError(Exception):
    """The server is busy, and may have said for how many seconds."""

    def __init__(self, status: int, pause: int | None) -> None:
        later = "" if pause is None else f" and asks to come back in {pause} s"
        super().__init__(f"the server answered {status}{later}")
        self.pause = pause


class WebClient:
    """Asks one server for parts of files, over connections that are kept.

    Attributes
    ----------
    requests : int
        Parts asked for.
    """

    def __init__(self, url: str) -> None:
        self.requests = 0
        self._proxy = _proxy(url)
        self._own = _pools(self._proxy)
        self._elsewhere = _pools(self._proxy, public=True)

    def get(self, url: str, start: int, length: int | None) -> tuple[bytes, int | None]:
        """Bytes of a file from `start` (from the end, if negative) on, and its whole size.

        Raises
        ------
        FileNotFoundError
            The server has no such file.
        RemoteError
            It does not answer as it must, or not in time.
        """
        self.requests += 1
        headers = {"Accept-Encoding": "identity", "Range": _range(start, length)}
        largest = max(WHOLE_BYTES, MOST_REMOTE_BYTES if length is None else length)
        with patience(ATTEMPTS * largest) as left:
            for attempt in range(1, ATTEMPTS + 1):
                pause = BACKOFF_SECONDS * 2**attempt
                try:
                    return self._once(url, headers, start, length, left)
                except _BusyError as error:
                    problem = RemoteError(f"{_public(url)}: {error}.")
                    pause = pause if error.pause is None else error.pause
                except urllib3.exceptions.LocationValueError as error:
                    raise RemoteError(f"{_public(url)} cannot be reached: {error}") from error
                # What of a header or of a chunk's length is no number raises a ValueError.
                except (urllib3.exceptions.HTTPError, ValueError) as error:
                    problem = RemoteError(f"{_public(url)} cannot be reached: {error}")
                    problem.__cause__ = error
                if attempt == ATTEMPTS or pause > min(MOST_PAUSE_SECONDS, left.seconds):
                    break
                time.sleep(pause)
        raise problem

    def _once(
        self, url: str, headers: Mapping[str, str], start: int, length: int | None, left: Patience
    ) -> tuple[bytes, int | None]:
        answer = self._follow(url, headers, left)
        try:
            if answer.status in _BUSY:
                raise _BusyError(answer.status, _count(answer.headers.get("Retry-After", "")))
            return self._content(url, answer, start, length)
        finally:
            if answer.length_remaining == 0:
                answer.drain_conn()  # an answer without content ends when it is read
            else:  # what is unread must not meet the next request
                answer.close()
            answer.release_conn()

    def _follow(
        self, url: str, headers: Mapping[str, str], left: Patience
    ) -> urllib3.BaseHTTPResponse:
        """Answer to a request, wherever the server sends the reader for it."""
        asked, pools = url, self._own
        for _ in range(1 + MOST_REDIRECTS):
            timeout = urllib3.Timeout(
                connect=max(0.001, min(CONNECT_SECONDS, left.seconds)),
                read=max(0.001, left.seconds),
            )
            answer = pools.request(
                "GET",
                asked,
                headers=dict(headers),
                timeout=timeout,
                retries=False,
                redirect=False,
                preload_content=False,
                decode_content=False,  # what is unpacked here could grow without bound
            )
            location = answer.headers.get("Location")
            if answer.status not in _REDIRECTS or location is None:
                return answer
            answer.close()
            answer.release_conn()
            try:
                target = redirected(asked, location, resolve=self._proxy is None)
            except RemoteError as error:
                raise RemoteError(f"{_public(url)}: {error}") from error
            if urllib.parse.urlsplit(target).hostname != urllib.parse.urlsplit(url).hostname:
                pools = self._elsewhere
            asked = target
        raise RemoteError(f"{_public(url)}: the server redirects more than {MOST_REDIRECTS} times.")

    def _content(
        self, url: str, answer: urllib3.BaseHTTPResponse, start: int, length: int | None
    ) -> tuple[bytes, int | None]:
        if answer.status in _MISSING:
            raise FileNotFoundError(f"{_public(url)} does not exist")
        if answer.status == _BEYOND_END:
            return b"", None
        if answer.headers.get("Content-Encoding", "identity") != "identity":
            raise RemoteError(f"{_public(url)}: the server compresses files, which was not asked.")
        size = _count(answer.headers.get("Content-Length", ""))
        if answer.status == 206:
            wanted = length if length is not None else -start if start < 0 else None
            total = _count(answer.headers.get("Content-Range", "").rpartition("/")[2])
            return _limited(url, answer, wanted), total
        if answer.status != 200:
            raise RemoteError(f"{_public(url)}: the server answered {answer.status}.")
        if size is None or size > WHOLE_BYTES:
            raise RemoteError(
                f"{_public(url)}: the server does not send parts of files (byte ranges), which "
                "reading a run in place needs. Use another server, or download the run."
            )
        content = _limited(url, answer, size)
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


def _proxy(url: str) -> str | None:
    parts = urllib.parse.urlsplit(url)
    proxy = urllib.request.getproxies().get(parts.scheme)
    return None if urllib.request.proxy_bypass(parts.hostname or "") else proxy


def _pools(proxy: str | None, *, public: bool = False) -> urllib3.PoolManager:
    """Make pools of connections; those to `public` hosts alone hang up on any other."""
    made = (
        urllib3.PoolManager(maxsize=CONNECTIONS, block=True, ssl_context=tls_context())
        if proxy is None
        else urllib3.ProxyManager(proxy, maxsize=CONNECTIONS, block=True, ssl_context=tls_context())
    )
    # By a proxy, the address at the other end is the proxy's.
    made.pool_classes_by_scheme = dict(PUBLIC_POOLS if public and proxy is None else PATIENT_POOLS)
    return made


def _range(start: int, length: int | None) -> str:
    if start < 0 and (length is None or length >= -start):
        return f"bytes={start}"
    if start < 0:
        raise ValueError("a part from the end must reach to the end")
    return f"bytes={start}-{'' if length is None else start + max(1, length) - 1}"


def _count(header: str) -> int | None:
    """Whole number in a header, if that is what it holds: of at most 18 digits."""
    text = header.strip()
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= 18 else None


def _limited(url: str, answer: urllib3.BaseHTTPResponse, limit: int | None) -> bytes:
    """Body of an answer, never more than was asked for, and never more than `MOST_REMOTE_BYTES`."""
    pieces, left = [], MOST_REMOTE_BYTES + 1 if limit is None else limit
    while left > 0:
        piece = answer.read(min(left, _PIECE_BYTES))
        if not piece:
            break
        pieces.append(piece)
        left -= len(piece)
    if limit is None and left <= 0:
        raise RemoteError(f"{_public(url)} is larger than any file that is read whole.")
    return b"".join(pieces)


def _public(url: str) -> str:
    """Address without what may be secret: user, password and signed query."""
    parts = urllib.parse.urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return urllib.parse.urlunsplit((parts.scheme, host, parts.path, "", ""))
