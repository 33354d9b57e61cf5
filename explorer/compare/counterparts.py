"""Which layers of B can stand for each layer of A, for setting that by hand."""

from __future__ import annotations

from dataclasses import dataclass

from explorer.compare.pair import RunPair
from store import Layer


@dataclass(frozen=True)
class Candidates:
    """A layer of A, and what can stand for it.

    Attributes
    ----------
    layer : str
        The layer of A.
    counterpart : str or None
        The layer of B that does.
    why : str
        By its name, by its kind and place, or by hand; empty if it has none.
    alike, others : tuple of str
        Layers of B of the same kind, and others that can be compared with it all the same: what
        they say to the probe was recorded of both.
    """

    layer: str
    counterpart: str | None
    why: str
    alike: tuple[str, ...]
    others: tuple[str, ...]


def candidates(pair: RunPair) -> list[Candidates]:
    """Give what can stand for each layer of A, in the order of its network.

    Parameters
    ----------
    pair : RunPair
        The runs.
    """
    ours, theirs = pair.first.run.layers, pair.second.run.layers
    found = []
    for a, b, why in pair.layers.pairs:
        if a is None:
            continue
        alike = tuple(name for name, other in theirs.items() if other.kind == ours[a].kind)
        others = tuple(
            name
            for name, other in theirs.items()
            if name not in alike and (name == b or _are_seen(ours[a], other))
        )
        found.append(Candidates(a, b, "" if why == "none" else why, alike, others))
    return found


def set_by_hand(pair: RunPair) -> dict[str, str | None]:
    """Give the layers of B that were set by hand, by layers of A."""
    return {a: b for a, b, why in pair.layers.pairs if why == "by hand" and a is not None}


def _are_seen(first: Layer, second: Layer) -> bool:
    """Whether what both say to the probe was recorded; of the input itself nothing is said."""
    return all(layer.has_activation and layer.kind != "input" for layer in (first, second))
