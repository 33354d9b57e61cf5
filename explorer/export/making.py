"""Make a film or a figure: open the run's page in a browser, go through steps, write the file."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from explorer.export import screen
from explorer.export.selecting import indices_between, select
from explorer.films import writer
from explorer.session.session import TAB_OF
from store import Run
from store.storage.atomic import new_file

# Width and height of the page in pixels, as on a laptop; width of a page with one card.
PAGE = (1600, 900)
CARD_WIDTH = 960

Progress = Callable[[int, int], None]


def make_film(
    run: Run,
    out: Path,
    fps: float,
    *,
    first: int | None = None,
    last: int | None = None,
    every: int = 1,
    most_bytes: int | None = None,
    progress: Progress | None = None,
    **look: Any,
) -> int:
    """Film a card, or the whole dashboard, through recorded steps.

    Parameters
    ----------
    run : Run
        The run.
    out : Path
        File to write, ``.mp4`` or ``.gif``. It appears when the film is complete.
    fps : float
        Recorded steps a second.
    first, last, every : int, optional
        Steps, as for `explorer.export.selecting.indices_between`.
    most_bytes : int, optional
        As for `explorer.films.writer.most_film_bytes`.
    progress : callable, optional
        Takes the number of frames done and of all frames, at the beginning and after each frame.
    **look
        As for `screen_of`.

    Returns
    -------
    int
        Number of frames.

    Raises
    ------
    MissingExtraError
        What draws or writes the film is not installed.
    StepNotRecordedError
        No step was recorded between `first` and `last`.
    SelectionError
        The run does not have what is selected.
    DrawingError
        The browser did not draw the page.
    """
    writer.REQUIRED[out.suffix.lower()]()
    indices = indices_between(run, first, last, every)
    with screen_of(run, **look) as shown:
        shown.fit([indices[0], indices[len(indices) // 2], indices[-1]])
        with new_file(out) as path:
            kind, frames = out.suffix.lower(), _frames(shown, indices, progress)
            most = writer.most_film_bytes(out, most_bytes)
            writer.WRITERS[kind](path, frames, fps, most_bytes=most)
    return len(indices)


def _frames(
    shown: screen.Screen, indices: Sequence[int], progress: Progress | None
) -> Iterator[bytes]:
    for done, index in enumerate(indices):
        if progress is not None:
            progress(done, len(indices))
        shown.show(index)
        yield shown.png()
    if progress is not None:
        progress(len(indices), len(indices))


@contextmanager
def screen_of(
    run: Run,
    *,
    card: str | None,
    theme: str = "light",
    width: int | None = None,
    height: int | None = None,
    scale: float = 1,
    choices: Sequence[Mapping[str, str]] = (),
    **chosen: Any,
) -> Iterator[screen.Screen]:
    """Open a run in a browser, at a selection.

    Parameters
    ----------
    run : Run
        The run.
    card : str or None
        Title of a card, or a part of the title; None: the dashboard.
    theme : {"light", "dark"}
        Colours of the page.
    width, height : int, optional
        Size of the page in pixels; by default `PAGE`, and `CARD_WIDTH` for a card.
    scale : float
        Pixels of a picture for each pixel of the page.
    choices : sequence of mapping
        Options of the card, as for `explorer.export.screen.Screen.choose`.
    **chosen
        Values of the selection, as for `explorer.export.selecting.select`.

    Yields
    ------
    Screen
        The open page.

    Raises
    ------
    SelectionError, MissingExtraError, DrawingError
        As of `make_film`.
    """
    target = select(run, card, **chosen)
    query = {**target.selection.to_query(), "axis": target.selection.axis, "theme": theme}
    if target.data.run.part:
        query["part"] = target.data.run.part
    title = None
    if target.view is not None:
        title = target.view.title
        query["tab"] = TAB_OF.get(target.view.region, query["tab"])
    size = {
        "width": width or (PAGE[0] if title is None else CARD_WIDTH),
        "height": height or PAGE[1],
    }
    with screen.opened(run, query, card=title, scale=scale, **size) as shown:
        shown.choose(choices)
        yield shown
