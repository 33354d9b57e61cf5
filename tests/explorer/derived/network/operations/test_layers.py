"""Every layer computes what Keras computes, and its gradient is that of TensorFlow."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from explorer.derived.network.activations import NAMED
from explorer.derived.network.engine import Network
from explorer.derived.network.node import Node
from explorer.derived.network.registry import FIXED_UNITS_CLASS, layer_ops

IMAGE, SEQUENCE, UNITS = (7, 6, 4), (8, 4), (5,)

# Class, arguments, and shapes of the inputs.
CASES: list[tuple[str, tuple[Any, ...], dict[str, Any], tuple[tuple[int, ...], ...]]] = [
    ("Dense", (3,), {"activation": "tanh"}, (UNITS,)),
    ("Dense", (3,), {"activation": "softmax"}, (IMAGE,)),
    ("Dense", (3,), {"use_bias": False, "activation": "relu"}, (SEQUENCE,)),
    ("Conv1D", (3, 3), {"padding": "causal", "dilation_rate": 2}, (SEQUENCE,)),
    ("Conv1D", (3, 2), {"padding": "same", "strides": 3, "activation": "gelu"}, (SEQUENCE,)),
    ("Conv2D", (3, 3), {"activation": "relu"}, (IMAGE,)),
    ("Conv2D", (3, (3, 2)), {"strides": (2, 1), "padding": "same", "use_bias": False}, (IMAGE,)),
    ("Conv2D", (3, 4), {"strides": 3}, (IMAGE,)),
    ("Conv2D", (3, 2), {"dilation_rate": (2, 3), "padding": "same"}, (IMAGE,)),
    ("Conv2D", (5, 1), {"strides": 2}, (IMAGE,)),
    ("Conv3D", (2, 2), {"padding": "same"}, ((3, 4, 5, 2),)),
    ("DepthwiseConv1D", (3,), {"strides": 2}, (SEQUENCE,)),
    ("DepthwiseConv2D", (3,), {"depth_multiplier": 2, "padding": "same"}, (IMAGE,)),
    ("SeparableConv1D", (5, 3), {"activation": "elu"}, (SEQUENCE,)),
    ("SeparableConv2D", (5, 3), {"strides": 2, "depth_multiplier": 2}, (IMAGE,)),
    ("Conv1DTranspose", (3, 3), {"strides": 2}, (SEQUENCE,)),
    ("Conv2DTranspose", (3, (2, 3)), {"strides": (3, 2), "padding": "same"}, (IMAGE,)),
    ("Conv2DTranspose", (3, 2), {"strides": 3, "activation": "sigmoid"}, (IMAGE,)),
    ("MaxPooling1D", (3,), {"strides": 2, "padding": "same"}, (SEQUENCE,)),
    ("MaxPooling2D", (2,), {}, (IMAGE,)),
    ("MaxPooling2D", ((3, 2),), {"strides": 1, "padding": "same"}, (IMAGE,)),
    ("MaxPooling3D", (2,), {}, ((3, 4, 5, 2),)),
    ("AveragePooling1D", (3,), {"strides": 1}, (SEQUENCE,)),
    ("AveragePooling2D", (3,), {"strides": 2, "padding": "same"}, (IMAGE,)),
    ("GlobalMaxPooling1D", (), {}, (SEQUENCE,)),
    ("GlobalMaxPooling2D", (), {"keepdims": True}, (IMAGE,)),
    ("GlobalAveragePooling1D", (), {"keepdims": True}, (SEQUENCE,)),
    ("GlobalAveragePooling2D", (), {}, (IMAGE,)),
    ("Flatten", (), {}, (IMAGE,)),
    ("Reshape", ((6, -1),), {}, (IMAGE,)),
    ("Permute", ((3, 1, 2),), {}, (IMAGE,)),
    ("RepeatVector", (4,), {}, (UNITS,)),
    ("ZeroPadding1D", ((1, 2),), {}, (SEQUENCE,)),
    ("ZeroPadding2D", (((1, 0), (2, 3)),), {}, (IMAGE,)),
    ("Cropping1D", (2,), {}, (SEQUENCE,)),
    ("Cropping2D", (((1, 0), (2, 1)),), {}, (IMAGE,)),
    ("UpSampling1D", (3,), {}, (SEQUENCE,)),
    ("UpSampling2D", ((2, 3),), {}, (IMAGE,)),
    ("Dropout", (0.5,), {}, (UNITS,)),
    ("SpatialDropout1D", (0.5,), {}, (SEQUENCE,)),
    ("GaussianNoise", (1.0,), {}, (UNITS,)),
    ("ActivityRegularization", (), {}, (UNITS,)),
    ("Identity", (), {}, (UNITS,)),
    ("Rescaling", (0.5,), {"offset": -1.0}, (IMAGE,)),
    ("BatchNormalization", (), {}, (IMAGE,)),
    ("BatchNormalization", (), {"axis": 1, "scale": False}, (IMAGE,)),
    ("BatchNormalization", (), {"center": False, "epsilon": 0.1}, (UNITS,)),
    ("LayerNormalization", (), {}, (SEQUENCE,)),
    ("LayerNormalization", (), {"axis": [1, 2], "center": False}, (IMAGE,)),
    ("RMSNormalization", (), {}, (SEQUENCE,)),
    ("RMSNormalization", (), {"axis": [2, 3], "epsilon": 0.1}, (IMAGE,)),
    ("UnitNormalization", (), {}, (SEQUENCE,)),
    ("UnitNormalization", (), {"axis": [1, 2]}, (IMAGE,)),
    (
        "Normalization",
        (),
        {"mean": [1.0, 2.0, 3.0, 4.0], "variance": [0.0, 4.0, 1.0, 2.0]},
        (IMAGE,),
    ),
    ("Normalization", (), {"mean": 2.0, "variance": 4.0, "invert": True, "axis": None}, (IMAGE,)),
    (
        "EinsumDense",
        ("abc,cd->abd", (None, 3)),
        {"bias_axes": "d", "activation": "tanh"},
        (SEQUENCE,),
    ),
    ("EinsumDense", ("...x,xy->...y", (3,)), {"bias_axes": "y"}, (IMAGE,)),
    ("EinsumDense", ("abc,cde->abde", (8, 2, 3)), {"bias_axes": "de"}, (SEQUENCE,)),
    ("EinsumDense", ("abc,bde->ade", (2, 3)), {}, (SEQUENCE,)),
    ("Discretization", ([-0.5, 0.0, 1.0],), {}, (SEQUENCE,)),
    ("Discretization", ([-0.5, 0.0, 1.0],), {"output_mode": "one_hot"}, (SEQUENCE,)),
    ("Discretization", ([-0.5, 0.0, 1.0],), {"output_mode": "multi_hot"}, (UNITS,)),
    ("Discretization", ([-0.5, 0.0, 1.0],), {"output_mode": "count"}, (UNITS,)),
    ("Add", (), {}, (IMAGE, IMAGE, IMAGE)),
    ("Subtract", (), {}, (UNITS, UNITS)),
    ("Multiply", (), {}, (IMAGE, (1, 1, 4), IMAGE)),
    ("Average", (), {}, (SEQUENCE, SEQUENCE, SEQUENCE)),
    ("Maximum", (), {}, (SEQUENCE, (4,))),
    ("Minimum", (), {}, (UNITS, UNITS, UNITS)),
    ("Concatenate", (), {}, (SEQUENCE, (8, 2))),
    ("Concatenate", (), {"axis": 1}, (SEQUENCE, (3, 4))),
    ("Dot", (), {"axes": 1}, (UNITS, UNITS)),
    ("Dot", (), {"axes": (2, 1)}, (SEQUENCE, (4, 3))),
    ("Dot", (), {"axes": (1, 2)}, (UNITS, (2, 5))),
    ("Activation", ("swish",), {}, (UNITS,)),
    ("ReLU", (), {}, (IMAGE,)),
    ("ReLU", (), {"max_value": 0.8, "negative_slope": 0.2, "threshold": 0.3}, (IMAGE,)),
    ("ReLU", (), {"max_value": 0.8}, (IMAGE,)),
    ("LeakyReLU", (), {"negative_slope": 0.1}, (IMAGE,)),
    ("ELU", (), {"alpha": 0.7}, (UNITS,)),
    ("PReLU", (), {"shared_axes": [1, 2]}, (IMAGE,)),
    ("Softmax", (), {"axis": 1}, (IMAGE,)),
    ("Softmax", (), {"axis": [1, 2]}, (IMAGE,)),
]


def by_tensorflow(
    layer: Any, inputs: list[np.ndarray], seed: np.ndarray | None, **options: Any
) -> tuple[np.ndarray, np.ndarray, list[np.ndarray]]:
    """Output, the gradient given there, and the gradients at the inputs."""
    import tensorflow as tf

    tensors = [tf.constant(each) for each in inputs]
    with tf.GradientTape() as tape:
        tape.watch(tensors)
        output = layer(tensors[0] if len(tensors) == 1 else tensors, **options)
        if seed is None:
            seed = np.random.default_rng(1).normal(size=output.shape).astype(np.float32)
        total = tf.reduce_sum(output * seed)
    gradients = tape.gradient(total, tensors, unconnected_gradients="zero")
    return output.numpy(), seed, [gradient.numpy() for gradient in gradients]


def normal(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(3, *shape)).astype(np.float32)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "arguments", "options", "shapes"), CASES, ids=str)
def test_forwards_and_backwards(
    name: str,
    arguments: tuple[Any, ...],
    options: dict[str, Any],
    shapes: tuple[tuple[int, ...], ...],
    single: Callable[..., Any],
    close: Callable[..., None],
) -> None:
    import keras

    layer = getattr(keras.layers, name)(*arguments, **options)
    inputs = [normal(*shape, seed=number) for number, shape in enumerate(shapes)]
    network, weights, given = single(layer, inputs)
    assert network.unsupported == {}
    output, seed, gradients = by_tensorflow(layer, inputs, None)
    found = network.forward(given, weights)
    close(found["layer"], output)
    assert found["layer"].dtype == np.float32
    back = network.backward(found, weights, {"layer": seed})
    for source, expected in zip(given, gradients, strict=True):
        close(back[source], expected)


def test_every_class_is_compared() -> None:
    compared = {name for name, *_ in CASES}
    elsewhere = {"SimpleRNN", "LSTM", "GRU", "Bidirectional", "TimeDistributed", "Embedding"}
    elsewhere |= {"ReversibleEmbedding", "PositionEmbedding", "CategoryEncoding"}
    elsewhere |= {"MultiHeadAttention", "GroupedQueryAttention", "Attention", "AdditiveAttention"}
    same_rule = {type(layer_ops()[name]) for name in compared}
    no_layer_of_keras = {FIXED_UNITS_CLASS}
    known = compared | elsewhere | no_layer_of_keras
    left = {name for name in layer_ops() if name not in known}
    assert {name for name in left if type(layer_ops()[name]) not in same_rule} == {"Masking"}


@pytest.mark.parametrize(
    "name", sorted(name for name in layer_ops() if name.startswith("Rand") or "Mix" in name)
)
def test_what_augments_leaves_a_probe_alone(name: str) -> None:
    import keras

    arguments = {"RandomBrightness": (0.5,), "RandomContrast": (0.5,), "RandomHue": (0.5,)}
    arguments |= dict.fromkeys(["RandomRotation", "RandomZoom", "RandomSharpness"], (0.5,))
    arguments |= {"RandomTranslation": (0.2, 0.2), "RandomSaturation": (0.5,)}
    arguments |= {"RandomPosterization": (4,), "RandomColorDegeneration": (0.5,)}
    x = np.random.default_rng(0).uniform(0, 255, size=(2, 8, 8, 3)).astype(np.float32)
    layer = getattr(keras.layers, name)(*arguments.get(name, ()))
    np.testing.assert_array_equal(np.asarray(layer(x, training=False)), x)


def test_statistics_that_were_learned_from_the_data(
    single: Callable[..., Any], close: Callable[..., None]
) -> None:
    import keras

    x = normal(*IMAGE)
    layer = keras.layers.Normalization(axis=(1, 3))
    network, weights, given = single(layer, [x])
    layer.adapt(3 * x + 1)
    weights["layer"] |= {
        "mean": np.asarray(layer.adapt_mean),
        "variance": np.asarray(layer.adapt_variance),
    }
    found = network.forward(given, weights)
    close(found["layer"], layer(x))
    assert network.weight_gradients(found, weights, {"layer": x}) == {}


@pytest.mark.parametrize("mode", ["one_hot", "multi_hot", "count"])
def test_categories(mode: str, single: Callable[..., Any]) -> None:
    import keras

    layer = keras.layers.CategoryEncoding(5, output_mode=mode)
    numbers = np.array([[0, 4, 4], [2, 2, 2]], np.int32)
    network, weights, given = single(layer, [numbers])
    np.testing.assert_array_equal(network.forward(given, weights)["layer"], layer(numbers))


def test_groups_are_convolutions_of_their_own(close: Callable[..., None]) -> None:
    """Keras compiles a convolution in groups, which takes long: two of them say the same."""
    x, kernel = normal(6, 6, 4), normal(3, 2, 6)
    bias = np.arange(6, dtype=np.float32)
    config = {"kernel_size": [3, 3], "strides": [1, 1], "groups": 2, "padding": "same"}
    both = _conv(config)
    found = both.forward(x, {"conv": {"kernel": kernel, "bias": bias}})["conv"]
    seed = normal(6, 6, 6, seed=4)
    back = both.backward({"x": x, "conv": found}, {"conv": {"kernel": kernel}}, {"conv": seed})
    halves, backs = [], []
    for group in range(2):
        one, units = _conv({**config, "groups": 1}), slice(3 * group, 3 * group + 3)
        weights = {"conv": {"kernel": kernel[..., units], "bias": bias[units]}}
        part = x[..., 2 * group : 2 * group + 2]
        halves.append(one.forward(part, weights)["conv"])
        known = {"x": part, "conv": halves[-1]}
        backs.append(one.backward(known, weights, {"conv": seed[..., units]})["x"])
    close(found, np.concatenate(halves, axis=-1))
    close(back["x"], np.concatenate(backs, axis=-1))


def _conv(config: dict[str, Any]) -> Network:
    return Network([Node("x", "InputLayer"), Node("conv", "Conv2D", config, ("x",))])


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("MaxPooling2D", {"pool_size": 3, "strides": 2, "padding": "same"}),
        ("MaxPooling1D", {"pool_size": 3, "strides": 1}),
        ("GlobalMaxPooling2D", {}),
        ("GlobalMaxPooling1D", {}),
    ],
)
def test_equal_values_get_the_gradient_that_tensorflow_gives(
    name: str, options: dict[str, Any], single: Callable[..., Any], close: Callable[..., None]
) -> None:
    import keras

    layer = getattr(keras.layers, name)(**options)
    shape = (6, 5, 2) if name.endswith("2D") else (9, 2)
    x = np.random.default_rng(2).integers(0, 2, size=(3, *shape)).astype(np.float32)
    network, weights, given = single(layer, [x])
    _, seed, (expected,) = by_tensorflow(layer, [x], None)
    close(network.backward(given, weights, {"layer": seed})["input0"], expected)


def test_of_equal_inputs_the_first_is_the_maximum(
    single: Callable[..., Any], close: Callable[..., None]
) -> None:
    import keras

    x = [np.zeros((3, 5), np.float32)] * 2
    for name in ("Maximum", "Minimum"):
        layer = getattr(keras.layers, name)()
        network, weights, given = single(layer, x)
        _, seed, expected = by_tensorflow(layer, x, None)
        back = network.backward(given, weights, {"layer": seed})
        close(back["input0"], expected[0])
        close(back["input1"], expected[1])


@pytest.mark.parametrize("name", NAMED)
def test_activations(name: str, close: Callable[..., None]) -> None:
    import keras
    import tensorflow as tf

    x = np.concatenate([np.linspace(-9, 9, 91), [0, 1e-4, 40, -40]]).astype(np.float32)
    if name == "celu":
        x = x[x != 0]  # TensorFlow's slope there is 2, as it adds up two functions with a corner
    tensor = tf.constant(x[None])
    with tf.GradientTape() as tape:
        tape.watch(tensor)
        if name.startswith("gelu"):
            value = keras.activations.gelu(tensor, approximate=name == "gelu_approximate")
        else:
            value = keras.activations.get(name)(tensor)
        seed = np.cos(np.arange(x.size, dtype=np.float32))[None]
        total = tf.reduce_sum(value * seed)
    gradient = tape.gradient(total, tensor)
    activation = NAMED[name]
    close(activation.value(x[None]), value)
    close(activation.pull(x[None], seed), gradient)
    if activation.from_output:
        close(activation.pull(np.asarray(value), seed), gradient)


def test_embedding_and_masking(close: Callable[..., None]) -> None:
    import keras

    tokens = np.array([[3, 1, 0], [0, 2, 0]])
    table = np.array([[1, 2], [-1, 0.3], [0.5, 0], [0.5, 0.5]], np.float32)
    network = Network(
        [
            Node("tokens", "InputLayer"),
            Node("embedding", "Embedding", {"mask_zero": True}, ("tokens",)),
            Node("masking", "Masking", {"mask_value": 0.5}, ("embedding",)),
        ]
    )
    found = network.forward(tokens, {"embedding": {"embeddings": table}})
    np.testing.assert_array_equal(found["embedding"], table[tokens])
    expected = keras.layers.Masking(0.5)(table[tokens])
    close(found["masking"], expected)
    seed = normal(3, 2)[:2]
    back = network.backward(found, {"embedding": {"embeddings": table}}, {"masking": seed})
    close(back["embedding"], np.where((tokens == 3)[..., None], 0, seed))
    assert back["tokens"].shape == tokens.shape
    assert not back["tokens"].any()


def test_time_distributed(single: Callable[..., Any], close: Callable[..., None]) -> None:
    import keras

    inner = keras.layers.Dense(3, activation="softmax")
    layer = keras.layers.TimeDistributed(inner)
    x = normal(*SEQUENCE)
    network, weights, given = single(layer, [x])
    output, seed, (expected,) = by_tensorflow(layer, [x], None)
    found = network.forward(given, weights)
    close(found["layer"], output)
    close(network.backward(found, weights, {"layer": seed})["input0"], expected)


def test_a_dead_a_diverged_and_an_empty_input() -> None:
    """Zeros, NaN, infinity and a batch of none go through without a warning."""
    network = Network(
        [
            Node("x", "InputLayer"),
            Node("conv", "Conv2D", {"kernel_size": [2, 2], "strides": [1, 1]}, ("x",)),
            Node("pool", "MaxPooling2D", {"pool_size": [2, 2], "padding": "same"}, ("conv",)),
            Node("norm", "LayerNormalization", {}, ("pool",)),
            Node("mean", "GlobalAveragePooling2D", {}, ("norm",)),
            Node("softmax", "Softmax", {}, ("mean",)),
        ]
    )
    weights = {
        "conv": {"kernel": np.ones((2, 2, 1, 3), np.float32), "bias": np.zeros(3, np.float32)},
        "norm": {"gamma": np.ones(3, np.float32), "beta": np.zeros(3, np.float32)},
    }
    for fill in (0.0, np.nan, np.inf, 1e30):
        found = network.forward(np.full((2, 4, 4, 1), fill, np.float32), weights)
        back = network.backward(found, weights, {"softmax": np.ones((2, 3), np.float32)})
        assert np.isfinite(found["softmax"]).all() == (fill == 0.0 or fill == 1e30)
        assert back["x"].shape == (2, 4, 4, 1)
    nothing = network.forward(np.empty((0, 4, 4, 1), np.float32), weights)
    assert nothing["softmax"].shape == (0, 3)
    back = network.backward(nothing, weights, {"softmax": np.empty((0, 3), np.float32)})
    assert back["x"].shape == (0, 4, 4, 1)


def test_a_long_batch_is_convolved_in_blocks(
    monkeypatch: pytest.MonkeyPatch, close: Callable[..., None]
) -> None:
    from explorer.derived.network import windows

    network = _conv({"kernel_size": [3, 3], "strides": [1, 1], "padding": "same"})
    weights = {"conv": {"kernel": normal(3, 2, 5), "bias": np.zeros(5, np.float32)}}
    x = np.concatenate([normal(6, 6, 2, seed=seed) for seed in range(3)])
    whole = network.forward(x, weights)
    seed = {"conv": np.ones_like(whole["conv"])}
    back = network.backward(whole, weights, seed)
    monkeypatch.setattr(windows, "BLOCK_BYTES", 2 * 4 * 6 * 6 * 9 * 2)
    assert len([*windows.blocks(9, 4 * 6 * 6 * 9 * 2)]) == 5
    parts = network.forward(x, weights)
    close(parts["conv"], whole["conv"], 1e-6)
    close(network.backward(parts, weights, seed)["x"], back["x"], 1e-6)
