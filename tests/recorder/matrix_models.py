"""One small network for every way to build one with Keras."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from tests.recorder.networks import (
    CLASSES,
    branched_model,
    conv_model,
    images,
    lstm_model,
    nested_model,
    rows,
    sentences,
)

Data = tuple[Any, Any]


@dataclass(frozen=True)
class Kind:
    """A kind of network, and what it is trained on."""

    build: Callable[[], Any]
    data: Callable[[], Data]
    loss: Any = "sparse_categorical_crossentropy"


def several_inputs_and_outputs() -> Any:
    import keras
    from keras import layers

    row, picture = keras.Input((5,), name="row"), keras.Input((8, 8, 1), name="picture")
    seen = layers.GlobalAveragePooling2D(name="pooled")(layers.Conv2D(3, 3, name="conv")(picture))
    joined = layers.Concatenate(name="joined")([layers.Dense(4, name="dense")(row), seen])
    outputs = {
        "kind": layers.Dense(CLASSES, activation="softmax", name="kind")(joined),
        "size": layers.Dense(1, name="size")(joined),
    }
    return keras.Model({"row": row, "picture": picture}, outputs, name="several")


def several_data() -> Data:
    (row, kind), (picture, _) = rows(), images()
    return {"row": row, "picture": picture}, {"kind": kind, "size": row[:, :1]}


def shared_layers() -> Any:
    """A siamese network: the same block and the same layer for both sides, one of them twice."""
    import keras
    from keras import layers

    left, right = keras.Input((5,), name="left"), keras.Input((5,), name="right")
    block = keras.Sequential(
        [keras.Input((5,)), layers.Dense(5, activation="relu", name="inner")], name="block"
    )
    shared = layers.Dense(5, activation="tanh", name="shared")
    far = layers.Subtract(name="far")([shared(block(left)), shared(shared(block(right)))])
    return keras.Model([left, right], layers.Dense(CLASSES, name="out")(far), name="siamese")


def nested_twice() -> Any:
    import keras
    from keras import layers

    inner = keras.Sequential([keras.Input((5,)), layers.Dense(4, name="deep")], name="inner")
    middle_input = keras.Input((5,))
    middle = keras.Model(middle_input, layers.ReLU(name="relu")(inner(middle_input)), name="middle")
    return keras.Sequential(
        [keras.Input((5,), name="row"), middle, layers.Dense(CLASSES, name="out")], name="outer"
    )


def subclassed() -> Any:
    import keras
    from keras import layers

    class Block(layers.Layer):
        def __init__(self, **options: Any) -> None:
            super().__init__(**options)
            self.dense = layers.Dense(5, activation="relu", name="dense")
            self.norm = layers.BatchNormalization(name="norm")
            self.drop = layers.Dropout(0.5, name="drop")

        def build(self, _: Any) -> None:
            self.scale = self.add_weight(shape=(5,), initializer="ones", name="scale")

        def call(self, inputs: Any, training: bool = False) -> Any:
            hidden = self.norm(self.dense(inputs), training=training)
            return inputs + self.scale * self.drop(hidden, training=training)

    class Net(keras.Model):
        def __init__(self) -> None:
            super().__init__(name="net")
            self.blocks = [Block(name="first"), Block(name="second")]
            self.out = layers.Dense(CLASSES, name="out")

        def call(self, inputs: Any, training: bool = False) -> Any:
            for block in self.blocks:
                inputs = block(inputs, training=training)
            return self.out(inputs)

    return Net()


def bidirectional() -> Any:
    import keras
    from keras import layers

    return keras.Sequential(
        [
            keras.Input((6,), dtype="int32", name="tokens"),
            layers.Embedding(12, 4, mask_zero=True, name="embedding"),
            layers.Bidirectional(
                layers.GRU(3, return_sequences=True),
                backward_layer=layers.SimpleRNN(
                    3, return_sequences=True, go_backwards=True, name="back"
                ),
                merge_mode="sum",
                name="mixed",
            ),
            layers.GlobalAveragePooling1D(name="mean"),
            layers.Dense(CLASSES, name="out"),
        ],
        name="bidirectional",
    )


def time_distributed() -> Any:
    import keras
    from keras import layers

    return keras.Sequential(
        [
            keras.Input((3, 5, 5, 1), name="film"),
            layers.TimeDistributed(layers.Conv2D(2, 3, name="conv"), name="each"),
            layers.TimeDistributed(layers.Flatten(), name="flat"),
            layers.SimpleRNN(3, name="simple"),
            layers.Dense(CLASSES, name="out"),
        ],
        name="films",
    )


def films() -> Data:
    # Small enough for one thread: TensorFlow itself does not always add up the gradients of larger
    # ones in the same order, so that two trainings without a recorder differ in their last bits.
    generator = np.random.default_rng(4)
    return generator.normal(size=(32, 3, 5, 5, 1)).astype(np.float32), images()[1]


def frozen_layers() -> Any:
    model = conv_model()
    model.get_layer("conv").trainable = False
    return model


def normalized() -> Any:
    import keras
    from keras import layers

    return keras.Sequential(
        [
            keras.Input((8, 8, 1), name="image"),
            layers.Conv2D(3, 3, name="conv"),
            layers.BatchNormalization(momentum=0.5, name="norm"),
            layers.SpatialDropout2D(0.5, name="maps"),
            layers.GaussianNoise(0.5, name="noise"),
            layers.Flatten(name="flat"),
            layers.Dropout(0.5, name="drop"),
            layers.Dense(CLASSES, name="out"),
        ],
        name="normalized",
    )


def attention() -> Any:
    import keras
    from keras import layers

    tokens = keras.Input((6,), dtype="int32", name="tokens")
    hidden = layers.Embedding(12, 4, name="embedding")(tokens)
    seen = layers.MultiHeadAttention(2, 3, name="attention")(hidden, hidden)
    hidden = layers.LayerNormalization(name="norm")(hidden + seen)
    pooled = layers.GlobalAveragePooling1D(name="pooled")(hidden)
    return keras.Model(tokens, layers.Dense(CLASSES, name="out")(pooled), name="transformer")


def of_logits() -> Any:
    import keras

    return keras.losses.SparseCategoricalCrossentropy(from_logits=True)


def pairs() -> Data:
    (left, y), (right, _) = rows(), rows()
    return [left, right[::-1].copy()], y


KINDS = {
    "sequential": Kind(conv_model, images),
    "functional": Kind(branched_model, rows),
    "recurrent": Kind(lstm_model, sentences),
    "nested": Kind(nested_model, rows),
    "nested twice": Kind(nested_twice, rows, of_logits),
    "several inputs and outputs": Kind(
        several_inputs_and_outputs,
        several_data,
        {"kind": "sparse_categorical_crossentropy", "size": "mse"},
    ),
    "shared layers": Kind(shared_layers, pairs, of_logits),
    "subclassed": Kind(subclassed, rows, of_logits),
    "bidirectional": Kind(bidirectional, sentences, of_logits),
    "time distributed": Kind(time_distributed, films, of_logits),
    "frozen layers": Kind(frozen_layers, images),
    "batch norm and dropout": Kind(normalized, images, of_logits),
    "attention": Kind(attention, sentences, of_logits),
}


def compiled_kind(kind: Kind, **options: Any) -> Any:
    import keras

    keras.utils.set_random_seed(7)
    model = kind.build()
    loss = kind.loss() if callable(kind.loss) else kind.loss
    model.compile(optimizer="sgd", loss=loss, **options)
    return model
