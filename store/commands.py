"""What all commands of the program have in common."""

from __future__ import annotations

import io
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from store.errors import TrainlapseError
from store.terminal import printable_lines, printable_logs, say


class Command(click.Command):
    """Shows what goes wrong on stderr and exits with 1; ``-h`` is ``--help``.

    A `TrainlapseError`, or one of the system, is a line; any other error is a fault of ours, with
    its traceback.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        # Also without the group that it belongs to: Click keeps the first help option it makes.
        self.context_settings["help_option_names"] = ["-h", "--help"]

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command."""
        if isinstance(sys.stdout, io.TextIOWrapper):
            # As stderr has it: a file's name may hold what the terminal, or UTF-8, does not.
            sys.stdout.reconfigure(errors="backslashreplace")
        with printable_logs(), printable_usage():
            try:
                return super().invoke(ctx)
            except (click.ClickException, click.exceptions.Exit, click.Abort):
                raise
            except (ModuleNotFoundError, BrokenPipeError):  # the group's to name, Click's to end
                raise
            except (TrainlapseError, OSError) as error:
                said = f"Error: {error}"
            except Exception:
                said = traceback.format_exc().rstrip("\n")
            say(*said.split("\n"), err=True)
            return ctx.exit(1)


@contextmanager
def printable_usage() -> Iterator[None]:
    """Let the messages of Click steer no terminal: they name files."""
    try:
        yield
    except click.UsageError as error:
        raise click.UsageError(printable_lines(error.format_message()), error.ctx) from error
    except click.ClickException as error:
        raise click.ClickException(printable_lines(error.format_message())) from error


def out_option(endings: Iterable[str], what: str) -> Callable[..., Any]:
    """Make the option ``-o`` of a command that writes a file, which its ending says the kind of.

    Parameters
    ----------
    endings : iterable of str
        Those that are taken, such as ``".png"``.
    what : str
        Its help.
    """

    def check(_: click.Context, option: click.Parameter, path: Path) -> Path:
        if path.suffix.lower() not in endings:
            raise click.BadParameter(
                f"expected a name that ends in {' or '.join(endings)}, got {path.name!r}.",
                param=option,
            )
        return path

    return click.option(
        "-o",
        "--out",
        type=click.Path(path_type=Path, dir_okay=False),
        required=True,
        callback=check,
        help=what,
    )
