"""Progress of a computation: its loops report it to whoever waits for the result.

Who is told may end the computation: what the function that takes the progress raises passes through
the computation.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeVar

T = TypeVar("T")

# Takes the share of the work that is done, from 0 to 1.
Progress = Callable[[float], None]


class _Loop:
    """One running loop: how many of its rounds are done, of how many."""

    def __init__(self, count: int, done: int = 0) -> None:
        self.count, self.done = count, done


class _Headway:
    """The loops of one computation, the outermost first; a round of one is shared by the next."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._loops: list[_Loop] = []

    def report(self) -> None:
        share, room = 0.0, 1.0
        for loop in self._loops:
            room /= loop.count
            share += loop.done * room
        self._progress(min(share, 1.0))

    @contextmanager
    def within(self, loop: _Loop) -> Iterator[None]:
        self._loops.append(loop)
        self.report()
        try:
            yield
        finally:
            self._loops.remove(loop)


_now: ContextVar[_Headway | None] = ContextVar("headway", default=None)


@contextmanager
def report_to(progress: Progress) -> Iterator[None]:
    """Report the progress of what is computed within to ``progress``, which must be quick.

    What it raises ends the computation.

    Examples
    --------
    >>> shares = []
    >>> with report_to(shares.append):
    ...     kept = [step for step in counted([3, 5])]
    >>> shares
    [0.0, 0.5, 1.0]
    """
    token = _now.set(_Headway(progress))
    try:
        yield
    finally:
        _now.reset(token)


def checkpoint() -> None:
    """Report again how far the computation is, so that it can be ended here."""
    headway = _now.get()
    if headway is not None:
        headway.report()


def counted(items: Iterable[T], count: int | None = None) -> Iterator[T]:
    """Yield the items, and report how many of them have been processed.

    Parameters
    ----------
    items : iterable
        One a round, such as the frames of recorded steps.
    count : int, optional
        How many there are, of those that do not know their number.
    """
    headway = _now.get()
    total = len(items) if count is None and isinstance(items, Collection) else count
    if headway is None or not total:
        yield from items
        return
    loop = _Loop(total)
    with headway.within(loop):
        for item in items:
            yield item
            loop.done += 1
            headway.report()


@contextmanager
def part(number: int, of: int) -> Iterator[None]:
    """Report the progress of what is computed within as one of several parts, counted from 0."""
    headway = _now.get()
    if headway is None:
        yield
        return
    with headway.within(_Loop(of, number)):
        yield
