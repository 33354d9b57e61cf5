"""The order of drawn networks: everything flows downwards, in few crossings."""

from __future__ import annotations

import unittest.mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from explorer.derived.network.blocks import Block, find_blocks
from explorer.derived.network.graph_layout import MOST_DUMMIES, all_blocks, layered, levels


def edges_of(inbound):
    return [(source, node, source) for node, sources in inbound.items() for source in sources]


def laid_out(inbound):
    return layered([*inbound], edges_of(inbound))


def chain(length):
    return {f"n{i}": [f"n{i - 1}"] if i else [] for i in range(length)}


def dense_block(length):
    """Every layer takes in all before it, as in a DenseNet."""
    return {f"n{i}": [f"n{j}" for j in range(i)] for i in range(length)}


GRAPHS = {
    "nothing": {},
    "one": {"a": []},
    "chain": chain(7),
    "diamond": {"a": [], "b": ["a"], "c": ["a"], "d": ["b", "c"]},
    "skip": {"a": [], "b": ["a"], "c": ["b"], "d": ["c", "a"]},
    "inputs": {"a": [], "b": [], "c": ["a", "b"], "d": ["c", "b"]},
    "twice": {"a": [], "b": ["a", "a"]},
    "apart": {"a": [], "b": ["a"], "x": [], "y": ["x"]},
    "dense": dense_block(6),
    "late order": {"d": ["b"], "b": ["a"], "a": []},
}


@st.composite
def acyclic_graphs(draw):
    count = draw(st.integers(1, 14))
    return {
        f"n{i}": [f"n{j}" for j in draw(st.sets(st.integers(0, i - 1), max_size=4))] if i else []
        for i in range(count)
    }


def check(inbound):
    """Every edge leads downwards, over one node of each row that it passes, or straight."""
    level = laid_out(inbound)
    rank = {node: at for at, row in enumerate(level.rows) for node in row}
    assert len(rank) == sum(map(len, level.rows))
    assert {node for node in rank if node[0] != "~"} == set(inbound)
    ends = [(chain[0], chain[-1]) for chain in level.chains]
    assert sorted(ends) == sorted((source, node) for source, node, _ in edges_of(inbound))
    assert level.carries == [source for source, _ in ends]
    passed = [node for chain in level.chains for node in chain[1:-1]]
    assert len(set(passed)) == len(passed)
    for chain in level.chains:
        ranks = [rank[node] for node in chain]
        assert len(chain) == 2 or ranks == [*range(ranks[0], ranks[-1] + 1)]
        assert ranks[0] < ranks[-1]
    return level


@pytest.mark.parametrize("name", GRAPHS)
def test_a_known_graph(name):
    check(GRAPHS[name])


@given(acyclic_graphs())
def test_any_graph(inbound):
    check(inbound)


def test_a_node_lies_on_the_rank_of_its_longest_path():
    rows = laid_out(GRAPHS["skip"]).rows
    assert [[node for node in row if node in "abcd"] for row in rows] == [
        ["a"],
        ["b"],
        ["c"],
        ["d"],
    ]


def test_the_branches_of_a_diamond_lie_side_by_side():
    assert [sorted(row) for row in laid_out(GRAPHS["diamond"]).rows] == [["a"], ["b", "c"], ["d"]]


def test_branches_do_not_cross():
    """Two towers, told in an order that would cross them, are untangled."""
    inbound = {"a": [], "b": [], "b1": ["b"], "a1": ["a"], "a2": ["a1"], "b2": ["b1"]}
    rows = laid_out(inbound).rows
    assert len({row[0][0] for row in rows}) == 1


@pytest.mark.parametrize(
    "inbound",
    [{"a": ["a"]}, {"a": ["c"], "b": ["a"], "c": ["b"]}, {"a": ["nowhere"]}],
    ids=["itself", "circle", "unknown source"],
)
def test_what_cannot_be_ranked_is_named(inbound):
    with pytest.raises(ValueError, match=r"cycle.*'a'"):
        laid_out(inbound)


def test_deep_and_dense_networks_are_laid_out():
    assert laid_out(chain(3000)).rows == [[f"n{at}"] for at in range(3000)]


def test_where_all_are_joined_to_all_the_longest_edges_are_straight():
    level = laid_out(dense_block(120))
    assert len(level.chains) == 120 * 119 / 2
    routed = [chain for chain in level.chains if len(chain) > 2]
    assert sum(len(chain) - 2 for chain in routed) <= MOST_DUMMIES
    place = {f"n{at}": at for at in range(120)}
    spans = {True: [], False: []}
    for chained in level.chains:
        span = place[chained[-1]] - place[chained[0]]
        spans[len(chained) == 2 and span > 1].append(span)
    assert max(spans[False]) <= min(spans[True])


@given(acyclic_graphs())
def test_any_graph_with_hardly_a_dummy(inbound):
    with unittest.mock.patch("explorer.derived.network.graph_layout.MOST_DUMMIES", 3):
        check(inbound)


# -- blocks -----------------------------------------------------------------------------------


def test_a_block_is_drawn_apart_with_places_where_lines_come_in_and_leave():
    """From its first row, where what it takes comes in, past its layers to its last row."""
    inbound = {"x": [], "a": ["x"], "b": ["a"], "c": ["x", "b"], "d": ["c"]}
    whole, inside = levels(inbound, [Block("block", "residual", ("a", "b", "c"))])
    assert whole.rows == [["=0"], ["#0"], ["=4"]]
    assert list(zip(whole.chains, whole.carries, strict=True)) == [
        (["=0", "#0"], "0"),
        (["#0", "=4"], "3"),
    ]
    assert [[node for node in row if node[0] != "~"] for row in inside.rows] == [
        ["<0"], ["=1"], ["=2"], ["=3"], [">3"],
    ]  # fmt: skip
    around = next(chain for chain in inside.chains if chain[0] == "<0" and chain[-1] == "=3")
    assert len(around) == 4


def test_a_block_with_two_ways_out_ends_in_both_on_one_row():
    inbound = {"x": [], "a": ["x"], "b": ["a"], "c": ["a"], "d": ["b"]}
    whole, inside = levels(inbound, [Block("block", "nested", ("a", "b"))])
    assert sorted(inside.rows[-1]) == [">1", ">2"]
    assert sorted(zip([c[-1] for c in whole.chains], whole.carries, strict=True)) == [
        ("#0", "0"), ("=3", "1"), ("=4", "2"),
    ]  # fmt: skip


@given(acyclic_graphs(), st.data())
def test_each_line_of_a_network_is_in_one_drawing_or_leads_through_ports(inbound, data):
    """What a layer takes reaches it, whatever is open: through frames, from port to port."""
    classes = {name: data.draw(st.sampled_from(["Add", "Dense"])) for name in inbound}
    blocks = find_blocks(classes, inbound)
    drawn = levels(inbound, blocks)
    number = {name: str(at) for at, name in enumerate(inbound)}
    inside = {layer: at for at, block in enumerate(all_blocks(blocks)) for layer in block.layers}

    def has(at, start, end, carried):
        level = drawn[at]
        ends = [(c[0], c[-1], what) for c, what in zip(level.chains, level.carries, strict=True)]
        return (start, end, carried) in ends

    for name, sources in inbound.items():
        for source in sources:
            out, into, carried = inside.get(source), inside.get(name), number[source]
            if out == into:
                at = 0 if out is None else out + 1
                assert has(at, f"={carried}", f"={number[name]}", carried)
                continue
            if out is not None:
                assert has(out + 1, f"={carried}", f">{carried}", carried)
            if into is not None:
                assert has(into + 1, f"<{carried}", f"={number[name]}", carried)
            start = f"={carried}" if out is None else f"#{out}"
            end = f"={number[name]}" if into is None else f"#{into}"
            assert has(0, start, end, carried)
