"""The commands `film`, `figure` and `numbers`; `COMMANDS` lists them all.

Heavy modules are imported inside the commands, so that ``--help`` is quick.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from explorer.export.sizes import DEFAULT_DPI, sized_svg, width_of, with_dpi
from explorer.replay.command import parse_size
from store.commands import Command, out_option
from store.errors import TrainlapseError
from store.storage.location import on_disk
from store.terminal import say

FILMS = (".mp4", ".gif")
FIGURES = (".png", ".svg", ".pdf")
NUMBERS = (".csv", ".npz", ".nc")


def _options(*options: Callable[..., Any]) -> Callable[..., Any]:
    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        for option in reversed(options):
            function = option(function)
        return function

    return decorate


def _size(_: click.Context, option: click.Parameter, value: str | None) -> int | None:
    try:
        return None if value is None else parse_size(value)
    except ValueError as error:
        raise click.BadParameter(str(error), param=option) from error


def _width(_: click.Context, option: click.Parameter, value: str | None) -> str | None:
    try:
        if value is not None:
            width_of(value)
    except ValueError as error:
        raise click.BadParameter(str(error), param=option) from error
    return value


_overwrite = click.option("--overwrite", is_flag=True, help="Replace what is there already.")
_selection = _options(
    click.option("--part", metavar="NAME", help="Of a run of several models, the one looked at."),
    click.option("--layer", metavar="NAME", help="Layer that is looked at."),
    click.option("--unit", type=click.IntRange(0), help="Unit of the layer."),
    click.option("--probe", type=click.IntRange(0), help="Probe input."),
    click.option("--target", type=int, help="Explained class; by default the true one."),
)
_card = click.option("--card", metavar="TITLE", help="Card by its title or a part of it.")
_axis = click.option(
    "--axis",
    type=click.Choice(["step", "log_step", "epoch", "wall_time"]),
    help="Time axis of curves.",
)
_range = _options(
    click.option("--from", "first", type=click.IntRange(0), help="First step (updates)."),
    click.option("--to", "last", type=click.IntRange(0), help="Last step (updates)."),
    click.option(
        "--every", type=click.IntRange(1), default=1, help="Of the recorded steps one in so many."
    ),
)
_look = _options(
    click.option(
        "--tab",
        type=click.Choice(["layers", "learning", "training"]),
        help="Tab of the dashboard, without --card.",
    ),
    click.option(
        "--theme",
        type=click.Choice(["light", "dark"]),
        default="light",
        show_default=True,
        help="Colours of the page.",
    ),
    click.option("--height", type=click.IntRange(240, 4320), help="Page height, without --card."),
)


@click.command("film", cls=Command)
@click.argument("run")
@out_option(FILMS, "Film to write: .mp4 or .gif.")
@_card
@_selection
@_axis
@_range
@click.option(
    "--fps",
    type=click.FloatRange(0.1, 60),
    default=10,
    show_default=True,
    help="Recorded steps a second.",
)
@_look
@click.option("--width", type=click.IntRange(320, 7680), help="Page width in pixels.")
@click.option(
    "--scale", type=click.IntRange(1, 4), default=1, show_default=True, help="Pixels a page pixel."
)
@click.option(
    "--max-size",
    callback=_size,
    metavar="SIZE",
    help="Make the film smaller until it has at most so many bytes, such as 1MB, if it can be. "
    "Default: 1MB for a .gif; of an .mp4, no limit.",
)
@_overwrite
def film(
    run: str,
    out: Path,
    first: int | None,
    last: int | None,
    every: int,
    fps: float,
    max_size: int | None,
    overwrite: bool,
    **options: Any,
) -> None:
    """Film a card of RUN, or the whole dashboard, through the recorded steps.

    A frame a recorded step: all of them, unless --from, --to or --every says otherwise; the last
    one stays for a moment, and no film is shorter than three seconds. Step and progress stand below
    a card. Needs the extra `film`, and Chromium or Chrome.
    """
    from explorer.export.making import make_film
    from explorer.films.writer import held_seconds, most_film_bytes
    from store.reading.run import open_run

    _refuse(out, overwrite)
    if first is not None and last is not None and first > last:
        raise click.UsageError(f"--from {first} is after --to {last}: exchange them.")
    opened = open_run(run)
    start = time.perf_counter()
    with _progress() as progress:
        count = make_film(
            opened,
            out,
            fps,
            first=first,
            last=last,
            every=every,
            most_bytes=max_size,
            progress=progress,
            **options,
        )
    took = time.perf_counter() - start
    lasts = count / fps + held_seconds(count, fps)
    size = on_disk(out).stat().st_size
    say(
        f"Wrote {out}: {count} frame{'s' * (count != 1)} at {fps:g} a second, {lasts:.1f} s with "
        f"the last one held; {size / 1000:,.0f} kB (made in {took:.1f} s)."
    )
    most = most_film_bytes(out, max_size)
    if most is not None and size > most:
        say(f"  Larger than {most:,} bytes: fewer steps (--every) or a narrower page (--width).")


@contextmanager
def _progress() -> Iterator[Callable[[int, int], None]]:
    """Show a progress bar of frames, if the output is a terminal."""
    from tqdm import tqdm

    with tqdm(desc="film", unit="frame", disable=None, leave=False) as bar:

        def progress(done: int, count: int) -> None:
            if bar.total != count:
                bar.reset(count)
            bar.update(done - bar.n)

        yield progress


@click.command("figure", cls=Command)
@click.argument("run")
@out_option(FIGURES, "Figure to write: .png, .svg or .pdf.")
@_card
@_selection
@_axis
@click.option("--step", type=click.IntRange(0), help="Recorded step; by default the last.")
@_look
@click.option(
    "--width",
    callback=_width,
    metavar="LENGTH",
    help="Width in pixels, such as 1280, or on paper, such as 85mm, 8.5cm or 3.3in.",
)
@click.option(
    "--dpi",
    type=click.IntRange(72, 1200),
    default=DEFAULT_DPI,
    show_default=True,
    help="Pixels an inch of a .png whose width is on paper.",
)
@click.option(
    "--scale",
    type=click.IntRange(1, 4),
    help="Pixels of a .png for each of the page. Default: 1 with --width, else 2.",
)
@_overwrite
def figure(
    run: str,
    out: Path,
    step: int | None,
    width: str | None,
    dpi: int,
    scale: int | None,
    overwrite: bool,
    **options: Any,
) -> None:
    """Save a card of RUN, or the whole dashboard as .png, at one step.

    What can be pressed on a page is left out. In .svg and .pdf, texts and lines stay sharp at every
    size. Needs the extra `film`, and Chromium or Chrome.
    """
    from explorer.export.making import screen_of
    from explorer.export.selecting import index_at
    from store.reading.run import open_run
    from store.storage.atomic import new_file

    kind = out.suffix.lower()
    if kind != ".png" and options["card"] is None:
        raise click.UsageError(f"A {kind} is of one card: name it with --card, or write a .png.")
    _refuse(out, overwrite)
    opened = open_run(run)
    index = index_at(opened, step)
    wide = None if width is None else width_of(width, scale=scale or 1, dpi=dpi)
    options |= {"scale": scale or 2} if wide is None else {"width": wide.page, "scale": wide.scale}
    with screen_of(opened, **options) as screen:
        screen.fit([index])
        screen.show(index)
        if kind == ".png":
            content = screen.png()
        else:
            svg = screen.svg() if wide is None else sized_svg(screen.svg(), wide)
            content = svg.encode() if kind == ".svg" else screen.pdf(svg)
    if kind == ".png" and wide is not None and wide.dpi:
        content = with_dpi(content, wide.dpi)
    with new_file(out) as path:
        path.write_bytes(content)
    say(f"Wrote {out}: step {opened.steps[index]}.")


@click.command("numbers", cls=Command)
@click.argument("run")
@out_option(NUMBERS, "File to write: .csv, .npz (NumPy) or .nc (NetCDF).")
@click.option("--card", metavar="TITLE", required=True, help="Card by its title or a part of it.")
@_selection
@_axis
@click.option("--step", type=click.IntRange(0), help="Only this recorded step.")
@_range
@_overwrite
def numbers(
    run: str,
    out: Path,
    card: str,
    step: int | None,
    first: int | None,
    last: int | None,
    every: int,
    overwrite: bool,
    **chosen: Any,
) -> None:
    """Save the numbers behind a card of RUN, at all recorded steps or at some.

    Of a card with several pictures, a .csv becomes several files.
    """
    import panel as pn

    from explorer.cards import files
    from explorer.cards.numbers import numbers_behind
    from explorer.data.absence import Absence
    from explorer.export.selecting import SelectionError, index_at, indices_between, select
    from explorer.plots import style
    from explorer.views.base import drawn
    from store.reading.run import open_run

    style.register()
    if step is not None and (first is not None or last is not None):
        raise click.UsageError("--step names one step; leave out --from and --to.")
    opened = open_run(run)
    target = select(opened, card, **chosen)
    indices = (
        indices_between(opened, first, last, every) if step is None else [index_at(opened, step)]
    )
    view, scene = target.view, target.scene(indices[-1])
    assert view is not None
    made = drawn(view, scene)
    if isinstance(made, Absence):
        raise SelectionError(f"{view.title}: {made}")
    body = pn.panel(made)
    if view.follows:
        view.follow(scene, body)
    parts, about = numbers_behind(view, scene, body, indices)
    kind = out.suffix.lower()
    contents: dict[Path, bytes] = {}
    if kind == ".csv":
        tables = files.csv_tables(parts)
        for name, text in tables.items():
            path = out if len(tables) == 1 else out.with_name(f"{out.stem}-{name}.csv")
            contents[path] = text.encode()
    else:
        made = files.joined(parts, about)
        contents[out] = files.npz_bytes(made) if kind == ".npz" else files.netcdf_bytes(made)
    _write(contents, overwrite)
    say(f"Wrote {', '.join(str(path) for path in contents)}.")


def _write(contents: dict[Path, bytes], overwrite: bool) -> None:
    """Write all files, or none if one of them is there already."""
    from store.storage.atomic import new_file

    for path in contents:
        _refuse(path, overwrite)
    for path, content in contents.items():
        with new_file(path) as fresh:
            fresh.write_bytes(content)


class FileThereError(TrainlapseError, FileExistsError):
    """A file would be overwritten."""


def _refuse(path: Path, overwrite: bool) -> None:
    if on_disk(path).exists() and not overwrite:
        raise FileThereError(f"{path} is there already; pass --overwrite to replace it.")


COMMANDS: list[click.Command] = [film, figure, numbers]
