"""Which unit of B stands for which of A: by number, or matched at a step, at the last, at each."""

from __future__ import annotations

import numpy as np
import pytest

from explorer.compare.beginning import begin_alike
from explorer.compare.matching.at_step import (
    basis,
    chance_at,
    match_at,
    pairs_by_number,
    why_no_chance,
    why_not,
)
from explorer.compare.matching.by_weights import weight_matching
from explorer.compare.matching.sources import InputSource, source_of
from explorer.compare.page import ComparisonPage
from explorer.compare.pair import RunPair
from explorer.compare.session import Comparison
from explorer.data.run import RunData
from store.testing import image_run_spec, text_run_spec
from tests.explorer.compare.conftest import choose
from tests.explorer.conftest import RunMaker, renamed, without_probe

pytestmark = pytest.mark.slow

STEPS = (0, 1, 2, 5, 10, 20, 50, 100)
ORDER = [2, 0, 1]


@pytest.fixture
def permuted(recorded: RunMaker, image_data: RunData, monkeypatch: pytest.MonkeyPatch) -> RunPair:
    """The same run with the units of conv1 in another order: unit k of B is `ORDER[k]` of A."""
    other = recorded(image_run_spec("b"), steps=STEPS)
    read = other.activations

    def activations(layer, index, probe=None):
        frame = read(layer, index, probe)
        return frame[..., turned(index)] if layer == "conv1" else frame

    monkeypatch.setattr(other, "activations", activations)
    return RunPair(image_data, other)


def turned(index: int) -> list[int]:
    """From step 10 on in `ORDER`; before that as in A."""
    return ORDER if index >= STEPS.index(10) else [0, 1, 2]


def partners(comparison: Comparison, position: int, layer: str = "conv1") -> list[int | None]:
    pairs = comparison.pairs_at(layer, position)
    return [pairs.to_second(unit) for unit in range(3)]


def rest(comparison: Comparison, index: int) -> None:
    """What the browser says when the slider rests."""
    for side in comparison.sides:
        side.transport.resting = index


TURNED = [ORDER.index(unit) for unit in range(3)]


def test_by_number_the_rest_is_alone():
    pairs = pairs_by_number(2, 4)
    assert pairs.first.tolist() == pairs.second.tolist() == [0, 1]
    assert (pairs.unmatched_first.tolist(), pairs.unmatched_second.tolist()) == ([], [2, 3])
    assert np.isnan(pairs.scores).all()
    assert pairs_by_number(0, 1).unmatched_second.tolist() == [0]


def test_units_that_answer_alike_stand_for_each_other(permuted):
    comparison = Comparison(permuted)
    first, second = comparison.sides
    choose(first, layer="conv1", unit=1)
    assert second.selection.unit == 1
    assert comparison.said_of_units().startswith("Both begin with the same weights: units of one")
    assert comparison.pairs_key("conv1") == "number"
    comparison.match("step")
    for unit in range(3):
        choose(first, unit=unit)
        assert second.selection.unit == TURNED[unit]
        said = comparison.said_of_units()
        assert f"Unit {unit} of A, unit {TURNED[unit]} of B (correlation 1.00)" in said
    assert "3 pairs in conv1, mean 1.00" in said
    assert "step 100 of A, 100 of B" in said
    choose(second, unit=0)
    assert first.selection.unit == ORDER[0]
    comparison.match("number")
    choose(first, layer="conv1", unit=2)
    assert second.selection.unit == 2


def test_at_the_step_on_screen_units_are_matched_anew_when_the_slider_rests(permuted):
    comparison = Comparison(permuted, {"units": "matched", "layer": "conv1", "unit": "0"})
    assert comparison.units.kind == "step"
    late = comparison.pairs_key("conv1")
    # One matching, wherever the slider is meanwhile.
    assert partners(comparison, 0) == partners(comparison, 7) == TURNED
    assert comparison.second.selection.unit == TURNED[0]
    rest(comparison, 2)
    assert partners(comparison, 0) == partners(comparison, 7) == [0, 1, 2]
    assert comparison.second.selection.unit == 0
    assert "step 2 of A, 2 of B" in comparison.said_of_units()
    assert comparison.pairs_key("conv1") != late


def test_at_the_last_step_one_matching_is_held_through_all(permuted):
    query = {"units": "matched", "matching": "last", "step": "0", "layer": "conv1"}
    comparison = Comparison(permuted, query)
    key = comparison.pairs_key("conv1")
    assert partners(comparison, 0) == TURNED
    assert "Matched at step 100 of A, 100 of B" in comparison.said_of_units()
    held = comparison.pairs_at("conv1", 0)
    rest(comparison, 5)
    assert comparison.pairs_at("conv1", 5) is held
    assert comparison.pairs_key("conv1") == key


def test_tracked_every_position_has_the_matching_of_its_step(permuted):
    query = {"units": "matched", "matching": "tracked", "step": "0", "layer": "conv1", "unit": "0"}
    comparison = Comparison(permuted, query)
    key = comparison.pairs_key("conv1")
    for position in range(len(STEPS)):
        expected = [turned(position).index(unit) for unit in range(3)]
        assert partners(comparison, position) == expected
        rest(comparison, position)
        assert comparison.second.selection.unit == expected[0]
    assert comparison.pairs_key("conv1") == key
    comparison.transport.mode = "epoch"
    assert comparison.pairs_key("conv1") != key


def test_the_address_chooses_and_the_widgets_agree(permuted):
    page = ComparisonPage(permuted, {"units": "matched", "matching": "tracked"})
    comparison = page.comparison
    assert (comparison.units.kind, page._choice.value) == ("tracked", "tracked")
    page._choice.value = "last"
    assert (comparison.transport.units, comparison.transport.matching) == ("matched", "last")
    comparison.transport.units = "number"  # what Back does
    assert (comparison.units.kind, page._choice.value) == ("number", "number")
    wrong = Comparison(permuted, {"units": "some", "matching": "now"})
    assert wrong.units.kind == "number"
    assert sum("should be one of" in said for said in wrong.warnings) == 2


def test_until_units_are_matched_they_go_by_number_and_then_the_page_is_told(permuted, monkeypatch):
    waiting = []
    monkeypatch.setattr(
        "explorer.compare.matching.matcher.in_worker",
        lambda _, work, use, **__: waiting.append((work, use)),
    )
    comparison = Comparison(permuted, {"layer": "conv1", "unit": "0"})
    told = []
    comparison.listeners.append(lambda: told.append(comparison.pairs_key("conv1")))
    comparison.match("last")
    assert len(waiting) == 1  # asked once, however often it is looked at
    assert partners(comparison, 0) == [0, 1, 2]
    assert comparison.said_of_units().endswith("Units are being matched ...")
    told.clear()
    work, use = waiting[0]
    use(work())
    assert told == [comparison.pairs_key("conv1")]
    assert comparison.second.selection.unit == TURNED[0]
    # What comes when something else is wanted is of no use.
    comparison.match("step")
    work, use = waiting[1]
    comparison.match("number")
    use(work())
    assert partners(comparison, 0) == [0, 1, 2]
    assert comparison.pairs_key("conv1") == "number"


def test_a_matching_that_fails_is_a_sentence_and_not_tried_again(permuted, monkeypatch):
    tried = []

    def fail(*_):
        tried.append(1)
        raise RuntimeError("no")

    monkeypatch.setattr("explorer.compare.matching.matcher.match_at", fail)
    comparison = Comparison(permuted, {"units": "matched", "layer": "conv1"})
    assert "could not be matched" in comparison.said_of_units()
    assert partners(comparison, 0) == [0, 1, 2]
    assert len(tried) == 1


def test_a_unit_without_counterpart_is_said(recorded, image_data):
    few = recorded(image_run_spec(units=2), steps=(0, 1))
    comparison = Comparison(RunPair(image_data, few), {"units": "matched", "layer": "conv1"})
    found = comparison.pairs_at("conv1", 0)
    assert len(found.unmatched_first) >= 1
    choose(comparison.first, unit=int(found.unmatched_first[0]))
    assert "has no counterpart in B" in comparison.said_of_units()


def test_a_layer_without_counterpart_has_no_pairs(permuted):
    alone = RunPair(permuted.first, permuted.second, {"conv1": None})
    comparison = Comparison(alone, {"units": "matched", "layer": "conv1"})
    assert "B has no layer for conv1" in comparison.said_of_units()
    assert partners(comparison, 0) == [None, None, None]


def test_a_run_without_steps_goes_by_number(recorded, image_data):
    comparison = Comparison(RunPair(image_data, recorded(steps=())), {"units": "matched"})
    assert "need a recorded step" in comparison.said_of_units()
    assert partners(comparison, 0) == [0, 1, 2]


def test_pairs_no_better_than_chance_are_struck_out_and_counted(image_data, recorded):
    """Frames of both are noise that has nothing in common."""
    other = recorded(renamed(image_run_spec(), {"conv1": "another"}), steps=STEPS)
    pair = RunPair(image_data, other, {"conv1": "another"})
    comparison = Comparison(pair, {"units": "matched", "layer": "conv1"})
    level = chance_at(pair, "conv1", "another", (7, 7))
    every, kept = match_at(pair, "conv1", "another", (7, 7)), comparison.pairs_at("conv1", 7)
    assert level.mean > 0
    beyond = every.scores >= level.bound
    assert kept.first.tolist() == every.first[beyond].tolist()
    struck = int((~beyond).sum())
    assert struck
    said = comparison.said_of_units()
    assert f"{len(kept.first)} pairs in conv1 and another, mean {every.mean:.2f}" in said
    assert f"with {struck} more that are struck out; by chance {level.mean:.2f}" in said
    assert (
        f"with the 6 probes shuffled 100 times: 95 % of such pairs are below {level.bound:.2f}"
        in said
    )


def test_without_a_chance_level_it_is_said_that_nothing_is_struck_out(recorded, monkeypatch):
    pair = RunPair(recorded(), recorded())
    monkeypatch.setattr("explorer.compare.matching.at_step.FEWEST_SHUFFLED", 7)
    comparison = Comparison(pair, {"units": "matched", "layer": "conv1"})
    assert "6 shared probes are too few to tell likeness from chance" in comparison.said_of_units()
    assert comparison.pairs_at("conv1", 0).struck.tolist() == []
    monkeypatch.undo()
    monkeypatch.setattr("explorer.compare.matching.at_step.MOST_SHUFFLED_UNITS", 2)
    assert "Of more than 2 units" in why_no_chance(pair, "conv1", "conv1")


# -- by weights -------------------------------------------------------------------------------


def shuffled(data, monkeypatch, orders):
    """Give a network whose units are in another order, and which does the same."""
    read = data.weights

    def weights(layer, index):
        found = dict(read(layer, index))
        source = source_of(data.run.layers, layer) if layer in orders else None
        if source is None:
            return found
        kernel = found["kernel"]
        if source.layer in orders:
            order = np.array(orders[source.layer])
            count = kernel.shape[-2] // len(order)
            inputs = (np.arange(count)[:, None] * len(order) + order).ravel()
            kernel = kernel[..., inputs, :]
        found["kernel"] = kernel[..., orders[layer]]
        return found

    monkeypatch.setattr(data, "weights", weights)
    return data


def test_without_probes_the_same_network_in_another_order_is_found_by_its_weights(
    recorded, image_data, monkeypatch
):
    layers = image_data.run.layers
    counts = {name: layers[name].weights["kernel"][-1] for name in ("conv1", "dense")}
    random = np.random.default_rng(3)
    orders = {name: random.permutation(count) for name, count in counts.items()}
    other = shuffled(recorded(without_probe(), steps=STEPS), monkeypatch, orders)
    pair = RunPair(image_data, other)
    for name, order in orders.items():
        assert why_not(pair, name, name) is None
        assert basis(pair, name, name) == "weights"
        found = match_at(pair, name, name, (3, 3))
        assert found.second.tolist() == np.argsort(order).tolist()
        np.testing.assert_allclose(found.scores, 1, atol=1e-6)
    comparison = Comparison(pair, {"units": "matched", "layer": "conv1"})
    assert "cosine of their weights 1.00" in comparison.said_of_units()


def test_what_has_no_weights_of_its_own_is_a_sentence(recorded, image_data):
    pair = RunPair(image_data, recorded(without_probe(), steps=(0, 1)))
    said = why_not(pair, "pool1", "pool1")
    assert "they share none" in said
    assert "Nor can they be by weights: pool1 has none" in said


def test_weights_with_other_inputs_are_not_matched(recorded, image_data):
    alone = RunPair(image_data, recorded(without_probe(), steps=(0, 1)), {"conv1": None})
    assert "inputs of dense do not correspond" in why_not(alone, "dense", "dense")
    few = recorded(without_probe(image_run_spec(units=2)), steps=(0, 1))
    pair = RunPair(image_data, few)
    assert why_not(pair, "dense", "dense") is None
    assert len(weight_matching(pair, "dense", (0, 0)).first) > 0


def test_a_source_is_found_through_what_keeps_units(image_data):
    layers = image_data.run.layers
    assert source_of(layers, "conv1") == InputSource(None)
    assert source_of(layers, "dense") == InputSource("conv1", flattened=True)
    pairs = pairs_by_number(3, 3)
    assert InputSource("conv1", flattened=True).inputs(pairs, 12).first.tolist() == list(range(12))
    assert InputSource("conv1", flattened=True).inputs(pairs, 13) is None
    assert InputSource("conv1").inputs(pairs, 4) is None


# -- how they are put together at first -------------------------------------------------------


def test_units_of_networks_that_begin_with_other_weights_are_matched_at_first(pair):
    assert begin_alike(pair) is False
    page = ComparisonPage(pair)
    assert page.comparison.units.kind == page._choice.value == "last"
    assert page.comparison.said_of_units().startswith("They begin with other weights")
    chosen = ComparisonPage(pair, {"units": "number"})
    assert chosen.comparison.units.kind == chosen._choice.value == "number"
    assert page.comparison.transport.usual == {"units": "matched", "matching": "last"}


def test_units_of_networks_that_begin_alike_go_by_number_at_first(permuted):
    assert begin_alike(permuted) is True
    comparison = Comparison(permuted)
    assert comparison.units.kind == "number"
    assert comparison.transport.usual["units"] == "number"


def test_one_layer_that_differs_is_enough_and_shapes_that_differ_are_too(recorded, image_data):
    assert (
        begin_alike(RunPair(image_data, recorded(image_run_spec(units=2), steps=(0, 1)))) is False
    )
    head = recorded(renamed(image_run_spec(), {"dense": "last"}), steps=(0, 1))
    assert begin_alike(RunPair(image_data, head)) is False


def test_where_the_beginning_was_not_recorded_it_is_not_known(recorded, image_data):
    for other in (recorded(steps=(1, 2)), recorded(steps=())):
        assert begin_alike(RunPair(image_data, other)) is None
        assert Comparison(RunPair(image_data, other)).units.kind == "number"


def test_what_units_answer_to_padding_pairs_none(recorded, text_data, monkeypatch):
    other = recorded(text_run_spec("b"), steps=STEPS)
    padded = text_run_spec().probe.inputs["input"] == 0
    read, rng = other.activations, np.random.default_rng(0)

    def activations(layer, index, probe=None):
        frame = read(layer, index, probe)
        if layer == "embedding" and probe is None:
            frame = np.where(padded[..., None], 9 * rng.normal(size=frame.shape), frame)
        return frame

    monkeypatch.setattr(other, "activations", activations)
    found = match_at(RunPair(text_data, other), "embedding", "embedding", (3, 3))
    assert found.second.tolist() == found.first.tolist() == list(range(len(found.first)))
    np.testing.assert_allclose(found.scores, 1, atol=1e-5)
    assert not len(found.unmatched_first)
