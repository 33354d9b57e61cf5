"""Blocks: what a network repeats, found in known architectures and in any graph."""

from __future__ import annotations

import collections

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from explorer.derived.network.blocks import contracted, find_blocks
from explorer.derived.network.graph_layout import all_blocks
from tests.explorer.derived.network import architectures
from tests.explorer.derived.network.architectures import facts_of


def kinds(blocks):
    return dict(collections.Counter(block.kind for block in blocks))


def check(facts, blocks):
    """Blocks share no layer, are in network order, and leave no circle when they are closed."""
    order = {name: at for at, name in enumerate(facts.classes)}
    layers = [layer for block in blocks for layer in block.layers]
    assert len(set(layers)) == len(layers)
    owners = {layer: f"#{at}" for at, block in enumerate(blocks) for layer in block.layers}
    assert contracted(facts.inbound, owners) is not None
    assert [order[block.layers[0]] for block in blocks] == sorted(
        order[block.layers[0]] for block in blocks
    )
    for block in all_blocks(blocks):
        assert len(block.layers) > 1
        assert [*block.layers] == sorted(block.layers, key=order.get)
        held = [layer for inner in block.blocks for layer in inner.layers]
        assert len(set(held)) == len(held)
        assert {*held} <= {*block.layers}


# What the architectures' papers say, with the names that Keras gives their parts; then how many
# boxes are left of how many layers.
PUBLISHED = {
    "ResNet50": ({"residual": 16}, ("conv2_block1", "conv5_block3"), 25),
    "ResNet50V2": ({"residual": 16}, ("conv2_block1", "conv5_block3"), 25),
    "MobileNetV2": ({"residual": 10, "chain": 6}, ("block_1", "block_16"), 30),
    "MobileNetV3Small": (
        {"residual": 6, "gated": 4, "chain": 1},
        ("expanded_conv_squeeze_excite", "expanded_conv_10"),
        32,
    ),
    "EfficientNetB0": ({"residual": 9, "gated": 7}, ("block1a", "block7a"), 29),
    "Xception": ({"residual": 12, "chain": 2}, ("block1", "block14"), 17),
    "InceptionV3": ({"inception": 11}, ("mixed0", "mixed10"), 31),
    "DenseNet121": ({"chain": 1, "dense": 4}, ("conv1", "conv5"), 25),
    "ConvNeXtTiny": (
        {"residual": 18},
        ("convnext_tiny_stage_0_block_0", "convnext_tiny_stage_3_block_2"),
        27,
    ),
    "VGG16": ({}, (), 23),
}


# They take seconds to build.
BY_DEFAULT = ("ResNet50V2", "MobileNetV3Small")


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=() if name in BY_DEFAULT else pytest.mark.full)
        for name in PUBLISHED
    ],
)
def test_blocks_of_published_architectures(name):
    import keras

    made, ends, boxes = PUBLISHED[name]
    build = getattr(keras.applications, name)
    facts = facts_of(build(weights=None, input_shape=(96, 96, 3), classes=3))
    blocks = find_blocks(*facts)
    check(facts, blocks)
    assert kinds(blocks) == made
    assert tuple(block.name for block in (blocks[:1] + blocks[-1:])) == ends
    assert len(facts.classes) - sum(len(b.layers) for b in blocks) + len(blocks) == boxes
    if name == "DenseNet121":
        dense = blocks[1:]
        assert [len(block.blocks) for block in dense] == [6, 12, 24, 16]
        assert dense[1].blocks[3].name == "conv3_block4"
        assert {len(inner.layers) for block in dense for inner in block.blocks} == {7}


@pytest.mark.parametrize(
    ("build", "made", "sizes"),
    [
        (architectures.vit, {"transformer": 3}, {7}),
        (architectures.transformer_of_sums, {"transformer": 3}, {4}),
        (architectures.original_transformer, {"transformer": 4}, {9, 13}),
        (architectures.all_joined, {"dense": 2}, {6}),
        (architectures.unet, {}, set()),
        (lambda: architectures.unet(cropped=True), {}, set()),
        (lambda: architectures.unet(residual=True), {"residual": 7}, {4}),
        (architectures.text_cnn, {}, set()),
        (architectures.lenet, {}, set()),
    ],
    ids=[
        "vit",
        "sums",
        "original",
        "all-joined",
        "unet",
        "cropped",
        "residual-unet",
        "text-cnn",
        "lenet",
    ],
)
def test_blocks_of_models_written_by_hand(build, made, sizes):
    facts = facts_of(build())
    blocks = find_blocks(*facts)
    check(facts, blocks)
    assert kinds(blocks) == made
    assert {len(block.layers) for block in blocks} == sizes


def test_layers_of_layers_are_blocks_and_called_by_their_names(recorded):
    """A layer of one's own is found by the way to what it is made of, with what it gives."""
    import keras
    from keras import layers as kl

    class Encoder(kl.Layer):
        def __init__(self, **given):
            super().__init__(**given)
            self.normalize, self.attend = kl.LayerNormalization(), kl.MultiHeadAttention(2, 4)
            self.again, self.widen = kl.LayerNormalization(), kl.Dense(8)
            self.first, self.second = kl.Add(), kl.Add()

        def call(self, x):
            y = self.normalize(x)
            x = self.first([x, self.attend(y, y)])
            return self.second([x, self.widen(self.again(x))])

    model = keras.Sequential([keras.Input((5, 8)), Encoder(name="one"), Encoder(name="two"),
                              kl.Dense(3)])  # fmt: skip
    network = recorded(model, {"words": np.zeros((3, 5, 8), np.float32)}).network
    classes = {node.name: node.class_name for node in network.nodes.values()}
    inbound = {node.name: node.inbound for node in network.nodes.values()}
    blocks = find_blocks(classes, inbound)
    assert [(block.name, block.kind, len(block.layers)) for block in blocks] == [
        ("one", "transformer", 7),
        ("two", "transformer", 7),
    ]


def chain(*parts):
    """A network of parts behind each other: a name alone, or a residual of names."""
    classes, inbound, last = {"x": "InputLayer"}, {"x": []}, "x"
    for part in parts:
        first, *rest = [part] if isinstance(part, str) else part
        before = last
        for name in (first, *rest):
            classes[name], inbound[name], last = "Dense", [last], name
        if rest:
            classes[last], inbound[last] = "Add", [before, rest[-2] if rest[1:] else first]
    return classes, inbound


def test_a_block_takes_in_what_is_named_like_it_and_what_is_built_like_it():
    parts = (["b1_a", "b1_sum"], "b1_out", "b2_a", "b2_b", ["b3_a", "b3_sum"], "b10_a", "head")
    found = find_blocks(*chain(*parts))
    assert [(b.name, b.kind, len(b.layers)) for b in found] == [
        ("b1", "residual", 3),
        ("b2", "chain", 2),
        ("b3", "residual", 2),
    ]


@pytest.mark.parametrize(
    "parts",
    [
        (["a", "sum"], "b", "c", "d"),  # once
        ("dense_1", "dense_2", "dense_3_1"),
        ("conv1_a", "conv1_b", "conv2_a", "conv2_b"),  # no forks
        (),
    ],
)
def test_what_repeats_nothing_has_no_blocks(parts):
    assert find_blocks(*chain(*parts)) == ()


WORDS = ("a", "b1", "b2", "conv2d", "n.a", "n.b1_c", "m.x", "m.n.y")
CLASSES = (
    "Dense",
    "Add",
    "Concatenate",
    "Multiply",
    "ReLU",
    "MultiHeadAttention",
    "LayerNormalization",
)


@st.composite
def networks(draw):
    """Any graph without a circle, with names that say anything."""
    classes, inbound = {}, {}
    for number in range(draw(st.integers(0, 24))):
        name = f"{draw(st.sampled_from(WORDS))}_{number}"
        known = [*classes]
        near = st.sampled_from(known[-5:]) if known else st.nothing()
        inbound[name] = draw(st.lists(near, max_size=3, unique=True)) if known else []
        classes[name] = draw(st.sampled_from(CLASSES))
    operated = draw(st.frozensets(st.sampled_from([*classes]))) if classes else frozenset()
    return architectures.Facts(classes, inbound, operated)


@given(networks())
def test_blocks_of_any_graph_can_be_closed(facts):
    check(facts, find_blocks(*facts))
