"""Which layers of a deep network are shown on a probe's way: those that contribute most."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from explorer.derived.network.blocks import Block
from explorer.derived.network.joint import Column


@dataclass(frozen=True, slots=True)
class Part:
    """A column that is shown, and what is folded around it.

    Attributes
    ----------
    column : Column
        The column.
    group : str
        What it belongs to: the name of its block, else its core.
    is_open : bool
        Whether all columns of the group are shown because it was opened.
    within : int
        Columns of its group; 1 where none is folded.
    before : tuple of str
        Groups that are folded between it and the column before it, the strongest first.
    """

    column: Column
    group: str
    is_open: bool
    within: int
    before: tuple[str, ...]


def fold(
    columns: Sequence[Column],
    blocks: Sequence[Block],
    strengths: Mapping[str, float],
    *,
    most: int,
    opened: Collection[str] = (),
) -> list[Part]:
    """Choose the columns to show.

    A block is shown by its strongest column. So many blocks and columns out of blocks are shown
    that there are `most` columns, the strongest ones; what is opened is shown whole, besides.

    Parameters
    ----------
    columns : sequence of Column
        All, in network order; the last holds the classes and is always shown.
    blocks : sequence of Block
        Blocks of the network.
    strengths : mapping of str to float
        How much each column contributes, by its core; the last needs none.
    most : int
        Columns to show. Where there are no more, all are shown.
    opened : collection of str
        Groups that are shown whole.
    """
    block_of = {layer: block.name for block in blocks for layer in block.layers}
    group_of = {one.core: block_of.get(one.core, one.core) for one in columns}
    if len(columns) <= most:
        return [Part(one, group_of[one.core], False, 1, ()) for one in columns]
    groups: dict[str, list[Column]] = {}
    for column in columns:
        groups.setdefault(group_of[column.core], []).append(column)

    def strength(column: Column) -> float:
        return math.inf if column is columns[-1] else strengths.get(column.core, 0.0)

    strongest = {name: max(held, key=strength) for name, held in groups.items()}
    ranked = sorted(groups, key=lambda name: -strength(strongest[name]))
    shown = {strongest[name].core for name in ranked[:most]}
    shown |= {column.core for name in opened for column in groups.get(name, ())}
    places = {name: at for at, name in enumerate(ranked)}
    hidden = {name for name, held in groups.items() if not shown & {one.core for one in held}}
    parts: list[Part] = []
    folded: set[str] = set()
    for column in columns:
        name = group_of[column.core]
        if column.core in shown:
            before = tuple(sorted(folded, key=places.__getitem__))
            parts.append(Part(column, name, name in opened, len(groups[name]), before))
            folded = set()
        elif name in hidden:
            folded.add(name)
    return parts
