"""One file that travels: a packed run in a zip that every part of Trainlapse opens in place."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from store.errors import RunExistsError, RunFormatError
from store.packed import precision as precisions
from store.packed.draft import Draft, holds_code
from store.packed.pack import companion_files, reading, write_run
from store.packed.precision import Choice
from store.packed.writer import PackOptions, Progress, drop_histories
from store.reading import moments
from store.reading.bookmarks import render
from store.reading.cache import ArrayCache
from store.reading.packed import ChunkedArray
from store.reading.run import Run, open_run
from store.storage.atomic import new_file, temporary_directory
from store.storage.location import on_disk
from store.storage.open_source import open_source
from store.tools import dataset
from store.tools.info import contents, other_files, stored_bytes
from store.tools.publication import Publication, stated
from store.tools.verify import verify

# The same run gives the same file: zip's own zero of time.
_ZIP_EPOCH = (1980, 1, 1, 0, 0, 0)
_MODE = 0o644 << 16


@dataclass(frozen=True, slots=True)
class ShareReport:
    """What was written.

    Attributes
    ----------
    path : Path
        The zip file.
    bytes : int
        Its size.
    contains : mapping of str to bool
        What it gives away, as `store.tools.info.contents` lists it.
    errors : mapping of str to float
        Largest error of each array that was rounded.
    history_left_out : bool
        Whether it lacks the time-major copies since it would be larger than the run with them.
    """

    path: Path
    bytes: int
    contains: Mapping[str, bool]
    errors: Mapping[str, float]
    history_left_out: bool


def share(
    run: str | Path,
    out: str | Path,
    *,
    history: bool | None = None,
    precision: Mapping[str, Choice] | None = None,
    overwrite: bool = False,
    with_moments: bool = True,
    said: Publication | None = None,
    progress: Progress | None = None,
) -> ShareReport:
    """Pack a run into one zip file, and verify it before it appears.

    Parameters
    ----------
    run : str or Path
        Any run; one that is packed already goes in as it is, unless an earlier version left code
        of functions in its configuration: that is left out.
    out : str or Path
        The file to write, for instance ``lenet.zip``.
    history : bool, optional
        Whether the file has a time-major copy of every array. By default it has, unless the file
        would then be larger than the run.
    precision : mapping, optional
        As for `store.packed.pack.pack`.
    overwrite : bool
        Replace a file that is already there.
    with_moments : bool
        Put the run's moments into the file, wherever they are kept.
    said : Publication, optional
        Who made the run, under which licence, and how it is cited. By default what the run says
        already, if it was shared before.
    progress : callable, optional
        Called with bytes done, bytes in all, and what is being worked on.

    Returns
    -------
    ShareReport
        Where the file is, its size in bytes, and what it gives away.

    Notes
    -----
    Members are stored, not compressed a second time, and read by their offset; the root document
    comes last, beside the directory, so that one request over a network opens the run. To put it
    into a bucket: ``aws s3 cp lenet.zip s3://bucket/``. The files ``README.md`` and
    ``dataset.jsonld`` say what the run is (`store.tools.dataset`).

    Raises
    ------
    RunExistsError
        Something is at `out` already.
    RunFormatError
        The moments are damaged, or the file that was written is not sound.
    """
    target = on_disk(out)
    if target.exists() and not (overwrite and target.is_file()):
        raise RunExistsError(f"There is something at {target} already. Choose another path.")
    target.parent.mkdir(parents=True, exist_ok=True)
    options = PackOptions(history=history is not False, precision=precisions.check(precision))
    errors: Mapping[str, float] = {}
    left_out = False
    with ExitStack() as stack:
        opened = stack.enter_context(reading(run))
        bookmarks = moments.load(opened) if with_moments else ()
        described = said if said is not None else stated(opened)
        size = stored_bytes(opened)
        as_it_is = opened.attributes["form"] == "packed" and not precision
        if history is not None and history != opened.attributes.get("history", False):
            as_it_is = False
        if not as_it_is or holds_code(opened):
            packed = stack.enter_context(temporary_directory(target)) / "run"
            draft = Draft.of(opened)
            files = companion_files(opened)
            report = write_run(packed, draft, options, companions=files, progress=progress)
            errors = report.errors
            grows = size is not None and report.bytes > size and report.history_bytes > 0
            left_out = history is None and grows
            if left_out:
                drop_histories(packed)
            opened = open_run(packed)
        more = dataset.files(opened, described)
        if bookmarks:
            more[moments.FILE_NAME] = render(bookmarks, run_id=opened.id)
        with new_file(target) as fresh:
            _write_zip(fresh, opened, more, progress)
            _check(fresh, progress)
    return ShareReport(target, target.stat().st_size, contents(open_run(target)), errors, left_out)


def _write_zip(file: Path, run: Run, more: Mapping[str, bytes], progress: Progress | None) -> None:
    sizes = run.source.sizes()
    if sizes is None:
        raise RunFormatError(f"{run.location} cannot be listed; copy it to a directory first.")
    names = [
        name
        for name in sizes
        if _travels(name, run) and not name.rpartition("/")[2].startswith(".")
    ]
    _check_sizes(run, sizes)
    total, done = sum(sizes[name] for name in names), 0
    names.sort(key=lambda name: (name == "zarr.json", name.count("/") < 2, name))
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        for name, content in more.items():
            archive.writestr(_member(name, len(content)), content)
        for name in names:
            _add(archive, name, run, sizes[name])
            done += sizes[name]
            if progress is not None:
                progress(done, total, name)


def _check_sizes(run: Run, sizes: Mapping[str, int]) -> None:
    """Raise `RunFormatError` if a file is longer than its array: a sparse one takes no room here.

    In the zip it would take all.
    """
    most: dict[str, int] = {}
    for path, node in run.nodes.items():
        if node["node_type"] == "array":
            array = ChunkedArray.or_none(run.source, path, node, ArrayCache(0))
            if array is not None:
                most[path] = array.most_file_bytes
    for name, size in sizes.items():
        folder, _, last = name.rpartition("/")
        while folder and folder not in most:  # chunks may lie in folders of their own
            folder = folder.rpartition("/")[0]
        if last != "zarr.json" and size > most.get(folder, size):
            raise RunFormatError(
                f"{run.location}: {name} has {size} bytes, more than its array can fill; "
                "the run is damaged."
            )


def _add(archive: zipfile.ZipFile, name: str, run: Run, size: int) -> None:
    piece = 8 * 1024**2
    with archive.open(_member(name, size), "w") as written:
        for start in range(0, size, piece):
            written.write(run.source.read(name, start, min(piece, size - start)))


def _member(name: str, size: int) -> zipfile.ZipInfo:
    member = zipfile.ZipInfo(name, _ZIP_EPOCH)
    member.external_attr = _MODE
    member.file_size = size
    return member


def _travels(name: str, run: Run) -> bool:
    """Whether a file of a packed run goes into the zip: those of its nodes, and what was listed."""
    folder, _, last = name.rpartition("/")
    if not folder:
        return last == "zarr.json" or last in other_files(run)
    node = run.nodes.get(folder)
    return node is not None and (last == "zarr.json" or node["node_type"] == "array")


def _check(file: Path, progress: Progress | None) -> None:
    report = verify(Run(open_source(file)), progress)
    if not report.is_sound:
        raise RunFormatError(f"The zip file is not sound, and was not kept: {report.findings[0]}")
