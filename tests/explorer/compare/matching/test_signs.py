"""Whether the negative of each unit would serve: the rule, against networks with turned units."""

from __future__ import annotations

import numpy as np
import pytest

from explorer.compare.matching.at_step import match_at
from explorer.compare.matching.signs import signs_are_free, signs_are_free_in_both
from explorer.compare.pair import RunPair
from store.format.spec import LayerSpec
from store.testing import image_run_spec
from tests.explorer.conftest import RunMaker


def chain(*layers):
    """A network of layers after each other: (class, kind) or (class, kind, activation)."""
    found = {}
    before = ()
    for class_name, kind, *activation in layers:
        name = f"{class_name}_{len(found)}"
        config = {"activation": activation[0]} if activation else {}
        found[name] = LayerSpec(name, class_name, kind, config, before)
        before = (name,)
    return found


def free(at, *layers):
    network = chain(("InputLayer", "input"), *layers)
    names = list(network)
    return signs_are_free(network, names[1 + at], {names[-1]})


DENSE = ("Dense", "dense", "softmax")


@pytest.mark.parametrize(
    ("layers", "expected"),
    [
        ([("Dense", "dense", "tanh"), DENSE], True),
        ([("Dense", "dense", "relu"), DENSE], False),
        ([("Dense", "dense", "gelu"), DENSE], False),
        ([("Dense", "dense", "sigmoid"), DENSE], False),
        ([("LSTM", "recurrent", "tanh"), DENSE], True),
        ([("LSTM", "recurrent", "relu"), DENSE], False),
        ([("Embedding", "embedding"), ("LSTM", "recurrent", "tanh"), DENSE], True),
        ([("Conv2D", "conv", "linear"), ("Activation", "activation", "relu"), DENSE], False),
        ([("Conv2D", "conv", "linear"), ("Activation", "activation", "tanh"), DENSE], True),
        ([("Conv2D", "conv", "linear"), ("LeakyReLU", "activation"), DENSE], False),
        ([("Conv2D", "conv", "tanh"), ("AveragePooling2D", "pooling"), DENSE], True),
        ([("Conv2D", "conv", "tanh"), ("MaxPooling2D", "pooling"), DENSE], False),
        ([("Conv2D", "conv", "tanh"), ("Flatten", "reshape"), DENSE], True),
        ([("Dense", "dense", "tanh"), ("BatchNormalization", "normalization"), DENSE], True),
        ([("Dense", "dense", "tanh"), ("LayerNormalization", "normalization"), DENSE], False),
        ([("Dense", "dense", "tanh"), ("Add", "merge"), DENSE], False),
        ([("Dense", "dense", "tanh")], False),  # an output
    ],
)
def test_the_function_and_all_that_takes_its_value_decide(layers, expected):
    assert free(0, *layers) is expected


def test_layers_without_weights_are_as_free_as_those_that_make_their_units():
    assert free(1, ("Conv2D", "conv"), ("Activation", "activation", "tanh"), DENSE)
    assert not free(1, ("Conv2D", "conv"), ("Activation", "activation", "relu"), DENSE)
    assert not free(0, ("Flatten", "reshape"), DENSE)  # the input itself


def test_of_a_bidirectional_layer_the_inner_function_counts():
    network = chain(("InputLayer", "input"), ("Bidirectional", "recurrent"), DENSE)
    name = list(network)[1]
    for activation, expected in (("tanh", True), ("relu", False)):
        config = {"layer": {"class_name": "GRU", "config": {"activation": activation}}}
        layer = LayerSpec(name, "Bidirectional", "recurrent", config, network[name].inbound)
        assert signs_are_free({**network, name: layer}, name, {list(network)[-1]}) is expected


def test_damaged_networks_are_not_free():
    loop = {"a": LayerSpec("a", "Flatten", "reshape", {}, ("b",))}
    loop["b"] = LayerSpec("b", "Flatten", "reshape", {}, ("a",))
    assert not signs_are_free(loop, "a", ())
    gone = {"a": LayerSpec("a", "Flatten", "reshape", {}, ("gone",))}
    assert not signs_are_free(gone, "a", ())


def test_units_of_a_layer_with_free_signs_are_found_though_turned(
    recorded: RunMaker, monkeypatch: pytest.MonkeyPatch
):
    first, second = (recorded(image_run_spec(name), steps=(0, 1)) for name in "ab")
    pair = RunPair(first, second)
    assert not signs_are_free_in_both(pair, "conv1", "conv1")  # a ReLU follows
    monkeypatch.setattr("explorer.compare.matching.at_step.signs_are_free_in_both", lambda *_: True)
    read = second.activations
    monkeypatch.setattr(second, "activations", lambda *at: -read(*at))
    found = match_at(pair, "conv1", "conv1", (1, 1))
    assert (found.first == found.second).all()
    np.testing.assert_allclose(found.scores, -1, atol=1e-5)
