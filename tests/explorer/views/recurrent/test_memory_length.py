"""How far memory carries, against changes of the input that are really made."""

from __future__ import annotations

import numpy as np
import pytest
from bokeh.models import Plot

from explorer.derived.recurrent.equations import layer_states
from explorer.views.recurrent import memory_length
from explorer.views.recurrent.memory_length import MemoryLength, effort_for, flow_of, reach_of
from explorer.widgets.charts.step_lines import StepLines
from tests.explorer.data.test_recurrent import IDS, STEPS, layer_of
from tests.explorer.views.recurrent.test_states import KINDS, ODD_KINDS, drawn, every, scene_of

NUDGE = 1e-6


def final_of(layer, index, taken, mask):
    """Final state of the hidden units, and of the cells."""
    weights = {name: values.astype(np.float64) for name, values in layer.weights(index).items()}
    (found,) = layer_states(layer.class_name, layer.config, weights, taken, mask).values()
    return found.final


@pytest.mark.slow
@pytest.mark.parametrize("kind", [*KINDS, *ODD_KINDS])
def test_it_draws_every_kind_of_recurrent_layer(kind):
    view, scene = MemoryLength(), scene_of(kind, probe=0)
    panel = drawn(view, scene)
    assert len(every(StepLines, panel)) == 2
    assert len(list(panel.get_root().select({"type": Plot}))) == 1
    caption = view.caption(scene)
    assert "over all probes" in caption
    assert "probe 0" in caption


@pytest.mark.parametrize("kind", ["simple", "gru"])
@pytest.mark.parametrize("probe", [0, 1])
def test_the_gain_of_a_token_is_what_a_nudge_of_it_makes_of_the_last_state(kind, probe):
    layer, index = layer_of(kind), 2
    gain = flow_of(layer, probe).gain[index, 0]
    taken = layer.taken(index, probe).astype(np.float64)
    mask = layer.mask(index, probe)
    for token in range(taken.shape[1]):
        if IDS[probe, token] == 0:
            assert np.isnan(gain[token])
            continue
        columns = []
        for entry in range(taken.shape[2]):
            sides = []
            for way in (NUDGE, -NUDGE):
                nudged = taken.copy()
                nudged[0, token, entry] += way
                sides.append(final_of(layer, index, nudged, mask)[0])
            columns.append((sides[0] - sides[1]) / (2 * NUDGE))
        expected = np.linalg.norm(columns) / np.sqrt(taken.shape[2])
        assert gain[token] == pytest.approx(expected, rel=1e-3)


def test_bars_stand_over_the_words_at_every_step():
    panel = drawn(MemoryLength(), scene_of("simple", probe=1))
    bars = every(StepLines, panel)[1]
    assert bars.x_labels == ["good", "film", "."]
    assert bars.x_hover == "token"
    gain = flow_of(layer_of("simple"), 1).gain
    np.testing.assert_allclose(bars.y, gain[:, :, :3].astype(np.float32))


def test_shares_begin_at_one_and_end_where_hardly_any_pair_is_left(monkeypatch):
    layer = layer_of("simple")
    reach = reach_of(layer)
    np.testing.assert_allclose(reach.share[..., 0], 1)
    lengths = (IDS != 0).sum(axis=1)
    pairs = [np.maximum(0, lengths - distance).sum() for distance in range(IDS.shape[1])]
    assert reach.share.shape == (STEPS, 1, sum(np.array(pairs) >= 10))
    assert reach.sampling.is_whole
    lines = every(StepLines, drawn(MemoryLength(), scene_of("simple")))[0]
    assert lines.log_y
    np.testing.assert_allclose(lines.y[2], reach.share[2], rtol=1e-6)
    monkeypatch.setattr(memory_length, "FEWEST_PAIRS", 1)
    assert reach_of(layer_of("gru")).share.shape[-1] == IDS.shape[1]


def test_pairs_of_padding_that_is_read_are_not_counted(monkeypatch):
    """A text after its own padding has read that, but no change of it is followed."""
    monkeypatch.setattr(memory_length, "FEWEST_PAIRS", 1)
    layer, index = layer_of("unmasked"), 2
    share = reach_of(layer).share[index, 0]
    is_text = IDS != 0
    is_text[2, 3:] = True  # a gap within a text is a part of it
    total, pairs = np.zeros(8), np.zeros(8)
    table, weights = layer.data.weight("embedding", "embeddings", index), layer.weights(index)
    for probe in range(len(IDS)):
        start, end = np.flatnonzero(is_text[probe])[[0, -1]] + (0, 1)
        for first in range(start, end):
            # Padding in front makes the state that the text starts from; what is behind is no way.
            taken = table[IDS[probe, :end]][None].astype(np.float64)
            columns = []
            for entry in range(taken.shape[2]):
                sides = []
                for way in (NUDGE, -NUDGE):
                    nudged = taken.copy()
                    nudged[0, first, entry] += way
                    (found,) = layer_states(
                        layer.class_name, layer.config, weights, nudged
                    ).values()
                    sides.append(np.concatenate([found.hidden, found.cell], axis=-1)[0, first:])
                columns.append((sides[0] - sides[1]) / (2 * NUDGE))
            gains = np.sqrt((np.array(columns) ** 2).sum(axis=(0, 2)) / taken.shape[2])
            total[: end - first] += gains
            pairs[: end - first] += 1
    expected = total / pairs
    np.testing.assert_allclose(share, expected / expected[0], rtol=1e-3)


def test_of_many_steps_some_are_followed_and_the_nearest_is_shown(monkeypatch):
    monkeypatch.setattr(memory_length, "SAMPLED_STEPS", 2)
    scene = scene_of("sum")
    view = MemoryLength()
    panel = drawn(view, scene)
    lines = every(StepLines, panel)[0]
    assert len(lines.y) == STEPS
    np.testing.assert_array_equal(lines.y[1], lines.y[0])
    np.testing.assert_array_equal(lines.y[2], lines.y[3])
    assert lines.names == ["forward", "backward"]
    assert "Computed at 2 of the 4 recorded steps" in view.caption(scene)


def test_of_a_dear_layer_some_probes_directions_and_steps_are_followed(monkeypatch):
    layer = layer_of("lstm")
    probes, directions, sampling = effort_for(layer)
    assert (probes, directions, sampling.is_whole) == ([0, 1, 2], 64, True)
    monkeypatch.setattr(memory_length, "MOST_OPERATIONS", 1)
    monkeypatch.setattr(memory_length, "EFFORTS", ((64, 24), (2, 2)))
    probes, directions, sampling = effort_for(layer)
    assert (probes, directions, sampling.indices) == ([0], 2, [0, 3])
    caption = MemoryLength().caption(scene_of("lstm"))
    assert "over 1 of 3 probes" in caption
    assert "2 of the 4 recorded steps" in caption


def test_the_share_of_few_directions_is_near_that_of_all(monkeypatch):
    exact = reach_of(layer_of("last")).share
    monkeypatch.setattr(memory_length, "EFFORTS", ((3, 24),))
    rough = reach_of(layer_of("last")).share
    assert not np.array_equal(exact, rough)
    np.testing.assert_allclose(rough[..., :3], exact[..., :3], rtol=0.5)


def test_a_layer_whose_jacobians_do_not_fit_in_memory_says_so(monkeypatch):
    monkeypatch.setattr(memory_length, "MOST_VALUES", 36 * 8 - 1)
    assert "takes too much memory" in MemoryLength().requirement(scene_of("lstm"))
    assert MemoryLength().requirement(scene_of("gru")) is None


def test_of_long_texts_the_beginning_is_followed(monkeypatch):
    monkeypatch.setattr(memory_length, "MOST_TOKENS", 4)
    monkeypatch.setattr(memory_length, "FEWEST_PAIRS", 1)
    assert reach_of(layer_of("pooled")).share.shape[-1] == 4
    monkeypatch.setattr(memory_length, "MOST_TOKENS", 2)
    assert reach_of(layer_of("simple")).share.shape[-1] == 2


def test_an_lstm_has_two_entries_for_each_unit():
    assert memory_length.state_entries(layer_of("lstm")) == 6
    assert memory_length.state_entries(layer_of("gru")) == 3


def test_a_training_that_diverged_has_no_memory_from_there_on():
    reach, flow = reach_of(layer_of("diverged")), flow_of(layer_of("diverged"), 0)
    assert np.isnan(reach.share[-1, :, 1:]).all()
    assert np.isnan(reach.half_life[-1]).all()
    assert np.isnan(flow.gain[-1]).all()
    assert np.isfinite(flow.gain[0]).all()


@pytest.mark.parametrize("kind", ["own", "stateful", "images"])
def test_it_says_why_there_is_nothing_to_follow(kind):
    missing = MemoryLength().requirement(scene_of(kind))
    assert missing == layer_of(kind).fault
