"""Networks that read and write texts, and one that hears them."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import layers, ops

from benchmarks.trainings.attempt import Attempt
from benchmarks.trainings.catalogue import training
from benchmarks.trainings.data import WORDS, images, sentences, tokens

LENGTH = 8
WIDTH = 8


class TokensAndPlaces(layers.Layer):
    """An embedding of words and one of their places."""

    def __init__(self, words: int, length: int = LENGTH, **options: Any) -> None:
        super().__init__(**options)
        self.words = layers.Embedding(words, WIDTH)
        self.places = layers.Embedding(length, WIDTH)

    def call(self, inputs: Any) -> Any:
        """Give (text, token, width)."""
        return self.words(inputs) + self.places(ops.arange(ops.shape(inputs)[-1]))


class TransformerBlock(layers.Layer):
    """Attention and two dense layers, each with a way around it."""

    def __init__(self, *, is_causal: bool = False, **options: Any) -> None:
        super().__init__(**options)
        self.is_causal = is_causal
        self.attention = layers.MultiHeadAttention(2, WIDTH // 2)
        self.deep = keras.Sequential([layers.Dense(12, activation="relu"), layers.Dense(WIDTH)])
        self.norms = [layers.LayerNormalization(epsilon=1e-6) for _ in range(2)]
        self.drops = [layers.Dropout(0.1) for _ in range(2)]

    def call(self, inputs: Any, training: bool = False) -> Any:
        """Give what comes in, with what was seen around it."""
        seen = self.attention(inputs, inputs, use_causal_mask=self.is_causal)
        hidden = self.norms[0](inputs + self.drops[0](seen, training=training))
        deep = self.drops[1](self.deep(hidden), training=training)
        return self.norms[1](hidden + deep)


@training()
def text_transformer(attempt: Attempt) -> None:
    """A transformer that says whether a text praises, in layers of one's own."""
    x, y = tokens()
    inputs = keras.Input((LENGTH,))
    hidden = TransformerBlock()(TokensAndPlaces(12)(inputs))
    hidden = layers.Dropout(0.1)(layers.GlobalAveragePooling1D()(hidden))
    model = keras.Model(inputs, layers.Dense(2, activation="softmax")(hidden))
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    callbacks = attempt.callbacks(model, x[:6], y[:6], probe={"vocabulary": WORDS})
    model.fit(x, y, batch_size=8, epochs=2, verbose=0, callbacks=callbacks)


@training()
def mini_gpt(attempt: Attempt) -> None:
    """Says the next token at each place; a second output has no loss."""
    x, _ = tokens()
    following = np.roll(x, -1, axis=1)
    inputs = keras.Input((LENGTH,), dtype="int32")
    hidden = TransformerBlock(is_causal=True)(TokensAndPlaces(12)(inputs))
    model = keras.Model(inputs, [layers.Dense(12)(hidden), hidden])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("adam", loss=[loss, None])
    callbacks = attempt.callbacks(model, x[:6], following[:6], probe={"vocabulary": WORDS})
    model.fit(x, following, batch_size=8, epochs=2, verbose=0, callbacks=callbacks)


@training()
def character_lstm(attempt: Attempt) -> None:
    """Writes on, character by character, from one-hot rows."""
    text = "to be or not to be that is the question whether " * 2
    letters = sorted(set(text))
    numbers = np.array([letters.index(letter) for letter in text])
    starts = np.arange(0, len(text) - 7, 2)
    x = np.eye(len(letters), dtype=np.float32)[numbers[starts[:, None] + np.arange(6)]]
    y = np.eye(len(letters), dtype=np.float32)[numbers[starts + 6]]
    model = keras.Sequential(
        [
            keras.Input((6, len(letters))),
            layers.LSTM(8),
            layers.Dense(len(letters), activation="softmax"),
        ]
    )
    model.compile(keras.optimizers.RMSprop(0.01), "categorical_crossentropy")
    callbacks = attempt.callbacks(model, x[:6], y[:6])
    model.fit(x, y, batch_size=16, verbose=0, callbacks=callbacks)


@training()
def seq2seq(attempt: Attempt) -> None:
    """An encoder's last states begin the decoder, which is given the answer so far."""
    x, _ = tokens()
    y = x[:, ::-1].copy()
    before = np.roll(y, 1, axis=1) * (np.arange(LENGTH) > 0)
    source, answer = keras.Input((LENGTH,), dtype="int32"), keras.Input((LENGTH,), dtype="int32")
    _, *states = layers.LSTM(6, return_state=True)(layers.Embedding(12, 5)(source))
    decoder = layers.LSTM(6, return_sequences=True, return_state=True)
    hidden, _, _ = decoder(layers.Embedding(12, 5)(answer), initial_state=states)
    model = keras.Model([source, answer], layers.Dense(12, activation="softmax")(hidden))
    model.compile("rmsprop", "sparse_categorical_crossentropy", metrics=["accuracy"])
    callbacks = attempt.callbacks(model, [x[:6], before[:6]], y[:6])
    model.fit([x, before], y, batch_size=8, epochs=2, verbose=0, callbacks=callbacks)


@training()
def bilstm(attempt: Attempt) -> None:
    """Two bidirectional LSTMs over texts of unlike lengths, whose padding is masked."""
    x, y = tokens()
    model = keras.Sequential(
        [
            keras.Input((None,), dtype="int32"),
            layers.Embedding(12, 6, mask_zero=True),
            layers.Bidirectional(layers.LSTM(4, return_sequences=True)),
            layers.Bidirectional(layers.LSTM(4)),
            layers.Dense(1, activation="sigmoid"),
        ]
    )
    model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
    callbacks = attempt.callbacks(model, x[:6], y[:6], probe={"vocabulary": WORDS})
    model.fit(x, y, batch_size=8, epochs=2, verbose=0, callbacks=callbacks)


@training()
def text_convolution(attempt: Attempt) -> None:
    """Convolutions over words; the words are numbered inside of the model, which takes strings."""
    texts, y = sentences()
    vectorize = layers.TextVectorization(output_sequence_length=6)
    vectorize.adapt(texts)
    x = np.array(texts, dtype=object)[:, None]
    model = keras.Sequential(
        [
            keras.Input((1,), dtype="string"),
            vectorize,
            layers.Embedding(len(vectorize.get_vocabulary()), 6),
            layers.Conv1D(6, 3, padding="valid", activation="relu"),
            layers.GlobalMaxPooling1D(),
            layers.Dense(1, activation="sigmoid"),
        ]
    )
    model.compile("adam", "binary_crossentropy")
    data = tf.data.Dataset.from_tensor_slices((x.astype(str), y)).batch(8)
    callbacks = attempt.callbacks(model, x[:6].astype(str), y[:6])
    model.fit(data, epochs=2, verbose=0, callbacks=callbacks)


@training()
def ragged_text(attempt: Attempt) -> None:
    """Texts as ragged tensors, each of its own length; a layer of one's own takes their means."""
    x, y = tokens()
    ragged = tf.RaggedTensor.from_tensor(x, padding=0)

    class MeanOfWords(keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.embedding = layers.Embedding(12, 5)
            self.hidden = layers.Dense(6, activation="relu")
            self.answer = layers.Dense(2)

        def call(self, inputs: Any) -> Any:
            dense = inputs.to_tensor() if isinstance(inputs, tf.RaggedTensor) else inputs
            known = ops.cast(ops.not_equal(dense, 0), "float32")[..., None]
            summed = ops.sum(self.embedding(dense) * known, axis=1)
            return self.answer(self.hidden(summed / (ops.sum(known, axis=1) + 1e-6)))

    model = MeanOfWords()
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("adam", loss)
    data = tf.data.Dataset.from_tensor_slices((ragged, y)).batch(8)
    callbacks = attempt.callbacks(model, ragged[:6], y[:6])
    model.fit(data, epochs=2, verbose=0, callbacks=callbacks)


@training()
def masked_language(attempt: Attempt) -> None:
    """Guesses words that were hidden; only these count, by weights of samples."""
    x, _ = tokens()
    hidden_places = np.random.default_rng(3).random(x.shape) < 0.3
    inputs = keras.Input((LENGTH,), dtype="int64")
    hidden = TokensAndPlaces(13)(inputs)
    seen = layers.MultiHeadAttention(2, 4, name="seen")(hidden, hidden, hidden)
    hidden = layers.LayerNormalization()(hidden + seen)
    model = keras.Model(inputs, layers.Dense(13, activation="softmax")(hidden))
    model.compile("adam", "sparse_categorical_crossentropy", weighted_metrics=["accuracy"])
    masked = np.where(hidden_places, 12, x)
    callbacks = attempt.callbacks(model, masked[:6], x[:6])
    weights = hidden_places.astype(np.float32)
    model.fit(x=masked, y=x, sample_weight=weights, batch_size=8, verbose=0, callbacks=callbacks)


class Captioner(keras.Model):
    """A picture's features and the words so far give the next word; the loss minds padding."""

    def __init__(self, features: Any, words: int, **options: Any) -> None:
        super().__init__(**options)
        self.features = features
        self.embedding = TokensAndPlaces(words)
        self.own = layers.MultiHeadAttention(2, WIDTH // 2)
        self.cross = layers.MultiHeadAttention(2, WIDTH // 2)
        self.norms = [layers.LayerNormalization() for _ in range(2)]
        self.answer = layers.Dense(words, activation="softmax")
        self.loss_mean = keras.metrics.Mean(name="loss")

    @property
    def metrics(self) -> list[Any]:
        """Those that begin anew with each epoch."""
        return [self.loss_mean]

    def call(self, inputs: Any, training: bool = False) -> Any:
        """Give (text, token, word)."""
        pictures, texts = inputs
        places = self.features(pictures, training=training)
        hidden = self.embedding(texts)
        hidden = self.norms[0](hidden + self.own(hidden, hidden, use_causal_mask=True))
        return self.answer(self.norms[1](hidden + self.cross(hidden, places)))

    def train_step(self, data: Any) -> Any:
        """Learn each word from those before it."""
        pictures, texts = data
        with tf.GradientTape() as tape:
            said = self((pictures, texts[:, :-1]), training=True)
            truth = texts[:, 1:]
            losses = self.compiled_loss_of(truth, said)
            known = ops.cast(truth != 0, losses.dtype)
            loss = ops.sum(losses * known) / ops.sum(known)
        weights = self.trainable_variables
        self.optimizer.apply_gradients(zip(tape.gradient(loss, weights), weights, strict=True))
        self.loss_mean.update_state(loss)
        return {"loss": self.loss_mean.result()}

    def compiled_loss_of(self, truth: Any, said: Any) -> Any:
        """Give the loss of each word."""
        return keras.losses.sparse_categorical_crossentropy(truth, said)


@training()
def captioning(attempt: Attempt) -> None:
    """Words for pictures: a frozen convolution, and a decoder that attends to its places."""
    (x, _), (texts, _) = images(channels=3), tokens()
    features = keras.Sequential(
        [keras.Input(x.shape[1:]), layers.Conv2D(WIDTH, 4, 4), layers.Reshape((-1, WIDTH))],
        name="features",
    )
    features.trainable = False
    model = Captioner(features, 12)
    model.compile(keras.optimizers.Adam(1e-3))
    callbacks = attempt.callbacks(model, (x[:4], texts[:4, :-1]))
    data = tf.data.Dataset.from_tensor_slices((x, texts)).batch(8)
    model.fit(data, epochs=2, verbose=0, callbacks=callbacks)


@training()
def asr(attempt: Attempt) -> None:
    """Speech to letters: convolutions and GRUs over a spectrogram, with the loss of CTC."""
    generator = np.random.default_rng(10)
    spectrograms = generator.normal(size=(16, 20, 9)).astype(np.float32)
    letters = generator.integers(1, 6, (16, 4)).astype(np.int32)
    inputs = keras.Input((None, 9), name="spectrogram")
    hidden = layers.Reshape((-1, 9, 1))(inputs)
    hidden = layers.Conv2D(4, (5, 5), strides=(2, 2), padding="same", use_bias=False)(hidden)
    hidden = layers.ReLU()(layers.BatchNormalization()(hidden))
    hidden = layers.Reshape((-1, 5 * 4))(hidden)
    hidden = layers.Bidirectional(layers.GRU(5, return_sequences=True, reset_after=True))(hidden)
    hidden = layers.Dropout(0.3)(hidden)
    model = keras.Model(inputs, layers.Dense(7, activation="softmax")(hidden))

    def ctc(truth: Any, said: Any) -> Any:
        count = ops.shape(truth)[0]
        return ops.ctc_loss(
            ops.cast(truth, "int32"),
            ops.log(said + 1e-7),
            ops.broadcast_to(ops.shape(truth)[1], (count,)),
            ops.broadcast_to(ops.shape(said)[1], (count,)),
        )

    model.compile(keras.optimizers.Adam(1e-3), ctc)
    callbacks = attempt.callbacks(model, spectrograms[:4], letters[:4])
    model.fit(spectrograms, letters, batch_size=8, epochs=2, verbose=0, callbacks=callbacks)
