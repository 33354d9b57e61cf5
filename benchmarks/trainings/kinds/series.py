"""Networks of what runs in time."""

from __future__ import annotations

import keras
import numpy as np
from keras import layers

from benchmarks.trainings.attempt import Attempt
from benchmarks.trainings.catalogue import training
from benchmarks.trainings.data import films, waves


@training()
def gru_series(attempt: Attempt) -> None:
    """Foretells the next value of a series, validated on others."""
    x, y = waves()
    model = keras.Sequential(
        [
            keras.Input(x.shape[1:]),
            layers.GRU(6, return_sequences=True),
            layers.GRU(4, dropout=0.1, recurrent_dropout=0.1),
            layers.Dense(1),
        ]
    )
    model.compile("adam", "mse", metrics=["mae"])
    callbacks = attempt.callbacks(model, x[:6], y[:6])
    data = keras.utils.timeseries_dataset_from_array(
        np.arange(32, dtype=np.float32)[:, None] / 32, np.arange(32) / 32.0, 16, batch_size=8
    )
    model.fit(x, y, batch_size=8, epochs=2, validation_data=data, verbose=0, callbacks=callbacks)


@training()
def conv_lstm(attempt: Attempt) -> None:
    """The next frames of a film: convolutional LSTMs, then a convolution over time and place."""
    film = films()
    x, y = film[:, :-1], film[:, 1:]
    model = keras.Sequential(
        [
            keras.Input((None, *x.shape[2:])),
            layers.ConvLSTM2D(4, 3, padding="same", return_sequences=True, activation="relu"),
            layers.BatchNormalization(),
            layers.ConvLSTM2D(3, 1, padding="same", return_sequences=True, activation="relu"),
            layers.Conv3D(1, 3, activation="sigmoid", padding="same"),
        ]
    )
    model.compile("adam", "binary_crossentropy")
    callbacks = attempt.callbacks(model, x[:3], y[:3])
    model.fit(x, y, batch_size=4, epochs=2, verbose=0, callbacks=callbacks)


@training()
def time_distributed(attempt: Attempt) -> None:
    """One convolution for every frame, then an LSTM over the frames."""
    x = films()
    y = np.arange(len(x)) % 2
    model = keras.Sequential(
        [
            keras.Input(x.shape[1:]),
            layers.TimeDistributed(layers.Conv2D(3, 3, activation="relu")),
            layers.TimeDistributed(layers.MaxPooling2D()),
            layers.TimeDistributed(layers.Flatten()),
            layers.LSTM(5),
            layers.Dense(2, activation="softmax"),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy")
    callbacks = attempt.callbacks(model, x[:3], y[:3])
    model.fit(x, y, batch_size=4, epochs=2, verbose=0, callbacks=callbacks)


@training()
def anomaly(attempt: Attempt) -> None:
    """A series through a narrow middle and back: what it cannot draw is odd."""
    x, _ = waves()
    model = keras.Sequential(
        [
            keras.Input(x.shape[1:]),
            layers.Conv1D(6, 5, strides=2, padding="same", activation="relu"),
            layers.Dropout(0.2),
            layers.Conv1D(4, 5, strides=2, padding="same", activation="relu"),
            layers.Conv1DTranspose(4, 5, strides=2, padding="same", activation="relu"),
            layers.Conv1DTranspose(6, 5, strides=2, padding="same", activation="relu"),
            layers.Conv1DTranspose(1, 5, padding="same"),
        ]
    )
    model.compile(keras.optimizers.Adam(1e-3), "mse")
    callbacks = attempt.callbacks(model, x[:6], x[:6])
    model.fit(x, x, batch_size=8, epochs=2, validation_split=0.2, verbose=0, callbacks=callbacks)


@training()
def wavenet(attempt: Attempt) -> None:
    """Dilated causal convolutions with gates; the ways past them are summed."""
    x, y = waves()
    inputs = keras.Input(x.shape[1:])
    hidden, skips = layers.Conv1D(4, 2, padding="causal")(inputs), []
    for rate in (1, 2, 4):
        kept = layers.Conv1D(4, 2, padding="causal", dilation_rate=rate, activation="tanh")(hidden)
        gate = layers.Conv1D(4, 2, padding="causal", dilation_rate=rate, activation="sigmoid")(
            hidden
        )
        gated = layers.multiply([kept, gate])
        skips.append(layers.Conv1D(4, 1)(gated))
        hidden = layers.add([hidden, skips[-1]])
    hidden = layers.ReLU()(layers.add(skips))
    model = keras.Model(inputs, layers.Dense(1)(hidden[:, -1]))
    model.compile("adam", "mae")
    callbacks = attempt.callbacks(model, x[:6], y[:6])
    model.fit(x, y, batch_size=8, epochs=2, verbose=0, callbacks=callbacks)


@training()
def stateful_rnn(attempt: Attempt) -> None:
    """A recurrent layer that keeps its state from batch to batch."""
    x, y = waves()
    model = keras.Sequential(
        [
            keras.Input(batch_shape=(8, *x.shape[1:])),
            layers.SimpleRNN(5, stateful=True),
            layers.Dense(1),
        ]
    )
    model.compile("sgd", "mse")
    callbacks = attempt.callbacks(model, x[:8], y[:8])
    model.fit(x, y, batch_size=8, epochs=2, shuffle=False, verbose=0, callbacks=callbacks)
