"""Find a run on disk and read its root document."""

from __future__ import annotations

import contextlib
import os
import re
from pathlib import Path
from typing import Any

from store.errors import (
    ArgumentError,
    RunExistsError,
    RunFormatError,
    RunNotFoundError,
    SchemaVersionError,
    did_you_mean,
    listed,
)
from store.format import strict_json
from store.format.metadata import Document
from store.format.names import ROOT_ATTRIBUTE, SCHEMA_VERSION
from store.format.root_check import root_problems
from store.storage.atomic import TEMPORARY
from store.storage.confined import open_file
from store.storage.run_lock import LOCK_NAME

# A root document larger than this is damage or malice: 20,000 arrays need about 16 MB, and
# hostile JSON takes up to twenty times its size when it is parsed.
MAX_ROOT_BYTES = 32 * 1024 * 1024
# A message that lists hundreds of problems helps nobody.
MAX_PROBLEMS_SHOWN = 8

# What a run's directory may hold besides hidden files; `remove_run` touches nothing else.
ROOT_FILES = ("zarr.json", "zarr.json.tmp")
ROOT_FOLDERS = (
    "step",
    "epoch",
    "wall_time",
    "metrics",
    "probe",
    "model",
    "layers",
    "evaluation",
    "evaluation_train",
    "updates",
    "parts",
    "after_training",
    "history",
    "frame_checksum",
)

# A path has one slash left of the two.
_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]+://|(https?|s3|gs|az):/", re.IGNORECASE)
# Metadata documents and chunks; a chunk key with "/" as separator has folders in between. Earlier
# versions wrote them under these names with ``.tmp`` first.
_ZARR_FILE = re.compile(r"(zarr\.json|c(\.\d+)*|\d+)(\.tmp)?")


def expanded(location: str | Path) -> Path:
    """Give a path with ``~`` put in full; where that is nobody's home, it is part of a name."""
    path = Path(location)
    try:
        return path.expanduser()
    except RuntimeError:
        return path


def on_disk(location: str | Path) -> Path:
    """Give the path at which something is written, with ``~`` put in full.

    Raises
    ------
    ArgumentError
        It is an address, which as a path would be a folder of that name.
    """
    if _ADDRESS.match(str(location)):
        raise ArgumentError(
            f"{str(location)!r} is an address, expected a path on a disk. Write there first, then "
            "copy it with a tool of that place, such as: aws s3 cp run.zip s3://bucket/"
        )
    return expanded(location)


def is_run(directory: Path) -> bool:
    """Whether a directory holds a run, sound or not."""
    try:
        root = strict_json.parse(read_content(directory))
    except (OSError, ValueError):
        return False
    return ROOT_ATTRIBUTE in _mapping(_mapping(root).get("attributes"))


def read_root(directory: Path) -> Document:
    """Root document of the run at `directory`, checked; raises like `find` and `parse_root`."""
    return parse_root(find(directory), where=str(directory))


def find(directory: Path) -> bytes:
    """Root document of the run at `directory`, as bytes; what is missing is explained.

    Raises
    ------
    RunNotFoundError
        There is no such directory, or it holds no run.
    RunFormatError
        The document is too large.
    """
    if not directory.exists():
        raise RunNotFoundError(f"There is no run at {directory}. {_neighbours(directory)}".strip())
    if not directory.is_dir():
        raise RunNotFoundError(f"{directory} is a file, not the directory of a run.")
    if not (directory / "zarr.json").exists():
        inside = _runs_in(directory)
        hint = (
            f"It is a folder of runs: {listed(inside)}. Open one of them; to see them all: "
            f"trainlapse explore {directory}"
            if inside
            else "It holds no zarr.json."
        )
        raise RunNotFoundError(f"{directory} is not a run. {hint}")
    return read_content(directory)


def read_content(directory: Path) -> bytes:
    """Root document of the run at `directory`, as bytes.

    Raises
    ------
    RunNotFoundError
        There is no such directory, or it holds no root document.
    RunFormatError
        The document is too large.
    """
    file = directory / "zarr.json"
    try:
        with open_file(directory, "zarr.json") as opened:
            # A read reserves all that it is asked for.
            content = opened.read(min(MAX_ROOT_BYTES, os.fstat(opened.fileno()).st_size) + 1)
    except FileNotFoundError:
        raise RunNotFoundError(f"There is no zarr.json in {directory}.") from None
    if len(content) > MAX_ROOT_BYTES:
        raise RunFormatError(f"{file} is larger than any run's root document; not opened.")
    return content


def parse_root(content: bytes, *, where: str) -> Document:
    """Parse and check a root document.

    Raises
    ------
    RunNotFoundError
        The document is that of another Zarr group.
    RunFormatError
        It is damaged; the message lists what is wrong.
    SchemaVersionError
        It was written by a newer schema.
    """
    try:
        root = strict_json.parse(content)
    except ValueError as error:
        raise RunFormatError(f"{where}: zarr.json is not valid JSON ({error}).") from error
    if not isinstance(root, dict) or root.get("zarr_format") != 3:
        raise RunFormatError(f"{where}: zarr.json is not a Zarr v3 group.")
    attributes = _mapping(_mapping(root.get("attributes")).get(ROOT_ATTRIBUTE))
    if not attributes:
        raise RunNotFoundError(f"{where} is a Zarr group, but not a Trainlapse run.")
    version = attributes.get("schema_version")
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise RunFormatError(
            f"{where}: schema_version is {version!r:.200}, expected a whole number."
        )
    if version > SCHEMA_VERSION:
        raise SchemaVersionError(
            f"{where} was written with schema version {version}; this Trainlapse reads up to "
            f"{SCHEMA_VERSION}. Upgrade with: pip install --upgrade trainlapse"
        )
    found = root_problems(root)
    if found:
        hidden = len(found) - MAX_PROBLEMS_SHOWN
        more = [f"and {hidden} more"] if hidden > 0 else []
        raise RunFormatError(
            f"{where}: the metadata of the run is damaged:\n- "
            + "\n- ".join([*found[:MAX_PROBLEMS_SHOWN], *more])
        )
    return root


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _neighbours(directory: Path) -> str:
    parent = directory.parent
    if not parent.is_dir():
        return f"There is no folder {parent} either."
    runs = _runs_in(parent)
    return did_you_mean(directory.name, runs) if runs else ""


def _runs_in(folder: Path) -> list[str]:
    with contextlib.suppress(OSError):  # a hint is not worth a second error
        return sorted(entry.name for entry in folder.iterdir() if is_run(entry))
    return []


def remove_run(directory: Path) -> None:
    """Delete the files that a run consists of, and nothing else.

    The root document goes first: without it there is no run, so an interruption leaves no half
    run that looks whole. Whatever is not a file of a Zarr hierarchy stays, and so do links.
    """
    for name in ROOT_FILES:
        if not (directory / name).is_dir():  # which is foreign, and in nobody's way
            (directory / name).unlink(missing_ok=True)
    remove_temporaries(directory)
    for name in ROOT_FOLDERS:
        remove_hierarchy(directory / name)


def remove_hierarchy(top: Path) -> None:
    """Delete the files of a Zarr hierarchy, and the folders that are then empty; follow no link."""
    if top.is_symlink():
        return
    for folder, _, names in os.walk(top, topdown=False):
        for name in names:
            if _is_of_hierarchy(name):
                Path(folder, name).unlink()
        with contextlib.suppress(OSError):  # it holds something foreign
            Path(folder).rmdir()


def remove_temporaries(directory: Path) -> None:
    """Remove what killed writers of a run left of files that they were replacing.

    Parameters
    ----------
    directory : Path
        Of the run; nobody else may be writing it.
    """
    for folder, _, names in os.walk(directory):
        for name in names:
            if _is_temporary(name):
                Path(folder, name).unlink(missing_ok=True)


def _is_temporary(name: str) -> bool:
    match = TEMPORARY.fullmatch(name)
    return match is not None and _ZARR_FILE.fullmatch(match["of"]) is not None


def _is_of_hierarchy(name: str) -> bool:
    return _ZARR_FILE.fullmatch(name) is not None or _is_temporary(name)


def check_free(directory: Path, *, overwrite: bool) -> None:
    """Raise `RunExistsError` unless a run may be created at `directory`.

    Parameters
    ----------
    directory : Path
        Where the run is to be.
    overwrite : bool
        Whether it may replace another run (never anything else).
    """
    if not directory.exists():
        return
    if not directory.is_dir():
        raise RunExistsError(f"{directory} is a file; a run needs a directory of its own.")
    if is_run(directory):
        if not overwrite:
            raise RunExistsError(
                f"There is a run at {directory} already. Choose another path, or pass "
                "overwrite=True to replace it."
            )
    elif not _holds_no_commit(directory):
        raise RunExistsError(
            f"{directory} is not empty and holds no run; nothing was touched. Choose another path."
        )


def _holds_no_commit(directory: Path) -> bool:
    """Whether a directory holds only what a recording left that died before its first commit."""
    names = {entry.name for entry in directory.iterdir() if not _is_temporary(entry.name)}
    ours = {LOCK_NAME, *ROOT_FILES, *ROOT_FOLDERS} - {"zarr.json"}
    return not names or (LOCK_NAME in names and names <= ours)
