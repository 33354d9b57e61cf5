"""SIGTERM: the run is closed or committed first; then the earlier handler does its work."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import Iterator
from types import FrameType
from typing import Any, Protocol


class Closable(Protocol):
    """A run that is being written."""

    def flush(self) -> None:
        """Bring what was recorded so far into the run."""

    def close(self, *, finished: bool) -> None:
        """Do the same, and end the writing."""


class Termination:
    """Closes or commits the run when the process is asked to end, before anything else happens.

    Only the main thread can hear signals; elsewhere this does nothing. Nor does it where SIGTERM
    is ignored, since the training then goes on. One is made for each time that a run is open.
    """

    def __init__(self) -> None:
        self._run: Closable | None = None
        self._previous: Any = None
        self._busy = 0
        self._waiting = False

    def protect(self, run: Closable) -> None:
        """Begin to listen for SIGTERM.

        Parameters
        ----------
        run : Closable
            What is closed or committed. It must not refer to the recorder, which the list of signal
            handlers would keep alive.
        """
        if threading.current_thread() is not threading.main_thread():
            return
        previous = signal.getsignal(signal.SIGTERM)
        # None: a handler that was not installed from Python, which could not be put back.
        if previous in (None, signal.SIG_IGN):
            return
        self._previous, self._run = previous, run
        signal.signal(signal.SIGTERM, self._handle)

    def remove(self) -> None:
        """Stop listening; the earlier handler is put back, unless a later one was set over this."""
        if self._run is None:
            return
        self._run = None
        on_main_thread = threading.current_thread() is threading.main_thread()
        if on_main_thread and signal.getsignal(signal.SIGTERM) == self._handle:
            signal.signal(signal.SIGTERM, self._earlier())

    @contextlib.contextmanager
    def deferred(self) -> Iterator[None]:
        """Put a signal off while the recorder itself is at work and may hold a lock."""
        self._busy += 1
        try:
            yield
        finally:
            self._busy -= 1
            if self._waiting and not self._busy:
                self._handle(signal.SIGTERM, None)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        self._waiting = bool(self._busy)
        if self._waiting:
            return
        # A signal arrives in the midst of the training: a fault of ours would be raised there.
        with contextlib.suppress(Exception):
            if self._run is not None and self._ends_the_process():
                self._run.close(finished=False)
            elif self._run is not None:
                self._run.flush()  # whoever listened before may let the training go on
        earlier = self._earlier()
        if callable(earlier):
            earlier(number, frame)
        else:
            signal.signal(signal.SIGTERM, earlier)
            os.kill(os.getpid(), number)

    def _ends_the_process(self) -> bool:
        handler = self._previous
        while isinstance(owner := getattr(handler, "__self__", None), Termination):
            handler = owner._previous
        return bool(handler == signal.SIG_DFL)

    def _earlier(self) -> Any:
        """Give the handler before this one, passing over those of ours that stopped listening."""
        handler = self._previous
        while isinstance(owner := getattr(handler, "__self__", None), Termination):
            if owner._run is not None:
                break
            handler = owner._previous
        return handler
