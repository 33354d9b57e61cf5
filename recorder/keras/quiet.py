"""Keep back what a model says when it is asked something that the training alone would not ask."""

from __future__ import annotations

import contextlib
import logging
import threading
import warnings
from collections.abc import Callable, Iterator
from typing import Any

# What the recorder itself has to say is for the user.
OWN_LOGGERS = "trainlapse"
# What is replaced for a moment is put back by whoever replaced it, in the reverse order.
_one_at_a_time = threading.RLock()


@contextlib.contextmanager
def quietly() -> Iterator[None]:
    """Keep back the warnings and the log of this thread.

    Not by filters of warnings, which belong to the user: to change them, even for a moment, makes
    Python forget which warnings were shown, so that the training's own are shown again.
    """
    thread = threading.get_ident()

    def unless_here(original: Callable[..., Any], is_kept: Callable[..., bool]) -> Any:
        def call(*args: Any, **kwargs: Any) -> Any:
            if threading.get_ident() != thread or is_kept(*args):
                return original(*args, **kwargs)
            return None

        return call

    with _one_at_a_time, contextlib.ExitStack() as undo:
        for owner, name, is_kept in (
            (warnings, "warn", _never),
            (warnings, "warn_explicit", _never),
            (logging.Logger, "callHandlers", _is_own),
        ):
            original = getattr(owner, name)
            undo.callback(setattr, owner, name, original)
            setattr(owner, name, unless_here(original, is_kept))
        yield


def _never(*_: Any) -> bool:
    return False


def _is_own(logger: logging.Logger, _: logging.LogRecord) -> bool:
    return logger.name.split(".")[0] == OWN_LOGGERS
