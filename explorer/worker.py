"""Computations of a session that run in the run's worker thread."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, wait
from contextlib import contextmanager
from typing import TypeVar

import panel as pn

from explorer.data.run import RunData
from explorer.derived.time.headway import Progress, report_to

T = TypeVar("T")
# When the progress of a computation is first reported to the session, and how often after that.
FIRST_REPORT_S, REPORT_INTERVAL_S = 0.6, 0.25
# The heaviest pictures of large runs take a minute or two. What takes longer keeps all others of
# the run waiting.
LIMIT_S = 600.0
# Result of a computation that nobody waits for any more.
_UNWANTED = object()


class OutOfTimeError(Exception):
    """A computation has taken as long as it may."""


class _UnwantedError(BaseException):
    """Ends a computation that nobody waits for; no `Exception`, so that nothing logs it."""


class TimeLimit:
    """Time that a computation may take, with all the parts in which it is done.

    Parameters
    ----------
    seconds : float
        So long it may be at work; time in which it waits for its turn does not count.
    """

    def __init__(self, seconds: float = LIMIT_S) -> None:
        self._seconds = seconds
        self._left = seconds
        self._since: float | None = None

    @contextmanager
    def running(self) -> Iterator[None]:
        """Count the time of what is done within."""
        self._since = time.monotonic()
        try:
            yield
        finally:
            self._left -= time.monotonic() - self._since
            self._since = None

    def check(self) -> None:
        """Do nothing while time is left.

        Raises
        ------
        OutOfTimeError
            None is; the message says how much there was.
        """
        spent = 0.0 if self._since is None else time.monotonic() - self._since
        if spent >= self._left:
            raise OutOfTimeError(f"It was stopped after {self._seconds / 60:.0f} minutes of work.")


def in_worker(
    data: RunData,
    compute: Callable[[], T],
    then: Callable[[T], None],
    *,
    deadline: float = 0.0,
    progress: Progress | None = None,
    wanted: Callable[[], bool] = lambda: True,
    limit: TimeLimit | None = None,
) -> None:
    """Compute in the run's worker thread, then use the result in the session.

    A thread cannot be ended from outside. So a computation is ended where it reports its progress
    or reads of the run (`explorer.derived.time.headway.checkpoint`): when its page is gone, when
    nobody wants it any more, or when it takes too long.

    Without a server both happen at once, in this thread.

    Parameters
    ----------
    data : RunData
        The run.
    compute : callable
        May be slow. It must not raise, since nobody would see the exception; but it may meet an
        `OutOfTimeError` within.
    then : callable
        Takes what `compute` returns; called in the session.
    deadline : float
        Time of the monotonic clock, in seconds, up to which this call waits for the result. While
        it waits, all sessions of the server are blocked. By default it does not wait.
    progress : callable, optional
        Takes the share that is done, 0 to 1, if the computation reports it; called in the session.
    wanted : callable, optional
        Whether the result would be used; asked before and within the computation, in its thread.
        Without a yes, `then` is not called.
    limit : TimeLimit, optional
        Time that it may take; by default `LIMIT_S`.
    """
    document = pn.state.curdoc
    if document is None or document.session_context is None:
        then(compute())
        return
    session, allowed = document.session_context, limit or TimeLimit()

    def report(share: float) -> None:
        document.add_next_tick_callback(lambda: progress(share) if progress else None)

    def is_wanted() -> bool:
        return not session.destroyed and wanted()

    def work() -> T | object:
        throttled = _throttled(report)

        def go_on(share: float) -> None:
            if not is_wanted():
                raise _UnwantedError
            allowed.check()
            if progress is not None:
                throttled(share)

        if not is_wanted():
            return _UNWANTED
        try:
            with report_to(go_on), allowed.running():
                return compute()
        except _UnwantedError:
            return _UNWANTED

    def use(made: T | object) -> None:
        if made is not _UNWANTED:
            then(made)  # type: ignore[arg-type]  # no type tells a sentinel from a result

    outcome: Future[T | object] = data.worker.submit(work)
    if deadline and not wait([outcome], max(0.0, deadline - time.monotonic())).not_done:
        use(outcome.result())
        return

    def hand_over(done: Future[T | object]) -> None:
        if not session.destroyed:
            document.add_next_tick_callback(lambda: use(done.result()))

    # A change before the page has loaded would not reach it.
    pn.state.onload(lambda: outcome.add_done_callback(hand_over))


def _throttled(progress: Progress) -> Progress:
    """Pass on progress from `FIRST_REPORT_S` on, every `REPORT_INTERVAL_S` at the most."""
    next_time = time.monotonic() + FIRST_REPORT_S

    def pass_on(share: float) -> None:
        nonlocal next_time
        if time.monotonic() >= next_time:
            next_time = time.monotonic() + REPORT_INTERVAL_S
            progress(share)

    return pass_on
