"""What layers do over a training: each number against plain NumPy on the recorded frames."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from explorer.data import summaries
from explorer.data.summaries import QUANTITIES, activity_for, by_unit, has_function, main_weight
from explorer.derived.units.activity import ALWAYS_ON, DEAD
from explorer.derived.units.separation import silhouettes
from store.format.layers import Layer
from store.testing import frames_at, image_run_spec
from tests.explorer.conftest import CHANNELS_FIRST, with_probe, without_probe

STEPS = [0, 1, 2, 5, 10, 20, 50, 100]


def layer(class_name, kind="other", weights=None, **config):
    return Layer("any", class_name, kind, config, (), (3,), 0, weights or {}, True)


# -- what stands for a layer ----------------------------------------------------------------------


def test_the_main_weight_is_the_kernel_or_else_the_largest():
    assert main_weight(layer("Dense", weights={"bias": (900,), "kernel": (2, 3)})) == "kernel"
    assert main_weight(layer("Own", weights={"a": (2,), "b": (2, 2)})) == "b"
    assert main_weight(layer("Flatten")) is None


@pytest.mark.parametrize(
    ("given", "text"),
    [
        (layer("ReLU", "activation"), "above 0"),
        (layer("ReLU", "activation", max_value=6.0), "between 0 and 6"),
        (layer("ReLU", "activation", max_value="nan"), "above 0"),
        (layer("LeakyReLU", "activation", negative_slope=0.3), "above 0"),
        (layer("Activation", "activation", activation="tanh"), "between -0.98 and 0.98"),
        (layer("Dense", "dense", activation="sigmoid"), "between 0.01 and 0.99"),
        (layer("Dense", "dense"), "below -1e-06 or above 1e-06"),
        (layer("Dense", "dense", activation={"class_name": "Own"}), "above 0"),
    ],
    ids=str,
)
def test_which_values_are_active_follows_from_the_function(given, text):
    assert activity_for(given).text == text


def test_a_softmax_has_no_active_values():
    assert activity_for(layer("Softmax", "softmax")) is None
    assert activity_for(layer("Dense", "dense", activation="softmax")) is None


def test_units_fall_silent_only_under_a_function():
    assert has_function(layer("ReLU", "activation"))
    assert has_function(layer("Activation", "activation", activation="relu"))
    assert has_function(layer("Conv2D", "conv", activation="relu"))
    assert has_function(layer("LSTM", "recurrent", activation="tanh"))
    assert not has_function(layer("Activation", "activation", activation="linear"))
    assert not has_function(layer("Conv2D", "conv", activation="linear"))
    assert not has_function(layer("Flatten", "reshape"))
    assert not has_function(layer("Dense", "dense", activation="softmax"))
    assert not has_function(layer("Softmax", "softmax"))


def test_units_of_weights_are_found_where_keras_puts_them():
    values = np.arange(24.0)
    conv = values.reshape(2, 3, 4)
    np.testing.assert_array_equal(by_unit(layer("Conv1D", filters=4), conv), conv)
    transposed = by_unit(layer("Conv1DTranspose", filters=3), conv)
    np.testing.assert_array_equal(transposed[..., 1], conv[:, 1, :])
    depthwise = by_unit(layer("DepthwiseConv1D", depth_multiplier=4), conv)
    np.testing.assert_array_equal(depthwise[..., 5], conv[:, 1, 1])
    gated = by_unit(layer("LSTM", units=2), values.reshape(3, 8))
    np.testing.assert_array_equal(gated[..., 1], values.reshape(3, 8)[:, 1::2])
    assert by_unit(layer("Bidirectional", units=2), values.reshape(3, 8)) is None
    assert by_unit(layer("Own"), np.float32(3)) is None


# -- one layer ------------------------------------------------------------------------------------


@pytest.mark.parametrize("spec", [image_run_spec(), CHANNELS_FIRST], ids=["last", "first"])
def test_unit_states_of_a_convolution(recorded, spec):
    data = recorded(spec, steps=(0, 3))
    found = summaries.unit_states_of(data, "relu1")
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
    state = summaries.unit_states_of(data, "relu1").state
    assert (state[:, 0] == DEAD).all()
    assert (state[:, 2] == ALWAYS_ON).all()
    dead = summaries.quantity(data, "dead units")
    names = list(data.run.layers)
    np.testing.assert_allclose(dead[:, names.index("relu1")], 1 / 3, rtol=1e-6)
    sparse = summaries.quantity(data, "sparsity")[:, names.index("relu1")]
    np.testing.assert_allclose(sparse, (1 + 1 / (6 * 64)) / 3, rtol=1e-6)


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
    assert summaries.unit_states_of(data, "relu1").state.shape == (2, 1)


def test_weight_norms_are_those_of_the_kernel(image_data):
    found = summaries.weight_norms(image_data, "dense")
    kernels = [frames_at(image_run_spec(), step)["layers/dense/weights/kernel"] for step in STEPS]
    np.testing.assert_allclose(found.norm, [np.linalg.norm(one) for one in kernels], rtol=1e-6)
    change = np.linalg.norm(kernels[-1] - kernels[-2]) / 50
    assert found.update_ratio[-1] == pytest.approx(change / np.linalg.norm(kernels[-2]), rel=1e-5)
    assert summaries.weight_norms(image_data, "flatten") is None


def test_classes_come_apart_as_silhouettes_say(image_data):
    found = summaries.separation_of(image_data, "flatten")
    frame = frames_at(image_run_spec(), 5)["layers/flatten/activation"]
    expected = silhouettes(frame, np.arange(6) % 4)
    assert found[3] == pytest.approx(expected.mean(), rel=1e-6)


def test_without_labels_there_is_no_separation(recorded):
    data = recorded(with_probe(labels=None), steps=(0, 1))
    assert summaries.separation_of(data, "flatten") is None


# -- all layers -----------------------------------------------------------------------------------


def test_quantities_have_a_number_for_each_layer_that_has_one(image_data, text_data):
    weighty = {"conv1", "dense"}
    has = {
        "weight norm": weighty,
        "weight change": weighty,
        "update ratio": weighty,
        "sparsity": {"conv1", "relu1", "pool1", "flatten", "dense"},
        "dead units": {"relu1"},
    }
    assert set(has) == set(QUANTITIES)
    for name, expected in has.items():
        table = summaries.quantity(image_data, name)
        assert table.shape == (8, 7)
        assert table.dtype == np.float32
        known = np.isfinite(table).any(axis=0)
        assert {name for name, has in zip(image_data.run.layers, known, strict=True) if has} == (
            expected
        )
    dead = summaries.quantity(text_data, "dead units")
    names = list(text_data.run.layers)
    assert np.isfinite(dead[:, names.index("output")]).all()


def test_the_first_step_has_no_update(image_data):
    assert np.isnan(summaries.quantity(image_data, "weight change")[0]).all()


def test_runs_with_little_in_them_give_empty_tables(recorded):
    assert summaries.quantity(recorded(steps=()), "sparsity").shape == (0, 7)
    bare = recorded(without_probe(), steps=(0,))
    assert np.isnan(summaries.quantity(bare, "sparsity")).all()
    assert np.isfinite(summaries.quantity(bare, "weight norm")).sum() == 2


def test_what_is_not_finite_stays_so(recorded, monkeypatch):
    def diverged(spec, step):
        frames = frames_at(spec, step)
        if step:
            for values in frames.values():
                values[...] = np.nan
        return frames

    monkeypatch.setattr("store.testing.runs.frames_at", diverged)
    data = recorded(steps=(0, 1))
    for name in QUANTITIES:
        assert np.isnan(summaries.quantity(data, name)[1]).all()


def test_an_unknown_quantity_is_named_with_the_near_one(image_data):
    with pytest.raises(ValueError, match=r"no quantity 'sparsitty'.*sparsity"):
        summaries.quantity(image_data, "sparsitty")
