"""Facts of a training in words, for a terminal and for a page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from store.format.facts import NOT_TRAINED, STEP, Entry
from store.format.parts import full_name, split_path

# So many of the variables that are not trained are named.
MOST_NAMED = 6
# So much is said of one setting, which may come from a stranger's run.
MOST_LETTERS = 80


def fact_texts(entry: Entry) -> list[tuple[str, str]]:
    """Give the name and the text of each fact of an entry.

    Examples
    --------
    >>> fact_texts({"step": 40, "loss": "mse", "batch_size": 32})
    [('loss', 'mse'), ('batch size', '32')]
    """
    return [
        (name.replace("_", " "), fact_text(name, value))
        for name, value in entry.items()
        if name != STEP
    ]


def fact_text(name: str, value: Any) -> str:
    """Say a fact of a training in a few words.

    Examples
    --------
    >>> fact_text("optimizer", {"class": "SGD", "learning_rate": 0.1})
    'SGD(learning_rate=0.1)'
    >>> fact_text("not_trained", ["layers/base/weights/kernel", "layers/base/weights/bias"])
    'base.kernel, base.bias'
    >>> fact_text("not_trained", ["parts/critic/layers/base/weights/kernel"])
    'critic/base.kernel'
    """
    if value is None or value in ([], {}):
        return "none" if name == NOT_TRAINED else "not known"
    if name == NOT_TRAINED:
        named = ", ".join(map(_variable, value[:MOST_NAMED]))
        more = f" and {len(value) - MOST_NAMED} more" if len(value) > MOST_NAMED else ""
        return named + more
    if name == "optimizers" and isinstance(value, Mapping):
        return "; ".join(f"{key}: {fact_text('optimizer', each)}" for key, each in value.items())
    if isinstance(value, Mapping) and ("class" in value or "class_name" in value):
        return _configured(value)
    return str(value)


def _variable(path: str) -> str:
    part, within = split_path(path)
    segments = within.split("/")
    return full_name(".".join((*segments[1:2], *segments[3:])), part)


def _configured(value: Mapping[str, Any]) -> str:
    """Say what something is, with the numbers and names of its configuration."""
    inner = value.get("config", value)
    if not isinstance(inner, Mapping):
        return str(inner)
    told = [
        f"{key}={entry:g}" if isinstance(entry, float) else f"{key}={entry}"[:MOST_LETTERS]
        for key, entry in inner.items()
        if key not in ("class", "class_name", "name") and isinstance(entry, int | float | str)
    ]
    name = value.get("class", value.get("class_name"))
    return f"{name}({', '.join(told)})" if told else str(name)
