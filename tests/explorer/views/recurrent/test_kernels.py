"""Weights gate by gate as pictures, and how far the gates are open."""

from __future__ import annotations

import dataclasses

import numpy as np
import panel as pn
import pytest

from explorer.derived.time.frames import quantize
from explorer.derived.time.sampling import Sampling
from explorer.plots.style import BESIDE_RUNS, RUNS, ClockIndex
from explorer.views.recurrent import kernels
from explorer.views.recurrent.kernels import RecurrentKernels, Structure, openness_of
from explorer.widgets.charts.point_cloud import PointCloud
from explorer.widgets.charts.step_lines import StepLines
from explorer.widgets.pictures.frame_grid import FrameGrid
from tests.explorer.data.test_recurrent import IDS, STEPS, data_of, layer_of
from tests.explorer.drawing import choice_of, payload_of
from tests.explorer.views.recurrent.test_states import KINDS, ODD_KINDS, drawn, every, scene_of


@pytest.mark.slow
@pytest.mark.parametrize("kind", [*KINDS, *ODD_KINDS, "stateful", "started"])
def test_it_draws_every_kind_of_recurrent_layer(kind):
    view, scene = RecurrentKernels(), scene_of(kind)
    panel = drawn(view, scene)
    (grid,) = every(FrameGrid, panel)
    for part in choice_of(panel, "weights on").options:
        choice_of(panel, "weights on").value = part
        assert payload_of(grid, 0)["frame"].ndim == 3
    assert view.caption(scene).startswith("Weights of rnn")
    # What cannot be derived leaves the weights, and says why.
    said = [pane.object for pane in every(pn.pane.HTML, panel)]
    assert bool(said) == (kind in ("stateful", "started"))


@pytest.mark.parametrize(("kind", "gates"), [("lstm", 4), ("gru", 3)])
def test_a_matrix_of_each_gate_has_a_row_for_each_unit(kind, gates):
    panel = drawn(RecurrentKernels(), scene_of(kind))
    (grid,) = every(FrameGrid, panel)
    assert len(grid.captions) == gates
    limits = Structure.of(layer_of(kind)).limits
    for part, weight in (("recurrent", "recurrent_kernel"), ("input", "kernel")):
        choice_of(panel, "weights on").value = part
        whole = data_of(kind).weight("rnn", weight, 2)
        expected = [quantize(block.T, limits[part]) for block in np.split(whole, gates, axis=1)]
        np.testing.assert_array_equal(payload_of(grid, 2)["frame"], np.stack(expected))
    assert -grid.low == grid.high == limits["input"].high


def test_one_gate_is_a_matrix_whose_rows_choose_units():
    panel = drawn(RecurrentKernels(), scene_of("both"))
    (grid,) = every(FrameGrid, panel)
    assert grid.mode == "tiles"
    choice_of(panel, "gate").value = "forget"
    assert (grid.mode, grid.selects, grid.tile_ids) == ("matrix", "unit", [0, 1, 2])
    choice_of(panel, "reading").value = "backward"
    assert grid.tile_ids == [3, 4, 5]
    kernel = data_of("both").weights("rnn", 1)["backward_lstm.recurrent_kernel"]
    limits = Structure.of(layer_of("both")).limits["recurrent"]
    np.testing.assert_array_equal(
        payload_of(grid, 1)["frame"], quantize(kernel[:, 3:6].T, limits)[None]
    )


def test_the_bias_has_a_row_for_each_gate_and_of_a_gru_two():
    panel = drawn(RecurrentKernels(), scene_of("gru"))
    (grid,) = every(FrameGrid, panel)
    choice_of(panel, "weights on").value = "bias"
    assert grid.y_labels[:2] == ["update gate", "update gate, on the state"]
    bias = data_of("gru").weight("rnn", "bias", 3)
    expected = bias.reshape(2, 3, 3).transpose(1, 0, 2).reshape(6, 3)
    limits = Structure.of(layer_of("gru")).limits["bias"]
    np.testing.assert_array_equal(payload_of(grid, 3)["frame"], quantize(expected, limits)[None])
    assert not choice_of(panel, "gate").visible


def test_of_a_large_layer_spread_rows_and_columns_are_drawn(monkeypatch):
    monkeypatch.setattr(kernels, "MOST_UNITS", 2)
    view, scene = RecurrentKernels(), scene_of("simple")
    (grid,) = every(FrameGrid, drawn(view, scene))
    assert payload_of(grid, 1)["frame"].shape == (1, 2, 2)
    assert (grid.tile_ids, grid.x_labels) == ([0, 2], ["0", "2"])
    assert "evenly spread" in view.caption(scene)


# -- saturation -------------------------------------------------------------------------------


def test_openness_counts_the_tokens_of_all_probes():
    layer = layer_of("lstm")
    found = openness_of(layer, "forward")
    assert found.names == ["input", "forget", "output"]
    for index in range(STEPS):
        gates = layer.states(index)["forward"].gates
        for at, name in enumerate(found.names):
            read = gates[name][IDS != 0]
            np.testing.assert_allclose(found.shut[index, at], (read < 0.1).mean(axis=0), atol=1e-6)
            np.testing.assert_allclose(found.wide[index, at], (read > 0.9).mean(axis=0), atol=1e-6)
            np.testing.assert_allclose(found.mean[index, at], read.mean(axis=0), atol=1e-6)


def gates_by_hand(layer, index):
    """Gates of an LSTM, token by token, from the weights as Keras stores them."""
    own = layer.weights(index)
    table = layer.data.weight("embedding", "embeddings", index)
    taken = table[IDS].astype(np.float64)
    hidden = cell = np.zeros((len(IDS), 3))
    found = []
    for token in range(IDS.shape[1]):
        sums = taken[:, token] @ own["kernel"] + hidden @ own["recurrent_kernel"] + own["bias"]
        enter, forget, candidate, output = np.split(sums, 4, axis=1)
        enter, forget, output = (1 / (1 + np.exp(-each)) for each in (enter, forget, output))
        cell = forget * cell + enter * np.tanh(candidate)
        hidden = output * np.tanh(cell)
        found.append(np.stack([enter, forget, output]))
    return np.stack(found, axis=2)  # (gate, probe, token, unit)


def test_padding_that_a_layer_reads_is_no_word_over_which_gates_are_counted():
    """Without a mask the layer reads padding too, and more of that than of the text."""
    layer = layer_of("unmasked")
    found = openness_of(layer, "forward")
    is_text = IDS != 0
    is_text[2, 3:] = True  # a gap within a text is a part of it
    for index in range(STEPS):
        gates = gates_by_hand(layer, index)[:, is_text]
        np.testing.assert_allclose(found.shut[index], (gates < 0.1).mean(axis=1), atol=1e-6)
        np.testing.assert_allclose(found.wide[index], (gates > 0.9).mean(axis=1), atol=1e-6)
        np.testing.assert_allclose(found.mean[index], gates.mean(axis=1), atol=1e-5)


def test_the_caption_counts_words_and_says_which_open_gate_keeps():
    caption = RecurrentKernels().caption
    assert "over the 16 tokens of 3 probes, without padding" in caption(scene_of("unmasked"))
    assert "over the 15 tokens of 3 probes, without padding" in caption(scene_of("lstm"))
    assert "An open forget gate keeps the cell state" in caption(scene_of("lstm"))
    assert "An open update gate keeps the state" in caption(scene_of("gru"))
    assert "gate keeps" not in caption(scene_of("simple"))


def test_a_layer_without_gates_has_a_state_that_saturates():
    layer = layer_of("simple")
    found = openness_of(layer, "forward")
    assert found.names == ["state"]
    read = layer.data.activations("rnn", 3)[IDS != 0]
    np.testing.assert_allclose(found.shut[3, 0], (read < -0.8).mean(axis=0), atol=1e-6)
    np.testing.assert_allclose(found.wide[3, 0], (read > 0.8).mean(axis=0), atol=1e-6)
    view = RecurrentKernels()
    assert "a state" not in view.caption(scene_of("lstm"))
    assert "below -0.8 or above 0.8" in view.caption(scene_of("simple"))
    panel = drawn(view, scene_of("simple"))
    choice_of(panel, "gates").value = "opening"
    (lines,) = every(StepLines, panel)
    np.testing.assert_allclose(lines.y[3, 0], read.mean(axis=0), atol=1e-6)


def test_points_are_shares_of_shut_and_wide_open_by_unit():
    panel = drawn(RecurrentKernels(), scene_of("gru"))
    found = openness_of(layer_of("gru"), "forward")
    assert found.saturates
    (cloud,) = every(PointCloud, panel)
    assert cloud.point_ids == [0, 1, 2, 0, 1, 2]
    np.testing.assert_allclose(cloud.positions[3, :3, 0], found.shut[3, 0])
    np.testing.assert_allclose(cloud.positions[3, 3:, 1], found.wide[3, 1])
    assert cloud.limits[1] > cloud.positions[..., 0].max()


def test_a_gate_has_one_colour_in_both_runs_of_a_pair_and_not_that_of_a_run():
    view, alone = RecurrentKernels(), scene_of("lstm")
    kept = set()
    for run in RUNS:
        panel = drawn(view, dataclasses.replace(alone, index=ClockIndex(0, "main", colour=run)))
        (cloud,) = every(PointCloud, panel)
        choice_of(panel, "gates").value = "opening"
        (lines,) = every(StepLines, panel)
        choice_of(panel, "gates").value = "saturation"
        shown = [colour for _, colour in cloud.groups]
        assert lines.colours[: len(shown)] == shown
        kept.add(tuple(shown))
    assert len(kept) == 1
    assert set(shown) <= set(BESIDE_RUNS)


def test_gates_that_never_saturate_are_shown_by_their_means():
    found = openness_of(layer_of("one step"), "forward")
    assert not found.saturates
    view = RecurrentKernels()
    panel = drawn(view, scene_of("one step"))
    assert choice_of(panel, "gates").value == "opening"
    choice_of(panel, "gates").value = "saturation"
    assert any("No gate of rnn" in pane.object for pane in every(pn.pane.HTML, panel))


def test_saturation_after_a_training_diverged_is_unknown():
    found = openness_of(layer_of("diverged"), "forward")
    assert np.isnan(found.shut[-1]).all()
    assert np.isnan(found.mean[-1]).all()


def test_a_dear_layer_is_looked_at_at_some_steps(monkeypatch):
    monkeypatch.setattr(kernels, "MOST_OPERATIONS", 1)
    found = openness_of(layer_of("sum"), "backward")
    assert found.sampling == Sampling(STEPS, [0, 3])
    np.testing.assert_array_equal(found.mean[1], found.mean[0])


@pytest.mark.parametrize("kind", ["own", "images"])
def test_other_layers_say_that_their_gates_are_not_known(kind):
    assert "is it known which weights belong to which gate." in RecurrentKernels().requirement(
        scene_of(kind)
    )
