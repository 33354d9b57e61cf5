"""A probe's way through a network: what passes from unit to unit, against single-unit gradients."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from explorer.derived.network.engine import Network
from explorer.derived.network.joint import columns_of, fused, trace, unit_sums
from explorer.derived.network.node import Node

ROWS = 3


def conv(name, source, **config):
    base = {"kernel_size": [3, 3], "strides": [1, 1], "padding": "same", "activation": "linear"}
    return Node(name, "Conv2D", {**base, "dilation_rate": [1, 1], "groups": 1, **config}, (source,))


def dense(name, source, activation="linear"):
    return Node(name, "Dense", {"activation": activation, "use_bias": True}, (source,))


NODES = [
    Node("image", "InputLayer"),
    conv("conv1", "image"),
    Node("relu1", "ReLU", {}, ("conv1",)),
    Node("pool1", "MaxPooling2D", {"pool_size": [2, 2], "padding": "valid"}, ("relu1",)),
    conv("conv2", "pool1", activation="relu"),
    Node("flatten", "Flatten", {}, ("conv2",)),
    dense("dense", "flatten", "tanh"),
    Node("drop", "Dropout", {"rate": 0.5}, ("dense",)),
    dense("logits", "drop"),
    Node("softmax", "Softmax", {"axis": -1}, ("logits",)),
]
KINDS = {
    "conv1": "conv", "relu1": "activation", "pool1": "pooling", "conv2": "conv",
    "flatten": "reshape", "dense": "dense", "drop": "regularization", "logits": "dense",
    "softmax": "softmax",
}  # fmt: skip


@pytest.fixture(scope="module")
def case():
    """A small network with random weights, and one input: everything that `trace` takes."""
    random = np.random.default_rng(5)

    def normal(*shape):
        return random.normal(size=shape).astype(np.float32) * 0.5

    weights = {
        "conv1": {"kernel": normal(3, 3, 2, 4), "bias": normal(4)},
        "conv2": {"kernel": normal(3, 3, 4, 5), "bias": normal(5)},
        "dense": {"kernel": normal(80, 6), "bias": normal(6)},
        "logits": {"kernel": normal(6, 4), "bias": normal(4)},
    }
    network = Network(NODES)
    activations = network.forward(normal(1, 8, 8, 2), weights)
    layers = [(name, kind, activations[name].shape[1:]) for name, kind in KINDS.items()]
    columns = columns_of(layers, network.followers)
    classes = activations["softmax"][0]
    return network, activations, weights, columns, classes


def way_of(case, target=2, **options):
    network, activations, weights, columns, classes = case
    return trace(
        network, activations, weights, columns, target, rows=ROWS, classes=classes, **options
    )


def test_layers_that_keep_their_units_share_a_column(case):
    columns = case[3]
    assert [(column.core, column.layer, column.kind) for column in columns] == [
        ("conv1", "relu1", "map"),
        ("pool1", "pool1", "map"),
        ("conv2", "conv2", "map"),
        ("dense", "drop", "vector"),
        ("logits", "softmax", "classes"),
    ]


def test_the_strongest_units_come_first(case):
    way = way_of(case)
    for column, units in zip(case[3][:-1], way.units, strict=False):
        strengths = np.abs(unit_sums(way.contributions[column.layer]))
        assert units.tolist() == np.argsort(-strengths, kind="stable")[:ROWS].tolist()


def test_the_target_is_among_the_classes_even_if_it_is_improbable(case):
    least = int(case[4].argmin())
    assert least in way_of(case, least).units[-1]


@pytest.mark.parametrize("at", range(3))
def test_a_link_is_what_flows_through_one_unit_alone(case, at):
    """The gradient followed back from a single unit of the next column, by the engine."""
    network, activations, weights, columns, classes = case
    way = trace(network, activations, weights, columns, 2, rows=9, classes=classes)
    source, column = columns[at], columns[at + 1]
    links = way.links[source.layer, column.layer]
    seed = np.zeros((1, 4), np.float32)
    seed[0, 2] = 1
    whole = network.backward(activations, weights, {"logits": seed})
    for row, unit in enumerate(way.units[at + 1]):
        alone = np.zeros_like(whole[column.layer])
        alone[..., unit] = whole[column.layer][..., unit]
        back = network.backward(activations, weights, {column.layer: alone})
        expected = unit_sums(back[source.layer] * activations[source.layer])
        np.testing.assert_allclose(links[:, row], expected[way.units[at]], rtol=1e-4, atol=1e-6)


def test_links_out_of_a_unit_add_up_to_what_it_contributes(case):
    network, activations, weights, columns, classes = case
    way = trace(network, activations, weights, columns, 2, rows=9, classes=classes)
    for at, (column, behind) in enumerate(pairwise(columns[:-1])):
        links = way.links[column.layer, behind.layer]
        expected = unit_sums(way.contributions[column.layer])[way.units[at]]
        np.testing.assert_allclose(links.sum(axis=1), expected, rtol=1e-4, atol=1e-6)


def test_links_from_the_input_are_what_passes_from_it_without_biases(case):
    network, activations, weights, columns, classes = case
    way = trace(network, activations, weights, columns, 2, rows=9, classes=classes)
    bare = {**weights, "conv1": {**weights["conv1"], "bias": np.zeros(4, np.float32)}}
    sums = network.forward({}, bare, start={"image": activations["image"]}, wanted=["conv1"])
    seed = np.zeros((1, 4), np.float32)
    seed[0, 2] = 1
    back = network.backward(activations, weights, {"logits": seed}, wanted=["conv1"])
    expected = unit_sums(sums["conv1"] * back["conv1"])[way.units[0]]
    np.testing.assert_allclose(way.links["image", "relu1"], expected[None], rtol=1e-4)


def test_a_class_is_linked_to_what_speaks_for_its_own_logit(case):
    _, activations, weights, _, _ = case
    way = way_of(case)
    terms = activations["drop"][0][:, None] * weights["logits"]["kernel"]
    np.testing.assert_allclose(
        way.links["drop", "softmax"], terms[np.ix_(way.units[-2], way.units[-1])], rtol=1e-5
    )


def test_a_chosen_unit_is_shown_with_its_strongest_partners(case):
    way = way_of(case)
    hidden = next(unit for unit in range(5) if unit not in way.units[2])
    shown = way_of(case, chosen=("conv2", hidden))
    assert hidden in shown.units[2]
    assert all(len(units) <= ROWS for units in shown.units)
    everything = trace(*case[:4], 2, rows=9, classes=case[4])
    row = everything.units[2].tolist().index(hidden)
    into, out = everything.links["pool1", "conv2"], everything.links["conv2", "drop"]
    sources = everything.units[1][np.argsort(-np.abs(into[:, row]))[:2]]
    targets = everything.units[3][np.argsort(-np.abs(out[row]))[:2]]
    assert set(sources) <= set(shown.units[1])
    assert set(targets) <= set(shown.units[3])


def test_the_fused_evidence_covers_the_input_and_each_layer_has_the_same_say(case):
    way = way_of(case)
    evidence = fused(way, case[3], "image")
    assert evidence.shape == (8, 8)
    assert 0 < np.abs(evidence).sum() <= 1 + 1e-5


def test_a_lone_unit_speaks_for_the_second_class_and_against_the_first():
    random = np.random.default_rng(1)
    nodes = [
        Node("x", "InputLayer"),
        dense("hidden", "x", "relu"),
        dense("out", "hidden", "sigmoid"),
    ]
    weights = {
        "hidden": {"kernel": random.normal(size=(4, 3)).astype("f"), "bias": np.zeros(3, "f")},
        "out": {"kernel": random.normal(size=(3, 1)).astype("f"), "bias": np.zeros(1, "f")},
    }
    network = Network(nodes)
    activations = network.forward(random.normal(size=(1, 4)).astype("f"), weights)
    columns = columns_of([("hidden", "dense", (3,)), ("out", "dense", (1,))], network.followers)
    share = float(activations["out"][0, 0])
    ways = [
        trace(
            network, activations, weights, columns, target, rows=3,
            classes=np.array([1 - share, share]),
        )
        for target in (0, 1)
    ]  # fmt: skip
    logit = float(np.log(share / (1 - share)))
    assert unit_sums(ways[1].contributions["hidden"]).sum() == pytest.approx(logit, rel=1e-4)
    assert unit_sums(ways[0].contributions["hidden"]).sum() == pytest.approx(-logit, rel=1e-4)
    links = ways[0].links["hidden", "out"]
    np.testing.assert_allclose(links[:, 0], -links[:, 1])


def test_a_diverged_network_shows_nan_and_breaks_nothing(case):
    network, activations, weights, columns, classes = case
    spoiled = {**weights, "conv2": {name: w * np.nan for name, w in weights["conv2"].items()}}
    way = trace(network, activations, spoiled, columns, 0, rows=ROWS, classes=classes * np.nan)
    assert np.isnan(way.links["pool1", "conv2"]).all()
    assert all(len(units) == ROWS for units in way.units)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 3e38])
@pytest.mark.parametrize("layer", ["conv1", "conv2", "dense", "logits"])
def test_one_broken_unit_gives_no_warning_and_spoils_what_it_reaches_alone(case, layer, value):
    """Warnings are errors here: in a server's log they would be taken for faults."""
    network, activations, weights, columns, _ = case
    spoiled = {name: {key: w.copy() for key, w in of.items()} for name, of in weights.items()}
    spoiled[layer]["kernel"][..., 0] = value
    spread = network.forward(activations["image"], spoiled)
    way = trace(network, spread, spoiled, columns, 2, rows=ROWS, classes=spread["softmax"][0])
    assert all(len(units) == ROWS for units in way.units)
    np.testing.assert_array_equal(spread["conv1"][..., 1:], activations["conv1"][..., 1:])
