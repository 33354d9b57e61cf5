"""Write a replay of a run: choose what fits, make the page, put it in place at once."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from explorer.data.run import RunData
from explorer.plots.style import register
from explorer.replay import frozen, tour
from explorer.replay.budget import fitted
from explorer.replay.contents import Contents, chosen, everything, told
from explorer.replay.page import ReplayPage, encoded
from store import Run
from store.errors import RunExistsError, SpecError, listed
from store.reading import moments as kept_moments
from store.storage.atomic import new_file

# A mail takes it, and a browser opens it at once.
MOST_BYTES = 20_000_000
OTHERS = (
    "Weights, and the other views of the explorer, are not in this file: open the run itself with "
    "trainlapse explore."
)

# Called with what is being done, how much of it is done, and how much there is.
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class ReplayReport:
    """What was written.

    Attributes
    ----------
    path : Path
        The file.
    bytes : int
        Its size.
    contents : Contents
        The part of the run that is in it.
    held : str
        The same in a sentence.
    left_out : list of str
        What is not, a sentence for each reason.
    moments : list of str
        What of its moments is in the file and what is not, and that their notes are; none for a
        run without moments.
    """

    path: Path
    bytes: int
    contents: Contents
    held: str
    left_out: list[str]
    moments: list[str]


def export_replay(
    run: Run,
    out: str | Path,
    *,
    layers: Sequence[str] = (),
    probes: str | None = None,
    steps: str | None = None,
    moments: bool = True,
    most_bytes: int = MOST_BYTES,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> ReplayReport:
    """Write a run as one HTML file that plays without a server and without a network.

    Parameters
    ----------
    run : Run
        An open run.
    out : str or Path
        The file to write, which ends in ``.html``.
    layers, probes, steps
        What to keep, see `explorer.replay.contents.chosen`.
    moments : bool
        Put the run's moments and their notes in, those whose step and layer are in the file.
    most_bytes : int
        Size that the file may have; see `explorer.replay.budget` for what is left out first.
    overwrite : bool
        Replace a file that is already there.
    progress : callable, optional
        Called with ``"measuring"`` or a layer's name, films done, and films in all.

    Raises
    ------
    RunExistsError
        Something is at `out` already.
    SpecError
        Nothing fits into `most_bytes`, or what is asked for does not exist.
    RunFormatError
        The document of the run's moments is damaged.
    """
    target = Path(out).expanduser()
    if target.suffix.lower() not in (".html", ".htm"):
        raise SpecError(f"Expected a file that ends in .html, got {str(out)!r}.")
    if target.exists() and not (overwrite and target.is_file()):
        raise RunExistsError(
            f"There is something at {target} already. Choose another path, or --overwrite a file."
        )
    register()
    data = RunData(run)
    page = ReplayPage(data, kept_moments.load(run) if moments else ())
    there = everything(data)
    wanted = chosen(data, layers, probes, steps)

    def notes(part: Contents) -> list[str]:
        return _notes(page, there, wanted, part, [] if moments else [tour.UNASKED])

    content, kept = _fitting(page, wanted, notes, most_bytes, progress)
    with new_file(target) as fresh:
        fresh.write_bytes(content)
    held, left_out = tour.told(data, page.tour, wanted, kept)
    has_notes = any(each.note for each in tour.kept(data, page.tour, kept))
    private = [tour.PERSONAL] if has_notes else []
    said = [*held, *left_out, *private] if moments else [tour.UNASKED]
    return ReplayReport(target, len(content), kept, *told(there, wanted, kept), said)


def _fitting(
    page: ReplayPage,
    wanted: Contents,
    notes: Callable[[Contents], list[str]],
    most: int,
    progress: Progress | None,
) -> tuple[bytes, Contents]:
    """Largest page that fits. An estimate that proves too low is corrected by its error."""
    updates = page.data.timeline.steps.tolist()
    preferred = tour.positions(page.data, page.tour, wanted)

    def size(part: Contents) -> int:
        if progress is not None:
            progress("measuring", 0, 1)
        return page.size(part, notes(part))

    aim = most
    while True:
        kept = fitted(wanted, updates, size, aim, preferred)
        content = encoded(page.html(kept, notes(kept), _counting(kept, progress)))
        if len(content) <= most:
            return content, kept
        aim = min(aim - 1, aim * most // len(content))


def _counting(kept: Contents, progress: Progress | None) -> Callable[[str], None]:
    done = itertools.count(1)

    def tell(layer: str) -> None:
        if progress is not None:
            progress(layer, next(done), len(kept.layers) * len(kept.probes))

    return tell


def _notes(
    page: ReplayPage, there: Contents, wanted: Contents, kept: Contents, of_moments: list[str]
) -> list[str]:
    """Say on the page what is in it, a paragraph each."""
    data = page.data
    held, left_out = told(there, wanted, kept)
    guided, unguided = tour.told(data, page.tour, wanted, kept)
    notes = [held, *left_out, *guided, *unguided, *of_moments]
    undrawn = frozen.undrawn(data)
    if undrawn:
        notes.append(f"Metrics without a chart here: {listed(undrawn)}.")
    notes.append(OTHERS)
    own = str(data.run.attributes.get("notes", "")).strip()
    return [*notes, f"Notes of the run: {own}"] if own else notes
