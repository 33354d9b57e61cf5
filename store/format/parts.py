"""Runs of several models: where each part lies, and what a reader of one of them sees.

A part is laid out below ``/parts/<name>`` as a run of one model is below its root. The time axis
and the metrics are those of the training, and lie at the root alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Any

from store.format.metadata import Document
from store.format.names import HISTORY_PREFIX

PARTS_GROUP = "parts"
# What all parts share, by the first segment of its path.
SHARED = frozenset({"step", "epoch", "wall_time", "metrics"})


def part_path(part: str) -> str:
    """Group of a part."""
    return f"{PARTS_GROUP}/{part}"


def stored_path(path: str, part: str = "") -> str:
    """Tell where in a run a node lies that a part calls by this path.

    Parameters
    ----------
    path : str
        As in a run of one model.
    part : str
        Name of the part; empty: the run itself.

    Examples
    --------
    >>> stored_path("layers/conv1/activation", "critic"), stored_path("step", "critic")
    ('parts/critic/layers/conv1/activation', 'step')
    """
    if not part or path.split("/", 1)[0] in SHARED:
        return path
    twin = HISTORY_PREFIX if path.startswith(HISTORY_PREFIX) else ""
    return f"{twin}{part_path(part)}/{path.removeprefix(twin)}"


def split_path(path: str) -> tuple[str, str]:
    """Give the part that a node belongs to, and the path by which the part calls it.

    Examples
    --------
    >>> split_path("parts/critic/layers/conv1"), split_path("layers/conv1")
    (('critic', 'layers/conv1'), ('', 'layers/conv1'))
    """
    twin = HISTORY_PREFIX if path.startswith(HISTORY_PREFIX) else ""
    match path.removeprefix(twin).split("/", 2):
        case [group, part, within] if group == PARTS_GROUP:
            return part, twin + within
    return "", path


def full_name(layer: str, part: str) -> str:
    """Name a layer within the whole run.

    Examples
    --------
    >>> full_name("conv1", "critic"), full_name("conv1", "")
    ('critic/conv1', 'conv1')
    """
    return f"{part}/{layer}" if part else layer


def matches(name: str, pattern: str) -> bool:
    """Whether a pattern is of a layer, given its full name; without "/" it holds in all parts.

    Examples
    --------
    >>> [matches("critic/conv1", pattern) for pattern in ("conv*", "critic/*", "generator/*")]
    [True, True, False]
    """
    return fnmatchcase(name if "/" in pattern else name.rpartition("/")[2], pattern)


def part_names(nodes: Mapping[str, Any]) -> list[str]:
    """Names of a run's parts, in order; none in a run of one model.

    Parameters
    ----------
    nodes : mapping of str to Document
        Checked metadata of every node, by path.
    """
    return list(nodes[PARTS_GROUP]["attributes"]["order"]) if PARTS_GROUP in nodes else []


def nodes_of_part(nodes: Mapping[str, Document], part: str) -> dict[str, Document]:
    """Metadata of a part's own nodes and of what is shared, by the paths of a run of one model."""
    found = {}
    for path, node in nodes.items():
        owner, within = split_path(path)
        if owner == part or (not owner and path.split("/", 1)[0] in SHARED):
            found[within] = node
    return found
