"""Contributions: they add up to the logit where they should, and say where the evidence lies."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit

from explorer.derived.network.contributions import class_gradients, contributions
from explorer.derived.network.engine import Network
from explorer.derived.network.evidence import enlarged, evidence_map, fused_evidence
from explorer.derived.network.node import Node


def piecewise_linear(bias: bool) -> Network:
    """Convolution, maximum, both kinds of ReLU, dense, and a softmax at the end."""
    conv = {"kernel_size": [3, 3], "strides": [1, 1], "padding": "same", "use_bias": bias}
    return Network(
        [
            Node("x", "InputLayer"),
            Node("conv", "Conv2D", conv, ("x",)),
            Node("relu", "ReLU", {}, ("conv",)),
            Node("pool", "MaxPooling2D", {"pool_size": [2, 2]}, ("relu",)),
            Node("leaky", "Conv2D", {**conv, "activation": "leaky_relu"}, ("pool",)),
            Node("both", "Add", {}, ("leaky", "pool")),
            Node("flat", "Flatten", {}, ("both",)),
            Node("classes", "Dense", {"use_bias": bias, "activation": "softmax"}, ("flat",)),
        ]
    )


def weights_of(generator: Any, bias: bool) -> dict[str, dict[str, np.ndarray]]:
    shapes = {"conv": (3, 3, 2, 4), "leaky": (3, 3, 4, 4), "classes": (36, 3)}
    weights = {}
    for name, shape in shapes.items():
        weights[name] = {"kernel": generator.normal(size=shape).astype(np.float32)}
        if bias:
            weights[name]["bias"] = generator.normal(size=shape[-1]).astype(np.float32)
    return weights


# Layers that all paths pass, and the biases after each.
CUTS = {
    "x": ("conv", "leaky", "classes"),
    "conv": ("leaky", "classes"),
    "relu": ("leaky", "classes"),
    "pool": ("leaky", "classes"),
    "both": ("classes",),
    "flat": ("classes",),
    "classes": (),
}


@pytest.mark.parametrize("units", [3, 1])
def test_each_in_a_batch_may_have_a_class_of_its_own(units: int) -> None:
    generator = np.random.default_rng(3)
    network, weights = piecewise_linear(bias=True), weights_of(generator, bias=True)
    weights["classes"] = {name: part[..., :units] for name, part in weights["classes"].items()}
    numbers = np.array([1, 0, 1]) if units == 1 else np.array([2, 0, 2])
    found = network.forward(generator.normal(size=(3, 6, 6, 2)), weights)
    together = class_gradients(network, found, weights, "classes", numbers)
    for row, number in enumerate(numbers.tolist()):
        alone = class_gradients(network, found, weights, "classes", number)
        for layer, gradient in together.items():
            np.testing.assert_array_equal(gradient[row], alone[layer][row])
    with pytest.raises(ValueError, match="no class 7"):
        class_gradients(network, found, weights, "classes", np.array([0, 7, 1]))


@given(st.integers(0, 2**32 - 1), st.integers(0, 2), st.booleans())
def test_contributions_add_up_to_the_logit(seed: int, number: int, bias: bool) -> None:
    """With biases: up to bias × gradient of the layers after."""
    generator = np.random.default_rng(seed)
    network, weights = piecewise_linear(bias), weights_of(generator, bias)
    found = network.forward(generator.normal(size=(2, 6, 6, 2)), weights)
    logit = network.logits("classes", found, weights)[:, number]
    parts = contributions(network, found, weights, "classes", number)
    gradients = class_gradients(network, found, weights, "classes", number)
    at_bias = {}
    if bias:
        slope = np.where(found["leaky"] > 0, 1, 0.2)
        at_bias = {
            "conv": (gradients["conv"] * weights["conv"]["bias"]).sum(axis=(1, 2, 3)),
            "leaky": (gradients["leaky"] * slope * weights["leaky"]["bias"]).sum(axis=(1, 2, 3)),
            "classes": weights["classes"]["bias"][number],
        }
    scale = np.abs(parts["flat"]).sum() + 1
    assert parts.keys() == {*CUTS, "leaky"}
    for layer, after in CUTS.items():
        total = parts[layer].sum(axis=tuple(range(1, parts[layer].ndim)))
        total = total + sum(at_bias.get(name, 0) for name in after)
        np.testing.assert_allclose(total, logit, atol=1e-5 * scale)


def sigmoid_network(units: int) -> tuple[Network, dict[str, Any], dict[str, np.ndarray]]:
    config = {"activation": "sigmoid", "use_bias": False}
    network = Network([Node("x", "InputLayer"), Node("yes", "Dense", config, ("x",))])
    weights = {"yes": {"kernel": np.array([[2, 1], [-1, 0.5]], np.float32)[:, :units]}}
    return network, weights, network.forward(np.array([[3, 1]], np.float32), weights)


def test_one_sigmoid_unit_is_two_classes() -> None:
    network, weights, found = sigmoid_network(1)
    np.testing.assert_allclose(found["yes"], expit([[5]]), rtol=1e-6)
    for number, sign in ((1, 1), (0, -1)):
        parts = contributions(network, found, weights, "yes", number)
        np.testing.assert_allclose(parts["x"], [[sign * 6, -sign]])
        np.testing.assert_allclose(parts["yes"], [[sign * 5]])
    with pytest.raises(ValueError, match=r"no class 2: the output has 1 units.*0 to 1"):
        contributions(network, found, weights, "yes", 2)


def test_several_sigmoid_units_are_a_class_each() -> None:
    network, weights, found = sigmoid_network(2)
    parts = contributions(network, found, weights, "yes", 0, wanted=["yes"])
    np.testing.assert_allclose(parts["yes"], [[5, 0]])
    assert parts.keys() == {"yes"}
    with pytest.raises(ValueError, match="no class 2"):
        class_gradients(network, found, weights, "yes", 2)


def test_a_softmax_of_its_own_and_plain_logits_say_the_same() -> None:
    dense = Node("logits", "Dense", {"use_bias": False}, ("x",))
    softmax = Node("softmax", "Softmax", {}, ("logits",))
    network = Network([Node("x", "InputLayer"), dense, softmax])
    weights = {"logits": {"kernel": 100 * np.eye(3, dtype=np.float32)}}
    found = network.forward(np.array([[1, 2, 3]], np.float32), weights)
    for output in ("logits", "softmax"):
        parts = contributions(network, found, weights, output, 2)
        np.testing.assert_allclose(parts["x"], [[0, 0, 300]])
        np.testing.assert_allclose(parts[output], [[0, 0, 300]])


def test_tokens_have_no_contribution_but_their_embedding_has() -> None:
    network = Network(
        [
            Node("tokens", "InputLayer"),
            Node("embedding", "Embedding", {}, ("tokens",)),
            Node("logits", "Dense", {"use_bias": False}, ("embedding",)),
        ]
    )
    weights = {
        "embedding": {"embeddings": np.array([[1, 0], [0, 2]], np.float32)},
        "logits": {"kernel": np.array([[1, 0], [3, 0]], np.float32)},
    }
    found = network.forward(np.array([[0, 1, 1]]), weights)
    parts = contributions(network, found, weights, "logits", 0)
    assert parts.keys() == {"embedding", "logits"}
    np.testing.assert_array_equal(evidence_map(parts["embedding"]), [[1, 6, 6]])
    one = contributions(network, found, weights, "logits", 0, token=1)
    np.testing.assert_array_equal(evidence_map(one["embedding"]), [[0, 6, 0]])
    with pytest.raises(ValueError, match=r"no place 3 in an output of shape \(1, 3, 2\)"):
        contributions(network, found, weights, "logits", 0, token=3)


def test_a_diverged_network_contributes_nan() -> None:
    network, weights, _ = sigmoid_network(1)
    weights["yes"]["kernel"][0] = np.nan
    found = network.forward(np.array([[3, 1]], np.float32), weights)
    parts = contributions(network, found, weights, "yes", 1)
    assert np.isnan(parts["x"][0, 0])
    assert np.isnan(evidence_map(parts["x"])).all()


def test_maps_are_stretched_edge_to_edge() -> None:
    coarse = np.array([[[1, 2], [3, 4]]], np.float32)
    near = enlarged(coarse, (4, 6), method="nearest")
    np.testing.assert_array_equal(near, np.kron(coarse, np.ones((1, 2, 3))))
    smooth = enlarged(np.array([[0, 4]], np.float32), (4,))
    # Centres of the places are at 0.5 and 1.5, those of the new ones at 0.25, 0.75, 1.25, 1.75.
    np.testing.assert_allclose(smooth, [[0, 1, 3, 4]], atol=1e-6)
    assert enlarged(coarse, (2, 2)) is coarse
    assert enlarged(coarse[:0], (7, 5)).shape == (0, 7, 5)
    assert enlarged(coarse, (5, 3)).shape == (1, 5, 3)
    with pytest.raises(ValueError, match=r"shape \(1, 2, 2\) cannot be stretched over \(4,\)"):
        enlarged(coarse, (4,))
    with pytest.raises(ValueError, match="one of nearest, bilinear, not 'cubic'"):
        enlarged(coarse, (4, 4), method="cubic")  # type: ignore[arg-type]


@given(st.integers(0, 2**32 - 1), st.floats(0.1, 100))
def test_fused_evidence_is_the_mean_of_shares(seed: int, factor: float) -> None:
    generator = np.random.default_rng(seed)
    fine = generator.normal(size=(2, 6, 4)).astype(np.float32)
    coarse = generator.normal(size=(2, 3, 2)).astype(np.float32)
    fused = fused_evidence([fine, factor * coarse], (6, 4), method="nearest")
    blown = np.kron(coarse, np.ones((1, 2, 2)))
    shares = [each / np.abs(each).sum(axis=(1, 2), keepdims=True) for each in (fine, blown)]
    np.testing.assert_allclose(fused, np.mean(shares, axis=0), atol=1e-5)
    assert (np.abs(fused).sum(axis=(1, 2)) <= 1 + 1e-5).all()


def test_fused_evidence_of_dead_and_diverged_layers() -> None:
    ones, zeros = np.ones((1, 2, 2), np.float32), np.zeros((1, 2, 2), np.float32)
    np.testing.assert_allclose(fused_evidence([ones, zeros], (2, 2)), ones / 8)
    assert np.isnan(fused_evidence([ones, ones * np.nan], (2, 2))).all()
    with pytest.raises(ValueError, match="needs the map of one layer at least"):
        fused_evidence([], (2, 2))
