"""Work beside a session: computed in the run's worker thread, used in the session."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future, wait
from contextlib import nullcontext
from typing import TypeVar

import panel as pn

from explorer.data.run import RunData
from explorer.derived.time.headway import Told, heard_by

T = TypeVar("T")
# A session hears of how far a computation is once it takes a while, and not too often.
TOLD_FROM_S, TOLD_EVERY_S = 0.6, 0.25


def in_worker(
    data: RunData,
    compute: Callable[[], T],
    use: Callable[[T], None],
    *,
    until: float = 0.0,
    told: Told | None = None,
) -> None:
    """Compute in the run's worker and use the outcome in the session; without a server, at once.

    Parameters
    ----------
    data : RunData
        The run.
    compute : callable
        May be slow, and must not fail: nobody would hear of it.
    use : callable
        Takes what `compute` returns.
    until : float
        Wait for that as long as the monotonic clock is not there: until it is used, all sessions
        stand still.
    told : callable, optional
        Hears in the session of the share that is done, where the computation says so.
    """
    document = pn.state.curdoc
    if document is None or document.session_context is None:
        use(compute())
        return

    def tell(share: float) -> None:
        document.add_next_tick_callback(lambda: told(share) if told else None)

    def work() -> T:
        with heard_by(_now_and_then(tell)) if told else nullcontext():
            return compute()

    outcome = data.worker.submit(work)
    if until and not wait([outcome], max(0.0, until - time.monotonic())).not_done:
        use(outcome.result())
        return

    def hand_over(done: Future[T]) -> None:
        document.add_next_tick_callback(lambda: use(done.result()))

    # What a session is told before its page is there would be lost.
    pn.state.onload(lambda: outcome.add_done_callback(hand_over))


def _now_and_then(told: Told) -> Told:
    """Pass on what is told, but not at first, and not too often."""
    next_time = time.monotonic() + TOLD_FROM_S

    def pass_on(share: float) -> None:
        nonlocal next_time
        if time.monotonic() >= next_time:
            next_time = time.monotonic() + TOLD_EVERY_S
            told(share)

    return pass_on
