"""Turn a finished run into its packed form: quick frames and histories, small, checksummed."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from store.errors import RunExistsError, RunFormatError, SpecError
from store.packed import precision as precisions
from store.packed.draft import Draft
from store.packed.precision import Choice
from store.packed.writer import PackOptions, PackReport, Progress, write_packed
from store.reading import moments
from store.reading.bookmarks import Bookmark, render
from store.reading.run import Run
from store.storage.atomic import new_directory
from store.storage.location import ROOT_FILES, is_run, on_disk
from store.storage.open_source import open_source
from store.storage.run_lock import RunLock
from store.storage.sources import DirectorySource


def pack(
    run: str | Path,
    out: str | Path | None = None,
    *,
    history: bool = True,
    precision: Mapping[str, Choice] | None = None,
    level: int | None = None,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> PackReport:
    """Write the packed form of a run, verify it, and only then let it take its place.

    Parameters
    ----------
    run : str or Path
        Any run that `open_run` opens; packing it in place needs a directory.
    out : str or Path, optional
        Directory to write; by default the run's own, which is replaced at the end.
    history : bool
        Also store every array time-major, so that the history of one unit is one small read.
    precision : mapping of {"activation", "weights"} to {"float16"} or int, optional
        Fewer bits by kind of array: half floats, or a number of mantissa bits to keep. By default
        every bit is kept. The largest error is measured, declared in the run and returned.
    level : int, optional
        Level of every codec, 1 (quick) to 9 (small); by default as measured for each kind.
    overwrite : bool
        Replace a run that is already at `out`.
    progress : callable, optional
        Called with bytes done, bytes in all, and the array being worked on.

    Returns
    -------
    PackReport
        Sizes, and the largest error of each rounded array.

    Raises
    ------
    RunLockedError
        The run is still being recorded.
    RunExistsError
        Something is at `out` already.
    SpecError
        `precision` or `level` is not one of those above, or the run cannot be packed in place.
    ChunkDamagedError
        The run is damaged, or the disk did not keep what was written.

    Notes
    -----
    Interrupted at any moment, the old run is still there whole, and nothing else is. A packed
    directory is uploaded to a bucket as it is::

        aws s3 sync runs/lenet.zarr s3://bucket/lenet.zarr
    """
    options = PackOptions(history=history, precision=precisions.check(precision), level=level)
    if level is not None and not 1 <= level <= 9:
        raise SpecError(f"level must be from 1 to 9, got {level}.")
    with reading(run) as opened:
        target = _target(opened, out, overwrite=overwrite)
        return write_run(
            target,
            Draft.of(opened),
            options,
            companions=companion_files(opened),
            bookmarks=_sound_moments(opened),
            progress=progress,
        )


@contextlib.contextmanager
def reading(location: str | Path) -> Iterator[Run]:
    """Open a run, and keep a recording from starting in it meanwhile.

    Raises
    ------
    RunLockedError
        It is being recorded.
    """
    run = Run(open_source(location), checks_frames=True)
    if not isinstance(run.source, DirectorySource) or run.attributes["form"] != "live":
        yield run  # nobody records into it
        return
    lock = None
    with contextlib.suppress(OSError):  # a read-only place: nobody records into it either
        lock = RunLock(run.source.directory)
    if lock is not None and os.name == "nt":
        lock.release()  # Windows moves no folder in which a file is open
    try:
        run.refresh()
        yield run
    finally:
        if lock is not None:
            lock.remove()


def write_run(
    target: Path,
    draft: Draft,
    options: PackOptions,
    *,
    companions: Iterable[Path] = (),
    bookmarks: Sequence[Bookmark] = (),
    progress: Progress | None = None,
) -> PackReport:
    """Write a draft so that it appears at `target` whole or not at all.

    Parameters
    ----------
    target : Path
        A new directory, or a run that is to be replaced.
    draft : Draft
        What to write.
    options : PackOptions
        How.
    companions : iterable of Path
        Files that come along.
    bookmarks : sequence of Bookmark
        The run's moments.
    progress : callable, optional
        As for `pack`.
    """
    with new_directory(target) as fresh:
        report = write_packed(fresh, draft, options, progress)
        for file in companions:
            shutil.copy2(file, fresh / file.name)
        if bookmarks:
            content = render(bookmarks, run_id=draft.attributes["run_id"])
            moments.write(fresh / moments.FILE_NAME, content)
    return PackReport(
        target, report.raw_bytes, report.frames_bytes, report.history_bytes, report.errors
    )


def companion_files(run: Run) -> list[Path]:
    """Files that lie in a run's directory without being part of its arrays."""
    if not isinstance(run.source, DirectorySource):
        return []
    return [
        entry
        for entry in sorted(run.source.directory.iterdir())
        if not entry.name.startswith(".")
        and entry.name not in ROOT_FILES
        and entry.is_file()
        and not entry.is_symlink()
    ]


def _sound_moments(run: Run) -> Sequence[Bookmark]:
    """Moments of a run; none if they cannot be read: their file then comes along as it is."""
    try:
        return moments.load(run)
    except RunFormatError:
        return ()


def free_target(out: str | Path, *, overwrite: bool) -> Path:
    """Directory to write, after a check that nothing would be lost there."""
    target = on_disk(out)
    if target.exists() and not (overwrite and is_run(target)):
        what = "There is a run" if is_run(target) else "There is something"
        hint = " or overwrite it" if is_run(target) else ""
        raise RunExistsError(f"{what} at {target} already. Choose another path{hint}.")
    return target


def _target(run: Run, out: str | Path | None, *, overwrite: bool) -> Path:
    if out is not None:
        return free_target(out, overwrite=overwrite)
    if not isinstance(run.source, DirectorySource):
        raise SpecError(f"{run.location} cannot be packed in place; give a directory to write.")
    return run.source.directory
