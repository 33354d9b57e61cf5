"""What is read of the attention of a run: scores of every step, and what heads do."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from explorer.data.absence import Lack
from explorer.data.attention import AttentionLayer
from explorer.data.run import RunData
from explorer.derived.attention.heads import entropy, induction
from explorer.derived.attention.rollout import rollout
from store import open_run
from store.tools.crop import Cut, crop

pytestmark = pytest.mark.slow


def test_scores_are_those_of_the_recorded_weights(attending_text: RunData) -> None:
    """Written out for one head: the softmax of queries and keys, masked after each place."""
    layer = AttentionLayer(attending_text, "two_attention")
    assert layer.fault is None
    assert layer.shape == (2, 8, 8)
    assert layer.is_causal
    assert layer.is_of_itself
    last = len(attending_text.run) - 1
    taken = attending_text.activations("two_norm1", last)
    weights = attending_text.weights("two_attention", last)
    query, key = (
        taken @ weights[f"{name}.kernel"][:, 1] + weights[f"{name}.bias"][1]
        for name in ("query", "key")
    )
    products = query @ key.swapaxes(1, 2) / 2
    texts = np.asarray(attending_text.run.probe.inputs["input"])
    allowed = np.tril(np.ones((8, 8), bool)) & (texts != 0)[:, None, :]
    shares = np.exp(np.where(allowed, products, -np.inf))
    shares /= shares.sum(axis=-1, keepdims=True)
    inside = texts != 0
    np.testing.assert_allclose(layer.scores(last)[:, 1][inside], shares[inside], atol=1e-5)
    np.testing.assert_allclose(layer.scores(last, 3), layer.scores(last)[3:4], atol=1e-6)


def test_heads_are_measured_over_the_text_alone(attending_text: RunData) -> None:
    layer = AttentionLayer(attending_text, "two_attention")
    found = layer.measured()
    assert found.sampling.is_whole
    assert found.probes == 6
    scores = layer.scores(0).astype(np.float64)
    texts = np.asarray(attending_text.run.probe.inputs["input"])
    values = []
    for probe, text in enumerate(texts):
        values += [scores[probe, 0, at, at - 1] for at in range(1, 8) if text[at]]
    assert found.values["previous"][0, 0] == pytest.approx(np.mean(values), rel=1e-4)
    allowed = np.broadcast_to(np.tril(np.ones((8, 8), bool)), (6, 8, 8)) & (texts != 0)[:, None]
    narrow = entropy(scores[:, 0], allowed)[texts != 0]
    assert found.values["entropy"][0, 0] == pytest.approx(np.nanmean(narrow), rel=1e-4)
    assert found.chance["entropy"] == pytest.approx(1)
    assert 1 / 8 < found.chance["previous"] < 1 / 2


def test_induction_is_measured_by_the_network_on_random_tokens(attending_text: RunData) -> None:
    layer = AttentionLayer(attending_text, "two_attention")
    tokens = layer.random_tokens()
    assert tokens.shape[1] == 8
    np.testing.assert_array_equal(tokens[:, :4], tokens[:, 4:])
    assert tokens.min() >= 2
    weights = {name: attending_text.weights(name, 1) for name in attending_text.run.layers}
    network = attending_text.network
    found = network.forward({"letters": tokens}, weights)
    scores = network.op("two_attention").scores(network.call("two_attention", found, weights))
    expected = induction(scores, 4).mean(axis=0)
    np.testing.assert_allclose(layer.induction(1), expected, rtol=1e-5)
    np.testing.assert_allclose(layer.measured().values["induction"][1], expected, rtol=1e-5)
    assert layer.measured().chance["induction"] == pytest.approx(np.mean(1 / np.arange(5, 9)))


def test_rollout_passes_all_layers_before(attending_patches: RunData) -> None:
    layer = AttentionLayer(attending_patches, "two_attention")
    assert [each.name for each in layer.before()] == ["one_attention", "two_attention"]
    both = [AttentionLayer(attending_patches, f"{name}_attention") for name in ("one", "two")]
    expected = rollout([each.scores(1, 2)[0] for each in both])
    np.testing.assert_allclose(layer.rollout(1, 2), expected, rtol=1e-6)


def test_places_are_words_or_patches(attending_text: RunData, attending_patches: RunData) -> None:
    words = AttentionLayer(attending_text, "one_attention")
    assert words.grid is None
    text = words.text(0, 8)
    assert "".join(text.labels) == attending_text.run.probe.texts[0]
    assert text.remark == " 2 tokens of padding are left out, though the layer reads them too."
    patches = AttentionLayer(attending_patches, "one_attention")
    assert patches.grid == (2, 3)
    assert patches.induction(0) is None
    assert "induction" not in patches.measured().values


def test_what_was_not_recorded_is_named(attending_patches: RunData, tmp_path: Path) -> None:
    layers = [name for name in attending_patches.run.layers if name != "one_norm1"]
    crop(attending_patches.run.location, tmp_path / "less.zarr", Cut(layers=layers))
    less = RunData(open_run(tmp_path / "less.zarr"))
    fault = AttentionLayer(less, "one_attention").fault
    assert isinstance(fault, Lack)
    assert "one_norm1 was not recorded" in fault
