"""Receptive fields are where the gradient of one place is, with weights that cancel nothing."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from explorer.derived.network.engine import Network
from explorer.derived.network.node import Node
from explorer.derived.network.receptive_field import receptive_field
from explorer.derived.recurrent.equations import NotDerivableError

sizes = st.integers(1, 3)


@st.composite
def layers(draw: st.DrawFn, axes: int) -> tuple[str, dict[str, Any]]:
    """A layer over one or two axes, of a kind that gradients show."""
    each = lambda strategy: draw(st.tuples(*[strategy] * axes))  # noqa: E731
    sides = st.tuples(st.integers(0, 2), st.integers(0, 2))
    kind = draw(st.sampled_from(["Conv", "Transpose", "Pooling", "ZeroPadding", "UpSampling"]))
    padding = draw(st.sampled_from(["same", "valid"]))
    window = {"strides": each(sizes), "padding": padding}
    match kind:
        case "Conv":
            dilation = each(st.integers(1, 2))
            config = {**window, "kernel_size": each(sizes), "dilation_rate": dilation}
            return f"Conv{axes}D", {**config, "use_bias": False}
        case "Transpose":
            return f"Conv{axes}DTranspose", {
                **window,
                "kernel_size": each(sizes),
                "use_bias": False,
            }
        case "Pooling":
            return f"AveragePooling{axes}D", {**window, "pool_size": each(sizes)}
        case "ZeroPadding":
            return f"ZeroPadding{axes}D", {"padding": each(sides)}
    return f"UpSampling{axes}D", {"size": each(sizes)}


@given(st.data(), st.integers(1, 2))
def test_chains(data: st.DataObject, axes: int) -> None:
    chain = data.draw(st.lists(layers(axes), min_size=1, max_size=4))
    nodes, weights = [Node("x", "InputLayer")], {}
    for number, (class_name, config) in enumerate(chain):
        name = f"layer{number}"
        nodes.append(Node(name, class_name, config, (nodes[-1].name,)))
        if "kernel_size" in config:
            weights[name] = {"kernel": np.ones((*config["kernel_size"], 1, 1), np.float32)}
    network, last = Network(nodes), nodes[-1].name
    lengths = data.draw(st.tuples(*[st.integers(5, 9)] * axes))
    try:
        found = network.forward(np.ones((1, *lengths, 1), np.float32), weights)
    except NotDerivableError:  # nothing is left to convolve
        return
    if 0 in found[last].shape:
        return
    shapes = {name: values.shape[1:] for name, values in found.items()}
    place = tuple(data.draw(st.integers(0, size - 1)) for size in shapes[last][:-1])
    seed = np.zeros_like(found[last])
    seed[(0, *place)] = 1
    gradient = network.backward(found, weights, {last: seed})["x"][0, ..., 0]
    seen = np.nonzero(gradient)
    bounds = receptive_field(network, last, place, shapes)
    is_exact = not any("dilation_rate" in node.config for node in nodes)
    if not len(seen[0]):
        # Between the places of a dilated kernel there may be nothing: then the bounds hold less.
        assert not is_exact or set(bounds) == {0}
        return
    for axis, at in enumerate(seen):
        start, stop = bounds[2 * axis : 2 * axis + 2]
        assert start <= at.min() <= at.max() < stop
        assert not is_exact or (start, stop) == (at.min(), at.max() + 1)


def single(class_name: str, config: dict[str, Any], *inputs: str) -> Network:
    names = inputs or ("x",)
    nodes = [Node(name, "InputLayer") for name in names]
    return Network([*nodes, Node("layer", class_name, config, names)])


@pytest.mark.parametrize(
    ("class_name", "config", "place", "before", "after", "expected"),
    [
        ("MaxPooling1D", {"pool_size": [3], "strides": [2], "padding": "same"}, (0,), 6, 3, (0, 3)),
        ("MaxPooling1D", {"pool_size": [3], "strides": [2], "padding": "same"}, (2,), 6, 3, (4, 6)),
        ("Conv1D", {"kernel_size": [3], "strides": [1], "padding": "causal"}, (1,), 6, 6, (0, 2)),
        ("Conv1D", {"kernel_size": [2], "dilation_rate": [3]}, (1,), 6, 3, (1, 5)),
        ("ZeroPadding1D", {"padding": [2, 0]}, (1,), 6, 8, (0, 0)),
        ("Cropping1D", {"cropping": [2, 1]}, (1,), 6, 3, (3, 4)),
        ("LSTM", {"return_sequences": True}, (2,), 6, 6, (0, 3)),
        ("GRU", {"return_sequences": True, "go_backwards": True}, (2,), 6, 6, (3, 6)),
        ("LSTM", {}, (), 6, None, (0, 6)),
        ("Softmax", {"axis": -1}, (2,), 6, 6, (2, 3)),
        ("Softmax", {"axis": 1}, (2,), 6, 6, (0, 6)),
        ("LayerNormalization", {"axis": [1, 2]}, (2,), 6, 6, (0, 6)),
        ("LayerNormalization", {"axis": [2]}, (2,), 6, 6, (2, 3)),
        ("GlobalMaxPooling1D", {}, (), 6, None, (0, 6)),
        ("GlobalAveragePooling1D", {"keepdims": True}, (0,), 6, 1, (0, 6)),
        ("BatchNormalization", {"axis": 1}, (2,), 6, 6, (2, 3)),
        ("Dense", {}, (5,), 6, 6, (5, 6)),
        ("Flatten", {}, (), 6, None, (0, 6)),
    ],
)
def test_one_layer(
    class_name: str,
    config: dict[str, Any],
    place: tuple[int, ...],
    before: int,
    after: int | None,
    expected: tuple[int, ...],
) -> None:
    config = {"strides": None, **config} if "Conv" not in class_name else {"strides": 1, **config}
    shapes = {"x": (before, 2), "layer": (2,) if after is None else (after, 2)}
    assert receptive_field(single(class_name, config), "layer", place, shapes) == expected


def test_axes_in_another_order_and_tokens_of_their_own() -> None:
    shapes = {"x": (4, 5, 2), "layer": (5, 4, 2)}
    turned = single("Permute", {"dims": [2, 1, 3]})
    assert receptive_field(turned, "layer", (3, 1), shapes) == (1, 2, 3, 4)
    each = single("TimeDistributed", {"layer": {"class_name": "Conv1D", "config": {}}})
    shapes = {"x": (4, 5, 2), "layer": (4, 5, 2)}
    assert receptive_field(each, "layer", (3, 1), shapes) == (3, 4, 0, 5)


def test_from_words_to_a_class() -> None:
    network = Network(
        [
            Node("tokens", "InputLayer"),
            Node("embedding", "Embedding", {}, ("tokens",)),
            Node("conv", "Conv1D", {"kernel_size": [3], "strides": [1]}, ("embedding",)),
            Node("max", "GlobalMaxPooling1D", {}, ("conv",)),
        ]
    )
    shapes = {"tokens": (9,), "embedding": (9, 4), "conv": (7, 3), "max": (3,)}
    assert receptive_field(network, "conv", (2,), shapes) == (2, 5)
    assert receptive_field(network, "max", (), shapes) == (0, 9)
    assert receptive_field(network, "max", (), shapes, on="conv") == (0, 7)
    assert receptive_field(network, "conv", (2,), shapes, on="conv") == (2, 3)


def test_branches_are_put_together() -> None:
    conv = {"kernel_size": [3], "strides": [1], "padding": "same"}
    nodes = [Node("x", "InputLayer"), Node("conv", "Conv1D", conv, ("x",))]
    shift = Node("shift", "ZeroPadding1D", {"padding": [3, 0]}, ("x",))
    crop = Node("crop", "Cropping1D", {"cropping": [0, 3]}, ("shift",))
    network = Network([*nodes, shift, crop, Node("add", "Add", {}, ("conv", "crop"))])
    shapes = dict.fromkeys(("x", "conv", "crop", "add"), (6, 1)) | {"shift": (9, 1)}
    assert receptive_field(network, "add", (4,), shapes) == (1, 6)
    assert receptive_field(network, "add", (1,), shapes) == (0, 3)
    gate = single("Multiply", {}, "x", "gate")
    shapes = {"x": (6, 2), "gate": (1, 2), "layer": (6, 2)}
    assert receptive_field(gate, "layer", (4,), shapes, on="gate") == (0, 1)
    assert receptive_field(gate, "layer", (4,), shapes, on="x") == (4, 5)


def test_errors() -> None:
    shapes = {"x": (6, 2), "y": (6, 2), "layer": (6, 2)}
    with pytest.raises(ValueError, match=r"no place \(6,\): its places are \(6,\), each from 0"):
        receptive_field(single("Dense", {}), "layer", (6,), shapes)
    with pytest.raises(ValueError, match=r"no place \(1, 1\)"):
        receptive_field(single("Dense", {}), "layer", (1, 1), shapes)
    both = single("Add", {}, "x", "y")
    with pytest.raises(ValueError, match=r"depends on 2 inputs \(x, y\); say which one with `on`"):
        receptive_field(both, "layer", (1,), shapes)
    with pytest.raises(ValueError, match="'x' does not depend on 'layer'"):
        receptive_field(both, "x", (1,), shapes, on="layer")
    with pytest.raises(NotDerivableError, match="'layer': The class MyLayer is not repeated"):
        receptive_field(single("MyLayer", {}), "layer", (1,), shapes)
