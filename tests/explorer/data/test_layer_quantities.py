"""Quantities of all layers over all steps."""

from __future__ import annotations

import numpy as np

from explorer.data.layer_quantities import LAYER_QUANTITIES
from store.testing import frames_at
from tests.explorer.conftest import with_updates, without_probe


def test_quantities_have_a_number_for_each_layer_that_has_one(image_data, text_data):
    weighty = {"conv1", "dense"}
    has = {
        "weight norm": weighty,
        "weight change": weighty,
        "update ratio": weighty,
        "update direction": set(),  # this run holds no single updates
        "sparsity": {"conv1", "relu1", "pool1", "flatten", "dense"},
        "dead units": {"relu1"},
        "class separation": {"conv1", "relu1", "pool1", "flatten", "dense", "softmax"},
    }
    assert set(has) == set(LAYER_QUANTITIES)
    for name, expected in has.items():
        table = LAYER_QUANTITIES[name].of_layers(image_data)
        assert table.shape == (8, 7)
        assert table.dtype == np.float32
        known = np.isfinite(table).any(axis=0)
        assert {name for name, has in zip(image_data.run.layers, known, strict=True) if has} == (
            expected
        )
    dead = LAYER_QUANTITIES["dead units"].of_layers(text_data)
    assert np.isnan(dead).all()  # an LSTM, and an output


def test_the_menu_says_where_a_way_is_a_net_one(image_data, recorded):
    ratio = LAYER_QUANTITIES["update ratio"]
    assert ratio.name_in(image_data) == "update ratio (net)"
    assert ratio.name_in(recorded(with_updates(), steps=(0, 1))) == "update ratio"


def test_the_first_step_has_no_update(image_data):
    assert np.isnan(LAYER_QUANTITIES["weight change"].of_layers(image_data)[0]).all()


def test_runs_with_little_in_them_give_empty_tables(recorded):
    assert LAYER_QUANTITIES["sparsity"].of_layers(recorded(steps=())).shape == (0, 7)
    bare = recorded(without_probe(), steps=(0,))
    assert np.isnan(LAYER_QUANTITIES["sparsity"].of_layers(bare)).all()
    assert np.isfinite(LAYER_QUANTITIES["weight norm"].of_layers(bare)).sum() == 2


def test_what_is_not_finite_stays_so(recorded, monkeypatch):
    def diverged(spec, step):
        frames = frames_at(spec, step)
        if step:
            for values in frames.values():
                values[...] = np.nan
        return frames

    monkeypatch.setattr("store.testing.runs.frames_at", diverged)
    data = recorded(steps=(0, 1))
    for quantity in LAYER_QUANTITIES.values():
        assert np.isnan(quantity.of_layers(data)[1]).all()
