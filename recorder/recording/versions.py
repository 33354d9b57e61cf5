"""Which versions of Python and of packages decide about the numbers of a run."""

from __future__ import annotations

import importlib.metadata
import platform
from collections.abc import Iterable


def versions() -> dict[str, str]:
    """Give the versions of Python and of the packages that every recording uses."""
    return {"python": platform.python_version(), **versions_of(["numpy", "trainlapse"])}


def versions_of(packages: Iterable[str]) -> dict[str, str]:
    """Give the versions of those packages that are installed.

    Parameters
    ----------
    packages : iterable of str
        Names as pip knows them.
    """
    found = {}
    for package in packages:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found
