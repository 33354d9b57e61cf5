from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from recorder import Probe
from recorder.keras.configuration import json_safe
from recorder.keras.inputs import Feed
from recorder.keras.layers import activation_dims, layer_kind
from recorder.keras.structure import describe
from recorder.keras.trace import trace
from store.format.keras_names import weight_names
from store.format.spec import RunSpec
from store.format.spec_check import problems
from tests.recorder.networks import branched_model, conv_model, lstm_model, nested_model


def structure(model: Any, inputs: Any) -> Any:
    feed = Feed.of(Probe(inputs))
    return describe(model, trace(model, feed), feed)


def layers_of(model: Any, inputs: Any) -> dict[str, Any]:
    described = structure(model, inputs)
    assert not problems(RunSpec("test", described.layers, outputs=described.outputs))
    return {layer.name: layer for layer in described.layers}


@pytest.mark.parametrize(
    ("name", "options", "kind"),
    [
        ("Conv2D", {"filters": 2, "kernel_size": 3}, "conv"),
        ("Conv1DTranspose", {"filters": 2, "kernel_size": 3}, "conv"),
        ("DepthwiseConv2D", {"kernel_size": 3}, "conv"),
        ("SeparableConv1D", {"filters": 2, "kernel_size": 3}, "conv"),
        ("Activation", {"activation": "relu"}, "activation"),
        ("Activation", {"activation": "softmax"}, "softmax"),
        ("LeakyReLU", {}, "activation"),
        ("Softmax", {}, "softmax"),
        ("AveragePooling1D", {"pool_size": 2}, "pooling"),
        ("GlobalMaxPooling2D", {}, "pooling"),
        ("Dense", {"units": 2}, "dense"),
        ("SimpleRNN", {"units": 2}, "recurrent"),
        ("ConvLSTM2D", {"filters": 2, "kernel_size": 3}, "recurrent"),
        ("Embedding", {"input_dim": 2, "output_dim": 2}, "embedding"),
        ("BatchNormalization", {}, "normalization"),
        ("GroupNormalization", {}, "normalization"),
        ("MultiHeadAttention", {"num_heads": 2, "key_dim": 2}, "attention"),
        ("AdditiveAttention", {}, "attention"),
        ("Concatenate", {}, "merge"),
        ("Dot", {"axes": 1}, "merge"),
        ("Flatten", {}, "reshape"),
        ("ZeroPadding2D", {}, "reshape"),
        ("SpatialDropout1D", {"rate": 0.1}, "regularization"),
        ("GaussianNoise", {"stddev": 0.1}, "regularization"),
        ("Identity", {}, "other"),
        ("Rescaling", {"scale": 2.0}, "other"),
    ],
)
def test_kind_of_keras_layers(name: str, options: dict[str, Any], kind: str) -> None:
    import keras

    assert layer_kind(getattr(keras.layers, name)(**options)) == kind


def test_kind_of_wrapped_and_derived_layers() -> None:
    import keras
    from keras import layers

    class MyConv(layers.Conv2D):
        pass

    class Dense(layers.Layer):
        """Somebody's own layer: only the name is that of Keras's."""

    assert layer_kind(MyConv(2, 3)) == "conv"
    assert layer_kind(Dense()) == "other"
    assert layer_kind(layers.TimeDistributed(layers.Dense(2))) == "dense"
    assert layer_kind(layers.Bidirectional(layers.LSTM(2))) == "recurrent"
    assert layer_kind(layers.Activation(keras.activations.softmax)) == "softmax"


def test_a_convolutional_network() -> None:
    layers = layers_of(conv_model(), np.zeros((2, 8, 8, 1), np.float32))
    assert list(layers) == [
        *("image", "conv", "relu", "pool", "flatten", "dropout", "logits", "softmax")
    ]
    assert layers["image"].kind == "input"
    assert not layers["image"].array_specs()
    conv = layers["conv"]
    assert conv.output_dims == ("probe", "y", "x", "unit")
    assert conv.output_shape == (2, 6, 6, 4)
    assert [(w.name, w.dims, w.shape) for w in conv.weights] == [
        ("kernel", ("kernel_y", "kernel_x", "in_unit", "unit"), (3, 3, 1, 4)),
        ("bias", ("unit",), (4,)),
    ]
    assert conv.parameters == 40
    assert conv.config["strides"] == [1, 1]
    assert layers["flatten"].output_dims == ("probe", "unit")
    assert layers["dropout"].inbound == ("flatten",)
    assert layers["logits"].inbound == ("dropout",)
    assert structure(conv_model(), np.zeros((2, 8, 8, 1))).outputs == ("softmax",)


@pytest.mark.slow
def test_a_recurrent_network() -> None:
    layers = layers_of(lstm_model(), np.ones((2, 6), np.int32))
    lstm, both = layers["lstm"], layers["both"]
    assert layers["embedding"].output_dims == ("probe", "token", "unit")
    assert layers["embedding"].weights[0].dims == ("word", "unit")
    assert lstm.output_dims == ("probe", "token", "unit")
    assert {w.name: w.dims for w in lstm.weights} == {
        "kernel": ("in_unit", "gate_unit"),
        "recurrent_kernel": ("unit", "gate_unit"),
        "bias": ("gate_unit",),
    }
    # The mask takes a way of its own to the LSTM, but it is not what the layer looks at.
    assert lstm.inbound == ("embedding",)
    assert [w.name for w in both.weights] == [
        f"{direction}_gru.{name}"
        for direction in ("forward", "backward")
        for name in ("kernel", "recurrent_kernel", "bias")
    ]
    assert both.weights[2].dims == ("bias_part", "gate_unit")
    assert both.output_dims == ("probe", "unit")


def test_branches_merge_in_the_graph() -> None:
    layers = layers_of(branched_model(), np.zeros((3, 5), np.float32))
    assert {name: layer.inbound for name, layer in layers.items()} == {
        "row": (),
        "left": ("row",),
        "right": ("row",),
        "norm": ("right",),
        "joined": ("left", "norm"),
        "out": ("joined", "left"),  # through a sum and a product that are no layers
    }
    assert {w.name for w in layers["norm"].weights} == {
        *("gamma", "beta", "moving_mean", "moving_variance")
    }
    assert [w.trainable for w in layers["norm"].weights] == [True, True, False, False]


def test_nested_models_are_flattened() -> None:
    layers = layers_of(nested_model(), np.zeros((3, 5), np.float32))
    assert list(layers) == ["row", "dense", "block.dense", "block.norm", "out"]
    assert layers["block.dense"].inbound == ("dense",)
    assert layers["block.dense"].parameters == layers["dense"].parameters == 30


def test_each_call_of_a_shared_layer_is_told_apart() -> None:
    import keras

    inputs = keras.Input((5,), name="row")
    shared = keras.layers.Dense(5, name="shared")
    model = keras.Model(inputs, shared(shared(inputs)))
    layers = layers_of(model, np.zeros((3, 5), np.float32))
    assert layers["shared_2"].inbound == ("shared",)
    assert [len(layers[name].weights) for name in ("shared", "shared_2")] == [2, 0]


def test_a_layer_that_passes_its_input_on_is_told_from_its_source() -> None:
    import keras

    inputs = keras.Input((5,), name="row")
    hidden = keras.layers.Dense(5, name="hidden")(inputs)
    dropped = keras.layers.Dropout(0.5, name="dropped")(hidden)
    joined = keras.layers.Add(name="joined")([hidden, dropped])
    layers = layers_of(keras.Model(inputs, joined), np.zeros((3, 5), np.float32))
    assert layers["joined"].inbound == ("hidden", "dropped")


def test_custom_layers_are_recorded_with_what_is_inside() -> None:
    import keras

    class Residual(keras.layers.Layer):
        def __init__(self, **options: Any) -> None:
            super().__init__(**options)
            self.inner = keras.layers.Dense(5, name="inner")
            self.unused = keras.layers.Dense(2, name="unused")

        def build(self, _: Any) -> None:
            self.scale = self.add_weight(shape=(5,), name="scale")
            self.unused.build((None, 5))

        def call(self, inputs: Any) -> Any:
            return inputs + self.inner(inputs) * self.scale

    model = keras.Sequential([keras.Input((5,), name="row"), Residual(name="residual")])
    layers = layers_of(model, np.zeros((3, 5), np.float32))
    assert list(layers) == ["row", "residual.inner", "residual", "residual.unused"]
    assert [w.name for w in layers["residual"].weights] == ["scale"]
    assert layers["residual"].inbound == ("row", "residual.inner")
    assert not layers["residual.unused"].has_activation
    assert len(layers["residual.unused"].weights) == 2


def test_a_subclassed_model_whose_output_is_no_layer() -> None:
    import keras

    class Halved(keras.Model):
        def __init__(self) -> None:
            super().__init__(name="halved")
            self.dense = keras.layers.Dense(4, name="dense")

        def call(self, inputs: Any) -> Any:
            return self.dense(inputs) / 2

    model = Halved()
    described = structure(model, np.zeros((3, 5), np.float32))
    assert [layer.name for layer in described.layers] == ["input", "dense", "halved"]
    assert described.layers[2].inbound == ("dense",)
    assert described.outputs == ("halved",)


def test_several_inputs_are_layers_of_their_own() -> None:
    import keras

    first, second = keras.Input((2,), name="first"), keras.Input((3,), name="second")
    joined = keras.layers.Concatenate(name="joined")([first, second])
    inputs = {"second": np.zeros((4, 3)), "first": np.zeros((4, 2))}
    layers = layers_of(keras.Model([first, second], joined), inputs)
    assert layers["joined"].inbound == ("first", "second")
    assert layers["first"].kind == layers["second"].kind == "input"


@pytest.mark.parametrize(
    ("kind", "shape", "channels_first", "dims"),
    [
        ("dense", (2, 3), False, ("probe", "unit")),
        ("conv", (2, 9, 3), False, ("probe", "token", "unit")),
        ("conv", (2, 3, 8, 8), True, ("probe", "unit", "y", "x")),
        ("conv", (2, 4, 8, 8, 3), False, ("probe", "z", "y", "x", "unit")),
        ("recurrent", (2, 4, 8, 8, 3), False, ("probe", "token", "y", "x", "unit")),
        ("other", (2,), False, ("probe",)),
        ("other", (2, 1, 1, 1, 1, 3), False, ("probe", "dim_1", "dim_2", "dim_3", "dim_4", "unit")),
    ],
)
def test_names_of_the_axes(kind: str, shape: Any, channels_first: bool, dims: Any) -> None:
    assert activation_dims(kind, shape, channels_first=channels_first) == dims


def test_a_film_is_no_volume() -> None:
    from keras import Input, Sequential, layers

    film = np.zeros((2, 3, 8, 8, 1), np.float32)
    found = layers_of(
        Sequential([Input((3, 8, 8, 1)), layers.TimeDistributed(layers.Conv2D(2, 3), name="each")]),
        film,
    )
    assert found["each"].output_dims == ("probe", "token", "y", "x", "unit")
    found = layers_of(Sequential([Input((3, 8, 8, 1)), layers.Conv3D(2, 3, name="all")]), film)
    assert found["all"].output_dims == ("probe", "z", "y", "x", "unit")


def test_channels_first_is_handed_on() -> None:
    import keras

    model = keras.Sequential(
        [
            keras.Input((1, 8, 8), name="image"),
            keras.layers.ZeroPadding2D(data_format="channels_first", name="pad"),
            keras.layers.ReLU(name="relu"),
        ]
    )
    layers = layers_of(model, np.zeros((2, 1, 8, 8), np.float32))
    assert layers["relu"].output_dims == ("probe", "unit", "y", "x")


def test_sizes_that_differ_get_names_that_differ() -> None:
    import keras

    model = keras.Sequential(
        [
            keras.Input((8, 8, 2), name="image"),
            keras.layers.DepthwiseConv2D(3, depth_multiplier=3, name="depth"),
            keras.layers.SeparableConv2D(5, 3, name="separable"),
        ]
    )
    layers = layers_of(model, np.zeros((2, 8, 8, 2), np.float32))
    for name in ("depth", "separable"):
        sizes: dict[str, int] = {}
        for array in layers[name].array_specs():
            for dim, size in zip(array.dims[1:], array.frame_shape, strict=True):
                assert sizes.setdefault(dim, size) == size


def test_weights_of_stacked_cells_keep_their_cells() -> None:
    paths = ["net/rnn/cells/lstm_cell/kernel", "net/rnn/cells/lstm_cell_1/kernel"]
    assert weight_names(paths) == ["lstm_cell.kernel", "lstm_cell_1.kernel"]


def test_json_of_anything() -> None:
    value = {
        "a": np.float32(0.5),
        "b": float("inf"),
        "c": {1, 2},
        "d": np.arange(2),
        "e": max,
        3: None,
    }
    safe = json_safe(value)
    assert json.loads(json.dumps(safe, allow_nan=False)) == safe
    assert safe == {"a": 0.5, "b": "inf", "c": [1, 2], "d": [0, 1], "e": "max", "3": None}
