"""Make room where the process may open no more files.

Whatever keeps files open only to be quick can close them again. It says so here, so that everybody
else finds room: a run's maps may have taken all that the process may open, and the next file be of
another run.
"""

from __future__ import annotations

import errno
import weakref
from collections.abc import Callable
from typing import Protocol, TypeVar

T = TypeVar("T")

_TOO_MANY = (errno.EMFILE, errno.ENFILE)


class Spare(Protocol):
    """Keeps files open that nobody misses."""

    def drop_oldest(self) -> bool:
        """Close the file that was not used for longest; whether one was closed."""
        ...


_spares: weakref.WeakSet[Spare] = weakref.WeakSet()


def keep_spare(spare: Spare) -> None:
    """Have files closed by `spare`, from any thread, while the process may open no more."""
    _spares.add(spare)


def close_spare() -> bool:
    """Close a file that is open to be quick; whether there was one."""
    return any(spare.drop_oldest() for spare in list(_spares))


def with_room(attempt: Callable[[], T], make_room: Callable[[], bool] = close_spare) -> T:
    """Try what opens a file; while the process may open no more, close one of ours and try again.

    Others of the process may have taken what the limit seemed to allow.

    Parameters
    ----------
    attempt : callable
        Opens the file.
    make_room : callable
        Closes one that is open; whether there was one. By default one that is kept to be quick.
    """
    while True:
        try:
            return attempt()
        except OSError as error:
            if error.errno not in _TOO_MANY or not make_room():
                raise
