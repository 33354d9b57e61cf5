"""Place the layers of a network: layered drawing of a directed acyclic graph.

Sugiyama, Tagawa & Toda (1981): rank by longest path, route long edges through dummy nodes,
order each rank by the barycentre of its neighbours.

The number of dummy nodes is bounded, since it grows with the cube of the layers where all are
joined to all: the shortest edges are routed first, those that are left are drawn straight, behind
the boxes that they cross.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

SWEEPS = 4
# A network of 100 blocks with two skip connections each needs some 1,500.
MOST_DUMMIES = 4000

Point = tuple[float, float]


@dataclass(frozen=True)
class GraphLayout:
    """Where nodes and edges lie, in pixels.

    Attributes
    ----------
    corners : dict of str to (float, float)
        Upper left corner of each node.
    edges : list of list of (float, float)
        Points of each edge, from the source's lower border to the target's upper border.
    width, height : float
        Size of the whole drawing.
    """

    corners: dict[str, Point]
    edges: list[list[Point]]
    width: float
    height: float


def layered_layout(
    inbound: Mapping[str, Sequence[str]],
    *,
    node_width: float = 214,
    node_height: float = 38,
    gap_x: float = 14,
    gap_y: float = 18,
    margin: float = 8,
) -> GraphLayout:
    """Lay out a network from the inputs of each layer.

    Parameters
    ----------
    inbound : mapping of str to sequence of str
        For each node, in network order, the nodes that it takes its input from.
    node_width, node_height, gap_x, gap_y, margin : float
        Sizes in pixels.

    Raises
    ------
    ValueError
        The graph has a cycle.
    """
    edges = [(source, node) for node, sources in inbound.items() for source in sources]
    ranks = _ranks(inbound)
    rows: list[list[str]] = [[] for _ in range(max(ranks.values(), default=-1) + 1)]
    for node, rank in ranks.items():
        rows[rank].append(node)
    chains, links = _route(edges, ranks, rows)
    _order(rows, links)

    widths = {node: node_width if node in inbound else gap_x for row in rows for node in row}
    row_widths = [sum(widths[n] for n in row) + gap_x * (len(row) - 1) for row in rows]
    total = max(row_widths, default=0.0)
    corners: dict[str, Point] = {}
    for rank, row in enumerate(rows):
        x = margin + (total - row_widths[rank]) / 2
        for node in row:
            corners[node] = (x, margin + rank * (node_height + gap_y))
            x += widths[node] + gap_x

    def middle(node: str, *, lower: bool) -> Point:
        x, y = corners[node]
        return (x + widths[node] / 2, y + (node_height if lower else 0))

    drawn = []
    for chain in chains:
        points = [middle(chain[0], lower=True)]
        for dummy in chain[1:-1]:
            points += [middle(dummy, lower=False), middle(dummy, lower=True)]
        drawn.append([*points, middle(chain[-1], lower=False)])
    height = 2 * margin + len(rows) * (node_height + gap_y) - (gap_y if rows else 0)
    placed = {node: corners[node] for node in inbound}
    return GraphLayout(placed, drawn, total + 2 * margin, height)


def _ranks(inbound: Mapping[str, Sequence[str]]) -> dict[str, int]:
    """Longest path from any input to each node."""
    ranks: dict[str, int] = {}
    waiting = dict(inbound)
    while waiting:
        left = {}
        for node, sources in waiting.items():  # in network order one pass is enough
            if all(source in ranks for source in sources):
                ranks[node] = max((ranks[source] + 1 for source in sources), default=0)
            else:
                left[node] = sources
        if len(left) == len(waiting):
            raise ValueError(f"The graph has a cycle through {sorted(waiting)}.")
        waiting = left
    return ranks


def _route(
    edges: Sequence[tuple[str, str]], ranks: Mapping[str, int], rows: list[list[str]]
) -> tuple[list[list[str]], list[tuple[str, str]]]:
    """Put a dummy node on every rank that a long edge crosses, `MOST_DUMMIES` at most.

    Returns the chain of nodes of each edge, and the links between nodes.
    """

    def length(edge: tuple[str, str]) -> int:
        return ranks[edge[1]] - ranks[edge[0]]

    chains: list[list[str]] = []
    links: list[tuple[str, str]] = []
    left = MOST_DUMMIES
    for number, (source, target) in enumerate(sorted(edges, key=length)):
        crossed = range(ranks[source] + 1, ranks[target])
        left -= len(crossed)
        dummies = [(rank, f"\0{number}:{rank}") for rank in crossed] if left >= 0 else []
        for rank, dummy in dummies:
            rows[rank].append(dummy)
        chain = [source, *(dummy for _, dummy in dummies), target]
        chains.append(chain)
        links.extend(itertools.pairwise(chain))
    return chains, links


def _order(rows: list[list[str]], links: Sequence[tuple[str, str]]) -> None:
    """Sort each row by the mean place of its neighbours, down and up in turn."""
    above: dict[str, list[str]] = {}
    below: dict[str, list[str]] = {}
    for source, target in links:
        below.setdefault(source, []).append(target)
        above.setdefault(target, []).append(source)
    for sweep in range(SWEEPS):
        down = sweep % 2 == 0
        order = range(1, len(rows)) if down else range(len(rows) - 2, -1, -1)
        neighbours = above if down else below
        for rank in order:
            fixed = {node: at for at, node in enumerate(rows[rank - 1 if down else rank + 1])}
            current = {node: at for at, node in enumerate(rows[rank])}

            def centre(
                node: str,
                fixed: dict[str, int] = fixed,
                current: dict[str, int] = current,
                neighbours: dict[str, list[str]] = neighbours,
            ) -> float:
                places = [fixed[other] for other in neighbours.get(node, ()) if other in fixed]
                return sum(places) / len(places) if places else current[node]

            rows[rank].sort(key=centre)
