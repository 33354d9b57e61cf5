"""Networks that see pictures."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import layers, ops

from benchmarks.trainings.attempt import Attempt
from benchmarks.trainings.catalogue import training
from benchmarks.trainings.data import CLASSES, images


@training()
def classifier(attempt: Attempt) -> None:
    """Convolutions, pooling, dropout, dense: the classifier of every introduction."""
    x, y = images()
    model = keras.Sequential(
        [
            keras.Input(x.shape[1:]),
            layers.Conv2D(4, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Conv2D(6, 3, activation="relu"),
            layers.Flatten(),
            layers.Dropout(0.5),
            layers.Dense(CLASSES, activation="softmax"),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    callbacks = attempt.callbacks(model, x[:6], y[:6])
    model.fit(x, y, batch_size=8, epochs=2, validation_split=0.25, verbose=0, callbacks=callbacks)


@training()
def resnet(attempt: Attempt) -> None:
    """Residual blocks with batch normalization, one of them with a projection."""

    def block(x: Any, filters: int, stride: int) -> Any:
        short = x
        x = layers.Conv2D(filters, 3, stride, padding="same", use_bias=False)(x)
        x = layers.ReLU()(layers.BatchNormalization()(x))
        x = layers.Conv2D(filters, 3, padding="same", use_bias=False)(x)
        x = layers.BatchNormalization()(x)
        if stride > 1:
            short = layers.Conv2D(filters, 1, stride, use_bias=False)(short)
            short = layers.BatchNormalization()(short)
        return layers.ReLU()(layers.Add()([x, short]))

    x, y = images(channels=3)
    inputs = keras.Input(x.shape[1:])
    hidden = layers.ReLU()(layers.Conv2D(4, 3, padding="same")(inputs))
    hidden = block(block(hidden, 4, 1), 8, 2)
    outputs = layers.Dense(CLASSES)(layers.GlobalAveragePooling2D()(hidden))
    model = keras.Model(inputs, outputs)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.SGD(0.05, momentum=0.9), loss, metrics=["accuracy"])
    callbacks = attempt.callbacks(model, x[:6], y[:6])
    model.fit(x, y, batch_size=8, epochs=2, verbose=0, callbacks=callbacks)


@training()
def efficientnet(attempt: Attempt) -> None:
    """Inverted bottlenecks with depthwise convolutions, squeeze and excitation, swish."""

    def bottleneck(x: Any, filters: int, stride: int) -> Any:
        channels = x.shape[-1]
        y = layers.Conv2D(2 * channels, 1, use_bias=False)(x)
        y = layers.Activation("swish")(layers.BatchNormalization()(y))
        y = layers.DepthwiseConv2D(3, stride, padding="same", use_bias=False)(y)
        y = layers.Activation("swish")(layers.BatchNormalization()(y))
        squeezed = layers.GlobalAveragePooling2D(keepdims=True)(y)
        squeezed = layers.Conv2D(channels // 2, 1, activation="swish")(squeezed)
        excited = layers.Conv2D(2 * channels, 1, activation="sigmoid")(squeezed)
        y = layers.Multiply()([y, excited])
        y = layers.BatchNormalization()(layers.Conv2D(filters, 1, use_bias=False)(y))
        return layers.Add()([layers.Dropout(0.2)(y), x]) if y.shape == x.shape else y

    x, y = images(channels=3)
    inputs = keras.Input(x.shape[1:])
    hidden = layers.Normalization(mean=[0.3] * 3, variance=[0.1] * 3)(inputs)
    hidden = layers.ZeroPadding2D(((0, 1), (0, 1)))(layers.Rescaling(2.0)(hidden))
    hidden = layers.Conv2D(4, 3, 2, activation="swish")(hidden)
    hidden = bottleneck(bottleneck(hidden, 4, 1), 6, 2)
    hidden = layers.Dropout(0.2)(layers.GlobalAveragePooling2D()(hidden))
    model = keras.Model(inputs, layers.Dense(CLASSES, activation="softmax")(hidden))
    model.compile("rmsprop", keras.losses.CategoricalCrossentropy(label_smoothing=0.1))
    callbacks = attempt.callbacks(model, x[:6], y[:6])
    targets = keras.utils.to_categorical(y, CLASSES)
    model.fit(x, targets, batch_size=8, epochs=2, verbose=0, callbacks=callbacks)


@training()
def augmentation(attempt: Attempt) -> None:
    """Random flips, turns and contrast as layers of the model itself."""
    x, y = images(channels=3)
    model = keras.Sequential(
        [
            keras.Input(x.shape[1:]),
            layers.RandomFlip("horizontal"),
            layers.RandomRotation(0.1),
            layers.RandomContrast(0.2),
            layers.Rescaling(2.0, offset=-1.0),
            layers.SeparableConv2D(6, 3, activation="relu"),
            layers.AveragePooling2D(2),
            layers.GlobalMaxPooling2D(),
            layers.Dense(CLASSES, activation="softmax"),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy")
    callbacks = attempt.callbacks(model, x[:6], y[:6])
    model.fit(x, y, batch_size=8, epochs=2, verbose=0, callbacks=callbacks)


@training()
def fine_tuning(attempt: Attempt) -> None:
    """A trained base, frozen at first; then it is thawed and the model compiled anew."""
    x, y = images(channels=3)
    base = keras.Sequential(
        [
            keras.Input(x.shape[1:]),
            layers.Conv2D(4, 3, activation="relu"),
            layers.BatchNormalization(),
            layers.Conv2D(6, 3, activation="relu"),
        ],
        name="base",
    )
    base.trainable = False
    inputs = keras.Input(x.shape[1:])
    hidden = base(layers.Rescaling(2.0, offset=-1.0)(inputs), training=False)
    hidden = layers.Dropout(0.2)(layers.GlobalAveragePooling2D()(hidden))
    model = keras.Model(inputs, layers.Dense(CLASSES)(hidden))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(1e-2), loss)
    callbacks = attempt.callbacks(model, x[:6], y[:6])
    model.fit(x, y, batch_size=8, verbose=0, callbacks=callbacks)
    base.trainable = True
    model.compile(keras.optimizers.SGD(1e-3), loss)
    model.fit(x, y, batch_size=8, verbose=0, callbacks=callbacks)


@training()
def unet(attempt: Attempt) -> None:
    """Down and up again with bridges between equal sizes; a class for every pixel."""
    x, _ = images(side=16)
    masks = (x > 0.5).astype(np.int32)
    inputs = keras.Input(x.shape[1:])
    first = layers.Conv2D(4, 3, padding="same", activation="relu")(inputs)
    second = layers.Conv2D(8, 3, padding="same", activation="relu")(layers.MaxPooling2D()(first))
    hidden = layers.MaxPooling2D()(layers.SpatialDropout2D(0.2)(second))
    hidden = layers.Conv2D(8, 3, padding="same", activation="relu")(hidden)
    hidden = layers.Conv2DTranspose(8, 2, 2)(hidden)
    hidden = layers.Concatenate()([hidden, second])
    hidden = layers.Conv2D(4, 3, padding="same", activation="relu")(layers.UpSampling2D()(hidden))
    hidden = layers.Concatenate()([hidden, first])
    model = keras.Model(inputs, layers.Conv2D(2, 1, activation="softmax")(hidden))
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    callbacks = attempt.callbacks(model, x[:4], masks[:4])
    model.fit(x, masks, batch_size=8, epochs=2, verbose=0, callbacks=callbacks)


@training()
def super_resolution(attempt: Attempt) -> None:
    """Pixels of channels are shuffled into a picture of twice the size; the loss is a picture's."""

    class DepthToSpace(layers.Layer):
        def call(self, inputs: Any) -> Any:
            size, height, width, _ = ops.shape(inputs)
            blocks = ops.reshape(inputs, (size, height, width, 2, 2, 1))
            moved = ops.transpose(blocks, (0, 1, 3, 2, 4, 5))
            return ops.reshape(moved, (size, 2 * height, 2 * width, 1))

    sharp, _ = images(side=16)
    coarse = sharp[:, ::2, ::2]
    inputs = keras.Input((None, None, 1))  # of any size
    hidden = layers.Conv2D(6, 5, padding="same", activation="tanh")(inputs)
    outputs = DepthToSpace()(layers.Conv2D(4, 3, padding="same")(hidden))
    model = keras.Model(inputs, outputs)
    model.compile("adam", "mean_squared_error")
    callbacks = attempt.callbacks(model, coarse[:4], sharp[:4])
    model.fit(coarse, sharp, batch_size=8, epochs=2, verbose=0, callbacks=callbacks)


@training()
def localization(attempt: Attempt) -> None:
    """Two heads on one trunk: what is to be seen, and the box that it is in."""
    x, y = images()
    corners = np.array([[0, 0, 0.5, 0.5], [0, 0.5, 0.5, 1], [0.5, 0, 1, 0.5]], np.float32)[y]
    inputs = keras.Input(x.shape[1:], name="picture")
    trunk = layers.Flatten()(layers.Conv2D(4, 3, activation="relu")(inputs))
    heads = {
        "kind": layers.Dense(CLASSES, activation="softmax", name="kind")(trunk),
        "box": layers.Dense(4, activation="sigmoid", name="box")(trunk),
    }
    model = keras.Model(inputs, heads)
    model.compile("adam", {"kind": "sparse_categorical_crossentropy", "box": "huber"})
    callbacks = attempt.callbacks(model, x[:6], y[:6])
    targets = {"kind": y, "box": corners}
    model.fit(x, targets, batch_size=8, epochs=2, verbose=0, callbacks=callbacks)


class Patches(layers.Layer):
    """Cuts pictures into squares, each a vector."""

    def __init__(self, size: int, **options: Any) -> None:
        super().__init__(**options)
        self.size = size

    def call(self, inputs: Any) -> Any:
        """Give (picture, patch, value)."""
        patches = ops.image.extract_patches(inputs, self.size)
        return ops.reshape(patches, (ops.shape(inputs)[0], -1, patches.shape[-1]))


class PatchEncoder(layers.Layer):
    """Projects patches and adds where they are."""

    def __init__(self, patches: int, width: int, **options: Any) -> None:
        super().__init__(**options)
        self.patches = patches
        self.projection = layers.Dense(width)
        self.positions = layers.Embedding(patches, width)

    def call(self, inputs: Any) -> Any:
        """Give (picture, patch, width)."""
        return self.projection(inputs) + self.positions(ops.arange(self.patches))


@training()
def vit(attempt: Attempt) -> None:
    """A vision transformer: patches, positions, attention among the patches."""
    x, y = images()
    inputs = keras.Input(x.shape[1:])
    hidden = PatchEncoder(9, 8)(Patches(4)(inputs))
    for _ in range(2):
        normed = layers.LayerNormalization(epsilon=1e-6)(hidden)
        seen = layers.MultiHeadAttention(num_heads=2, key_dim=4, dropout=0.1)(normed, normed)
        hidden = layers.Add()([seen, hidden])
        deep = layers.Dense(16, activation="gelu")(layers.LayerNormalization()(hidden))
        hidden = layers.Add()([layers.Dropout(0.1)(layers.Dense(8)(deep)), hidden])
    hidden = layers.Flatten()(layers.LayerNormalization()(hidden))
    model = keras.Model(inputs, layers.Dense(CLASSES)(hidden))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.AdamW(1e-3, weight_decay=1e-4), loss)
    callbacks = attempt.callbacks(model, x[:6], y[:6])
    model.fit(x, y, batch_size=8, epochs=2, verbose=0, callbacks=callbacks)


@training()
def mixer(attempt: Attempt) -> None:
    """Dense layers over patches and over channels in turn, in layers of one's own."""

    class Mixing(layers.Layer):
        def __init__(self, patches: int, width: int, **options: Any) -> None:
            super().__init__(**options)
            self.over_patches = keras.Sequential(
                [layers.Dense(patches), layers.Activation("gelu"), layers.Dropout(0.1)]
            )
            self.over_channels = keras.Sequential(
                [layers.Dense(width, activation="gelu"), layers.Dropout(0.1)]
            )
            self.normalize = layers.LayerNormalization(epsilon=1e-6)

        def call(self, inputs: Any) -> Any:
            turned = ops.transpose(self.normalize(inputs), (0, 2, 1))
            mixed = ops.transpose(self.over_patches(turned), (0, 2, 1)) + inputs
            return mixed + self.over_channels(self.normalize(mixed))

    x, y = images()
    model = keras.Sequential(
        [
            keras.Input(x.shape[1:]),
            Patches(4),
            PatchEncoder(9, 8),
            Mixing(9, 8),
            Mixing(9, 8),
            layers.GlobalAveragePooling1D(),
            layers.Dense(CLASSES, activation="softmax"),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy")
    callbacks = attempt.callbacks(model, x[:6], y[:6])
    model.fit(x, y, batch_size=8, epochs=2, verbose=0, callbacks=callbacks)


@training()
def siamese(attempt: Attempt) -> None:
    """One tower for two pictures, and whether they show the same; a list of inputs."""
    x, y = images()
    first, second = x, np.roll(x, 1, axis=0)[np.arange(len(x)) // 2 * 2]
    same = (y == np.roll(y, 1)[np.arange(len(y)) // 2 * 2]).astype(np.float32)
    tower = keras.Sequential(
        [
            keras.Input(x.shape[1:]),
            layers.Conv2D(4, 4, activation="tanh"),
            layers.AveragePooling2D(2),
            layers.Flatten(),
            layers.Dense(5, activation="tanh"),
        ],
        name="tower",
    )

    def distance(pair: Any) -> Any:
        squares = ops.sum(ops.square(pair[0] - pair[1]), axis=1, keepdims=True)
        return ops.sqrt(ops.maximum(squares, keras.config.epsilon()))

    left, right = keras.Input(x.shape[1:]), keras.Input(x.shape[1:])
    apart = layers.Lambda(distance, output_shape=(1,))([tower(left), tower(right)])
    outputs = layers.Dense(1, activation="sigmoid")(layers.BatchNormalization()(apart))
    model = keras.Model([left, right], outputs)

    def contrastive(truth: Any, predicted: Any) -> Any:
        near, far = ops.square(predicted), ops.square(ops.maximum(1 - predicted, 0))
        return ops.mean(truth * near + (1 - truth) * far)

    model.compile("rmsprop", contrastive, metrics=["accuracy"])
    callbacks = attempt.callbacks(model, [first[:6], second[:6]], same[:6])
    model.fit([first, second], same, batch_size=8, epochs=2, verbose=0, callbacks=callbacks)


@training()
def multi_label(attempt: Attempt) -> None:
    """Several tags for a picture, each of them or none."""
    x, y = images()
    tags = np.stack([y == 0, y != 1, x.mean(axis=(1, 2, 3)) > x.mean()], axis=1)
    model = keras.Sequential(
        [
            keras.Input(x.shape[1:]),
            layers.Conv2D(4, 3),
            layers.LeakyReLU(negative_slope=0.1),
            layers.GlobalAveragePooling2D(),
            layers.Dense(3, activation="sigmoid"),
        ]
    )
    model.compile("adam", "binary_crossentropy", metrics=[keras.metrics.AUC(multi_label=True)])
    targets = tags.astype(np.float32)
    callbacks = attempt.callbacks(model, x[:6], targets[:6])
    model.fit(x, targets, batch_size=8, epochs=2, verbose=0, callbacks=callbacks)


@training()
def volumes(attempt: Attempt) -> None:
    """Scans of three dimensions, and whether something is in them."""
    generator = np.random.default_rng(18)
    y = np.arange(12) % 2
    x = generator.uniform(size=(12, 6, 8, 8, 1)).astype(np.float32)
    x[y == 1, 2:4, 3:5, 3:5] += 1
    inputs = keras.Input(x.shape[1:])
    hidden = layers.Conv3D(4, 3, activation="relu", padding="same")(inputs)
    hidden = layers.BatchNormalization()(layers.MaxPooling3D(2)(hidden))
    hidden = layers.GlobalAveragePooling3D()(layers.Conv3D(4, 2, activation="relu")(hidden))
    hidden = layers.Dropout(0.3)(layers.Dense(6, activation="relu")(hidden))
    model = keras.Model(inputs, layers.Dense(1, activation="sigmoid")(hidden))
    model.compile("adam", "binary_crossentropy", metrics=["acc"])
    callbacks = attempt.callbacks(model, x[:4], y[:4])
    model.fit(x, y, batch_size=4, epochs=2, verbose=0, callbacks=callbacks)


@training()
def points(attempt: Attempt) -> None:
    """Clouds of points: a small network turns the cloud by a matrix that it computes."""

    def convolved(x: Any, filters: int) -> Any:
        x = layers.Conv1D(filters, 1, padding="valid")(x)
        return layers.Activation("relu")(layers.BatchNormalization(momentum=0.0)(x))

    def turned(x: Any, features: int) -> Any:
        hidden = layers.GlobalMaxPooling1D()(convolved(x, 6))
        matrix = layers.Dense(
            features * features,
            kernel_initializer="zeros",
            bias_initializer=keras.initializers.Constant(np.eye(features).flatten()),
        )(hidden)
        return layers.Dot(axes=(2, 1))([x, layers.Reshape((features, features))(matrix)])

    generator = np.random.default_rng(19)
    y = np.arange(24) % CLASSES
    x = generator.normal(size=(24, 10, 3)).astype(np.float32)
    x *= 1 + np.eye(3, dtype=np.float32)[y][:, None]
    inputs = keras.Input((10, 3))
    hidden = turned(convolved(turned(inputs, 3), 4), 4)
    hidden = layers.GlobalMaxPooling1D()(convolved(hidden, 8))
    model = keras.Model(inputs, layers.Dense(CLASSES, activation="softmax")(hidden))
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    callbacks = attempt.callbacks(model, x[:6], y[:6])
    model.fit(x, y, batch_size=8, epochs=2, verbose=0, callbacks=callbacks)
