"""What is said on the terminal: every message of every command goes through `say`.

Names of layers, notes and paths come from strangers. A control character among them could move the
cursor, colour the screen, or type into the window; such characters are shown, never sent.
"""

from __future__ import annotations

import json
import logging
import sys
import threading
import traceback
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TextIO

import click


def printable(line: str) -> str:
    r"""Replace what steers a terminal, turns the direction of writing, or is no character.

    Examples
    --------
    >>> printable("conv\x1b[2J\n1")
    'conv�[2J�1'
    """
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in line)


def printable_lines(text: str) -> str:
    """Replace the same characters in a text of several lines."""
    return "\n".join(printable(line.expandtabs()) for line in text.split("\n"))


def say(*lines: str, err: bool = False) -> None:
    """Print lines, on the standard error if `err`. A line break inside of one is replaced."""
    for line in lines:
        click.echo(printable(line), err=err)


def say_json(value: Any) -> None:
    """Print JSON, in which all that cannot be printed is escaped: it reads back as it was."""
    text = json.dumps(value, ensure_ascii=False, indent=2)
    click.echo(
        "".join(
            char if char.isprintable() or char == "\n" else json.dumps(char)[1:-1] for char in text
        )
    )


@contextmanager
def printable_logs() -> Iterator[None]:
    """Let what is logged, warned of, or ends a thread steer no terminal either."""
    make, show, end = logging.getLogRecordFactory(), warnings.showwarning, threading.excepthook

    def made(*args: Any, **options: Any) -> logging.LogRecord:
        record = make(*args, **options)
        try:
            said = record.getMessage()
        except Exception:  # logging would say so, and print all arguments
            said = f"{record.msg} {record.args!r}"
        record.msg, record.args = printable_lines(said), None
        if record.exc_info:
            # Formatters take it from here, where it is there already.
            told = "".join(traceback.format_exception(*record.exc_info))
            record.exc_text = printable_lines(told.rstrip("\n"))
        return record

    def shown(
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: TextIO | None = None,
        line: str | None = None,
    ) -> None:
        told = warnings.formatwarning(message, category, filename, lineno, line)
        print(printable_lines(told), end="", file=file or sys.stderr)

    def ended(thread: threading.ExceptHookArgs) -> None:
        if thread.exc_value is not None and not isinstance(thread.exc_value, SystemExit):
            name = thread.thread.name if thread.thread else "unknown"
            told = "".join(traceback.format_exception(thread.exc_value))
            say(f"In thread {name}:", *told.rstrip("\n").split("\n"), err=True)

    logging.setLogRecordFactory(made)
    warnings.showwarning = shown
    threading.excepthook = ended
    try:
        yield
    finally:
        logging.setLogRecordFactory(make)
        warnings.showwarning, threading.excepthook = show, end
