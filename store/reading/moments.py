"""Moments of a training to come back to, kept with their run, or beside one that is read-only.

A run's own are in a JSON document (`store.reading.bookmarks`) beside the root's ``zarr.json``, see
SCHEMA.md. Where nothing can be written there, they are beside the run's directory or zip file, else
in the user's own folder; `share` puts them inside again.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import threading
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import platformdirs

from store.reading.bookmarks import MOST_BYTES, Bookmark, parse, render
from store.reading.run import Run
from store.storage.atomic import new_file
from store.storage.sources import DirectorySource

FILE_NAME = "moments.json"

# The folder for runs that lie where nothing can be written; for tests and small homes.
FOLDER_VARIABLE = "TRAINLAPSE_DATA"

_LOCK = threading.Lock()


def load(run: Run) -> tuple[Bookmark, ...]:
    """Moments of a run in the order of the tour, from wherever they are kept.

    Parameters
    ----------
    run : Run
        An open run.

    Raises
    ------
    RunFormatError
        The document is damaged; the message lists what is wrong.
    SchemaVersionError
        It was written by a newer Trainlapse.
    """
    for place in _outside(run):
        content = _read(place)
        found = (
            None if content is None else parse(content, where=str(place), run_id=_recording(run))
        )
        if found is not None:
            return found
    try:
        content = run.source.read(FILE_NAME, 0, MOST_BYTES + 1)
    except FileNotFoundError:
        return ()
    return parse(content, where=f"{run.location}: {FILE_NAME}", run_id=_recording(run)) or ()


def edit(
    run: Run, change: Callable[[tuple[Bookmark, ...]], Iterable[Bookmark]]
) -> tuple[Bookmark, ...]:
    """Change the moments of a run as they are now, and keep the outcome.

    Parameters
    ----------
    run : Run
        An open run; one that cannot be written has its moments beside it.
    change : callable
        Takes the moments as they are and gives them as they are to be.

    Returns
    -------
    tuple of Bookmark
        The moments that are kept now.

    Raises
    ------
    SpecError
        Too many, or one of them is not as it must be; nothing is changed then.
    RunFormatError
        What is there is damaged, and not overwritten.
    """
    with _LOCK:
        bookmarks = tuple(change(load(run)))
        save(run, bookmarks)
    return bookmarks


def _recording(run: Run) -> str:
    """Give what the moments of a run are kept by; those of its parts are the same."""
    return str(run.attributes["run_id"])


def save(run: Run, bookmarks: Sequence[Bookmark]) -> Path:
    """Replace the moments of a run, at once; returns the file that holds them.

    Raises
    ------
    SpecError
        As for `edit`.
    OSError
        There is no place to write to.
    """
    content = render(bookmarks, run_id=_recording(run))
    outside = _outside(run)
    inside = [run.source.directory / FILE_NAME] if isinstance(run.source, DirectorySource) else []
    places = [*inside, *reversed(outside)]
    for place in places:
        try:
            write(place, content)
        except OSError:  # read-only or full; the error of the last place is raised
            if place == places[-1]:
                raise
        else:
            for other in outside:  # an older copy, which would be read first
                if other != place:
                    with contextlib.suppress(OSError):
                        other.unlink(missing_ok=True)
            return place
    raise AssertionError("there is always the user's folder")


def write(file: Path, content: bytes) -> None:
    """Write a document so that a reader sees the old one or the new, never a part."""
    # Whoever made the run may have put a link there, which might lead anywhere.
    with new_file(file, follow_link=False) as fresh:
        fresh.write_bytes(content)


def _outside(run: Run) -> list[Path]:
    """Where moments lie that cannot be in the run itself; the first that is there holds."""
    path = None if run.source.is_remote else Path(run.location).resolve()
    where = run.location if path is None else str(path)
    text = f"{_recording(run)} {where}"
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]
    places = [_folder() / f"{digest}.json"]
    if path is not None:
        places.append(path.parent / f"{path.name}.{FILE_NAME}")
    return places


def _folder() -> Path:
    chosen = os.environ.get(FOLDER_VARIABLE)
    return Path(chosen or platformdirs.user_data_dir("trainlapse", False)) / "moments"


def _read(file: Path) -> bytes | None:
    try:
        if not file.is_file():
            return None
    except OSError:  # its name would be too long
        return None
    with file.open("rb") as opened:
        return opened.read(MOST_BYTES + 1)
