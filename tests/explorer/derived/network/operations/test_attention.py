"""Attention computes what Keras computes: its scores, its output and its gradients."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest

from explorer.derived.network.engine import Network
from explorer.derived.network.node import Node
from explorer.derived.network.operations.attention import Attending
from explorer.derived.recurrent.equations import NotDerivableError

pytestmark = pytest.mark.slow

TOKENS = np.array([[3, 1, 4, 0, 0], [5, 2, 0, 0, 0], [1, 1, 2, 3, 4]], np.int32)
CROSS = np.array([[2, 1, 0, 0], [4, 0, 0, 0], [1, 2, 3, 1]], np.int32)
PAIRS = np.array([[1, 0, 0, 1], [1, 1, 0, 1], [0, 0, 1, 1], [1, 1, 1, 1], [0, 0, 0, 1]], bool)


def build(attend: Callable[[Any, Any], Any], *, masked: bool, dtype: str = "float32") -> Any:
    """Two texts through embeddings, a layer of attention over them, and a dense layer."""
    import keras
    from keras import layers

    one = keras.Input((5,), dtype="int32", name="one")
    other = keras.Input((4,), dtype="int32", name="other")
    embed = layers.Embedding(9, 6, mask_zero=masked, dtype=dtype, name="embedding")
    more = layers.Embedding(9, 6, mask_zero=masked, dtype=dtype, name="more")
    attended = attend(embed(one), more(other))
    # Both inputs stay in the model, whatever attends to them.
    kept = layers.GlobalAveragePooling1D(name="kept")(more(other))
    mean = layers.GlobalAveragePooling1D(name="mean")(attended)
    out = layers.Dense(3, dtype=dtype, name="out")(mean)
    return keras.Model({"one": one, "other": other}, [out, layers.Dense(1, name="end")(kept)])


HEADS = {"num_heads": 2, "key_dim": 4, "name": "attention"}
GROUPED = {"head_dim": 4, "num_query_heads": 4, "num_key_value_heads": 2, "name": "attention"}


def heads(**options: Any) -> Any:
    from keras import layers

    return layers.MultiHeadAttention(**HEADS, **options)


def grouped(**options: Any) -> Any:
    from keras import layers

    return layers.GroupQueryAttention(**GROUPED, **options)


def single(name: str, **options: Any) -> Any:
    import keras

    return getattr(keras.layers, name)(name="attention", **options)


def relu(x: Any) -> Any:
    import keras

    return keras.layers.ReLU()(x)


def pairs_of(x: Any, y: Any) -> Any:
    from keras import ops

    return x @ ops.transpose(y, (0, 2, 1)) > 0


# How a layer is called, and whether the texts are masked.
CASES: dict[str, tuple[Callable[[Any, Any], Any], bool]] = {
    "self": (lambda x, _: heads()(x, x), False),
    "causal": (lambda x, _: heads()(x, x, use_causal_mask=True), False),
    "causal with dropout": (lambda x, _: heads(dropout=0.5)(x, x, use_causal_mask=True), True),
    "masked": (lambda x, _: heads()(x, x), True),
    "crossed": (lambda x, y: heads()(x, y), True),
    "key apart": (lambda x, y: heads(value_dim=3)(x, relu(y), y), True),
    "by keywords": (lambda x, y: heads()(key=y, value=relu(y), query=x), False),
    "pairs": (lambda x, y: heads()(x, y, attention_mask=PAIRS), False),
    "pairs of each": (lambda x, y: heads()(x, y, attention_mask=pairs_of(x, y)), True),
    "window": (lambda x, _: heads(sliding_window=2)(x, x), False),
    "gate": (lambda x, _: heads(use_gate=True, use_bias=False)(x, x), False),
    "other width": (lambda x, _: heads(output_shape=5)(x, x), False),
    "operations": (lambda x, y: heads()(x + 1.0, y * 2.0), False),
    "grouped": (lambda x, y: grouped()(x, y), False),
    "grouped causal": (lambda x, _: grouped(use_gate=True)(x, x, use_causal_mask=True), False),
    "dot": (lambda x, y: single("Attention")([x, y]), True),
    "dot scaled": (lambda x, y: single("Attention", use_scale=True)([x, y, relu(y)]), True),
    "dot causal": (lambda x, _: single("Attention")([x, x], use_causal_mask=True), True),
    "concat": (
        lambda x, y: single("Attention", score_mode="concat", use_scale=True)([x, y]),
        False,
    ),
    "additive": (lambda x, y: single("AdditiveAttention")([x, y]), True),
    "additive plain": (lambda x, _: single("AdditiveAttention", use_scale=False)([x, x]), False),
}


@pytest.mark.parametrize("name", CASES)
def test_of_one_layer(
    name: str,
    recorded: Callable[..., Any],
    randomized: Callable[..., None],
    close: Callable[..., None],
) -> None:
    import tensorflow as tf

    attend, masked = CASES[name]
    model = build(attend, masked=masked)
    for layer in model.layers:
        randomized(layer, seed=len(layer.name))
    one = recorded(model, {"one": TOKENS, "other": CROSS})
    network = one.network
    assert network.unsupported.keys() <= {n for n in network.nodes if "attention." in n}
    kept = {n: values for n, values in one.by_keras().items() if "attention." in n}
    found = network.forward(one.inputs, one.weights, start=kept)
    for layer, values in one.by_keras().items():
        close(found[layer], values, 1e-5)
    expected = scores_of(model, one, found)
    op = network.op("attention")
    assert isinstance(op, Attending)
    scores = op.scores(network.call("attention", found, one.weights))
    close(scores, expected, 1e-5)
    # Gradients: at all layers, and at the weights.
    seed = np.random.default_rng(3).normal(size=found["out"].shape).astype(np.float32)
    back = network.backward(found, one.weights, {"out": seed})
    if not kept:  # what lies between is not repeated, nor is what lies before it
        variables = model.trainable_variables
        with tf.GradientTape() as tape:
            total = tf.reduce_sum(model(one.inputs)[0] * seed)
        gradients = tape.gradient(total, variables)
        mine = network.weight_gradients(found, one.weights, {"out": seed})
        for variable, gradient in zip(variables, gradients, strict=True):
            if gradient is None:
                continue
            layer, *path = variable.path.split("/")
            close(mine[layer][".".join(path)], tf.convert_to_tensor(gradient), 1e-3)
    assert "attention" in back


def scores_of(model: Any, one: Any, found: Mapping[str, Any]) -> np.ndarray:
    """Scores that Keras gives back when it is asked, (batch, head, query, key)."""
    import keras

    layer = model.get_layer("attention")
    arguments = dict(one.network.nodes["attention"].arguments)
    masks = one.network.call("attention", found, one.weights).masks
    given = {
        name: [found[each] for each in value] if isinstance(value, list) else found[value]
        for name, value in arguments.items()
        if not name.endswith("mask")
    }
    options = {name: True for name, value in arguments.items() if value is True}
    if "inputs" in given:
        tensors = [keras.ops.convert_to_tensor(each) for each in given["inputs"]]
        masked = [masks.get(f"mask {number}") for number in range(len(tensors))]
        known = None if all(mask is None for mask in masked) else masked
        _, scores = layer(tensors, mask=known, return_attention_scores=True, **options)
        return np.asarray(scores)[:, None]
    tensors = {name: keras.ops.convert_to_tensor(each) for name, each in given.items()}
    others = dict(masks)
    if isinstance(layer, keras.layers.MultiHeadAttention) and "query_mask" in masks:
        tensors["query"]._keras_mask = others.pop("query_mask")
    _, scores = layer(**tensors, **others, **options, return_attention_scores=True)
    scores = np.asarray(scores)
    dropout = layer.get_config()["dropout"]
    # A query that may attend to nothing gets 0 here, and in the network a mean of all values.
    nothing = (scores.sum(axis=-1, keepdims=True) == 0) & (dropout == 0)
    return np.where(nothing, np.float32(1 / scores.shape[-1]), scores)


def test_of_half_precision(recorded: Callable[..., Any], close: Callable[..., None]) -> None:
    from keras import layers

    layer = layers.MultiHeadAttention(2, 4, dtype="mixed_float16", name="attention")
    model = build(
        lambda x, _: layer(x, x, use_causal_mask=True), masked=True, dtype="mixed_float16"
    )
    one = recorded(model, {"one": TOKENS, "other": CROSS})
    found = one.network.forward(one.inputs, one.weights)
    close(found["attention"], one.by_keras()["attention"].astype(np.float32), 1e-2)


def test_attention_over_pixels(recorded: Callable[..., Any], close: Callable[..., None]) -> None:
    import keras
    from keras import layers

    for axes in (None, (1,), (2,)):
        x = keras.Input((4, 3, 5), name="x")
        layer = layers.MultiHeadAttention(2, 3, attention_axes=axes, name="attention")
        model = keras.Model(x, layer(x, x))
        pixels = np.random.default_rng(0).normal(size=(2, 4, 3, 5)).astype(np.float32)
        one = recorded(model, {"x": pixels})
        found = one.network.forward(one.inputs, one.weights)
        close(found["attention"], one.by_keras()["attention"], 1e-5)


def test_the_old_way_of_recording_is_said() -> None:
    node = Node("attention", "MultiHeadAttention", {}, ("x", "y"))
    network = Network([Node("x", "InputLayer"), Node("y", "InputLayer"), node])
    assert "older Trainlapse" in network.unsupported["attention"]
    with pytest.raises(NotDerivableError, match="older Trainlapse"):
        network.op("attention")


def test_tied_embeddings_and_positions(
    recorded: Callable[..., Any], randomized: Callable[..., None], close: Callable[..., None]
) -> None:
    import keras
    import tensorflow as tf
    from keras import layers

    from recorder.presets.positions import position_embedding

    tokens = keras.Input((5,), dtype="int32", name="tokens")
    table = layers.ReversibleEmbedding(9, 6, logit_soft_cap=3.0, name="table")
    embedded = table(tokens)
    placed = layers.Add(name="placed")([embedded, position_embedding(7, "places")(embedded)])
    twice = layers.Multiply(name="twice")([placed, placed])
    model = keras.Model(tokens, table(twice, reverse=True))
    for layer in model.layers:
        randomized(layer)
    one = recorded(model, {"tokens": TOKENS})
    assert one.network.unsupported == {}
    found = one.network.forward(one.inputs, one.weights)
    for layer, values in one.by_keras().items():
        close(found[layer], values, 1e-5)
    seed = np.random.default_rng(3).normal(size=found[one.output].shape).astype(np.float32)
    with tf.GradientTape() as tape:
        total = tf.reduce_sum(model(TOKENS) * seed)
    gradients = tape.gradient(total, model.trainable_variables)
    mine = one.network.weight_gradients(found, one.weights, {one.output: seed})
    for variable, gradient in zip(model.trainable_variables, gradients, strict=True):
        layer, name = variable.path.split("/")
        close(mine[layer][name], tf.convert_to_tensor(gradient), 1e-4)
