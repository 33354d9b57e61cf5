"""Which columns of a deep network are shown: the strongest, each block by its strongest."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from explorer.derived.network.blocks import Block
from explorer.derived.network.folding import fold
from explorer.derived.network.joint import Column

NAMES = ("stem", "a1", "a2", "a3", "b1", "b2", "pool", "c1", "c2", "classes")
COLUMNS = [Column(name, name, "vector", (name,)) for name in NAMES]
BLOCKS = [Block(name, "residual", tuple(one for one in NAMES if one[0] == name)) for name in "ab"]
BLOCKS.append(Block("c", "residual", ("c1", "c2")))
STRENGTHS = dict(zip(NAMES, (0.05, 0.1, 0.3, 0.2, 0.02, 0.01, 0.15, 0.07, 0.1, 0), strict=True))


def folded(most, opened=(), strengths=STRENGTHS):
    return fold(COLUMNS, BLOCKS, strengths, most=most, opened=opened)


def shown(parts):
    return [part.column.core for part in parts]


def test_the_strongest_are_shown_a_block_by_its_strongest_and_the_classes_always():
    parts = folded(4)
    assert shown(parts) == ["a2", "pool", "c2", "classes"]
    assert [part.group for part in parts] == ["a", "pool", "c", "classes"]
    assert [part.within for part in parts] == [3, 1, 2, 1]
    assert not any(part.is_open for part in parts)


def test_what_is_folded_is_told_where_it_lies_the_strongest_first():
    assert [part.before for part in folded(4)] == [("stem",), ("b",), (), ()]
    assert [part.before for part in folded(2)] == [("stem",), ("pool", "c", "b")]


def test_what_is_opened_is_shown_whole_and_nothing_else_moves():
    parts = folded(4, opened=("b", "a"))
    assert shown(parts) == ["a1", "a2", "a3", "b1", "b2", "pool", "c2", "classes"]
    assert [part.is_open for part in parts] == [True] * 5 + [False] * 3
    assert parts[0].before == ("stem",)
    assert not any(part.before for part in parts[1:])


def test_where_all_have_room_nothing_is_folded():
    parts = folded(len(NAMES), strengths={})
    assert shown(parts) == [*NAMES]
    assert {(part.within, part.before) for part in parts} == {(1, ())}


def test_what_a_stranger_asks_to_open_changes_nothing():
    assert folded(4, opened=("nowhere",)) == folded(4)


@given(
    st.lists(st.floats(0, 1), min_size=10, max_size=10),
    st.integers(1, 9),
    st.frozensets(st.sampled_from(["a", "b", "c", "stem", "pool", "classes"])),
)
def test_each_group_is_shown_or_told_to_be_folded(strengths, most, opened):
    parts = folded(most, opened, dict(zip(NAMES, strengths, strict=True)))
    places = [NAMES.index(core) for core in shown(parts)]
    assert places == sorted(set(places))
    assert places[-1] == len(NAMES) - 1
    told = [group for part in parts for group in part.before]
    seen = {part.group for part in parts}
    assert len(told) == len({*told})
    assert {*told} | seen == {"stem", "a", "b", "pool", "c", "classes"}
    assert not {*told} & seen
    closed = [part for part in parts if not part.is_open]
    assert len({part.group for part in closed}) == len(closed)
    least = min((strengths[NAMES.index(p.column.core)] for p in closed[:-1]), default=0)
    for group in told:
        own = [one for one in NAMES if one == group or (one[0] == group and len(one) == 2)]
        assert max(strengths[NAMES.index(one)] for one in own) <= least or not closed[:-1]


@pytest.mark.parametrize("most", [1, 2])
def test_the_classes_are_shown_though_they_are_told_no_strength(most):
    assert shown(folded(most, strengths={}))[-1] == "classes"


def test_where_nothing_is_folded_nothing_can_be_opened() -> None:
    parts = folded(most=len(NAMES))
    assert [part.column.core for part in parts] == list(NAMES)
    assert not any(part.is_open or part.within > 1 or part.before for part in parts)
