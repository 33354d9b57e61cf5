"""Write a replay of a run: choose what fits, make the page, write the file."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from explorer.data.run import RunData
from explorer.plots.style import register
from explorer.replay import frozen, tour
from explorer.replay.budget import fitted
from explorer.replay.contents import Contents, chosen, everything, summary
from explorer.replay.page import ReplayPage, encoded
from explorer.selection import chosen_part
from store import Run
from store.errors import RunExistsError, SpecError, listed
from store.reading import moments as stored_moments
from store.storage.atomic import new_file
from store.storage.location import on_disk

# Small enough for a mail, and for a browser to open at once.
MOST_BYTES = 20_000_000
OTHERS = (
    "Weights, and the other views of the explorer, are not in this file: open the run itself with "
    "trainlapse explore."
)

# Takes what is being done, how much of it is done, and how much there is in all.
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class ReplayReport:
    """What a replay file holds.

    Attributes
    ----------
    path : Path
        The file.
    bytes : int
        Size of the file.
    contents : Contents
        The part of the run that is in the file.
    held : str
        The same in a sentence.
    left_out : list of str
        What is left out, a sentence for each reason.
    moments : list of str
        Sentences on moments: which are in the file, which are not, and whether their notes are;
        empty for a run without moments.
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
    part: str | None = None,
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
        The file to write; its name ends in ``.html``.
    part : str, optional
        Of a run of several models, the one in the file; by default the first that has activations.
    layers, probes, steps
        As for `explorer.replay.contents.chosen`.
    moments : bool
        Whether to include the run's moments and their notes, if their step and layer are in the
        file.
    most_bytes : int
        Largest size of the file in bytes; `explorer.replay.budget` says what is left out first.
    overwrite : bool
        Whether to replace an existing file.
    progress : callable, optional
        Takes ``"measuring"`` or the name of a layer, the films done, and all films.

    Raises
    ------
    RunExistsError
        `out` exists already.
    SpecError
        Nothing fits into `most_bytes`, or the run has no step, or not what was chosen.
    PartNotFoundError
        The run has no such part.
    LayerNotFoundError, StepNotRecordedError
        As of `explorer.replay.contents.chosen`.
    RunFormatError
        The document of the run's moments is damaged.
    """
    target = on_disk(out)
    if target.suffix.lower() not in (".html", ".htm"):
        raise SpecError(f"Expected a file that ends in .html, got {str(out)!r}.")
    if target.exists() and not (overwrite and target.is_file()):
        raise RunExistsError(
            f"There is something at {target} already. Choose another path, or --overwrite a file."
        )
    register()
    shown = chosen_part(run, {}) if part is None else run.parts[part]
    data = RunData(shown)
    page = ReplayPage(data, stored_moments.load(run) if moments else ())
    available = everything(data)
    wanted = chosen(data, layers, probes, steps)

    def notes(part: Contents) -> list[str]:
        return _notes(page, available, wanted, part, [] if moments else [tour.NOT_REQUESTED])

    content, kept = _fitting(page, wanted, notes, most_bytes, progress)
    with new_file(target) as fresh:
        fresh.write_bytes(content)
    held, left_out = tour.summary(data, page.tour, wanted, kept)
    has_notes = any(each.note for each in tour.kept(data, page.tour, kept))
    private = [tour.NOTES_INCLUDED] if has_notes else []
    said = [*held, *left_out, *private] if moments else [tour.NOT_REQUESTED]
    in_file, absent = summary(available, wanted, kept)
    return ReplayReport(target, len(content), kept, in_file, [*_of_part(shown), *absent], said)


def _of_part(run: Run) -> list[str]:
    """Say which part of a run of several models is in the file."""
    others = [name for name in run.part_names if name != run.part]
    if not run.part:
        return []
    return [f"Part {run.part}. Not in this file: {listed(others)}; choose by --part."]


def _fitting(
    page: ReplayPage,
    wanted: Contents,
    notes: Callable[[Contents], list[str]],
    most: int,
    progress: Progress | None,
) -> tuple[bytes, Contents]:
    """Make the largest page that fits. If its size was underestimated, a smaller one is made."""
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
    page: ReplayPage, available: Contents, wanted: Contents, kept: Contents, of_moments: list[str]
) -> list[str]:
    """Paragraphs of the page on what it holds and what it does not."""
    data = page.data
    held, left_out = summary(available, wanted, kept)
    guided, unguided = tour.summary(data, page.tour, wanted, kept)
    notes = [*_of_part(data.run), held, *left_out, *guided, *unguided, *of_moments]
    undrawn = frozen.undrawn(data)
    if undrawn:
        notes.append(f"Metrics without a chart here: {listed(undrawn)}.")
    notes.append(OTHERS)
    own = str(data.run.attributes.get("notes", "")).strip()
    return [*notes, f"Notes of the run: {own}"] if own else notes
