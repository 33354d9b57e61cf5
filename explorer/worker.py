"""Computations of a session that run in the run's worker thread."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future, wait
from contextlib import nullcontext
from typing import TypeVar

import panel as pn

from explorer.data.run import RunData
from explorer.derived.time.headway import Progress, report_to

T = TypeVar("T")
# When the progress of a computation is first reported to the session, and how often after that.
FIRST_REPORT_S, REPORT_INTERVAL_S = 0.6, 0.25


def in_worker(
    data: RunData,
    compute: Callable[[], T],
    then: Callable[[T], None],
    *,
    deadline: float = 0.0,
    progress: Progress | None = None,
) -> None:
    """Compute in the run's worker thread, then use the result in the session.

    Without a server both happen at once, in this thread.

    Parameters
    ----------
    data : RunData
        The run.
    compute : callable
        May be slow. It must not raise: nobody would see the exception.
    then : callable
        Takes what `compute` returns; called in the session.
    deadline : float
        Time of the monotonic clock, in seconds, up to which this call waits for the result. While
        it waits, all sessions of the server are blocked. By default it does not wait.
    progress : callable, optional
        Takes the share that is done, 0 to 1, if the computation reports it; called in the session.
    """
    document = pn.state.curdoc
    if document is None or document.session_context is None:
        then(compute())
        return

    def report(share: float) -> None:
        document.add_next_tick_callback(lambda: progress(share) if progress else None)

    def work() -> T:
        with report_to(_throttled(report)) if progress else nullcontext():
            return compute()

    outcome = data.worker.submit(work)
    if deadline and not wait([outcome], max(0.0, deadline - time.monotonic())).not_done:
        then(outcome.result())
        return

    def hand_over(done: Future[T]) -> None:
        document.add_next_tick_callback(lambda: then(done.result()))

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
