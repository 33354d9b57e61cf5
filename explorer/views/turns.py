"""What a view computes in pieces, between which others get their turn."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from explorer.derived.time.headway import part
from explorer.views.base import Unfinished

T = TypeVar("T")


def in_turns(
    turns: Sequence[Callable[[], object]], then: Callable[[], T], done: int = 0
) -> T | Unfinished:
    """Do pieces of work whose outcomes are kept, one a turn, and then compute what needs them.

    Parameters
    ----------
    turns : sequence of callable
        The pieces; without any, the whole is computed at once.
    then : callable
        Gives what a view computes.
    done : int
        Pieces that are done.
    """
    if done == len(turns):
        return then()
    with part(done, len(turns)):
        turns[done]()
    return Unfinished((done + 1) / len(turns), lambda: in_turns(turns, then, done + 1))
