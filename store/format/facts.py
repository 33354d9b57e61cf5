"""Facts of a training that may change while it runs, each with the step from which it holds.

A list of entries ``{"step": 0, "loss": "mse", …}`` in the order of their steps. An entry names what
holds from its step on; what it does not name goes on holding.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

# Of an entry: optimizer updates done when it begins to hold.
STEP = "step"
# Paths of the arrays of variables that the training does not move.
NOT_TRAINED = "not_trained"
# What is known of the examples that it learns from: how many, the range of what the network is
# given, and how many there are of each class.
TRAINING_EXAMPLES = "training_examples"
TRAINING_INPUTS = "training_inputs"
TRAINING_LABELS = "training_labels"
# These are root attributes, too: of each the latest.
LATEST = ("optimizer", "loss")

Entry = Mapping[str, Any]


def in_force(facts: Iterable[Entry], step: int | None = None) -> dict[str, Any]:
    """Give what holds for the updates after a step; without one, what held last.

    Examples
    --------
    >>> facts = [{"step": 0, "loss": "mse", "seed": 1}, {"step": 40, "loss": "mae"}]
    >>> in_force(facts, 39), in_force(facts, 40)
    ({'loss': 'mse', 'seed': 1}, {'loss': 'mae', 'seed': 1})
    """
    found: dict[str, Any] = {}
    for entry in facts:
        if step is None or entry[STEP] <= step:
            found |= {name: value for name, value in entry.items() if name != STEP}
    return found


def noted(facts: Sequence[Entry], step: int, holds: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Give the facts with what holds from a step on; what held already is not repeated.

    Examples
    --------
    >>> facts = noted([], 0, {"loss": "mse", "seed": 1})
    >>> noted(facts, 40, {"loss": "mse", "seed": 2})
    [{'step': 0, 'loss': 'mse', 'seed': 1}, {'step': 40, 'seed': 2}]
    """
    before = in_force(facts, step)
    news = {
        name: value for name, value in holds.items() if name not in before or before[name] != value
    }
    entries = {entry[STEP]: dict(entry) for entry in facts}
    if news:
        entries[step] = {**entries.get(step, {STEP: step}), **news}
    return [entries[at] for at in sorted(entries)]


def kept(facts: Iterable[Entry], after_step: int | None) -> list[dict[str, Any]]:
    """Give the facts of a run whose steps after one are dropped; None: none is."""
    return [dict(entry) for entry in facts if after_step is None or entry[STEP] <= after_step]


def without_facts(facts: Iterable[Entry], *names: str) -> list[dict[str, Any]]:
    """Give the facts without some; an entry that then names nothing is left out.

    Examples
    --------
    >>> without_facts([{"step": 0, "loss": "mse"}, {"step": 40, "batch_size": 8}], "batch_size")
    [{'step': 0, 'loss': 'mse'}]
    """
    left = [{name: each[name] for name in each if name not in names} for each in facts]
    return [entry for entry in left if set(entry) != {STEP}]


def always_frozen(facts: Iterable[Entry]) -> frozenset[str] | None:
    """Give the paths of the variables that are trained at no time; None: not known."""
    lists = [frozenset(entry[NOT_TRAINED]) for entry in facts if NOT_TRAINED in entry]
    return frozenset.intersection(*lists) if lists else None
