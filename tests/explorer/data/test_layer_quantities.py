"""Quantities of all layers over all steps."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from explorer.data.absence import MORE_EXAMPLES
from explorer.data.layer_quantities import LAYER_QUANTITIES
from explorer.derived.units.linear_probe import linear_probe
from store.testing import frames_at
from tests.explorer.conftest import with_probe, with_updates, without_probe


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
        "linear probe": set(),
        "spectral norm": weighty,
        "effective rank of weights": weighty,
        "stable rank of weights": weighty,
        "effective rank of activations": {"conv1", "relu1", "pool1", "flatten", "dense", "softmax"},
        "stable rank of activations": {"conv1", "relu1", "pool1", "flatten", "dense", "softmax"},
        "cosine to the start": weighty,
        "straightness": weighty,
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


def test_spectra_are_of_the_kernel_as_a_matrix(image_data):
    kernel = image_data.run.weights("conv1", "kernel").values.astype(np.float64)
    matrices = kernel.reshape(len(kernel), -1, kernel.shape[-1])
    norms = [np.linalg.norm(matrix, 2) for matrix in matrices]
    at = list(image_data.run.layers).index("conv1")
    found = {name: one.of_layers(image_data)[:, at] for name, one in LAYER_QUANTITIES.items()}
    np.testing.assert_allclose(found["spectral norm"], norms, rtol=1e-5)
    full = min(matrices.shape[1:])
    stable = [np.linalg.norm(m) ** 2 / np.linalg.norm(m, 2) ** 2 / full for m in matrices]
    np.testing.assert_allclose(found["stable rank of weights"], stable, rtol=1e-5)
    flat = kernel.reshape(len(kernel), -1)
    cosines = flat @ flat[0] / np.linalg.norm(flat, axis=1) / np.linalg.norm(flat[0])
    np.testing.assert_allclose(found["cosine to the start"], cosines, rtol=1e-4, atol=1e-6)


def test_a_linear_probe_needs_ten_probes_of_a_class(recorded):
    quantity = LAYER_QUANTITIES["linear probe"]
    said = quantity.lacks(recorded(steps=(0, 1)))
    assert said.startswith("Too few: a class has 1 example,")
    assert said.endswith(MORE_EXAMPLES)
    labels = np.repeat([0, 1, 2], 12)
    data = recorded(many_probes(labels), steps=(0, 1))
    assert quantity.lacks(data) is None
    at = list(data.run.layers).index("dense")
    expected = linear_probe(data.run.activations("dense").values[1], labels)
    excess = expected.accuracy - expected.chance_bound
    np.testing.assert_allclose(quantity.of_layers(data)[1, at], excess, rtol=1e-5)


def many_probes(labels):
    """Describe the run of images with as many probes as there are labels."""
    spec = with_probe(
        inputs={"input": np.zeros((len(labels), 8, 8, 1), np.float32)}, labels=labels, texts=None
    )
    layers = [
        replace(layer, output_shape=(len(labels), *layer.output_shape[1:]))
        if layer.output_shape
        else layer
        for layer in spec.layers
    ]
    return replace(spec, layers=tuple(layers))
