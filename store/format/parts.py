"""Runs of several models: where each part lies, and what a reader of one of them sees.

A part is laid out below ``/parts/<name>`` as a run of one model is below its root. The time axis
and the metrics are those of the training, and lie at the root alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Any

from store.format.facts import NOT_TRAINED, STEP, noted
from store.format.metadata import Document
from store.format.names import AFTER_GROUP, AFTER_PREFIX, HISTORY_PREFIX

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
    if not part or _is_shared(path):
        return path
    prefix, within = _without_prefix(path)
    return f"{prefix}{part_path(part)}/{within}"


def split_path(path: str) -> tuple[str, str]:
    """Give the part that a node belongs to, and the path by which the part calls it.

    Examples
    --------
    >>> split_path("parts/critic/layers/conv1"), split_path("layers/conv1")
    (('critic', 'layers/conv1'), ('', 'layers/conv1'))
    """
    prefix, rest = _without_prefix(path)
    match rest.split("/", 2):
        case [group, part, within] if group == PARTS_GROUP:
            return part, prefix + within
    return "", path


def _without_prefix(path: str) -> tuple[str, str]:
    """Split off what comes before the path of an array in that of its twin, or of its last frame.

    So ``after_training/parts/critic/layers/…`` belongs to the part as ``parts/critic/layers/…``.
    """
    for prefix in (HISTORY_PREFIX, AFTER_PREFIX):
        if path.startswith(prefix):
            return prefix, path.removeprefix(prefix)
    return "", path


def _is_shared(path: str) -> bool:
    return path.split("/", 1)[0] in SHARED or path == AFTER_GROUP


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
        if owner == part or (not owner and _is_shared(path)):
            found[within] = node
    return found


def attributes_of_part(attributes: Mapping[str, Any], part: str) -> dict[str, Any]:
    """Give a run's attributes as one of its parts has them: what is not recorded or not trained.

    Parameters
    ----------
    attributes : mapping
        Checked attributes of the run.
    part : str
        Name of the part.
    """
    found = dict(attributes)
    if "left_out" in found:
        places = ((split_path(path), reason) for path, reason in found["left_out"].items())
        found["left_out"] = {
            within: reason for (owner, within), reason in places if owner in ("", part)
        }
    if "facts" in found:
        facts: list[dict[str, Any]] = []
        for entry in found["facts"]:
            holds = {name: value for name, value in entry.items() if name != STEP}
            if NOT_TRAINED in holds:
                owned = map(split_path, holds[NOT_TRAINED])
                holds[NOT_TRAINED] = [within for owner, within in owned if owner == part]
            facts = noted(facts, entry[STEP], holds)
        found["facts"] = facts
    return found
