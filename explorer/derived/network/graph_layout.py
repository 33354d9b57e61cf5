"""Order the layers of a network for drawing: layered drawing of a directed acyclic graph.

Sugiyama, Tagawa & Toda (1981): rank by longest path, route long edges through dummy nodes,
order each rank by the barycentre of its neighbours. How large things are, and so where they lie,
the page decides: that depends on which blocks are open.

The number of dummy nodes is bounded, since it grows with the cube of the layers where all are
joined to all: the shortest edges are routed first, those that are left are drawn straight, behind
the boxes that they cross.
"""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from explorer.derived.network.blocks import Block

SWEEPS = 4
# A network of 100 blocks with two skip connections each needs some 1,500.
MOST_DUMMIES = 4000

# From which node to which, and what of the one it carries.
Edge = tuple[str, str, str]


@dataclass(frozen=True)
class Level:
    """What one drawing holds: the whole network with its blocks closed, or a block from within.

    Each node is told by a sign and a number: ``=3`` layer 3, ``#2`` block 2, ``<3`` the place where
    what layer 3 gives comes into the block, ``>3`` where it leaves it, ``~7`` a place that an edge
    passes.

    Attributes
    ----------
    rows : list of list of str
        From top to bottom, each from left to right.
    chains : list of list of str
        The nodes of each edge, one on each row that it passes; from one end to the other where it
        is drawn straight.
    carries : list of str
        Number of the layer whose output each edge carries.
    """

    rows: list[list[str]]
    chains: list[list[str]]
    carries: list[str]


def levels(inbound: Mapping[str, Sequence[str]], blocks: Sequence[Block]) -> list[Level]:
    """Order a network, and each of its blocks.

    Parameters
    ----------
    inbound : mapping of str to sequence of str
        For each layer, in network order, the layers that it takes.
    blocks : sequence of Block
        The outermost.

    Returns
    -------
    list of Level
        The network, then each block, those within it behind it (`all_blocks`).

    Raises
    ------
    ValueError
        The graph has a cycle.
    """
    numbers = {name: at for at, name in enumerate(inbound)}
    known = all_blocks(blocks)
    signs = {id(block): f"#{at}" for at, block in enumerate(known)}

    def level(layers: Sequence[str], within: Sequence[Block]) -> Level:
        nodes = {name: f"={numbers[name]}" for name in layers}
        nodes |= {name: signs[id(block)] for block in within for name in block.layers}
        edges: dict[Edge, None] = {}
        leaving = dict.fromkeys(nodes, False)
        for name, sources in inbound.items():
            for source in sources:
                carried = str(numbers[source])
                if name in nodes:
                    start = nodes.get(source, f"<{carried}")
                    if start != nodes[name]:
                        edges[start, nodes[name], carried] = None
                elif source in nodes:
                    leaving[source] = True
        ports = [name for name, leaves in leaving.items() if leaves]
        edges |= {(nodes[one], f">{numbers[one]}", str(numbers[one])): None for one in ports}
        entries = [start for start, _, _ in edges if start[0] == "<"]
        exits = [f">{numbers[one]}" for one in ports]
        return layered([*entries, *nodes.values(), *exits], [*edges], last=exits)

    return [level([*inbound], blocks), *(level(block.layers, block.blocks) for block in known)]


def all_blocks(blocks: Sequence[Block]) -> list[Block]:
    """Give blocks and those within them, each before those within it."""

    def walk(some: Sequence[Block]) -> Iterator[Block]:
        for block in some:
            yield block
            yield from walk(block.blocks)

    return [*walk(blocks)]


def layered(nodes: Sequence[str], edges: Sequence[Edge], last: Collection[str] = ()) -> Level:
    """Order the nodes of a graph in rows, so that all edges lead downwards and few cross.

    Parameters
    ----------
    nodes : sequence of str
        In network order; what occurs again counts once.
    edges : sequence of (str, str, str)
        From which to which, and what each carries.
    last : collection of str
        Nodes that take part of others alone and stand on the last row.

    Raises
    ------
    ValueError
        The graph has a cycle.
    """
    inbound: dict[str, list[str]] = {node: [] for node in nodes}
    for source, target, _ in edges:
        inbound[target].append(source)
    ranks = _ranks(inbound)
    end = max(ranks.values(), default=-1)
    ranks |= dict.fromkeys(last, end)
    rows: list[list[str]] = [[] for _ in range(end + 1)]
    for node, rank in ranks.items():
        rows[rank].append(node)
    chains, carries, links = _route(edges, ranks, rows)
    _order(rows, links)
    return Level(rows, chains, carries)


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
    edges: Sequence[Edge], ranks: Mapping[str, int], rows: list[list[str]]
) -> tuple[list[list[str]], list[str], list[tuple[str, str]]]:
    """Put a dummy node on every rank that a long edge crosses, `MOST_DUMMIES` at most.

    Returns the chain of nodes of each edge, what it carries, and the links between nodes.
    """

    def length(edge: Edge) -> int:
        return ranks[edge[1]] - ranks[edge[0]]

    chains: list[list[str]] = []
    carries: list[str] = []
    links: list[tuple[str, str]] = []
    numbers = itertools.count()
    left = MOST_DUMMIES
    for edge in sorted(edges, key=length):
        source, target, carried = edge
        crossed = range(ranks[source] + 1, ranks[target])
        left -= len(crossed)
        dummies = [(rank, f"~{next(numbers)}") for rank in crossed] if left >= 0 else []
        for rank, dummy in dummies:
            rows[rank].append(dummy)
        chain = [source, *(dummy for _, dummy in dummies), target]
        chains.append(chain)
        carries.append(carried)
        links.extend(itertools.pairwise(chain))
    return chains, carries, links


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
