"""What a layer does over a training: each number against plain NumPy on the recorded frames."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from explorer.data import summaries
from explorer.data.layer_quantities import dead_units, sparsity
from explorer.data.separations import separation_of
from explorer.data.unit_states import unit_states_of
from explorer.derived.units.activity import ALWAYS_ON, DEAD
from explorer.derived.units.separation import silhouettes
from store.testing import frames_at, image_run_spec
from tests.explorer.conftest import CHANNELS_FIRST, with_probe

STEPS = [0, 1, 2, 5, 10, 20, 50, 100]


@pytest.mark.parametrize("spec", [image_run_spec(), CHANNELS_FIRST], ids=["last", "first"])
def test_unit_states_of_a_convolution(recorded, spec):
    data = recorded(spec, steps=(0, 3))
    found = unit_states_of(data, "relu1")
    for at, step in enumerate((0, 3)):
        frame = frames_at(spec, step)["layers/relu1/activation"]
        np.testing.assert_allclose(found.active_share[at], (frame > 0).mean((0, 1, 2)), rtol=1e-6)


def test_dead_and_always_active_units_are_counted(recorded, monkeypatch):
    def spoiled(spec, step):
        frames = frames_at(spec, step)
        relu = frames["layers/relu1/activation"]
        relu[...] = np.abs(relu)
        relu[..., 0] = 0
        relu[0, 0, 0, 1] = 0
        return frames

    monkeypatch.setattr("store.testing.runs.frames_at", spoiled)
    data = recorded(steps=(0, 1))
    state = unit_states_of(data, "relu1").state
    assert (state[:, 0] == DEAD).all()
    assert (state[:, 2] == ALWAYS_ON).all()
    np.testing.assert_allclose(dead_units(data, "relu1"), 1 / 3, rtol=1e-6)
    np.testing.assert_allclose(sparsity(data, "relu1"), (1 + 1 / (6 * 64)) / 3, rtol=1e-6)


def test_of_a_large_layer_evenly_spread_positions_are_looked_at(recorded, monkeypatch):
    data = recorded(steps=(0, 1))
    monkeypatch.setattr(summaries, "MOST_VALUES", 2 * 6 * 3 * 10)
    assert summaries.positions_seen(data, "relu1") == (10, 64)
    assert summaries.positions_seen(data, "dense") == (1, 1)
    chosen = sorted({int(at) for at in np.linspace(0, 63, 10)})
    (first, _) = summaries.unit_frames(data, "relu1")
    frame = frames_at(image_run_spec(), 0)["layers/relu1/activation"].reshape(6, 64, 3)
    np.testing.assert_array_equal(first, frame[:, chosen])


def test_a_layer_without_units_is_one(recorded):
    spec = image_run_spec()
    layers = tuple(
        dataclasses.replace(one, output_dims=("probe", "y", "x"), output_shape=(6, 8, 8))
        if one.name == "relu1"
        else one
        for one in spec.layers
    )
    data = recorded(dataclasses.replace(spec, layers=layers), steps=(0, 1))
    assert unit_states_of(data, "relu1").state.shape == (2, 1)


def test_weight_norms_are_those_of_the_kernel(image_data):
    found = summaries.weight_norms(image_data, "dense")
    kernels = [frames_at(image_run_spec(), step)["layers/dense/weights/kernel"] for step in STEPS]
    np.testing.assert_allclose(found.norm, [np.linalg.norm(one) for one in kernels], rtol=1e-6)
    change = np.linalg.norm(kernels[-1] - kernels[-2]) / 50
    assert found.net_ratio[-1] == pytest.approx(change / np.linalg.norm(kernels[-2]), rel=1e-5)
    assert summaries.weight_norms(image_data, "flatten") is None


def test_classes_come_apart_as_silhouettes_say(image_data):
    found = separation_of(image_data, "flatten")
    frame = frames_at(image_run_spec(), 5)["layers/flatten/activation"]
    expected = silhouettes(frame, np.arange(6) % 4)
    assert found[3] == pytest.approx(expected.mean(), rel=1e-6)


def test_without_labels_there_is_no_separation(recorded):
    data = recorded(with_probe(labels=None), steps=(0, 1))
    assert separation_of(data, "flatten") is None
