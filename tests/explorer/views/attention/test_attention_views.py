"""Pictures of attention: maps of heads, their measures over a training, rollout and weights."""

from __future__ import annotations

import numpy as np
import pytest

from explorer.data.absence import Absence, Unfit
from explorer.data.attention import AttentionLayer
from explorer.derived.attention.circuits import head_matrices
from explorer.derived.attention.patches import mosaic
from explorer.derived.time.frames import quantize
from explorer.selection import SelectionKey
from explorer.views.attention.heads import HeadsOverTraining
from explorer.views.attention.map import AttentionMap
from explorer.views.attention.rollout import AttentionRollout
from explorer.views.attention.weights import AttentionWeights
from explorer.views.base import Scene, drawn
from explorer.widgets.page.choice import Choice
from explorer.widgets.pictures.frame_grid import FrameGrid

pytestmark = pytest.mark.slow
VIEWS = (AttentionMap, HeadsOverTraining, AttentionRollout, AttentionWeights)


def scene_of(data, layer="two_attention", probe=0) -> Scene:
    first = SelectionKey(layer=layer, unit=0, probe=probe, target=0, axis="step")
    return Scene(data, first)


def every(kind, panel):
    return list(panel.select(kind))


@pytest.mark.parametrize("view", VIEWS)
def test_all_draw_words_and_patches(view, attending_text, attending_patches):
    for data in (attending_text, attending_patches):
        scene = scene_of(data)
        panel = drawn(view(), scene)
        assert not isinstance(panel, Absence), panel
        assert view().caption(scene).endswith(".")
        for grid in every(FrameGrid, panel):
            assert grid.payload(1)["frame"].dtype == np.uint8


def test_the_large_map_has_the_words_of_the_text_without_padding(attending_text):
    scene = scene_of(attending_text)
    panel = drawn(AttentionMap(), scene)
    large, small = every(FrameGrid, panel)
    text = attending_text.run.probe.texts[0]
    assert large.x_labels == large.y_labels == list(text)
    (choice,) = every(Choice, panel)
    assert list(choice.options) == ["0", "1"]
    choice.value = "1"
    layer = AttentionLayer(attending_text, "two_attention")
    scores = layer.scores(2, 0)[0][:, :6, :6]
    limits = layer.limits(0)
    np.testing.assert_array_equal(large.payload(2)["frame"], quantize(scores[1:], limits))
    np.testing.assert_array_equal(small.payload(2)["frame"], quantize(scores, limits))
    assert (large.low, large.high) == (0, limits.high)


def test_the_map_of_patches_is_laid_out_as_the_picture(attending_patches):
    scene = scene_of(attending_patches, probe=1)
    large, _ = every(FrameGrid, drawn(AttentionMap(), scene))
    layer = AttentionLayer(attending_patches, "two_attention")
    expected = mosaic(layer.scores(0, 1)[0], 2, 3)[:1]
    np.testing.assert_array_equal(large.payload(0)["frame"], quantize(expected, layer.limits(1)))
    assert "2 × 3 patches" in AttentionMap().caption(scene)


def test_the_first_layer_has_no_rollout(attending_text):
    missing = AttentionRollout().requirement(scene_of(attending_text, "one_attention"))
    assert isinstance(missing, Unfit)
    assert "first layer of attention" in missing


def test_heads_say_what_is_chance_and_since_when(attending_text):
    scene, view = scene_of(attending_text), HeadsOverTraining()
    panel = drawn(view, scene)
    (choice,) = every(Choice, panel)
    assert "induction" in choice.options
    choice.value = "itself"
    chance = AttentionLayer(attending_text, "two_attention").measured().chance["itself"]
    said = " ".join(str(pane.object) for pane in panel.select(lambda one: hasattr(one, "object")))
    assert f"Chance: {chance:.3g}." in said
    assert "no head to the end" in said


def test_weights_are_those_of_each_head(attending_text):
    panel = drawn(AttentionWeights(), scene_of(attending_text))
    (grid,) = every(FrameGrid, panel)
    (choice,) = every(Choice, panel)
    for part in choice.options:
        choice.value = part
        matrices = head_matrices(attending_text.weights("two_attention", 1), part)
        assert grid.payload(1)["frame"].shape == matrices.shape
    assert grid.low == -grid.high
