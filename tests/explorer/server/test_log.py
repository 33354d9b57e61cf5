"""The log stays small, whatever is sent."""

from __future__ import annotations

import io
import logging

import pytest

from explorer.server.log import ALL, EACH, LONGEST, PERIOD_S, LogLimit, bounded
from store.terminal import printable_logs


class Log:
    """A log in memory, whose clock stands still."""

    def __init__(self):
        self.now = 0.0
        self.lines = []
        self._limit = LogLimit(lambda: self.now)

    def say(self, message, *arguments, line=1, raised=None):
        exception = (type(raised), raised, raised.__traceback__) if raised else None
        record = logging.LogRecord(
            "name", logging.ERROR, "module.py", line, message, arguments, exception
        )
        if self._limit.filter(record):
            self.lines.append(logging.Formatter().format(record))


@pytest.fixture
def log():
    return Log()


def test_a_kind_of_message_is_logged_some_times_a_minute(log):
    for number in range(379):
        log.say("bad message %r", number)
    log.say("another", line=2)
    assert log.lines[: EACH - 1] == [f"bad message {number}" for number in range(EACH - 1)]
    assert log.lines[EACH - 1 :] == [
        f"bad message {EACH - 1} (no more of these for a minute)",
        "another",
    ]
    log.now = PERIOD_S
    log.say("bad message %r", "again")
    assert log.lines[-1] == "bad message 'again'"


def test_so_are_all_kinds_together(log):
    for line in range(1000):
        log.say("a kind of its own", line=line)
    assert len(log.lines) == ALL


def test_a_message_that_quotes_what_was_sent_is_cut(log):
    log.say("received %r", "x" * 1_000_000)
    assert len(log.lines[0]) < LONGEST + 50
    assert log.lines[0].endswith("… (1,000,011 characters)")


def test_so_is_a_traceback_whose_end_says_what_was_raised(log):
    try:
        raise ValueError("x" * 10_000 + "the end")
    except ValueError as error:
        log.say("failed", raised=error)
    assert len(log.lines[0]) < LONGEST + 50
    assert log.lines[0].endswith("the end")


def test_so_is_a_traceback_that_was_formatted_before():
    """The command that serves makes all that is logged printable when it is logged."""
    output, logger = io.StringIO(), logging.Logger("a library's")
    logger.addHandler(logging.StreamHandler(output))
    logger.handlers[0].addFilter(LogLimit())
    with printable_logs():
        try:
            raise ValueError("\x1b[2J" + "x" * 10_000 + " /?token=s3cret")
        except ValueError:
            logger.exception("failed")
    assert len(output.getvalue()) < LONGEST + 50
    assert output.getvalue().endswith("token=...\n")
    assert "\x1b" not in output.getvalue()


def test_a_message_that_cannot_be_formatted_is_logged_as_it_is(log):
    log.say("%d of %d", "one")
    assert log.lines == ["%d of %d"]


def test_no_token_is_logged(log):
    log.say("404 GET /a?layer=b&token=s3cr%2B-et&step=1 (127.0.0.1)")
    try:
        raise ValueError("HTTPServerRequest(uri='/?token=s3cret')")
    except ValueError as error:
        log.say("failed", line=2, raised=error)
    assert log.lines[0] == "404 GET /a?layer=b&token=...&step=1 (127.0.0.1)"
    assert log.lines[1].endswith("uri='/?token=...')")
    log.say("404 GET /;token=s3cret (127.0.0.1)", line=3)
    assert log.lines[2] == "404 GET /;token=... (127.0.0.1)"


def test_the_log_is_bounded_only_while_the_server_runs(caplog):
    with bounded():
        for _ in range(2 * EACH):
            logging.getLogger("any").warning("while it runs")
    for _ in range(2 * EACH):
        logging.getLogger("any").warning("later")
    assert len([each for each in caplog.messages if each == "later"]) == 2 * EACH
    heard = [each for each in caplog.messages if "while it runs" in each]
    assert len(heard) % EACH == 0  # pytest hears twice of each
    assert heard


def test_what_several_handlers_are_given_counts_once():
    """Bokeh's logger has a handler of its own, and passes on what it is given."""
    limit, outputs = LogLimit(), [io.StringIO(), io.StringIO()]
    logger = logging.Logger("a library's")
    for output in outputs:
        handler = logging.StreamHandler(output)
        handler.addFilter(limit)
        logger.addHandler(handler)
    for number in range(EACH + 1):
        logger.error("bad message %d", number)
    lines = [f"bad message {number}" for number in range(EACH)]
    lines[-1] += " (no more of these for a minute)"
    assert [output.getvalue().splitlines() for output in outputs] == [lines, lines]
