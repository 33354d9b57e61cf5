"""A log that stays small, whatever browsers send."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

# Of one kind of message, so many are logged within a minute: bad messages come by the hundred.
EACH = 5
# And of all kinds together: so many lines of code can fail.
ALL = 60
PERIOD_S = 60.0
# Longer messages quote what was received, which may be megabytes. Tracebacks are cut, too.
LONGEST = 2_000
# Addresses are logged, and the first one of a visitor opens the server.
IN_ADDRESS = re.compile(r"(\btoken=)[^&\s'\"]+")
# Where a record keeps whether it is logged.
VERDICT = "trainlapse_is_logged"
# Loggers that do not leave printing to the root.
WITH_HANDLERS = ("bokeh", "panel")


class LogLimit(logging.Filter):
    """Lets through some messages of each kind a minute, cut to a length, and says when it stops.

    No message holds a token. A kind is a line of code that logs. What several handlers are given
    counts once.

    Parameters
    ----------
    clock : callable
        Gives the time in seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._clock = clock
        self._since = clock()
        self._counts: dict[tuple[str, int], int] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether to log a record, which is cut if it is long."""
        if not hasattr(record, VERDICT):
            setattr(record, VERDICT, self._judge(record))
        return bool(getattr(record, VERDICT))

    def _judge(self, record: logging.LogRecord) -> bool:
        now = self._clock()
        if now - self._since >= PERIOD_S:
            self._since = now
            self._counts.clear()
        kind = (record.pathname, record.lineno)
        count = self._counts[kind] = self._counts.get(kind, 0) + 1
        total = sum(min(count, EACH) for count in self._counts.values())
        if count > EACH or total > ALL:
            return False
        self._cut(record, "(no more of these for a minute)" if count == EACH else "")
        return True

    def _cut(self, record: logging.LogRecord, ending: str) -> None:
        try:
            said = record.getMessage()
        except Exception:  # logging would print it, and all arguments
            said = str(record.msg)
        said = _without_token(said)
        if len(said) > LONGEST:
            said = f"{said[:LONGEST]} … ({len(said):,} characters)"
        record.msg, record.args = f"{said} {ending}".rstrip(), ()
        if record.exc_info:
            told = record.exc_text or logging.Formatter().formatException(record.exc_info)
            text = _without_token(told)
            # The end says what was raised, and where.
            record.exc_text = text if len(text) <= LONGEST else f"… {text[-LONGEST:]}"


def _without_token(text: str) -> str:
    return IN_ADDRESS.sub(r"\1...", text)


@contextmanager
def bounded() -> Iterator[None]:
    """Bound what this process logs, to the end of the block."""
    root = logging.getLogger()
    limit, printing = LogLimit(), logging.StreamHandler()
    printing.setLevel(logging.WARNING)
    silent = not root.handlers
    if silent:
        root.addHandler(printing)
    loggers = (root, *map(logging.getLogger, WITH_HANDLERS))
    handlers = [handler for logger in loggers for handler in logger.handlers]
    for handler in handlers:
        handler.addFilter(limit)
    try:
        yield
    finally:
        for handler in handlers:
            handler.removeFilter(limit)
        if silent:
            root.removeHandler(printing)
