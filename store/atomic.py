"""Put a finished directory or file in place at once, and leave nothing behind otherwise."""

from __future__ import annotations

import glob
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def new_directory(target: Path) -> Iterator[Path]:
    """Yield an empty directory beside `target` that takes its place when the block ends well.

    What was at `target` stays until then; on any error, and on Ctrl-C, it stays for good and the
    new directory is removed.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    mark = uuid.uuid4().hex[:8]
    fresh = target.with_name(f".{target.name}.partial-{mark}")
    fresh.mkdir()
    try:
        yield fresh
        if target.exists():
            # Visible on purpose: should the machine die between the two, the run is found here.
            old = target.with_name(f"{target.name}.before-{mark}")
            target.rename(old)
            try:
                fresh.rename(target)
            except BaseException:
                old.rename(target)
                raise
            shutil.rmtree(old)
        else:
            fresh.rename(target)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def remove_stale(target: Path) -> None:
    """Remove what a process that was killed was writing to take the place of `target`."""
    for stale in target.parent.glob(f".{glob.escape(target.name)}.partial-*"):
        shutil.rmtree(stale, ignore_errors=True)


@contextmanager
def new_file(target: Path) -> Iterator[Path]:
    """Yield the path of a file to write that takes the place of `target` when all went well."""
    target.parent.mkdir(parents=True, exist_ok=True)
    fresh = target.with_name(f".{target.name}.partial-{uuid.uuid4().hex[:8]}")
    try:
        yield fresh
        fresh.replace(target)
    finally:
        fresh.unlink(missing_ok=True)
