"""Networks of tables: numbers, categories, texts beside them, and graphs."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import layers, ops

from benchmarks.trainings.attempt import Attempt
from benchmarks.trainings.catalogue import training
from benchmarks.trainings.data import rows, sentences


@training()
def regression(attempt: Attempt) -> None:
    """Normalization that was adapted, dense layers, a number; stops early and goes back."""
    x, _ = rows()
    y = (x[:, 0] - 0.5 * x[:, 1]).astype(np.float32)
    normalizer = layers.Normalization()
    normalizer.adapt(x)
    model = keras.Sequential(
        [keras.Input((6,)), normalizer, layers.Dense(8, activation="relu"), layers.Dense(1)]
    )
    model.compile(keras.optimizers.Adam(0.05), "mae", metrics=["mse"])
    stop = keras.callbacks.EarlyStopping(
        monitor="loss", patience=1, mode="max", restore_best_weights=True
    )
    names = [f"feature {number}" for number in range(6)]
    callbacks = attempt.callbacks(model, x[:6], y[:6], probe={"feature_names": names})
    model.fit(x, y, batch_size=8, epochs=4, verbose=0, callbacks=[*callbacks, stop])


@training()
def cross_validation(attempt: Attempt) -> None:
    """One recorder over the folds, each with a model of its own: a run for each."""
    x, y = rows()
    callbacks = attempt.callbacks(None, x[:6], y[:6], run="{n}.zarr")
    for fold in range(3):
        held_out = np.arange(len(x)) % 3 == fold
        model = keras.Sequential(
            [keras.Input((6,)), layers.Dense(5, activation="relu"), layers.Dense(3)]
        )
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        model.compile("sgd", loss)
        model.fit(
            x[~held_out],
            y[~held_out],
            batch_size=8,
            validation_data=(x[held_out], y[held_out]),
            verbose=0,
            callbacks=callbacks,
        )


@training()
def wide_and_deep(attempt: Attempt) -> None:
    """Two inputs of unlike sizes: one goes straight to the sum, one through dense layers."""
    x, y = rows()
    crossed = np.stack([x[:, 0] * x[:, 1], x[:, 2] * x[:, 3]], axis=1)
    wide, deep = keras.Input((2,)), keras.Input((6,))
    hidden = layers.BatchNormalization()(layers.Dense(8, activation="relu")(deep))
    hidden = layers.Dropout(0.1)(layers.Dense(4, activation="relu")(hidden))
    joined = layers.concatenate([layers.BatchNormalization()(wide), hidden])
    model = keras.Model([wide, deep], layers.Dense(3, activation="softmax")(joined))
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    callbacks = attempt.callbacks(model, [crossed[:6], x[:6]], y[:6])
    model.fit([crossed, x], y, batch_size=8, epochs=2, verbose=0, callbacks=callbacks)


@training()
def string_lookup(attempt: Attempt) -> None:
    """Columns by name, one of them of texts, which are numbered inside of the model."""
    x, y = rows()
    colours = np.array(["red", "green", "blue"])[(y + (x[:, 5] > 1)) % 3]
    columns = {
        "colour": colours[:, None],
        "age": np.abs(x[:, :1]) * 30,
        "size": (x[:, 1:2] > 0).astype(np.int64),
    }
    inputs = {
        "colour": keras.Input((1,), dtype="string", name="colour"),
        "age": keras.Input((1,), name="age"),
        "size": keras.Input((1,), dtype="int64", name="size"),
    }
    lookup = layers.StringLookup(vocabulary=["red", "green", "blue"], output_mode="one_hot")
    scaled = layers.Normalization(mean=25.0, variance=200.0)(inputs["age"])
    sized = layers.CategoryEncoding(2, output_mode="one_hot")(inputs["size"])
    joined = layers.concatenate([lookup(inputs["colour"]), scaled, sized])
    hidden = layers.Dropout(0.5)(layers.Dense(8, activation="relu")(joined))
    model = keras.Model(inputs, layers.Dense(1, activation="sigmoid")(hidden))
    model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
    target = (y > 0).astype(np.float32)
    probe = {name: values[:6] for name, values in columns.items()}
    callbacks = attempt.callbacks(model, probe, target[:6])
    data = tf.data.Dataset.from_tensor_slices((columns, target)).batch(8)
    model.fit(data, epochs=2, verbose=0, callbacks=callbacks)


@training()
def tab_transformer(attempt: Attempt) -> None:
    """Categories are embedded and attend to each other; numbers join them later."""
    x, y = rows()
    columns = {f"number {index}": x[:, index : index + 1] for index in range(2)}
    columns |= {
        f"kind {index}": (x[:, index : index + 1] > 0).astype(np.int32) for index in range(2, 5)
    }
    inputs = {
        name: keras.Input((1,), dtype=str(values.dtype), name=name.replace(" ", "_"))
        for name, values in columns.items()
    }
    kinds = [
        layers.Embedding(2, 6)(tensor) for name, tensor in inputs.items() if name.startswith("kind")
    ]
    numbers = [tensor for name, tensor in inputs.items() if name.startswith("number")]
    hidden = layers.Concatenate(axis=1)(kinds)
    for _ in range(2):
        seen = layers.MultiHeadAttention(2, 3, dropout=0.1)(hidden, hidden)
        hidden = layers.LayerNormalization()(layers.Add()([seen, hidden]))
        deep = layers.Dense(6, activation="gelu")(hidden)
        hidden = layers.LayerNormalization()(layers.Add()([deep, hidden]))
    numeric = layers.LayerNormalization()(layers.concatenate(numbers))
    joined = layers.concatenate([layers.Flatten()(hidden), numeric])
    hidden = layers.Dense(8, activation="selu")(layers.BatchNormalization()(joined))
    named = {tensor.name: tensor for tensor in inputs.values()}
    model = keras.Model(named, layers.Dense(3, activation="softmax")(hidden))
    model.compile(
        keras.optimizers.AdamW(1e-3, weight_decay=1e-4), "sparse_categorical_crossentropy"
    )
    given = {name.replace(" ", "_"): values for name, values in columns.items()}
    callbacks = attempt.callbacks(model, {name: v[:6] for name, v in given.items()}, y[:6])
    model.fit(given, y, batch_size=8, epochs=2, verbose=0, callbacks=callbacks)


@training()
def gated_residual(attempt: Attempt) -> None:
    """Layers of one's own with gates, which choose among the features."""

    class Gate(layers.Layer):
        def __init__(self, units: int, **options: Any) -> None:
            super().__init__(**options)
            self.linear = layers.Dense(units)
            self.sigmoid = layers.Dense(units, activation="sigmoid")

        def call(self, inputs: Any) -> Any:
            return self.linear(inputs) * self.sigmoid(inputs)

    class Residual(layers.Layer):
        def __init__(self, units: int, **options: Any) -> None:
            super().__init__(**options)
            self.first = layers.Dense(units, activation="elu")
            self.second = layers.Dense(units)
            self.drop = layers.Dropout(0.2)
            self.gate = Gate(units)
            self.norm = layers.LayerNormalization()
            self.projection = layers.Dense(units)

        def call(self, inputs: Any) -> Any:
            gated = self.gate(self.drop(self.second(self.first(inputs))))
            return self.norm(self.projection(inputs) + gated)

    class Selection(layers.Layer):
        def __init__(self, features: int, units: int, **options: Any) -> None:
            super().__init__(**options)
            self.residuals = [Residual(units) for _ in range(features)]
            self.concatenated = Residual(units)
            self.softmax = layers.Dense(features, activation="softmax")

        def call(self, inputs: Any) -> Any:
            columns = ops.split(inputs, len(self.residuals), axis=-1)
            shares = self.softmax(self.concatenated(inputs))[..., None]
            found = [part(column) for part, column in zip(self.residuals, columns, strict=True)]
            return ops.sum(shares * ops.stack(found, axis=1), axis=1)

    x, y = rows(features=2)
    inputs = keras.Input((2,))
    outputs = layers.Dense(3, activation="softmax")(Residual(4)(Selection(2, 4)(inputs)))
    model = keras.Model(inputs, outputs)
    model.compile("adam", "sparse_categorical_crossentropy")
    callbacks = attempt.callbacks(model, x[:6], y[:6])
    model.fit(x, y, batch_size=8, epochs=2, verbose=0, callbacks=callbacks)


@training()
def ticket_router(attempt: Attempt) -> None:
    """Title, body and tags of a ticket in; its priority and its department out, by names."""
    generator = np.random.default_rng(11)
    data = {
        "title": generator.integers(1, 12, (24, 4)),
        "body": generator.integers(1, 12, (24, 8)),
        "tags": generator.integers(0, 2, (24, 5)).astype(np.float32),
    }
    targets = {
        "priority": data["tags"][:, :1],
        "department": np.eye(4, dtype=np.float32)[data["title"][:, 0] % 4],
    }
    title = keras.Input((None,), name="title", dtype="int32")
    body = keras.Input((None,), name="body", dtype="int32")
    tags = keras.Input((5,), name="tags")
    read_title = layers.LSTM(6)(layers.Embedding(12, 4)(title))
    read_body = layers.LSTM(4)(layers.Embedding(12, 4)(body))
    joined = layers.concatenate([read_title, read_body, tags])
    priority = layers.Dense(1, name="priority")(joined)
    department = layers.Dense(4, name="department")(joined)
    outputs = {"priority": priority, "department": department}
    model = keras.Model([title, body, tags], outputs)
    model.compile(
        keras.optimizers.RMSprop(1e-3),
        {
            "priority": keras.losses.BinaryCrossentropy(from_logits=True),
            "department": keras.losses.CategoricalCrossentropy(from_logits=True),
        },
        loss_weights={"priority": 1.0, "department": 0.2},
    )
    probe = {name: values[:6] for name, values in data.items()}
    callbacks = attempt.callbacks(model, probe)
    model.fit(data, targets, batch_size=8, epochs=2, verbose=0, callbacks=callbacks)


@training()
def collaborative_filtering(attempt: Attempt) -> None:
    """Users and films are embedded in a subclassed model; their product is the rating."""

    class Recommender(keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.users = layers.Embedding(7, 4, embeddings_regularizer="l2")
            self.films = layers.Embedding(9, 4, embeddings_regularizer="l2")
            self.user_bias, self.film_bias = layers.Embedding(7, 1), layers.Embedding(9, 1)

        def call(self, inputs: Any) -> Any:
            users, films = inputs[:, 0], inputs[:, 1]
            product = ops.sum(self.users(users) * self.films(films), axis=1, keepdims=True)
            return ops.nn.sigmoid(product + self.user_bias(users) + self.film_bias(films))

    generator = np.random.default_rng(12)
    x = np.stack([generator.integers(0, 7, 32), generator.integers(0, 9, 32)], axis=1)
    y = ((x.sum(axis=1) % 5) / 4).astype(np.float32)
    model = Recommender()
    model.compile(keras.optimizers.Adam(1e-3), keras.losses.BinaryCrossentropy())
    callbacks = attempt.callbacks(model, x[:6], y[:6])
    model.fit(x, y, batch_size=8, epochs=2, verbose=0, callbacks=callbacks)


class GraphAttention(layers.Layer):
    """Each node takes from its neighbours by how much they matter to it."""

    def __init__(self, units: int, **options: Any) -> None:
        super().__init__(**options)
        self.units = units

    def build(self, shapes: Any) -> None:
        """Make the kernels for the nodes' features."""
        self.kernel = self.add_weight(shape=(shapes[0][-1], self.units), name="kernel")
        self.attention = self.add_weight(shape=(2 * self.units, 1), name="kernel_attention")

    def call(self, inputs: Any) -> Any:
        """Give (node, unit)."""
        states, edges = inputs
        moved = ops.matmul(states, self.kernel)
        pairs = ops.reshape(ops.take(moved, edges, axis=0), (ops.shape(edges)[0], -1))
        scores = ops.exp(ops.clip(ops.leaky_relu(ops.matmul(pairs, self.attention))[:, 0], -2, 2))
        count = ops.shape(states)[0]
        sums = tf.math.unsorted_segment_sum(scores, edges[:, 0], count)
        shares = scores / ops.take(sums, edges[:, 0])
        neighbours = ops.take(moved, edges[:, 1], axis=0)
        return tf.math.unsorted_segment_sum(neighbours * shares[:, None], edges[:, 0], count)


class GraphNetwork(keras.Model):
    """A batch is some nodes of the one graph, which the model holds."""

    def __init__(self, features: Any, edges: Any, **options: Any) -> None:
        super().__init__(**options)
        self.features, self.edges = features, edges
        self.before = layers.Dense(6, activation="relu")
        self.attentions = [GraphAttention(6) for _ in range(2)]
        self.answer = layers.Dense(3)

    def call(self, inputs: Any) -> Any:
        """Give (node of the graph, class)."""
        states, edges = inputs
        hidden = self.before(states)
        for attention in self.attentions:
            hidden = attention([hidden, edges]) + hidden
        return self.answer(hidden)

    def train_step(self, data: Any) -> Any:
        """Learn from the nodes of the batch."""
        nodes, labels = data
        with tf.GradientTape() as tape:
            said = self([self.features, self.edges])
            loss = self.compute_loss(y=labels, y_pred=ops.take(said, nodes, axis=0))
        weights = self.trainable_weights
        self.optimizer.apply_gradients(zip(tape.gradient(loss, weights), weights, strict=True))
        return {"loss": loss}


@training()
def graph_attention(attempt: Attempt) -> None:
    """A graph attention network: nodes and edges, whose first axes differ in length."""
    x, y = rows(30)
    generator = np.random.default_rng(13)
    edges = np.stack([generator.integers(0, 30, 70), generator.integers(0, 30, 70)], axis=1)
    edges = np.concatenate([edges, np.repeat(np.arange(30)[:, None], 2, axis=1)])
    model = GraphNetwork(tf.constant(x), tf.constant(edges))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.SGD(0.1, momentum=0.9), loss)
    callbacks = attempt.callbacks(model, [x, edges], y)
    model.fit(np.arange(30), y, batch_size=8, epochs=2, verbose=0, callbacks=callbacks)


@training()
def text_and_numbers(attempt: Attempt) -> None:
    """A dict of a nested structure, to a subclassed model: words beside numbers."""
    texts, y = sentences()
    vectorize = layers.TextVectorization(output_mode="multi_hot", max_tokens=16)
    vectorize.adapt(texts)
    bags = np.array(vectorize(np.array(texts)))
    x = {"words": bags, "more": {"length": bags.sum(axis=1, keepdims=True)}}

    class Mixed(keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.read, self.answer = layers.Dense(5, activation="relu"), layers.Dense(1)

        def call(self, inputs: Any) -> Any:
            hidden = ops.concatenate([self.read(inputs["words"]), inputs["more"]["length"]], 1)
            return self.answer(hidden)

    model = Mixed()
    model.compile("adam", keras.losses.BinaryCrossentropy(from_logits=True))
    probe = keras.tree.map_structure(lambda values: values[:6], x)
    callbacks = attempt.callbacks(model, probe, y[:6])
    data = tf.data.Dataset.from_tensor_slices((x, y)).batch(8)
    model.fit(data, epochs=2, verbose=0, callbacks=callbacks)
