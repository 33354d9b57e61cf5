"""Names from strangers steer no terminal: whatever is said, logged, warned of, or goes wrong."""

from __future__ import annotations

import ast
import io
import json
import logging
import threading
import warnings
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from explorer.cli import Commands
from store.commands import Command
from store.errors import RunFormatError
from store.terminal import printable, printable_logs, say, say_json

# Clear the screen; the same as one character; a title; a line over another; right to left; none.
EVIL = "a\x1b[2J\x9b2J\x1b]0;t\x07\rb\u202ec\ud800\x7f"
SHOWN = "a�[2J�2J�]0;t��b�c��"
PACKAGES = ("store", "recorder", "explorer")
ROOT = Path(__file__).parents[2]


@given(st.text())
def test_nothing_is_lost_but_what_steers(text: str) -> None:
    shown = printable(text)
    assert len(shown) == len(text)
    assert shown.isprintable()
    assert all(one in (other, "�") for one, other in zip(shown, text, strict=True))


def test_a_line_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    say(EVIL, "Sound:\nnot ours")
    assert capsys.readouterr().out == f"{SHOWN}\nSound:�not ours\n"


@given(st.recursive(st.text() | st.none(), lambda inner: st.dictionaries(st.text(), inner)))
def test_json_reads_back_as_it_was(value: Any) -> None:
    output = io.StringIO()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.stdout", output)
        say_json(value)
    assert output.getvalue().replace("\n", "").isprintable()
    assert json.loads(output.getvalue()) == value


def failing(error: Exception) -> click.Command:
    @click.group(cls=Commands)
    def program() -> None: ...

    @program.command("try", cls=Command)
    @click.argument("file", type=click.Path(exists=True), required=False)
    def attempt(file: str | None) -> None:
        """Fail."""
        raise error

    return program


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (RunFormatError(f"{EVIL}:\n- first"), f"Error: {SHOWN}:\n- first\n"),
        (PermissionError(13, "Permission denied", EVIL), "Error: [Errno 13] Permission denied: "),
        (click.UsageError(EVIL), f"Error: {SHOWN}\n"),
        (click.ClickException(EVIL), f"Error: {SHOWN}\n"),
        (ValueError(EVIL), f"ValueError: {SHOWN}\n"),
        (RecursionError(EVIL), f"RecursionError: {SHOWN}\n"),
    ],
)
def test_errors(error: Exception, line: str) -> None:
    result = CliRunner().invoke(failing(error), ["try"])
    assert result.exit_code != 0
    assert isinstance(result.exception, SystemExit)
    assert line in result.stderr
    assert result.stderr.replace("\n", "").isprintable()
    # A traceback where the fault is ours, and only there.
    assert ("Traceback" in result.stderr) == (type(error) in (ValueError, RecursionError))


def test_usage_that_names_a_file() -> None:
    result = CliRunner().invoke(failing(ValueError()), ["try", "evil\x1b[2J.zarr"])
    assert "[2J.zarr" in result.stderr
    assert result.stderr.replace("\n", "").isprintable()


def test_an_unknown_command() -> None:
    result = CliRunner().invoke(failing(ValueError()), ["evil\x1b[2J"])
    assert "\x1b" not in result.stderr


def test_logs_whoever_prints_them() -> None:
    output = io.StringIO()
    logger = logging.Logger("a library's")
    logger.addHandler(logging.StreamHandler(output))
    with printable_logs():
        try:
            raise ValueError(EVIL)
        except ValueError:
            logger.exception("%s cannot be drawn", EVIL)
    lines = output.getvalue().splitlines()
    assert lines[0] == f"{SHOWN} cannot be drawn"
    assert lines[-1] == f"ValueError: {SHOWN}"
    assert output.getvalue().replace("\n", "").isprintable()


def test_a_log_that_does_not_fit_its_arguments() -> None:
    output = io.StringIO()
    logger = logging.Logger("a library's")
    logger.addHandler(logging.StreamHandler(output))
    with printable_logs():
        logger.warning("%d layers", EVIL)
    assert output.getvalue().startswith("%d layers ('a\\x1b[2J")
    assert output.getvalue().replace("\n", "").isprintable()


def test_warnings(capsys: pytest.CaptureFixture[str]) -> None:
    with warnings.catch_warnings(), printable_logs():
        warnings.simplefilter("always")
        warnings.warn(EVIL, stacklevel=1)
    told = capsys.readouterr().err
    assert SHOWN in told
    assert told.replace("\n", "").isprintable()


@pytest.mark.parametrize("error", [ValueError(EVIL), SystemExit(EVIL)])
def test_threads(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    monkeypatch.setattr(threading, "excepthook", threading.__excepthook__)

    def fail() -> None:
        raise error

    with printable_logs():
        thread = threading.Thread(target=fail, name=EVIL)
        thread.start()
        thread.join()
    told = capsys.readouterr().err
    assert (SHOWN in told) == (type(error) is ValueError)
    assert told.replace("\n", "").isprintable()
    assert threading.excepthook is threading.__excepthook__


def test_all_is_said_through_one_function() -> None:
    """No module of the packages prints by itself; what children tell parents is no message."""
    printing = {"print", "click.echo", "click.secho", "sys.stdout.write", "sys.stderr.write"}
    modules = {
        file.relative_to(ROOT).as_posix(): ast.parse(file.read_text(encoding="utf-8"))
        for package in PACKAGES
        for file in (ROOT / package).rglob("*.py")
        if file.name != "terminal.py" and "testing" not in file.parts
    }
    told = [
        f"{name}:{node.lineno}"
        for name, module in modules.items()
        for node in ast.walk(module)
        if isinstance(node, ast.Call) and ast.unparse(node.func) in printing
    ]
    assert told == []
