"""Map the layers of one network to those of another."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

Reason = Literal["same name", "same kind and place", "by hand", "none"]

# Score of a pair of layers in the alignment. Layers of different kinds are no pair.
SAME_KIND = 4.0
SAME_SHAPE = 2.0
SAME_RANK = 1.0
SAME_CLASS = 1.0
SAME_DEFAULT_NAME = 1.0
# At most; it decides only between pairs of equal score.
SAME_DEPTH = 0.5
# More than all other pairs together can score, so that a settled pair stays.
SETTLED = 1e6


class LayerLike(Protocol):
    """The facts about a layer that mapping needs; `store.format.layers.Layer` has them."""

    @property
    def name(self) -> str:
        """Name in the run."""

    @property
    def class_name(self) -> str:
        """Keras class."""

    @property
    def kind(self) -> str:
        """Kind, as the run calls it."""

    @property
    def output_shape(self) -> tuple[int, ...]:
        """Shape of the output for one probe; may be empty."""


@dataclass(frozen=True, slots=True)
class LayerOutline:
    """Four facts about a layer, without a run: see `LayerLike`."""

    name: str
    class_name: str
    kind: str
    output_shape: tuple[int, ...] = ()


class LayerPair(NamedTuple):
    """Two layers that belong together, or one that is alone.

    Attributes
    ----------
    first, second : str or None
        Names in each run; None: it has no such layer.
    reason : {"same name", "same kind and place", "by hand", "none"}
        Why.
    """

    first: str | None
    second: str | None
    reason: Reason


@dataclass(frozen=True)
class LayerMapping:
    """Layers of two networks, side by side.

    Attributes
    ----------
    pairs : tuple of LayerPair
        Every layer of both, once. In the order of the first network; a layer that only the second
        has comes after the one before it there.
    """

    pairs: tuple[LayerPair, ...]

    def to_second(self, first: str) -> str | None:
        """Layer of the second network for one of the first; None if there is none."""
        return {pair.first: pair.second for pair in self.pairs}.get(first)

    def to_first(self, second: str) -> str | None:
        """Layer of the first network for one of the second; None if there is none."""
        return {pair.second: pair.first for pair in self.pairs}.get(second)

    @property
    def together(self) -> tuple[tuple[str, str], ...]:
        """Names of the layers that have a counterpart, in order."""
        return tuple((a, b) for a, b, _ in self.pairs if a is not None and b is not None)


def map_layers(
    first: Iterable[LayerLike],
    second: Iterable[LayerLike],
    overrides: Mapping[str, str | None] | None = None,
) -> LayerMapping:
    """Find for each layer of one network its counterpart in another.

    Pairs set by hand come first, then layers with the same name, kind and number of axes, wherever
    they stand. Names that Keras gave, ``conv2d_3`` for instance, say little: they count layers of
    a session, not of a network. For all others the order decides. It is kept, only layers of one
    kind are paired, and among all such pairings that one is taken which agrees best in shape,
    class and depth: the dynamic programme of Needleman and Wunsch (1970), *A general method
    applicable to the search for similarities in the amino acid sequence of two proteins*, without
    a penalty for gaps.

    Parameters
    ----------
    first, second : iterable of LayerLike
        Layers in network order.
    overrides : mapping of str to (str or None), optional
        Counterparts by hand, from layers of the first network to layers of the second; None:
        it has none.

    Raises
    ------
    ValueError
        If an override names a layer that does not exist, or one layer twice.
    """
    ours, theirs = list(first), list(second)
    by_hand = _checked(overrides or {}, ours, theirs)
    settled = _settled(ours, theirs, by_hand)
    partners = dict(settled)
    for i, j in _aligned(_scores(ours, theirs, settled, by_hand)):
        partners.setdefault(i, j)
    rows: list[LayerPair] = []
    for i, layer in enumerate(ours):
        other = theirs[partners[i]].name if i in partners else None
        rows.append(LayerPair(layer.name, other, _reason(layer.name, other, by_hand)))
    for j, layer in enumerate(theirs):
        if j in partners.values():
            continue
        before = theirs[j - 1].name if j else None
        place = next((k + 1 for k, row in enumerate(rows) if j and row.second == before), 0)
        rows.insert(place, LayerPair(None, layer.name, "none"))
    return LayerMapping(tuple(rows))


def _reason(name: str, other: str | None, by_hand: Mapping[str, str | None]) -> Reason:
    if name in by_hand:
        return "by hand"
    if other is None:
        return "none"
    return "same name" if other == name else "same kind and place"


def _checked(
    overrides: Mapping[str, str | None], ours: Sequence[LayerLike], theirs: Sequence[LayerLike]
) -> Mapping[str, str | None]:
    """Give overrides back if they name existing layers, each once."""
    targets = [name for name in overrides.values() if name is not None]
    for names, layers, side in ((overrides, ours, "first"), (targets, theirs, "second")):
        known = [layer.name for layer in layers]
        for name in names:
            if name not in known:
                near = difflib.get_close_matches(name, known, 1)
                hint = f"Did you mean {near[0]!r}?" if near else f"It has: {', '.join(known)}."
                raise ValueError(f"The {side} run has no layer {name!r}. {hint}")
    twice = sorted({name for name in targets if targets.count(name) > 1})
    if twice:
        raise ValueError(
            f"Layer {twice[0]!r} of the second run was given to more than one layer of the first; "
            "one at most was expected. Set the others to None."
        )
    return overrides


def _settled(
    ours: Sequence[LayerLike], theirs: Sequence[LayerLike], by_hand: Mapping[str, str | None]
) -> dict[int, int]:
    """Pairs of indices that no order has to decide: by hand, and by names that a person gave."""
    theirs_at = {layer.name: j for j, layer in enumerate(theirs)}
    taken = {name for name in by_hand.values() if name is not None}
    found: dict[int, int] = {}
    for i, layer in enumerate(ours):
        if layer.name in by_hand:
            target = by_hand[layer.name]
            if target is not None:
                found[i] = theirs_at[target]
        elif layer.name in theirs_at and layer.name not in taken:
            j = theirs_at[layer.name]
            same = theirs[j].kind == layer.kind and _same_rank(layer, theirs[j])
            if same and not _is_default_name(layer):
                found[i] = j
    return found


def _same_rank(layer: LayerLike, other: LayerLike) -> bool:
    """Whether outputs have equally many axes, as far as is known."""
    shapes = layer.output_shape, other.output_shape
    return len(shapes[0]) == len(shapes[1]) or () in shapes


def _is_default_name(layer: LayerLike) -> bool:
    """Whether Keras made the name: the class in snake case, with a number or without."""
    return re.sub(r"_\d+$", "", layer.name).replace("_", "") == layer.class_name.lower()


def _scores(
    ours: Sequence[LayerLike],
    theirs: Sequence[LayerLike],
    settled: Mapping[int, int],
    by_hand: Mapping[str, str | None],
) -> npt.NDArray[np.float64]:
    """Say what each pair gains, (layer of the first, layer of the second); 0: no pair."""
    scores = np.zeros((len(ours), len(theirs)))
    taken = set(settled.values())
    for i, layer in enumerate(ours):
        if i in settled:
            scores[i, settled[i]] = SETTLED
        elif layer.name not in by_hand:
            depth = i / max(1, len(ours) - 1)
            for j, other in enumerate(theirs):
                if j not in taken and other.kind == layer.kind:
                    apart = abs(depth - j / max(1, len(theirs) - 1))
                    scores[i, j] = _agreement(layer, other) + SAME_DEPTH * (1 - apart)
    return scores


def _agreement(layer: LayerLike, other: LayerLike) -> float:
    score = SAME_KIND
    if layer.output_shape == other.output_shape:
        score += SAME_SHAPE
    elif _same_rank(layer, other):
        score += SAME_RANK
    score += SAME_CLASS * (layer.class_name == other.class_name)
    return score + SAME_DEFAULT_NAME * (layer.name == other.name)


def _aligned(scores: npt.NDArray[np.float64]) -> list[tuple[int, int]]:
    """Pairs in the order of both sequences with the greatest sum of scores above 0."""
    rows, columns = scores.shape
    best = np.zeros((rows + 1, columns + 1))
    for i in range(rows):
        for j in range(columns):
            pair = best[i, j] + scores[i, j] if scores[i, j] > 0 else 0.0
            best[i + 1, j + 1] = max(best[i, j + 1], best[i + 1, j], pair)
    pairs = []
    i, j = rows, columns
    while i and j:
        if best[i, j] == best[i - 1, j]:
            i -= 1
        elif best[i, j] == best[i, j - 1]:
            j -= 1
        else:
            i, j = i - 1, j - 1
            pairs.append((i, j))
    return pairs[::-1]
