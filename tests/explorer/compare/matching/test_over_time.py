"""Matchings along the common axis, against those of each moment by itself."""

from __future__ import annotations

import numpy as np
import pytest

from explorer.compare.matching import over_time
from explorer.compare.matching.at_step import chance_at, match_at
from explorer.compare.matching.over_time import Tracked, track
from explorer.compare.pair import RunPair
from store.testing import image_run_spec
from tests.explorer.compare.permuted import CONV, DENSE, permuted_pair
from tests.explorer.conftest import without_probe


def same(one, other):
    for name in ("first", "second", "scores", "unmatched_first", "unmatched_second"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))


def test_each_moment_is_matched_by_itself(pair):
    alignment = pair.align("step")
    found = track(pair, "conv1", "first", alignment)
    assert found.positions.tolist() == list(range(len(alignment)))
    assert found.remark == ""
    for at in range(len(alignment)):
        shown = int(alignment.first[at]), int(alignment.second[at])
        every, level = (step(pair, "conv1", "first", shown) for step in (match_at, chance_at))
        same(found.at(at), every.beyond(level.bound))
        assert found.chance.at(at) == (level.mean, level.bound)
        assert found.mean[at] == pytest.approx(every.mean)
        np.testing.assert_array_equal(np.flatnonzero(found.kept[at] >= 0), found.at(at).first)


def test_the_chance_level_between_two_moments_lies_between_theirs(pair, monkeypatch):
    monkeypatch.setattr(over_time, "MOST_OPERATIONS", 0)
    alignment = pair.align("step")
    found = track(pair, "conv1", "first", alignment).chance
    last = len(alignment) - 1
    assert found.positions.tolist() == [0, last // 2, last]
    low, middle, high = (found.at(at)[1] for at in (0, 1, last // 2))
    assert min(low, high) <= middle <= max(low, high)
    np.testing.assert_allclose(found.bounds(np.array([0, 1])), [low, middle])


def test_units_in_another_order_are_followed_and_stay(tmp_path):
    pair = permuted_pair(tmp_path)
    for layer, order in (("conv1", CONV), ("dense", DENSE)):
        found = track(pair, layer, layer, pair.align("step"))
        assert (found.partners == np.argsort(order)).all()
        np.testing.assert_allclose(found.mean, 1, atol=1e-5)
        assert np.isnan(found.stability[0])
        assert (found.stability[1:] == 1).all()
        assert (found.paired == 1).all()


def test_it_is_kept_for_every_way_to_align(pair, monkeypatch):
    first = track(pair, "conv1", "first", pair.align("step"))
    monkeypatch.setattr(over_time, "match_at", None)  # must not be called again
    again = track(pair, "conv1", "first", pair.align("step"))
    np.testing.assert_array_equal(again.partners, first.partners)
    monkeypatch.undo()
    other = track(pair, "conv1", "first", pair.align("anchors", ((0, 0), (20, 4))))
    assert len(other.positions) == len(pair.align("anchors", ((0, 0), (20, 4))))


def test_of_a_large_layer_moments_are_left_out_and_the_nearest_one_holds(pair, monkeypatch):
    monkeypatch.setattr(over_time, "MOST_OPERATIONS", 0)
    monkeypatch.setattr(over_time, "SOME_POSITIONS", 3)
    alignment = pair.align("step")
    found = track(pair, "conv1", "first", alignment)
    count = len(alignment)
    assert found.positions.tolist() == [0, (count - 1) // 2, count - 1]
    assert f"Matched at 3 of {count} moments" in found.remark
    for at in range(count):
        nearest = int(np.abs(found.positions - at).argmin())
        same(found.at(at), found.matchings[nearest])


def test_without_a_shared_probe_weights_decide(recorded, image_data):
    alone = recorded(without_probe(), steps=(0, 1, 2, 5))
    pair = RunPair(image_data, alone)
    found = track(pair, "conv1", "conv1", pair.align("step"))
    # Frames are functions of name and step: weights are the same wherever steps are.
    assert (found.partners[:4] == [0, 1, 2]).all()
    np.testing.assert_allclose(found.scores[:4], 1, atol=1e-6)


def test_numbers_of_units_may_differ(recorded, image_data):
    pair = RunPair(image_data, recorded(image_run_spec(units=2), steps=(0, 1)))
    found = track(pair, "conv1", "conv1", pair.align("step"))
    assert found.others == 2
    assert found.partners.shape[1] == 3
    assert (found.paired <= 2 / 3).all()
    assert (np.isnan(found.scores) == (found.partners < 0)).all()


@pytest.mark.parametrize("count", [1, 2])
def test_units_that_are_never_matched(count):
    nothing = np.full((count, 2), -1)
    found = Tracked(count, np.arange(count), nothing, np.full((count, 2), np.nan), 0)
    assert np.isnan(found.mean).all()
    assert np.isnan(found.stability).all()
    assert (found.paired == 0).all()
    assert found.at(count - 1).unmatched_first.tolist() == [0, 1]
