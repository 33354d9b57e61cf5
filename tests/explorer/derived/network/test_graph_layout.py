"""Drawn networks: everything flows downwards and nothing lies on anything else."""

from __future__ import annotations

import itertools
import unittest.mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from explorer.derived.network.graph_layout import MOST_DUMMIES, layered_layout

WIDTH, HEIGHT = 100.0, 30.0


def laid_out(inbound):
    return layered_layout(inbound, node_width=WIDTH, node_height=HEIGHT)


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
    layout = laid_out(inbound)
    wanted = sorted((source, node) for node, sources in inbound.items() for source in sources)
    assert set(layout.corners) == set(inbound)
    assert len(layout.edges) == len(wanted)

    boxes = {name: (x, y, x + WIDTH, y + HEIGHT) for name, (x, y) in layout.corners.items()}
    for left, top, right, bottom in boxes.values():
        assert 0 <= left < right <= layout.width
        assert 0 <= top < bottom <= layout.height
    for (_, one), (_, other) in itertools.combinations(boxes.items(), 2):
        apart_x = one[2] <= other[0] or other[2] <= one[0]
        apart_y = one[3] <= other[1] or other[3] <= one[1]
        assert apart_x or apart_y

    drawn = []
    for points in layout.edges:
        assert all(y0 < y1 for (_, y0), (_, y1) in itertools.pairwise(points))
        (source,) = [
            name for name, box in boxes.items()
            if points[0] == ((box[0] + box[2]) / 2, box[3])
        ]  # fmt: skip
        (target,) = [
            name for name, box in boxes.items()
            if points[-1] == ((box[0] + box[2]) / 2, box[1])
        ]  # fmt: skip
        drawn.append((source, target))
        for x, y in points[1:-1]:  # where a long edge passes the ranks between
            inside = [
                name for name, box in boxes.items()
                if box[0] < x < box[2] and box[1] <= y <= box[3]
            ]  # fmt: skip
            assert not inside
    assert sorted(drawn) == wanted
    return layout


@pytest.mark.parametrize("name", GRAPHS)
def test_a_known_graph(name):
    check(GRAPHS[name])


@given(acyclic_graphs())
def test_any_graph(inbound):
    check(inbound)


def test_a_node_lies_on_the_rank_of_its_longest_path():
    corners = laid_out(GRAPHS["skip"]).corners
    tops = [corners[name][1] for name in "abcd"]
    assert tops == sorted(tops)
    assert len(set(tops)) == 4


def test_the_branches_of_a_diamond_lie_side_by_side():
    corners = laid_out(GRAPHS["diamond"]).corners
    assert corners["b"][1] == corners["c"][1]
    middle = (corners["b"][0] + corners["c"][0]) / 2
    assert corners["a"][0] == corners["d"][0] == middle


def test_branches_do_not_cross():
    """Two towers, told in an order that would cross them, are untangled."""
    inbound = {"a": [], "b": [], "b1": ["b"], "a1": ["a"], "a2": ["a1"], "b2": ["b1"]}
    corners = laid_out(inbound).corners
    sides = {corners[f"a{level}"][0] < corners[f"b{level}"][0] for level in ("", 1, 2)}
    assert len(sides) == 1


@pytest.mark.parametrize(
    "inbound",
    [{"a": ["a"]}, {"a": ["c"], "b": ["a"], "c": ["b"]}, {"a": ["nowhere"]}],
    ids=["itself", "circle", "unknown source"],
)
def test_what_cannot_be_ranked_is_named(inbound):
    with pytest.raises(ValueError, match=r"cycle.*'a'"):
        laid_out(inbound)


def test_deep_and_dense_networks_are_laid_out():
    assert len(laid_out(chain(3000)).edges) == 2999
    deep = laid_out(chain(200))
    assert deep.height > 200 * HEIGHT
    assert deep.width < 2 * WIDTH


def test_where_all_are_joined_to_all_the_longest_edges_are_straight():
    layout = laid_out(dense_block(120))
    assert len(layout.edges) == 120 * 119 / 2
    routed = [len(points) for points in layout.edges if len(points) > 2]
    assert sum(routed) <= 2 * (len(routed) + MOST_DUMMIES)
    rows = {y for _, y in layout.corners.values()}
    pitch = layout.height / len(rows)
    spans = {}
    for points in layout.edges:
        span = round((points[-1][1] - points[0][1]) / pitch) + 1
        spans.setdefault(span > 1 and len(points) == 2, []).append(span)
    assert max(spans[False]) <= min(spans[True])
    assert layout.width < 20 * WIDTH


@given(acyclic_graphs())
def test_any_graph_with_hardly_a_dummy(inbound):
    with unittest.mock.patch("explorer.derived.network.graph_layout.MOST_DUMMIES", 3):
        check(inbound)
