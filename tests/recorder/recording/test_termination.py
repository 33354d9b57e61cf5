"""Who hears SIGTERM, in which order, and who is left alone; test_processes.py ends real ones."""

from __future__ import annotations

import os
import signal
import threading
from typing import Any

import pytest

from recorder.recording.termination import Termination


class Run:
    """Notes what is done to it."""

    def __init__(self, name: str, log: list[str]) -> None:
        self.name, self.log = name, log

    def flush(self) -> None:
        self.log.append(f"flush {self.name}")

    def close(self, *, finished: bool) -> None:
        self.log.append(f"close {self.name} {finished}")


@pytest.fixture
def log() -> Any:
    """What happens, with a handler of SIGTERM that notes that it was called."""
    entries: list[str] = []
    before = signal.signal(signal.SIGTERM, lambda *_: entries.append("handler"))
    yield entries
    signal.signal(signal.SIGTERM, before)


def protected(name: str, log: list[str]) -> Termination:
    termination = Termination()
    termination.protect(Run(name, log))
    return termination


def test_two_recorders_are_told_and_put_back_in_any_order(log: list[str]) -> None:
    before = signal.getsignal(signal.SIGTERM)
    first, second = protected("a", log), protected("b", log)
    os.kill(os.getpid(), signal.SIGTERM)
    assert log == ["flush b", "flush a", "handler"]
    first.remove()
    os.kill(os.getpid(), signal.SIGTERM)
    assert log[3:] == ["flush b", "handler"]
    second.remove()
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_signal_waits_while_the_recorder_is_at_work(log: list[str]) -> None:
    termination = protected("a", log)
    with termination.deferred():
        with termination.deferred():
            os.kill(os.getpid(), signal.SIGTERM)
        assert log == []
    assert log == ["flush a", "handler"]
    termination.remove()


def test_other_threads_and_ignored_signals_are_let_be(log: list[str]) -> None:
    before = signal.getsignal(signal.SIGTERM)
    thread = threading.Thread(target=lambda: protected("a", log).remove())
    thread.start()
    thread.join()
    assert signal.getsignal(signal.SIGTERM) is before
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    protected("a", log).remove()
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_IGN


def test_a_handler_that_was_set_later_stays(log: list[str]) -> None:
    termination = protected("a", log)

    def later(*_: object) -> None:
        log.append("later")

    signal.signal(signal.SIGTERM, later)
    termination.remove()
    assert signal.getsignal(signal.SIGTERM) is later
