"""The runs in a folder: where they are, and what each is in a line."""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from store.errors import RunNotFoundError, TrainlapseError
from store.format.names import ROOT_ATTRIBUTE
from store.reading.run import open_run
from store.storage.location import read_content
from store.storage.run_lock import is_being_written
from store.storage.sources import DirectorySource
from store.tools.info import last_metrics

# How many folders deep runs are looked for, and in how many: a home folder has a million.
MOST_DEPTH = 4
MOST_FOLDERS = 20_000

State = Literal["recording", "finished", "interrupted", "broken"]


@dataclass(frozen=True, slots=True)
class RunSummary:
    """What a run is, in a line.

    Attributes
    ----------
    path : Path
        The run.
    name : str
        Its own name; empty of a broken run.
    state : {"recording", "finished", "interrupted", "broken"}
        Whether it is recorded now, its training ended as intended, or did not; or it is damaged.
    reason : str
        What is wrong with a broken run.
    steps : int
        Recorded steps.
    last_step : int or None
        Optimizer updates done at the last of them.
    bytes : int
        What it takes on the disk.
    created : str
        When the recording began, an ISO 8601 time; empty of a broken run.
    metrics : mapping of str to float
        The last value of each metric.
    """

    path: Path
    name: str = ""
    state: State = "broken"
    reason: str = ""
    steps: int = 0
    last_step: int | None = None
    bytes: int = 0
    created: str = ""
    metrics: Mapping[str, float] = field(default_factory=dict)


def is_folder(location: str | Path) -> bool:
    """Whether a location is a local folder that is no run itself."""
    path = Path(location).expanduser()
    return path.is_dir() and not (path / "zarr.json").exists()


def find_runs(folder: Path) -> list[Path]:
    """Find the runs below a folder, the broken ones as well; in the order of their paths.

    One file is read of each, and no run is opened. Hidden folders are passed over, and what lies
    more than `MOST_DEPTH` folders deep.

    Parameters
    ----------
    folder : Path
        Where to look.

    Raises
    ------
    RunNotFoundError
        There is no such folder.
    """
    if not folder.is_dir():
        raise RunNotFoundError(f"There is no folder {folder}.")
    return sorted(_runs_below(folder))


def _runs_below(folder: Path) -> Iterator[Path]:
    waiting, looked = [(folder, 1)], 0
    while waiting and looked < MOST_FOLDERS:
        inside, depth = waiting.pop()
        looked += 1
        try:
            entries = [entry for entry in os.scandir(inside) if not entry.name.startswith(".")]
        except OSError:  # one that may not be read hides no others
            continue
        for entry in entries:
            path = Path(entry.path)
            if entry.is_dir():
                if (path / "zarr.json").exists():
                    if _is_ours(path):
                        yield path
                elif depth < MOST_DEPTH:
                    waiting.append((path, depth + 1))
            elif entry.name.endswith(".zip") and _is_zip_of_run(path):
                yield path


def _is_ours(directory: Path) -> bool:
    """Whether a folder with a root document holds a run, or one whose document is damaged."""
    try:
        content = read_content(directory)
    except (TrainlapseError, OSError):
        return True  # what is wrong is said when it is opened
    if f'"{ROOT_ATTRIBUTE}"'.encode() in content:
        return True
    try:
        json.loads(content)
    except (ValueError, RecursionError):
        return True
    return False  # a Zarr hierarchy of something else


def _is_zip_of_run(path: Path) -> bool:
    try:
        with zipfile.ZipFile(path) as archive:
            return any(
                name.count("/") <= 1 and name.rsplit("/", 1)[-1] == "zarr.json"
                for name in archive.namelist()
            )
    except (OSError, ValueError, zipfile.BadZipFile, NotImplementedError):
        return False


def summarize(path: Path) -> RunSummary:
    """Describe a run in a line; one that cannot be opened is described as broken.

    Parameters
    ----------
    path : Path
        As `find_runs` gives it.
    """
    try:
        run = open_run(path)
        source = run.source
        sizes = source.taken() if isinstance(source, DirectorySource) else source.sizes()
        steps, metrics = run.steps, last_metrics(run)
        state: State = "finished" if run.finished else "interrupted"
        if state == "interrupted" and path.is_dir() and is_being_written(path):
            state = "recording"
        return RunSummary(
            path,
            run.name,
            state,
            steps=len(run),
            last_step=int(steps[-1]) if len(steps) else None,
            bytes=sum((sizes or {}).values()),
            created=run.created.isoformat(),
            metrics={name: value for name, value in metrics.items() if value is not None},
        )
    except (TrainlapseError, OSError, ValueError) as error:
        return RunSummary(path, reason=str(error))
