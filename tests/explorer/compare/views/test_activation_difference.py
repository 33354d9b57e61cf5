"""B less A of a layer's answer to a probe, against frames subtracted by hand."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from explorer.cards.card import Card
from explorer.compare.pair import RunPair
from explorer.compare.session import Comparison
from explorer.compare.views.activation_difference import ActivationDifference
from explorer.data.absence import SAME_PROBE, Lack
from explorer.data.recurrent import RecurrentLayer
from explorer.derived.time.frames import Limits, quantize
from explorer.widgets.page.choice import Choice
from explorer.widgets.pictures.frame_grid import FrameGrid
from store.testing import image_run_spec, text_run_spec
from tests.explorer.compare.permuted import CONV, DENSE, STEPS, permuted_pair
from tests.explorer.conftest import CHANNELS_FIRST, without_probe

pytestmark = pytest.mark.slow

MATCHED = {"units": "matched", "matching": "last"}


def shown_on(pair, view=ActivationDifference, **query):
    """Look at a card of a session: the session, the card and its picture."""
    comparison = Comparison(pair, {"tab": "differences", "units": "number", **query})

    def current():
        return comparison.first.selection.key(), comparison.index()

    card = Card(view(comparison), pair.first, "pair", current)
    comparison.listeners.append(card.update)
    card.update()
    return comparison, card, picture_on(card)


def picture_on(card):
    """Give the picture that a card shows now."""
    shown = card.pictures.shown
    grids = shown.select(FrameGrid) if shown is not None else []
    return grids[-1] if grids else None


@pytest.fixture(scope="module")
def permuted(tmp_path_factory):
    """A network, and the same one in another order."""
    return permuted_pair(tmp_path_factory.mktemp("permuted"))


def frame_of(grid, position):
    made = grid.payload(position)
    return made["frame"] if isinstance(made, dict) else made


def limits_of(grid):
    assert grid.low == -grid.high
    return Limits(grid.low, grid.high, signed=True)


def zero(grid):
    """The colour in the middle."""
    return quantize(np.zeros(1), limits_of(grid))[0]


@pytest.mark.parametrize("kind", ["step", "last", "tracked"])
def test_the_same_network_in_another_order_shows_no_difference(permuted, kind):
    comparison, card, grid = shown_on(permuted, layer="conv1", probe="1")
    assert any((frame_of(grid, at) != zero(grid)).any() for at in range(len(STEPS)))
    comparison.match(kind)
    for layer, order in (("conv1", CONV), ("dense", DENSE), ("pool1", CONV)):
        comparison.first.selection.choose(layer=layer)
        grid = picture_on(card)
        for position in range(len(STEPS)):
            codes, pairs = frame_of(grid, position), comparison.pairs_at(layer, position)
            assert (codes[pairs.first] == zero(grid)).all()
            # Of a unit that is dead after its ReLU nobody knows the counterpart.
            assert len(pairs.first) == len(order) or layer == "pool1"
            assert (np.argsort(order)[pairs.first] == pairs.second).all()
            assert (codes[pairs.unmatched_first] == 0).all()
    comparison.first.selection.choose(layer="conv1")
    assert picture_on(card).captions == [f"{at} · B {np.argsort(CONV)[at]}" for at in range(3)]
    assert "without counterpart" not in card.head.caption


def test_units_of_the_same_number_are_subtracted_without_matching(pair):
    alignment = pair.align("step")
    for layer, other in (("conv1", "first"), ("dense", "last"), ("softmax", "softmax")):
        _, card, grid = shown_on(pair, layer=layer, probe="2")
        for at in (0, 3, len(alignment) - 1):
            ours = pair.first.activation(layer, int(alignment.first[at]), 2)
            theirs = pair.second.activation(other, int(alignment.second[at]), 2)
            apart = np.moveaxis(theirs - ours, -1, 0)
            expected = quantize(apart, limits_of(grid))
            np.testing.assert_array_equal(frame_of(grid, at).ravel(), expected.ravel())
        assert "Units of the same number" in card.head.caption
        assert "probe 2" in card.head.caption


def test_the_facing_probe_and_axes_in_another_order(recorded, image_data):
    other = recorded(CHANNELS_FIRST, steps=(0, 1, 2, 5, 10, 20, 50, 100))
    _, _, grid = shown_on(RunPair(image_data, other), layer="conv1", probe="1")
    ours, theirs = (data.activation("conv1", 3, 1) for data in (image_data, other))
    expected = quantize(theirs - np.transpose(ours, (2, 0, 1)), limits_of(grid))
    np.testing.assert_array_equal(frame_of(grid, 3), expected)


def test_units_that_one_run_lacks_are_blank_and_named(recorded, image_data):
    few = recorded(image_run_spec(units=2), steps=(0, 1))
    _, card, grid = shown_on(RunPair(image_data, few), layer="conv1")
    codes = frame_of(grid, 0)
    assert codes.shape[0] == 3
    assert (codes[2] == 0).all()
    assert (codes[:2] > 0).all()
    assert grid.captions == ["0", "1", "2 alone"]
    assert "without counterpart: unit 2 of A" in card.head.caption
    _, card, grid = shown_on(RunPair(few, image_data), layer="conv1")
    assert (frame_of(grid, 0)[2] == 0).all()
    assert grid.captions == ["0", "1", "B 2 alone"]
    assert grid.tile_ids == [0, 1]
    assert "unit 2 of B" in card.head.caption


def test_names_under_tiles_follow_pairs_that_change(pair):
    comparison, _, grid = shown_on(pair, layer="conv1", units="matched", matching="tracked")
    for at in range(len(comparison.alignment)):
        made = grid.payload(at)
        pairs = comparison.pairs_at("conv1", at)
        for unit, other in zip(pairs.first, pairs.second, strict=True):
            assert made["captions"][unit] == f"{unit} · B {other}"
        for unit in pairs.unmatched_first:
            assert made["captions"][unit] == f"{unit} alone"
            assert (made["frame"][unit] == 0).all()


def test_another_way_to_pair_units_draws_anew(permuted):
    comparison, card, grid = shown_on(permuted, layer="conv1")
    comparison.match("last")
    assert picture_on(card).key != grid.key
    assert (frame_of(picture_on(card), 1) == zero(picture_on(card))).all()
    assert "matched with at the last step" in card.head.caption


def unrecorded(name):
    """Describe a text run whose recurrent layer's output is not recorded, only its weights."""
    spec = text_run_spec(name)
    layers = tuple(
        dataclasses.replace(layer, output_dims=(), output_shape=())
        if layer.name == "lstm"
        else layer
        for layer in spec.layers
    )
    return dataclasses.replace(spec, layers=layers)


def test_states_and_gates_of_recurrent_layers(recorded):
    ours = recorded(unrecorded("a"), steps=(0, 1, 2, 5, 10, 20))
    other = recorded(unrecorded("b"), steps=(3, 4, 5, 10, 20))
    pair = RunPair(ours, other)
    alignment = pair.align("step")
    _, card, grid = shown_on(pair, layer="lstm")
    choice = card.panel.select(Choice)[0]
    assert {"forward hidden", "forward cell", "forward forget"} <= choice.options.keys()
    layers = RecurrentLayer(ours, "lstm"), RecurrentLayer(other, "lstm")
    for name, read in (
        ("forward hidden", lambda states: states.hidden),
        ("forward forget", lambda states: states.gates["forget"]),
    ):
        choice.value = name
        at = len(alignment) - 3
        apart = np.subtract(
            *[
                read(layer.states(int(index[at]), 0)["forward"])[0]
                for layer, index in zip(layers, (alignment.first, alignment.second), strict=True)
            ]
        )
        expected = quantize(-apart.T[None], limits_of(grid))
        shown = layers[0].text(0).shown
        np.testing.assert_array_equal(frame_of(grid, at), expected[:, :, shown])
    assert grid.mode == "matrix"
    assert grid.x_labels == layers[0].text(0).labels


def test_what_is_missing_is_said(recorded, image_data):
    wider = recorded(image_run_spec(side=4), steps=(0, 1))
    for other in (recorded(without_probe(), steps=(0, 1)), wider):
        _, card, grid = shown_on(RunPair(image_data, other), layer="conv1")
        assert card.absence == Lack(SAME_PROBE)
        assert grid is None
    alone = RunPair(image_data, image_data, {"conv1": None})
    assert shown_on(alone, layer="conv1")[1].head.said == "B has no layer for conv1."


def test_maps_of_other_sizes_are_not_subtracted(recorded, image_data):
    spec = image_run_spec()
    layers = tuple(
        dataclasses.replace(layer, output_shape=(6, 7, 7, 3)) if layer.name == "conv1" else layer
        for layer in spec.layers
    )
    other = recorded(dataclasses.replace(spec, layers=layers), steps=(0, 1))
    _, card, _ = shown_on(RunPair(image_data, other), layer="conv1")
    assert "8 × 8 positions, conv1 of B 7 × 7" in card.head.said


def test_a_run_of_one_step_and_values_that_are_not_finite(recorded, image_data, monkeypatch):
    other = recorded(steps=(0,))
    read = other.activations
    monkeypatch.setattr(other, "activations", lambda *where: np.full_like(read(*where), np.nan))
    _, _, grid = shown_on(RunPair(image_data, other), layer="dense", **MATCHED)
    assert (frame_of(grid, 0) == 0).all()
