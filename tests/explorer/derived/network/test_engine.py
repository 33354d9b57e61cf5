"""The engine: where it begins and ends, what it cannot do, and what it says then."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from explorer.derived.network.engine import Network
from explorer.derived.network.node import Node
from explorer.derived.recurrent.equations import NotDerivableError

KERNEL = np.array([[1, -2], [3, 4], [0, 1]], np.float32)
X = np.array([[1, 2, 3], [0, -1, 1]], np.float32)


def dense(name: str, source: str, **config: Any) -> Node:
    return Node(name, "Dense", {"use_bias": False, **config}, (source,))


def test_numbers_by_hand() -> None:
    network = Network([Node("x", "InputLayer"), dense("d", "x", activation="relu")])
    found = network.forward(X, {"d": {"kernel": KERNEL}})
    np.testing.assert_array_equal(found["d"], [[7, 9], [0, 0]])
    logits = network.logits("d", found, {"d": {"kernel": KERNEL}})
    np.testing.assert_array_equal(logits, [[7, 9], [-3, -3]])
    back = network.backward(found, {"d": {"kernel": KERNEL}}, {"d": np.array([[1, 10], [1, 1]])})
    np.testing.assert_array_equal(back["x"], [[-19, 43, 10], [0, 0, 0]])
    assert network.followers == {"x": ("d",), "d": ()}


def test_the_pass_can_begin_anywhere() -> None:
    """Here a layer is changed by hand; what comes before it is not computed."""
    network = Network([Node("x", "InputLayer"), dense("a", "x"), dense("b", "a")])
    weights = {"b": {"kernel": np.ones((2, 1), np.float32)}}
    found = network.forward({}, weights, start={"a": np.array([[1, 0]], np.float32)})
    assert found.keys() == {"a", "b"}
    np.testing.assert_array_equal(found["b"], [[1]])


def test_no_more_is_computed_than_is_wanted() -> None:
    network = Network([Node("x", "InputLayer"), dense("a", "x"), dense("b", "a"), dense("c", "x")])
    weights = {"a": {"kernel": KERNEL}, "b": {}, "c": {}}
    found = network.forward(X, weights, wanted=["a"])
    assert found.keys() == {"x", "a"}
    weights = {"a": {}, "b": {"kernel": np.ones((2, 2), np.float32)}}
    seeds = {"b": np.ones((2, 2), np.float32)}
    back = network.backward({"a": found["a"], "x": X}, weights, seeds, wanted=iter(["a"]))
    assert back.keys() == {"a"}


def test_seeds_add_up() -> None:
    network = Network([Node("x", "InputLayer"), dense("a", "x"), dense("b", "a")])
    weights = {"a": {"kernel": KERNEL}, "b": {"kernel": KERNEL[:2]}}
    found = network.forward(X, weights)
    ones = np.ones((2, 2), np.float32)
    each = [network.backward(found, weights, {name: ones})["x"] for name in ("a", "b")]
    both = network.backward(found, weights, {"a": ones, "b": ones}, before_activation=True)
    np.testing.assert_allclose(both["x"], each[0] + each[1])
    assert network.backward(found, weights, {"a": ones}).keys() == {"x", "a"}


def bridged() -> Network:
    own = Node("own", "MyLayer", {}, ("x",))
    return Network([Node("x", "InputLayer"), own, dense("a", "own"), dense("b", "x")])


def test_an_unsupported_layer_stops_what_depends_on_it_alone() -> None:
    network = bridged()
    assert network.unsupported == {"own": "The class MyLayer is not repeated here."}
    weights = {"a": {"kernel": KERNEL}, "b": {"kernel": KERNEL}}
    found = network.forward(X, weights)
    assert found.keys() == {"x", "b"}
    with pytest.raises(NotDerivableError, match=r"'a' needs 'own'\. The class MyLayer is not"):
        network.forward(X, weights, wanted=["a"])
    over = network.forward(X, weights, start={"own": X})
    assert over.keys() == {"x", "own", "a", "b"}
    ones = np.ones((2, 2), np.float32)
    # The gradient at x is not known: a part of it comes through the unknown layer.
    back = network.backward(over, weights, {"a": ones, "b": ones})
    assert back.keys() == {"own", "a", "b"}
    with pytest.raises(NotDerivableError, match="'x' passes through layers that cannot be"):
        network.backward(over, weights, {"a": ones}, wanted=["x"])


@pytest.mark.parametrize(
    ("class_name", "config", "inbound", "reason"),
    [
        ("Conv2D", {"data_format": "channels_first"}, ("x",), "channels_first"),
        ("Conv2DTranspose", {"dilation_rate": [2, 2]}, ("x",), "dilation_rate"),
        ("Conv2DTranspose", {"output_padding": [1, 1]}, ("x",), "output_padding"),
        ("Dense", {"activation": {"class_name": "Mine"}}, ("x",), "is not known here; known are"),
        ("Dense", {"lora_rank": 4}, ("x",), "low-rank weights"),
        ("Dense", {"dtype": {"class_name": "QuantizedDTypePolicy"}}, ("x",), "quantized"),
        (
            "Dense",
            {},
            ("x", "y"),
            r"Dense layer: 1; the run names 2 \(x, y\)\. Plain op",
        ),
        ("Add", {}, ("x",), r"Add layer: 2 or more; the run names 1 \(x\)"),
        ("Dense", {}, (), "does not say where its input comes from"),
        ("Operations", {}, ("x",), "plain operations"),
        ("UpSampling2D", {"interpolation": "bilinear"}, ("x",), "bilinear"),
        ("Dot", {"normalize": True}, ("x", "y"), "normalize"),
        ("LayerNormalization", {"rms_scaling": True}, ("x",), "rms_scaling"),
        ("TimeDistributed", {"layer": {"class_name": "LSTM", "config": {}}}, ("x",), "LSTM layer"),
    ],
)
def test_what_is_not_repeated_says_why(
    class_name: str, config: dict[str, Any], inbound: tuple[str, ...], reason: str
) -> None:
    nodes = [Node("x", "InputLayer"), Node("y", "InputLayer")]
    network = Network([*nodes, Node("layer", class_name, config, inbound)])
    assert list(network.unsupported) == ["layer"]
    with pytest.raises(NotDerivableError, match=reason):
        network.op("layer")


def test_what_lies_between_layers_is_not_passed_over() -> None:
    nodes = [
        Node("x", "InputLayer"),
        Node("first", "Dense", {}, ("x",)),
        Node("second", "Dense", {}, ("first",), operations_between=True),
    ]
    network = Network(nodes)
    assert network.unsupported == {
        "second": "Between first and this layer lie plain operations, and a run does not say which."
    }


def test_masks_that_cannot_be_derived_say_why() -> None:
    nodes = [Node("x", "InputLayer"), Node("y", "InputLayer"), Node("add", "Add", {}, ("x", "y"))]
    recurrent = Node("gru", "GRU", {}, ("add",), mask_from="add")
    softmax = Node("softmax", "Softmax", {}, ("add",), mask_from="add")
    network = Network([*nodes, recurrent, softmax])
    assert network.unsupported == {
        "gru": "It obeys a mask that a layer of class Add makes, which cannot be derived.",
        "softmax": "It leaves out what is masked, which is not repeated.",
    }


def masked() -> Network:
    return Network(
        [
            Node("tokens", "InputLayer"),
            Node("embedding", "Embedding", {"mask_zero": True}, ("tokens",)),
            Node("mean", "GlobalAveragePooling1D", {}, ("embedding",), "embedding"),
        ]
    )


def test_masks_come_from_the_tokens_or_are_given() -> None:
    network, weights = masked(), {"embedding": {"embeddings": np.array([[9], [1], [3]])}}
    tokens = np.array([[1, 2, 0]])
    found = network.forward(tokens, weights)
    np.testing.assert_array_equal(found["mean"], [[2]])
    masks = {"embedding": np.array([[True, False, False]])}
    start = {"embedding": found["embedding"]}
    given = network.forward({}, weights, start=start, masks=masks)
    np.testing.assert_array_equal(given["mean"], [[1]])
    back = network.backward(given, weights, {"mean": np.ones((1, 1))}, masks=masks, wanted=start)
    np.testing.assert_array_equal(back["embedding"], [[[1], [0], [0]]])
    assert "mean" not in network.forward({}, weights, start=start)
    with pytest.raises(NotDerivableError, match=r"obeys the mask of 'embedding'.*masks="):
        network.call("mean", start, weights)
    with pytest.raises(NotDerivableError, match="needs the input 'tokens', which was not given"):
        network.forward({}, weights, start=start, wanted=["mean"])
    nobody = network.forward(np.array([[0, 0, 0]]), weights)
    assert np.isnan(nobody["mean"]).all()


def test_a_mask_made_by_plain_operations_is_an_activation() -> None:
    nodes = [Node("x", "InputLayer"), Node("x.mask", "Operations", {}, ("x",))]
    network = Network([*nodes, Node("mean", "GlobalAveragePooling1D", {}, ("x",), "x.mask")])
    x, mask = np.array([[[1.0], [5.0]]], np.float32), np.array([[False, True]])
    np.testing.assert_array_equal(network.forward(x, {}, start={"x.mask": mask})["mean"], [[5]])


def test_a_mask_made_anew_by_a_functional_model_is_that_of_the_masking_layer() -> None:
    nodes = [Node("x", "InputLayer"), Node("masking", "Masking", {"mask_value": 5.0}, ("x",))]
    nodes.append(Node("mean.mask", "Operations", {}, ("x",)))
    mean = Node("mean", "GlobalAveragePooling1D", {}, ("masking",), "mean.mask")
    network = Network([*nodes, mean])
    x = np.array([[[1.0], [5.0]]], np.float32)
    np.testing.assert_array_equal(network.forward(x, {})["mean"], [[1]])


def test_a_layer_that_does_what_its_class_does_not_deviates() -> None:
    network = Network([Node("x", "InputLayer"), dense("a", "x"), dense("b", "a")])
    weights = {"a": {"kernel": KERNEL}, "b": {"kernel": KERNEL[:2]}}
    found = network.forward(X, weights)
    changed = {**found, "b": 2 * found["b"]}
    deviations = network.deviations(changed, weights)
    assert deviations["a"] == 0
    assert deviations["b"] == pytest.approx(0.5)
    changed["b"] = found["b"] * np.nan
    assert np.isnan(network.deviations(changed, weights)["b"])
    # Dead: no division by zero.
    assert network.deviations({"x": 0 * X, "a": 0 * found["a"]}, weights) == {"a": 0}


def test_errors_name_the_layer_and_what_to_do() -> None:
    network = Network([Node("x", "InputLayer"), dense("a", "x")])
    with pytest.raises(NotDerivableError, match=r"'a' \(Dense\): The weight 'kernel' is needed"):
        network.forward(X, {})
    with pytest.raises(
        NotDerivableError, match=r"'a' \(Dense\) cannot take inputs of shape \(2, 3"
    ):
        network.forward(X, {"a": {"kernel": np.ones((5, 2))}})
    with pytest.raises(NotDerivableError, match="'a' takes 'x', whose activation was not given"):
        network.backward({}, {}, {"a": np.ones((2, 2))})
    with pytest.raises(NotDerivableError, match="'x' is an input"):
        network.logits("x", {}, {})
    with pytest.raises(ValueError, match=r"There is no layer 'z'; there are x, a\."):
        network.forward({"z": X}, {})
    with pytest.raises(ValueError, match="takes 'y', which is not among the layers before it"):
        Network([dense("a", "y")])
    two = Network([Node("x", "InputLayer"), Node("y", "InputLayer")])
    with pytest.raises(ValueError, match=r"One array was given for 2 input layers \(x, y\)"):
        two.forward(X, {})
    table = {"embedding": {"embeddings": np.ones((2, 1))}}
    with pytest.raises(NotDerivableError, match="index 7 is out of bounds"):
        masked().forward(np.array([[7]]), table)
