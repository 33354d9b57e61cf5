"""The slider of two runs: what it says of each, and which position shows a step."""

from __future__ import annotations

import json

import numpy as np

from explorer.widgets.time.pair_transport import PairTransport, path_of
from tests.explorer import node

PATH = {
    "first": [0, 1, 1, 2, 3], "second": [0, 0, 1, 1, 1],
    "first_off": [0, 0, -1, 0, 0], "second_off": [0, -1, 0.4567, -2, -3],
    "first_beyond": [0, 0, 0, 0, 0], "second_beyond": [1, 0, 0, 0, 1], "unit": "steps",
}  # fmt: skip


def evaluated(expression):
    within = f"((path) => {expression})({json.dumps(PATH)})"
    return node.evaluated("widgets/time/pair_transport.js", within)


def test_what_is_shown_is_said_honestly():
    said = evaluated('[0, 1, 2, 3, 4].map((at) => honest(path, "second", at, 1, "step"))')
    assert said == [
        "not begun, held", "nearest: 1 step earlier", "nearest: 0.46 steps later",
        "nearest: 2 steps earlier", "ended, held",
    ]  # fmt: skip
    assert evaluated('honest(path, "first", 0, 3, "step")') == ""
    assert evaluated('honest(path, "second", 4, 1, "metric:loss")') == "never there, held"


def test_the_position_of_a_step_is_the_nearest_that_shows_it():
    found = evaluated("[[1, 0], [1, 4], [3, 0], [9, 0]].map(([step, from]) =>"
                      " positionOf(path.first, step, from))")  # fmt: skip
    assert found == [1, 2, 4, 4]
    assert evaluated("positionNear(path, 1, 1)") == 2
    assert evaluated("positionNear(path, 3, 0)") == 4


def test_a_path_reaches_the_browser_whole(pair):
    alignment = pair.align("epoch")
    path = PairTransport(path=path_of(alignment)).get_root().data.path
    for name in ("coordinates", "first_off", "second_off"):
        np.testing.assert_array_equal(path[name], getattr(alignment, name))
    for name in ("first", "second"):
        np.testing.assert_array_equal(path[name], getattr(alignment, name))
        assert path[name].dtype == np.int32
    assert path["unit"] == "epochs"
    assert len(path_of(None)["coordinates"]) == 0
