"""What a layer does over a training: each number against plain NumPy on the recorded frames."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from explorer.data import summaries
from explorer.data.layer_quantities import dead_units, sparsity
from explorer.data.separations import separation_of
from explorer.data.unit_states import unit_states_of
from explorer.data.windows import padded_positions, token_windows
from explorer.derived.units.activity import ALWAYS_ON, DEAD
from explorer.derived.units.separation import silhouettes
from explorer.selection import SelectionKey
from explorer.views.base import Scene
from explorer.views.layer.distributions import ActivationDistribution
from explorer.views.layer.redundancy import similarity_of
from explorer.views.layer.unit_history import UnitHistory
from explorer.views.training.layers_over_time import LayersOverTime
from store.testing import frames_at, image_run_spec, text_run_spec
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


TEXT = text_run_spec()
IDS = TEXT.probe.inputs["input"]


def text_rows(step, layer="embedding"):
    """What a layer gives at the words of the texts, as padding has none: (row, unit)."""
    return frames_at(TEXT, step)[f"layers/{layer}/activation"][IDS != 0].astype(np.float64)


def test_padding_is_no_row_of_what_spreads_over_units(text_data):
    found = summaries.activation_spectra(text_data, "embedding")
    for at, step in enumerate(STEPS):
        rows = text_rows(step)
        assert len(rows) == 6, "of ten positions"
        sizes = np.linalg.svd(rows - rows.mean(axis=0), compute_uv=False)
        shares = sizes / sizes.sum()
        rank = np.exp(-(shares * np.log(shares)).sum())
        most = min(len(rows) - 1, rows.shape[1])
        assert found.effective[at] == pytest.approx(rank / most, rel=1e-5)
        stable = (sizes**2).sum() / sizes[0] ** 2
        assert found.stable[at] == pytest.approx(stable / most, rel=1e-5)


def test_padding_is_no_position_at_which_units_are_alike_or_values_lie(text_data):
    scene = Scene(text_data, SelectionKey("embedding", 0, "step"))
    spread = ActivationDistribution().distribution(scene, "layer")
    similar = similarity_of(text_data, scene.layer, "activations")
    for at, step in enumerate(STEPS):
        rows = text_rows(step)
        np.testing.assert_allclose(
            spread.share[at], np.histogram(rows, spread.edges)[0] / rows.size, atol=1e-9
        )
        alike = np.sort(np.corrcoef(rows.T)[np.triu_indices(rows.shape[1], 1)])[::-1]
        known = similar.values[at][np.isfinite(similar.values[at])]
        np.testing.assert_allclose(known, alike[: len(known)], atol=1e-5)


def test_the_history_of_a_unit_is_over_the_words_of_its_text(text_data):
    view, scene = UnitHistory(), Scene(text_data, SelectionKey("embedding", 1, "step"))
    frames = np.stack([frames_at(TEXT, step)["layers/embedding/activation"][1] for step in STEPS])
    expected = frames[:, IDS[1] != 0].mean(axis=1)
    np.testing.assert_allclose(view.compute(scene), expected, rtol=1e-5)
    assert view.caption(scene).startswith("Mean over positions but those of padding")


@pytest.mark.parametrize("first", ["[PAD]", "<pad>", "<PAD>", None])
def test_padding_is_what_fills_up_texts_whatever_it_is_called(recorded, first):
    """Without a vocabulary, a mask says that 0 is none of the words."""
    names = None if first is None else [first, *TEXT.probe.vocabulary[1:]]
    layers = tuple(
        dataclasses.replace(one, config={**one.config, "mask_zero": True})
        if one.class_name == "Embedding"
        else one
        for one in TEXT.layers
    )
    spec = dataclasses.replace(with_probe(TEXT, vocabulary=names), layers=layers)
    data = recorded(spec, steps=(0, 1))
    padded = padded_positions(data, data.run.layers["embedding"])
    np.testing.assert_array_equal(padded, IDS == 0)


def test_captions_say_whether_padding_counts(text_data, image_data):
    said = summaries.said_of_positions
    assert said(text_data, "embedding", padding=False) == "all positions but those of padding"
    assert said(text_data, "embedding", padding=True) == "all positions, those of padding too"
    assert said(image_data, "relu1", padding=False) == "all positions"
    assert said(image_data, "dense", padding=False) == ""
    scene = Scene(text_data, SelectionKey("embedding", 0, "step"))
    assert "positions but those of padding" in ActivationDistribution().caption(scene)
    captions = {view.title: view.caption(scene) for view in LayersOverTime.instances()}
    assert (
        "Padding is left out" in captions["How many directions the activations of each layer use"]
    )
    assert "Padding counts" in captions["How sparse each layer is"]
    assert "Padding" not in captions["How fast each layer learns"]


def test_places_of_a_layer_that_gives_its_sequence_turned_are_not_known(recorded):
    layers = tuple(
        dataclasses.replace(one, config={**one.config, "go_backwards": True})
        if one.class_name == "LSTM"
        else one
        for one in TEXT.layers
    )
    data = recorded(dataclasses.replace(TEXT, layers=layers), steps=(0, 1))
    (turned,) = (one for one in data.run.layers.values() if one.class_name == "LSTM")
    assert token_windows(data, turned) is None
    assert token_windows(data, data.run.layers["embedding"]) is not None


def test_without_labels_there_is_no_separation(recorded):
    data = recorded(with_probe(labels=None), steps=(0, 1))
    assert separation_of(data, "flatten") is None
