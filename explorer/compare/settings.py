"""How two trainings were set up, and where that differs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from explorer.compare.pair import RunPair
from explorer.compare.tables import Row, SectionHeading
from store import Layer, Run
from store.format.facts import NOT_TRAINED
from store.tools.facts import fact_text

# What names a recording rather than a training, or is told elsewhere.
NO_SETTINGS = frozenset(
    {
        "schema_version", "name", "run_id", "created", "finished", "resumed", "committed", "form",
        "compression", "not_finite_since", "weight_jumps", "history", "precision", "skipped",
        "notes", "facts", "left_out",
    }
)  # fmt: skip
PARTS = {"optimizer": "Optimizer", "versions": "Versions", "": "Training"}
NOTHING = "-"


def differing_settings(pair: RunPair) -> tuple[list[Row], int]:
    """Compare optimizer, loss, seeds, schedule, versions, and the layers.

    Parameters
    ----------
    pair : RunPair
        The runs.

    Returns
    -------
    rows : list of Row
        What differs, under headings.
    same : int
        How many settings are the same.
    """
    runs = pair.first.run, pair.second.run
    rows: list[Row] = []
    same = 0
    ours, theirs = (_flat(_settings(run)) for run in runs)
    for part, title in PARTS.items():
        names = [name for name in dict.fromkeys([*ours, *theirs]) if _part_of(name) == part]
        differing, equal = _compare({name: ours.get(name) for name in names}, theirs)
        rows += [SectionHeading(title), *differing] if differing else []
        same += equal
    differing, equal = _layers_compared(pair)
    rows += [SectionHeading("Layers"), *differing] if differing else []
    return rows, same + equal


def _settings(run: Run) -> dict[str, Any]:
    settings = {name: value for name, value in run.attributes.items() if name not in NO_SETTINGS}
    settings |= {name: value for name, value in run.settings().items() if name != NOT_TRAINED}
    if frozen := run.settings().get(NOT_TRAINED):
        settings[NOT_TRAINED] = fact_text(NOT_TRAINED, frozen)
    optimizer = settings.get("optimizer")
    if isinstance(optimizer, Mapping) and isinstance(optimizer.get("name"), str):
        # Keras numbers those of a process: adam, adam_1, adam_2.
        kind = re.sub(r"_\d+$", "", optimizer["name"])
        settings["optimizer"] = {**optimizer, "name": kind}
    return settings


def _part_of(name: str) -> str:
    head = name.split(".")[0]
    return head if head in PARTS else ""


def _compare(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> tuple[list[Row], int]:
    rows: list[Row] = []
    for name, value in ours.items():
        if value != theirs.get(name):
            rows.append((_spoken(name), _text(value), _text(theirs.get(name))))
    return rows, len(ours) - len(rows)


def _layers_compared(pair: RunPair) -> tuple[list[Row], int]:
    """Compare class, shape and configuration of corresponding layers; name those alone."""
    ours, theirs = pair.first.run.layers, pair.second.run.layers
    rows: list[Row] = []
    same = 0
    for a, b, _ in pair.layers.pairs:
        if a is None or b is None:
            rows.append((a or b or "", _outline(ours, a), _outline(theirs, b)))
            continue
        one, other = _facts(ours[a]), _facts(theirs[b])
        names = dict.fromkeys([*one, *other])
        differing, equal = _compare({name: one.get(name) for name in names}, other)
        label = a if a == b else f"{a} / {b}"
        rows += [(f"{label}: {row[0]}", row[1], row[2]) for row in differing if len(row) == 3]
        same += equal
    return rows, same


def _outline(layers: Mapping[str, Layer], name: str | None) -> str:
    return NOTHING if name is None else layers[name].class_name


def _facts(layer: Layer) -> dict[str, Any]:
    config = {name: value for name, value in layer.config.items() if name != "name"}
    return {
        "class": layer.class_name,
        "output": " × ".join(map(str, layer.output_shape)),
        "parameters": layer.parameters,
        **_flat(config),
    }


def _flat(settings: Mapping[str, Any], before: str = "") -> dict[str, Any]:
    """Give nested settings names with dots."""
    found: dict[str, Any] = {}
    for name, value in settings.items():
        if isinstance(value, Mapping) and value:
            found |= _flat(value, f"{before}{name}.")
        else:
            found[f"{before}{name}"] = value
    return found


def _spoken(name: str) -> str:
    head, _, rest = name.partition(".")
    return (rest if head in PARTS else name).replace("_", " ")


def _text(value: Any) -> str:
    if value is None or value == "":
        return NOTHING
    return f"{value:.6g}" if isinstance(value, float) else str(value)
