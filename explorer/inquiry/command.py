"""The command ``trainlapse findings``."""

from __future__ import annotations

import textwrap

import click

from explorer.derived.findings.observation import SEVERITIES
from store.commands import Command
from store.terminal import say, say_json

WIDTH = 96


@click.command(cls=Command)
@click.argument("run", metavar="RUN")
@click.argument("other", metavar="[RUN_B]", required=False)
@click.option("--json", "as_json", is_flag=True, help="A list of objects, and nothing else.")
@click.option(
    "--least",
    type=click.Choice(SEVERITIES),
    default="note",
    show_default=True,
    help="Leave out what weighs less.",
)
@click.option(
    "--fail-on",
    type=click.Choice(SEVERITIES),
    help="Exit with 1 where there is a finding of this severity, or a heavier one.",
)
def findings(run: str, other: str | None, as_json: bool, least: str, fail_on: str | None) -> None:
    """Say what happened in the training RUN, why, and what to try.

    Of two runs: which is better, since when, and what differs.

    RUN is a directory, a .zip, or an http(s):// or s3:// address. What is found is a judgement from
    what was recorded: each sentence names the numbers that it rests on.
    """
    from explorer.inquiry.findings import findings as found_in

    every = found_in(run, other)
    told = [each for each in every if _weighs(each.severity) <= _weighs(least)]
    if as_json:
        say_json([each.as_json() for each in told])
    else:
        if all(each.severity == "note" for each in every):
            say("Nothing unusual was found.")
        for each in told:
            which = f"{each.run}: " if each.run else ""
            say(*_wrapped(f"{each.severity:<8}{which}{each.sentence}"))
            if each.remedy:
                say(*_wrapped(f"{'':<8}Try: {each.remedy}"))
    if fail_on and any(_weighs(each.severity) <= _weighs(fail_on) for each in every):
        raise click.exceptions.Exit(1)


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, WIDTH, subsequent_indent=" " * 8, drop_whitespace=False)


def _weighs(severity: str) -> int:
    return list(map(str, SEVERITIES)).index(severity)


COMMANDS = [findings]
