"""Links of a unit: the terms of its sums, and what silencing it would take from others."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from explorer.derived.network.engine import Network
from explorer.derived.network.links import strongest, strongest_links
from explorer.derived.network.node import Node
from explorer.derived.recurrent.equations import NotDerivableError

CONV = {"kernel_size": [3, 3], "strides": [1, 1], "padding": "same"}
UNIT = 2


def image_network() -> tuple[Network, dict[str, Any], dict[str, np.ndarray]]:
    generator = np.random.default_rng(0)
    network = Network(
        [
            Node("image", "InputLayer"),
            Node("conv1", "Conv2D", {**CONV, "activation": "relu"}, ("image",)),
            Node("norm", "BatchNormalization", {"scale": False}, ("conv1",)),
            Node("pool1", "MaxPooling2D", {"pool_size": [2, 2]}, ("norm",)),
            Node("conv2", "Conv2D", CONV, ("pool1",)),
            Node("relu2", "ReLU", {}, ("conv2",)),
            Node("flatten", "Flatten", {}, ("relu2",)),
            Node("drop", "Dropout", {}, ("flatten",)),
            Node("classes", "Dense", {"activation": "softmax"}, ("drop",)),
        ]
    )
    shapes = {
        "conv1": {"kernel": (3, 3, 2, 4), "bias": (4,)},
        "norm": {"beta": (4,), "moving_mean": (4,), "moving_variance": (4,)},
        "conv2": {"kernel": (3, 3, 4, 5), "bias": (5,)},
        "classes": {"kernel": (45, 3), "bias": (3,)},
    }
    weights = {
        layer: {
            name: np.abs(generator.normal(size=shape)).astype(np.float32)
            if name == "moving_variance"
            else generator.normal(size=shape).astype(np.float32)
            for name, shape in its.items()
        }
        for layer, its in shapes.items()
    }
    x = generator.normal(size=(3, 6, 6, 2)).astype(np.float32)
    return network, weights, network.forward(x, weights)


def silenced_sums(
    network: Network, weights: Any, found: Any, target: str, source: str, units: Any
) -> np.ndarray:
    """Sums of the target's units for probe 1, without some of the source's units."""
    start = {name: values[1:2].copy() for name, values in found.items()}
    start[source][..., units] = 0
    again = [name for name in network.descendants([source]) if name != source]
    start = {name: values for name, values in start.items() if name not in again}
    changed = network.forward({}, weights, start=start)
    logits = network.logits(target, changed, weights)
    return logits.reshape(-1, logits.shape[-1]).sum(axis=0)


def test_sources_and_targets_of_a_convolution() -> None:
    network, weights, found = image_network()
    links = strongest_links(network, "conv2", UNIT, found, weights, probe=1)
    # Between conv1 and conv2 only layers that keep the units apart, so the links lead there.
    assert links.sources.keys() == {"conv1"}
    assert links.targets.keys() == {"classes"}
    assert links.sources["conv1"].shape == (4,)
    sums = silenced_sums(network, weights, found, "conv2", "pool1", [])
    for source in range(4):
        less = silenced_sums(network, weights, found, "conv2", "pool1", source)
        np.testing.assert_allclose(links.sources["conv1"][source], (sums - less)[UNIT], rtol=1e-3)
    # With the bias of every place they add up to the unit's sums.
    whole = links.sources["conv1"].sum() + 9 * weights["conv2"]["bias"][UNIT]
    np.testing.assert_allclose(whole, sums[UNIT], rtol=1e-4)
    units = np.arange(45) % 5 == UNIT
    sums = silenced_sums(network, weights, found, "classes", "flatten", [])
    less = silenced_sums(network, weights, found, "classes", "flatten", units)
    np.testing.assert_allclose(links.targets["classes"], sums - less, rtol=1e-3, atol=1e-4)


def test_sources_of_a_dense_layer_are_gathered_from_flattened_units() -> None:
    network, weights, found = image_network()
    links = strongest_links(network, "classes", 0, found, weights, probe=1)
    terms = found["drop"][1] * weights["classes"]["kernel"][:, 0]
    np.testing.assert_allclose(links.sources["conv2"], terms.reshape(9, 5).sum(axis=0), rtol=1e-4)
    assert links.targets == {}
    near = strongest_links(network, "classes", 0, found, weights, probe=1, through=False)
    np.testing.assert_allclose(near.sources["drop"], terms, rtol=1e-5)


def test_the_very_next_layers() -> None:
    network, weights, found = image_network()
    links = strongest_links(network, "norm", 1, found, weights, through=False)
    assert links.sources.keys() == {"conv1"}
    assert np.flatnonzero(links.sources["conv1"]).tolist() == [1]
    # A maximum over places loses all that it has of the unit, and nothing else.
    alone = np.zeros(4)
    alone[1] = found["pool1"][0, ..., 1].sum()
    np.testing.assert_allclose(links.targets["pool1"], alone, rtol=1e-4)


def test_links_through_branches() -> None:
    """A concatenation keeps the units of both sides apart; the same source is added up."""
    plain = {"use_bias": False}
    network = Network(
        [
            Node("x", "InputLayer"),
            Node("a", "Dense", plain, ("x",)),
            Node("relu", "ReLU", {}, ("a",)),
            Node("wide", "Concatenate", {"axis": -1}, ("a", "x", "relu")),
            Node("out", "Dense", plain, ("wide",)),
        ]
    )
    kernel = np.arange(1, 7, dtype=np.float32)[:, None]
    weights = {"a": {"kernel": np.eye(2, dtype=np.float32)}, "out": {"kernel": kernel}}
    found = network.forward(np.array([[2, -1]], np.float32), weights)
    links = strongest_links(network, "out", 0, found, weights)
    np.testing.assert_allclose(links.sources["a"], [2 * 1 + 2 * 5, -1 * 2 + 0 * 6])
    np.testing.assert_allclose(links.sources["x"], [2 * 3, -1 * 4])
    links = strongest_links(network, "a", 0, found, weights)
    np.testing.assert_allclose(links.targets["out"], [2 * 1 + 2 * 5])
    np.testing.assert_allclose(links.sources["x"], [2, 0])


def text_network() -> tuple[Network, dict[str, Any], dict[str, np.ndarray]]:
    generator = np.random.default_rng(1)
    network = Network(
        [
            Node("tokens", "InputLayer"),
            Node("embedding", "Embedding", {"mask_zero": True}, ("tokens",)),
            Node("gru", "GRU", {"return_sequences": True}, ("embedding",), "embedding"),
            Node("mean", "GlobalAveragePooling1D", {}, ("gru",), "embedding"),
            Node("classes", "Dense", {}, ("mean",)),
        ]
    )
    shapes = {
        "embedding": {"embeddings": (5, 4)},
        "gru": {"kernel": (4, 9), "recurrent_kernel": (3, 9), "bias": (9,)},
        "classes": {"kernel": (3, 2), "bias": (2,)},
    }
    weights = {
        layer: {name: generator.normal(size=shape) for name, shape in its.items()}
        for layer, its in shapes.items()
    }
    return network, weights, network.forward(np.array([[1, 2, 3, 0], [4, 2, 1, 3]]), weights)


def test_links_of_a_recurrent_unit_are_those_of_silencing() -> None:
    network, weights, found = text_network()
    links = strongest_links(network, "gru", UNIT, found, weights, probe=0)
    for source in range(4):
        start = {"embedding": found["embedding"][:1].copy(), "tokens": found["tokens"][:1]}
        start["embedding"][..., source] = 0
        less = network.forward({}, weights, start=start)["gru"][..., UNIT].sum()
        expected = found["gru"][0, :, UNIT].sum() - less
        np.testing.assert_allclose(links.sources["embedding"][source], expected, atol=1e-5)
    expected = found["mean"][0, UNIT] * weights["classes"]["kernel"][UNIT]
    np.testing.assert_allclose(links.targets["classes"], expected, rtol=1e-4)
    of_embedding = strongest_links(network, "embedding", 1, found, weights)
    assert of_embedding.sources == {}
    whole = strongest_links(network, "gru", 0, found, weights).sources["embedding"][1]
    np.testing.assert_allclose(of_embedding.targets["gru"][0], whole, atol=1e-5)


def test_unknown_layers_are_left_out() -> None:
    own = Node("own", "MyLayer", {}, ("a",))
    network = Network([Node("x", "InputLayer"), Node("a", "ReLU", {}, ("x",)), own])
    found = network.forward(np.ones((1, 2), np.float32), {})
    links = strongest_links(network, "a", 1, found, {})
    assert links.targets == {}
    np.testing.assert_array_equal(links.sources["x"], [0, 1])
    with pytest.raises(NotDerivableError, match="'own': The class MyLayer"):
        strongest_links(network, "own", 0, {**found, "own": found["a"]}, {})
    with pytest.raises(ValueError, match="no unit 2: its units are 0 to 1"):
        strongest_links(network, "a", 2, found, {})
    with pytest.raises(NotDerivableError, match="The activation of 'a' is needed"):
        strongest_links(network, "a", 0, {"x": found["x"]}, {})


def test_the_strongest() -> None:
    strengths = np.array([0, -3, 2, np.nan, 3, 0.5, -np.inf], np.float32)
    assert strongest(strengths, 3).tolist() == [6, 1, 4]
    assert strongest(strengths, 99).tolist() == [6, 1, 4, 2, 5]
    assert strongest(np.zeros(4), 2).tolist() == []
