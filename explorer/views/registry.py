"""All views, found by looking through this package."""

from __future__ import annotations

import functools
import importlib
import pkgutil
from typing import TypeVar

import explorer.views
from explorer.views.base import Region, View

V = TypeVar("V", bound=type[View])

_registered: list[type[View]] = []


def register(view: V) -> V:
    """Class decorator: offer a view in the explorer."""
    _registered.append(view)
    return view


@functools.cache
def _load() -> None:
    for module in pkgutil.walk_packages(explorer.views.__path__, "explorer.views."):
        importlib.import_module(module.name)


def views(region: Region) -> list[View]:
    """Make the views of a region, in order."""
    _load()
    chosen = [view for kind in _registered if kind.region == region for view in kind.instances()]
    return sorted(chosen, key=lambda view: (view.order, view.title))
