"""The command ``export``: a run as one HTML file that plays without a server."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from store.commands import Command
from store.terminal import printable, say

if TYPE_CHECKING:
    from explorer.replay.export import Progress

UNITS = {"": 1, "K": 1000, "M": 1000**2, "G": 1000**3}
UNITS |= {f"{unit}I": 1024**power for power, unit in enumerate(("K", "M", "G"), start=1)}


def parse_size(text: str) -> int:
    """Read a number of bytes, such as 20MB, 1.5 MiB or 400kB.

    Raises
    ------
    ValueError
        The text is anything else.

    Examples
    --------
    >>> parse_size("20MB"), parse_size("1.5 MiB"), parse_size("512")
    (20000000, 1572864, 512)
    """
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([KMG]?I?)B?\s*", text.upper())
    if found is None or found[2] not in UNITS:
        raise ValueError(f"expected a size like 20MB, 1.5MiB or 400kB, got {text!r}")
    return int(float(found[1]) * UNITS[found[2]])


def _size(_: click.Context, option: click.Parameter, value: str) -> int:
    try:
        return parse_size(value)
    except ValueError as error:
        raise click.BadParameter(str(error), param=option) from error


@contextmanager
def _bar() -> Iterator[Progress]:
    """Show a progress bar, if the output is a terminal."""
    from tqdm import tqdm

    with tqdm(desc="export", unit="film", disable=None, leave=False) as bar:

        def show(what: str, done: int, total: int) -> None:
            if bar.total != total or done < bar.n:
                bar.reset(total)
            bar.set_postfix_str(printable(what), refresh=False)
            bar.update(done - bar.n)

        yield show


@click.command(cls=Command)
@click.argument("run")
@click.option(
    "-o",
    "--out",
    type=click.Path(path_type=Path),
    required=True,
    help="File to write; ends in .html.",
)
@click.option(
    "--part", metavar="NAME", help="Of a run of several models, the one that the file shows."
)
@click.option(
    "--layers", multiple=True, metavar="GLOB", help="Only these layers' activations; repeatable."
)
@click.option("--probes", metavar="LIST", help="Only these probes, for instance 0-7,12.")
@click.option(
    "--steps",
    metavar="LIST",
    help="Only these steps: recorded ones, or all within ranges, for instance 0-100,500,1000-.",
)
@click.option(
    "--max-size",
    "most_bytes",
    default="20MB",
    show_default=True,
    callback=_size,
    metavar="SIZE",
    help="Leave out steps, then probes, then layers, until the file is no larger.",
)
@click.option("--no-moments", is_flag=True, help="Leave out the run's moments and their notes.")
@click.option("--overwrite", is_flag=True, help="Replace a file that is there already.")
def export(
    run: str,
    out: Path,
    part: str | None,
    layers: tuple[str, ...],
    probes: str | None,
    steps: str | None,
    most_bytes: int,
    no_moments: bool,
    overwrite: bool,
) -> None:
    """Write RUN as one HTML file that plays in any browser, without a server or a network.

    It has the time slider, the network's graph, curves, each layer's activation for each probe, and
    what the network says; and the run's moments with their notes, as a guided tour. RUN is a
    directory, a .zip, or an http(s):// or s3:// address.

    A file that would be larger than --max-size has fewer steps (30 at least, evenly spaced in the
    logarithm of the step; those of moments stay), then fewer probes (the first ones stay), then
    fewer layers (the smallest stay), then fewer steps still. The file and the last lines of this
    command say what is left out.
    """
    from explorer.replay.export import export_replay
    from store import open_run
    from store.tools.info import human_bytes

    with _bar() as progress:
        report = export_replay(
            open_run(run),
            out,
            part=part,
            layers=layers,
            probes=probes,
            steps=steps,
            moments=not no_moments,
            most_bytes=most_bytes,
            overwrite=overwrite,
            progress=progress,
        )
    say(f"Wrote {human_bytes(report.bytes)}: {report.path}")
    say(report.held, *report.left_out, *report.moments)
