"""Derived arrays kept on disk: what took a second once is there at once the next time.

Entries belong to a version of a run (`store.Run.version`), so a run that grew, was resumed or cut,
or another one at the same path, never sees them. The folder may be deleted at any time.
"""

from __future__ import annotations

import hashlib
import logging
import os
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import platformdirs

from store.storage.atomic import new_file

logger = logging.getLogger(__name__)

Arrays = Mapping[str, npt.NDArray[Any]]

# The folder's variable, for tests and for homes that are small.
FOLDER_VARIABLE = "TRAINLAPSE_CACHE"
# Distributions and the like are some hundred kilobytes each.
MOST_BYTES = 512 * 1024 * 1024
# Part of every name: raised when what a derivation returns changes its meaning.
GENERATION = 4


def default_folder() -> Path:
    """Folder of the cache: the user's cache directory, unless the environment says otherwise."""
    chosen = os.environ.get(FOLDER_VARIABLE)
    return Path(chosen) if chosen else Path(platformdirs.user_cache_dir("trainlapse", False))


class DerivedCache:
    """Named arrays by key, in a folder of bounded size.

    A cache must not be able to break what it serves: an entry that cannot be read is made anew,
    one that cannot be written is not kept.

    Parameters
    ----------
    version : str
        What the arrays are derived from.
    folder : Path, optional
        By default `default_folder`.
    most_bytes : int
        The oldest entries go once all of them are larger.
    """

    def __init__(
        self,
        version: str,
        folder: Path | None = None,
        *,
        most_bytes: int = MOST_BYTES,
    ) -> None:
        self._scope = f"{GENERATION}|{version}"
        self._folder = default_folder() if folder is None else folder
        self._most = most_bytes

    def get(self, key: str, make: Callable[[], Arrays]) -> Arrays:
        """Give the named arrays of a key; those that are not in the cache are made, and kept."""
        name = hashlib.sha256(f"{self._scope}|{key}".encode()).hexdigest()[:32]
        path = self._folder / f"{name}.npz"
        kept = _read(path)
        if kept is not None:
            return kept
        made = make()
        self._keep(path, made)
        return made

    def _keep(self, path: Path, arrays: Arrays) -> None:
        named: dict[str, Any] = dict(arrays)
        try:
            with new_file(path, sync=False) as fresh, fresh.open("wb") as file:
                np.savez_compressed(file, **named)
            self._shrink()
        except OSError as error:
            logger.info("The derived arrays are not kept in %s: %s", self._folder, error)

    def _shrink(self) -> None:
        entries = [(entry.stat(), entry) for entry in self._folder.glob("*.npz")]
        total = sum(status.st_size for status, _ in entries)
        for status, entry in sorted(entries, key=lambda pair: pair[0].st_mtime):
            if total <= self._most:
                break
            entry.unlink(missing_ok=True)
            total -= status.st_size


def _read(path: Path) -> Arrays | None:
    """Arrays of an entry; None if there is none, or it is damaged."""
    try:
        # Opened here, since np.load leaves a file open that turns out to be damaged.
        with path.open("rb") as file, np.load(file, allow_pickle=False) as entry:
            arrays = {name: entry[name] for name in entry.files}
        path.touch()
    except FileNotFoundError:
        return None
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        logger.info("A damaged cache entry is made anew: %s (%s)", path, error)
        return None
    return arrays
