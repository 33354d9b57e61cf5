"""B less A of a layer's weights, against arrays put in order by hand."""

from __future__ import annotations

import dataclasses
from types import SimpleNamespace

import numpy as np
import pytest

from explorer.compare.pair import RunPair
from explorer.compare.views.weight_difference import (
    WeightDifference,
    known_means,
    root_mean_square,
)
from explorer.compare.views.weight_pairs import variables_of
from explorer.derived.pairs.unit_matching import Matching
from explorer.derived.time.frames import Limits, quantize
from explorer.plots.blocks import block_starts
from explorer.widgets.page.choice import Choice
from store.format.spec import WeightSpec
from store.testing import image_run_spec, text_run_spec
from tests.explorer.compare.permuted import STEPS, permuted_pair
from tests.explorer.compare.views.test_activation_difference import (
    frame_of,
    limits_of,
    picture_on,
    shown_on,
    zero,
)

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def permuted(tmp_path_factory):
    """A network, and the same one in another order."""
    return permuted_pair(tmp_path_factory.mktemp("permuted"))


def choices_on(card):
    return {choice.title: choice for choice in card.panel.select(Choice)}


@pytest.mark.parametrize("kind", ["step", "last", "tracked"])
def test_the_same_network_in_another_order_shows_no_difference(permuted, kind):
    comparison, card, grid = shown_on(permuted, WeightDifference, layer="dense")
    assert all((frame_of(grid, at) != zero(grid)).any() for at in range(len(STEPS)))
    comparison.match(kind)
    for layer in ("conv1", "dense"):
        comparison.first.selection.choose(layer=layer)
        for variable in choices_on(card)["variable"].options:
            choices_on(card)["variable"].value = variable
            grid = picture_on(card)
            for position in range(len(STEPS)):
                assert (frame_of(grid, position) == zero(grid)).all(), (layer, variable, position)
    assert "Inputs are in the order of the matching of conv1." in card.head.caption


def test_differences_before_colours_are_exactly_zero(permuted):
    """Not only of one colour: nothing is left."""
    comparison, card, _ = shown_on(permuted, WeightDifference, layer="dense", units="matched")
    units, inputs = card.view._pairs
    for variable in variables_of(permuted, "dense", "dense"):
        for at in range(len(STEPS)):
            apart = variable.difference(comparison.alignment, at, units, inputs)
            assert (apart == 0).all()


def test_weights_of_the_same_number_are_subtracted_without_matching(pair):
    alignment = pair.align("step")
    for layer, other in (("conv1", "first"), ("dense", "last")):
        _, card, grid = shown_on(pair, WeightDifference, layer=layer)
        for at in (0, 3, len(alignment) - 1):
            ours = pair.first.weight(layer, "kernel", int(alignment.first[at]))
            theirs = pair.second.weight(other, "kernel", int(alignment.second[at]))
            expected = quantize(np.moveaxis(theirs - ours, -1, 0), limits_of(grid))
            np.testing.assert_array_equal(frame_of(grid, at).ravel(), expected.ravel())
        assert "Units of the same number" in card.head.caption


def test_values_of_one_number_a_unit_stand_in_a_row_each(pair):
    _, card, _ = shown_on(pair, WeightDifference, layer="conv1")
    choices_on(card)["variable"].value = "1"
    grid, last = picture_on(card), len(pair.align("step")) - 1
    apart = pair.second.weight("first", "bias", 3) - pair.first.weight("conv1", "bias", 5)
    np.testing.assert_array_equal(frame_of(grid, last)[0, 0], quantize(apart, limits_of(grid)))
    assert grid.y_labels == ["bias"]


def deeper(name, units):
    """Describe the image run with a second convolution in place of its ReLU."""
    spec = image_run_spec(name, units=units)
    layers = []
    for one in spec.layers:
        if one.name == "relu1":
            kernel = WeightSpec(
                "kernel", ("kernel_y", "kernel_x", "in_unit", "unit"), (3, 3, units, units)
            )
            one = dataclasses.replace(
                one, class_name="Conv2D", kind="conv", weights=(kernel,), parameters=9 * units**2
            )
        layers.append(one)
    return dataclasses.replace(spec, layers=tuple(layers))


def test_channels_of_a_kernel_one_by_one_and_together(recorded):
    pair = RunPair(recorded(deeper("a", 3), steps=(0, 1)), recorded(deeper("b", 2), steps=(0, 2)))
    _, card, grid = shown_on(pair, WeightDifference, layer="relu1")
    ours = pair.first.weight("relu1", "kernel", 0)
    theirs = pair.second.weight("relu1", "kernel", 0)
    apart = np.full(ours.shape, np.nan)
    apart[:, :, :2, :2] = theirs - ours[:, :, :2, :2]
    tiles = np.transpose(apart, (3, 2, 0, 1))
    np.testing.assert_array_equal(
        frame_of(grid, 0), quantize(tiles.reshape(9, 3, 3), limits_of(grid))
    )
    assert grid.tile_ids == [0, 0, 0, 1, 1, 1, 2, 2, 2]
    part = choices_on(card)["of it"]
    part.value = "rms"
    sizes = np.sqrt(np.nanmean(np.square(tiles[:2]), axis=1))
    found, limits = frame_of(grid, 0), Limits(grid.low, grid.high, signed=False)
    np.testing.assert_array_equal(found[:2], quantize(sizes, limits))
    assert (found[2] == 0).all()
    assert grid.captions == ["0", "1", "2 alone"]
    part.value = "1"
    np.testing.assert_array_equal(frame_of(grid, 0), quantize(tiles[:, 1], limits_of(grid)))
    assert "without counterpart: unit 2 of A" in card.head.caption


def test_gates_of_a_recurrent_layer(recorded, text_data):
    pair = RunPair(text_data, recorded(text_run_spec("b"), steps=(3, 4)))
    alignment = pair.align("step")
    _, card, grid = shown_on(pair, WeightDifference, layer="lstm")
    first, second = int(alignment.first[2]), int(alignment.second[2])
    named = choices_on(card)
    assert list(named["variable"].options.values()) == ["recurrent kernel", "kernel", "bias"]
    for number, name in enumerate(("recurrent_kernel", "kernel")):
        named["variable"].value = str(number)
        apart = pair.second.weight("lstm", name, second) - text_data.weight("lstm", name, first)
        gates = np.split(apart, 4, axis=1)
        expected = quantize(np.stack([gate.T for gate in gates]), limits_of(grid))
        np.testing.assert_array_equal(frame_of(grid, 2), expected)
        assert grid.captions == ["input gate", "forget gate", "candidate", "output gate"]
        named["of it"].value = "1"
        np.testing.assert_array_equal(frame_of(grid, 2), expected[1:2])
        assert (grid.mode, grid.selects, grid.y_labels) == ("matrix", "unit", list("0123"))
        named["of it"].value = "all"


def test_shapes_that_differ_are_a_sentence(recorded, image_data):
    spec = image_run_spec()
    kernel = WeightSpec("kernel", ("kernel_y", "kernel_x", "in_unit", "unit"), (5, 5, 1, 3))
    layers = tuple(
        dataclasses.replace(layer, weights=(kernel,)) if layer.name == "conv1" else layer
        for layer in spec.layers
    )
    other = recorded(dataclasses.replace(spec, layers=layers), steps=(0, 1))
    _, card, grid = shown_on(RunPair(image_data, other), WeightDifference, layer="conv1")
    assert "kernel is 3 × 3 × 1 × 3 in A and 5 × 5 × 1 × 3 in B" in card.head.said
    assert grid is None
    alone = RunPair(image_data, other, {"conv1": None})
    assert "no layer for conv1" in shown_on(alone, WeightDifference, layer="conv1")[1].head.said


def test_layers_without_weights_have_no_card(pair):
    _, card, _ = shown_on(pair, WeightDifference, layer="pool1")
    assert not card.panel.visible


def test_of_what_is_blank_in_part_the_rest_counts():
    values = np.array([[1, np.nan, 3, 5, np.nan, np.nan]])
    found = known_means(values, block_starts(6, 3), 1)
    np.testing.assert_array_equal(found, [[1, 4, np.nan]])
    np.testing.assert_array_equal(
        root_mean_square(np.array([[3, np.nan], [np.nan, np.nan]]), 1), [3, np.nan]
    )


def test_of_a_turned_unit_the_candidate_is_turned_and_gates_are_not(text_data):
    """An LSTM whose units 1 and 2 are negated does the same: no difference is left."""
    signs = np.array([1.0, -1.0, -1.0, *[1.0] * 20])[: text_data.units("lstm")]
    pair = RunPair(text_data, text_data)
    units = np.arange(len(signs))
    none = np.zeros(0, np.int64)
    pairs = Matching(units, units, signs, none, none)
    alignment = pair.align("step")
    for variable in variables_of(pair, "lstm", "lstm"):
        if "recurrent kernel" not in variable.title and variable.title != "bias":
            continue
        read = variable.read[1]

        def turned(at, read=read, variable=variable):
            values = read(at).copy()
            candidate = variable.rows.index("candidate")
            values[candidate] *= signs
            return values * signs[:, None] if "state" in variable.axes else values

        other = dataclasses.replace(variable, read=(variable.read[0], turned))
        fixed = SimpleNamespace(at=lambda *_: pairs)
        apart = other.difference(alignment, 2, fixed, fixed)
        np.testing.assert_array_equal(apart, np.zeros_like(apart))
