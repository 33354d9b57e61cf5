"""What all commands of the program have in common."""

from __future__ import annotations

import io
import sys
from typing import Any

import click

from store.errors import TrainlapseError


class Command(click.Command):
    """Shows a `TrainlapseError` as one line on stderr and exits with 1; ``-h`` is ``--help``."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        # Also without the group that it belongs to: Click keeps the first help option it makes.
        self.context_settings["help_option_names"] = ["-h", "--help"]

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command."""
        if isinstance(sys.stdout, io.TextIOWrapper):
            # As stderr has it: a file's name may hold what the terminal, or UTF-8, does not.
            sys.stdout.reconfigure(errors="backslashreplace")
        try:
            return super().invoke(ctx)
        except TrainlapseError as error:
            click.echo(f"Error: {error}", err=True)
            ctx.exit(1)
