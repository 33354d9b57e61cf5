"""How long one waits for a server: connections whose reads end when an answer takes too long.

Time limits of sockets count from the last byte: who sends one now and then is waited for without
end, be it in the first line, a header or the content. Here the whole answer is timed, and its bytes
are counted: what is read as a chunk of a negative length has no end either.
"""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import urllib3
import urllib3.connection

# No answer at all, or one slower than `BYTES_PER_SECOND`, is waited for this long.
GRACE_SECONDS = 20.0
# Slower, not even the largest single read (8 MiB) would come within `MOST_SECONDS`.
BYTES_PER_SECOND = 32 * 1024
# Whatever the server sends, and how fast.
MOST_SECONDS = 300.0


class Patience:
    """Time that is left for one answer, with all that is tried to get it.

    It begins with `GRACE_SECONDS`, and bytes that arrive add to it: a slow line may take its time,
    a server that sends a byte now and then may not.

    Parameters
    ----------
    most_bytes : int
        Bytes that may arrive.
    """

    def __init__(self, most_bytes: int) -> None:
        self._began = time.monotonic()
        self._received = 0
        self._most_bytes = most_bytes

    @property
    def seconds(self) -> float:
        """Seconds left; 0 where the time is up."""
        granted = min(MOST_SECONDS, GRACE_SECONDS + self._received / BYTES_PER_SECOND)
        return max(0.0, self._began + granted - time.monotonic())

    def received(self, count: int) -> int:
        """Add so many bytes that have arrived, and give their number.

        Raises
        ------
        OSError
            They are too many by now.
        """
        self._received += count
        if self._received > self._most_bytes:
            raise OSError("the answer is longer than any to what was asked for")
        return count


class _Current(threading.local):
    """The patience of this thread, which waits for one answer at a time."""

    patience: Patience | None = None


_current = _Current()


@contextmanager
def patience(most_bytes: int) -> Iterator[Patience]:
    """Time and count all that this thread reads inside, over connections of `PATIENT_POOLS`.

    Reading on when the time is up raises `TimeoutError`; more bytes raise `OSError`.
    """
    _current.patience = granted = Patience(most_bytes)
    try:
        yield granted
    finally:
        _current.patience = None


class _Patient(socket.socket):
    """A socket whose reads are timed as a whole."""

    def recv_into(self, *args: Any, **options: Any) -> int:
        """Receive what is there, and wait for it no longer than patience lasts."""
        granted = _current.patience
        if granted is None:
            return super().recv_into(*args, **options)
        left = granted.seconds
        if left <= 0:
            raise TimeoutError("the answer takes too long")
        self.settimeout(left)
        return granted.received(super().recv_into(*args, **options))


class _PatientTLS(_Patient, ssl.SSLSocket):
    """The same, encrypted."""


class _Connection(urllib3.connection.HTTPConnection):
    def connect(self) -> None:
        super().connect()
        plain = self.sock
        timeout = plain.gettimeout()
        self.sock = _Patient(plain.family, plain.type, plain.proto, plain.detach())
        self.sock.settimeout(timeout)


class _PlainPool(urllib3.HTTPConnectionPool):
    ConnectionCls = _Connection


# For `pool_classes_by_scheme` of a pool manager, with `tls_context` for what is encrypted.
PATIENT_POOLS = {"http": _PlainPool, "https": urllib3.HTTPSConnectionPool}


def tls_context() -> ssl.SSLContext:
    """Context of encrypted connections whose reads are timed; certificates are verified."""
    context = ssl.create_default_context()
    context.sslsocket_class = _PatientTLS
    return context
