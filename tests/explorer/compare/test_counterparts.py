"""Counterparts set by hand: what is offered for each layer, and what a choice leads to."""

from __future__ import annotations

import json

import pytest

from explorer.compare.counterparts import candidates, set_by_hand
from explorer.compare.pair import RunPair
from store.testing import text_run_spec
from tests.explorer import node
from tests.explorer.conftest import without_probe


def evaluated(expression):
    return node.evaluated("widgets/page/layer_pairs.js", expression)


def test_layers_of_the_same_kind_come_first_and_then_what_was_recorded(pair):
    rows = {row.layer: row for row in candidates(pair)}
    assert list(rows) == list(pair.first.run.layers)
    theirs = pair.second.run.layers
    conv = rows["conv1"]
    assert (conv.counterpart, conv.why) == ("first", "same kind and place")
    assert conv.alike == ("first",)
    assert set(conv.others) == {
        name for name, layer in theirs.items() if layer.kind not in ("conv", "input")
    }
    assert rows["pool1"].why == "same name"
    (given,) = (name for name, layer in pair.first.run.layers.items() if layer.kind == "input")
    assert rows[given].others == ()


def test_what_is_not_recorded_goes_with_its_kind_alone(pair, recorded):
    bare = RunPair(pair.first, recorded(without_probe(), steps=(0, 1)))
    assert all(row.others == () for row in candidates(bare))


def test_a_counterpart_by_hand_of_any_kind_can_be_seen_and_taken_back(recorded, image_data):
    other = recorded(without_probe(text_run_spec()), steps=(0, 1))
    pair = RunPair(image_data, other, {"conv1": "embedding", "dense": None})
    assert set_by_hand(pair) == {"conv1": "embedding", "dense": None}
    rows = {row.layer: row for row in candidates(pair)}
    assert (rows["conv1"].counterpart, rows["conv1"].why) == ("embedding", "by hand")
    assert "embedding" in rows["conv1"].others
    assert (rows["dense"].counterpart, rows["dense"].why) == (None, "by hand")
    assert set_by_hand(RunPair(image_data, other)) == {}


@pytest.mark.parametrize(
    ("before", "choice", "after"),
    [
        ({}, ("a", "x"), {"a": "x"}),
        ({"a": "x"}, ("a", None), {"a": None}),
        ({"a": "x"}, ("b", "x"), {"b": "x"}),  # of one layer of B there is one
        ({"a": None}, ("b", None), {"a": None, "b": None}),
    ],
)
def test_a_choice_changes_the_map_of_the_address(before, choice, after):
    found = evaluated(f"withChoice({json.dumps(before)}, ...{json.dumps(choice)})")
    assert found == after
    assert evaluated(f"without({json.dumps(after)}, {json.dumps(choice[0])})") == {
        name: value for name, value in after.items() if name != choice[0]
    }
