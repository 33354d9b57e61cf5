"""Healthy programs: each a small network with data that it learns."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from keras import initializers, layers

from benchmarks.faults import data as sets
from benchmarks.faults.data import Data
from benchmarks.faults.settings import Settings, Task

INITIALIZERS: dict[str, Callable[[], Any]] = {
    "zeros": initializers.Zeros,
    "ones": initializers.Ones,
    "large": lambda: initializers.RandomNormal(stddev=1.0),
    "uniform": lambda: initializers.RandomUniform(-1.0, 1.0),
    "tiny": lambda: initializers.RandomNormal(stddev=1e-5),
}


@dataclass(frozen=True)
class Program:
    """A healthy program.

    Attributes
    ----------
    data : callable
        Gives its data.
    hidden : callable
        Takes a `Builder`, gives what stands between input and output.
    settings : Settings
        With which it learns.
    variants : tuple of dict
        Changes of settings with which it is healthy as well.
    task : {"classes", "binary", "values", "image"}
        What is asked of it.
    families : frozenset of str
        What else mutations may change of it: "dense", "recurrent", "text".
    """

    data: Callable[[], Data]
    hidden: Callable[[Builder, Any], Any]
    settings: Settings
    variants: tuple[dict[str, Any], ...] = ()
    task: Task = "classes"
    families: frozenset[str] = frozenset()

    def model(self, settings: Settings, data: Data) -> Any:
        """Build and compile the network."""
        builder = Builder(settings)
        given = keras.Input(data.x.shape[1:], dtype=data.x.dtype.name, name="given")
        x = self.hidden(builder, given)
        units = {"classes": int(data.y.max()) + 1, "binary": 1, "values": 1}
        size = data.y.shape[-1] if self.task == "image" else units[self.task]
        x = layers.Dense(size, activation=settings.output, name="answer", **builder.kernel())(x)
        model = keras.Model(given, x)
        model.compile(_optimizer(settings), _loss(settings), metrics=self.metrics(settings))
        return model

    def metrics(self, settings: Settings) -> list[str]:
        """Name the metrics: accuracy where there are classes."""
        return ["accuracy"] if self.task in ("classes", "binary") else []

    def targets(self, y: Any, settings: Settings, classes: int) -> Any:
        """Give labels as the loss wants them."""
        if self.task == "classes" and not settings.loss.startswith("sparse"):
            return np.eye(classes, dtype=np.float32)[y]
        return y


class Builder:
    """Makes the layers of a network as the settings say.

    Parameters
    ----------
    settings : Settings
        They hold for all layers.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._made = 0

    def kernel(self) -> dict[str, Any]:
        """Give what is said of every kernel."""
        chosen, found = self.settings.initializer, {}
        if chosen is not None:
            found["kernel_initializer"] = INITIALIZERS.get(chosen, lambda: chosen)()
        if self.settings.l2:
            found["kernel_regularizer"] = keras.regularizers.L2(self.settings.l2)
        return found

    def units(self, count: int) -> int:
        """Scale a number of units."""
        return max(1, round(count * self.settings.width))

    def _trained(self) -> bool:
        self._made += 1
        return self._made > self.settings.frozen

    def dense(self, x: Any, count: int) -> Any:
        """Put a dense layer behind, with its function and dropout."""
        made = layers.Dense(
            self.units(count),
            activation=self.settings.hidden,
            trainable=self._trained(),
            **self.kernel(),
        )
        return self.dropped(made(x))

    def conv(
        self, x: Any, count: int, size: int = 3, *, activation: bool = True, **how: Any
    ) -> Any:
        """Put a convolution behind, of one axis or two."""
        kind = layers.Conv1D if len(x.shape) == 3 else layers.Conv2D
        function = self.settings.hidden if activation else None
        options = {"padding": "same", "trainable": self._trained(), **self.kernel(), **how}
        return kind(self.units(count), size, activation=function, **options)(x)

    def recurrent(self, x: Any, count: int, kind: str, **how: Any) -> Any:
        """Put a recurrent layer behind."""
        made = getattr(layers, self.settings.recurrent or kind)
        return made(self.units(count), trainable=self._trained(), **self.kernel(), **how)(x)

    def act(self, x: Any) -> Any:
        """Put the activation function behind."""
        return layers.Activation(self.settings.hidden)(x)

    def dropped(self, x: Any) -> Any:
        """Put dropout behind."""
        return layers.Dropout(self.settings.dropout)(x) if self.settings.dropout else x


def _optimizer(settings: Settings) -> Any:
    options: dict[str, Any] = {}
    for name in ("learning_rate", "momentum", "clipnorm"):
        if (value := getattr(settings, name)) is not None:
            options[name] = value
    return getattr(keras.optimizers, settings.optimizer)(**options)


def _loss(settings: Settings) -> Any:
    if not settings.from_logits:
        return settings.loss
    name = "".join(part.capitalize() for part in settings.loss.split("_"))
    return getattr(keras.losses, name)(from_logits=True)


def _mlp(make: Builder, x: Any) -> Any:
    x = layers.Flatten()(x)
    return make.dense(make.dense(x, 48), 24)


def _deep_mlp(make: Builder, x: Any) -> Any:
    for _ in range(5):
        x = make.dense(x, 24)
    return x


def _lenet(make: Builder, x: Any) -> Any:
    x = layers.MaxPooling2D()(make.conv(x, 6, 5))
    x = layers.MaxPooling2D()(make.conv(x, 12, 5, padding="valid"))
    return make.dense(layers.Flatten()(x), 40)


def _residual(make: Builder, x: Any) -> Any:
    x = make.conv(x, 12, strides=2)
    for _ in range(2):
        inner = make.conv(make.conv(x, 12), 12, activation=False)
        x = make.act(layers.Add()([x, inner]))
    return make.dropped(layers.GlobalAveragePooling2D()(x))


def _normalized(make: Builder, x: Any) -> Any:
    for count, stride in ((8, 1), (12, 2), (16, 2)):
        x = make.conv(x, count, strides=stride, activation=False, use_bias=False)
        x = make.act(layers.BatchNormalization(momentum=0.9)(x))
    return make.dense(layers.GlobalAveragePooling2D()(x), 24)


def _lstm(make: Builder, x: Any) -> Any:
    return make.dropped(make.recurrent(x, 20, "LSTM"))


def _gru_waves(make: Builder, x: Any) -> Any:
    return make.dense(make.recurrent(x, 16, "GRU"), 16)


def _gru_next(make: Builder, x: Any) -> Any:
    x = make.recurrent(x, 16, "GRU", return_sequences=True)
    return make.recurrent(x, 12, "GRU")


def _texts(make: Builder, x: Any) -> Any:
    x = layers.Embedding(1500, 12, name="embedding")(x)
    x = make.dropped(make.conv(x, 16, 3))
    return layers.GlobalMaxPooling1D()(x)


def _lstm_texts(make: Builder, x: Any) -> Any:
    x = layers.Embedding(1500, 12, mask_zero=True, name="embedding")(x)
    return make.dropped(make.recurrent(x, 12, "LSTM"))


def _code(make: Builder, x: Any) -> Any:
    return make.dense(make.dense(make.dense(x, 64), 16), 64)


def _transformer(make: Builder, x: Any) -> Any:
    x = layers.Embedding(12, 16, name="embedding")(x)
    mixed = layers.MultiHeadAttention(2, 8, name="attention")(x, x)
    x = layers.LayerNormalization()(layers.Add()([x, mixed]))
    inner = layers.Dense(16)(make.dense(x, 32))
    x = layers.LayerNormalization()(layers.Add()([x, inner]))
    return layers.GlobalAveragePooling1D()(x)


_BINARY = {"loss": "binary_crossentropy", "output": "sigmoid"}
_VALUES = {"loss": "mse", "output": "linear"}
_SGD = {"optimizer": "SGD", "learning_rate": 0.05, "momentum": 0.9}
_RMS = {"optimizer": "RMSprop", "learning_rate": 1e-3}

PROGRAMS: dict[str, Program] = {
    "mlp": Program(
        sets.small_digits,
        _mlp,
        Settings(epochs=15, learning_rate=2e-3),
        ({"hidden": "tanh"}, {**_SGD}, {"dropout": 0.2}, {"batch_size": 64, "epochs": 20}),
        families=frozenset({"dense"}),
    ),
    "deep_mlp": Program(
        sets.blobs,
        _deep_mlp,
        Settings(epochs=15),
        ({"hidden": "elu"}, {**_RMS}, {"initializer": "he_normal"}, {"l2": 1e-4}),
        families=frozenset({"dense"}),
    ),
    "lenet": Program(
        sets.small_digits,
        _lenet,
        Settings(epochs=10, learning_rate=3e-3),
        ({"hidden": "tanh"}, {**_SGD, "learning_rate": 0.02}, {"batch_size": 16, "epochs": 5}),
    ),
    "residual": Program(
        sets.small_digits,
        _residual,
        Settings(epochs=12, learning_rate=5e-3),
        ({"dropout": 0.2}, {"l2": 1e-4}, {**_RMS, "learning_rate": 2e-3}),
    ),
    "normalized": Program(
        sets.small_digits,
        _normalized,
        Settings(epochs=6, learning_rate=3e-3),
        ({**_SGD}, {"hidden": "leaky_relu"}, {"batch_size": 64}),
    ),
    "recall_lstm": Program(
        sets.recalled,
        _lstm,
        Settings(epochs=12, learning_rate=5e-3),
        ({"dropout": 0.2}, {**_RMS, "learning_rate": 4e-3}),
        families=frozenset({"recurrent"}),
    ),
    "wave_gru": Program(
        sets.waves,
        _gru_waves,
        Settings(epochs=10, learning_rate=3e-3),
        ({"hidden": "tanh"}, {**_RMS, "learning_rate": 3e-3}, {"batch_size": 16}),
        families=frozenset({"recurrent"}),
    ),
    "next_gru": Program(
        sets.next_values,
        _gru_next,
        Settings(epochs=8, learning_rate=3e-3, **_VALUES),
        ({"loss": "mae"}, {"batch_size": 16}),
        task="values",
        families=frozenset({"recurrent"}),
    ),
    "text_conv": Program(
        sets.reviews,
        _texts,
        Settings(epochs=6, dropout=0.3, learning_rate=2e-3, **_BINARY),
        ({"learning_rate": 3e-3, "epochs": 4}, {**_RMS, "epochs": 10}),
        task="binary",
        families=frozenset({"text"}),
    ),
    "text_lstm": Program(
        sets.reviews,
        _lstm_texts,
        Settings(epochs=3, dropout=0.3, learning_rate=3e-3, **_BINARY),
        ({"batch_size": 64, "epochs": 5},),
        task="binary",
        families=frozenset({"text", "recurrent"}),
    ),
    "regression": Program(
        sets.table,
        _mlp,
        Settings(epochs=15, **_VALUES),
        ({"hidden": "tanh"}, {"loss": "mae"}, {"loss": "huber"}, {**_SGD, "learning_rate": 0.01}),
        task="values",
        families=frozenset({"dense"}),
    ),
    "autoencoder": Program(
        sets.pixels,
        _code,
        Settings(epochs=15, learning_rate=3e-3, loss="binary_crossentropy", output="sigmoid"),
        ({"loss": "mse"}, {"hidden": "elu"}),
        task="image",
        families=frozenset({"dense"}),
    ),
    "two_classes": Program(
        sets.two_classes,
        _mlp,
        Settings(epochs=12, learning_rate=2e-3, **_BINARY),
        ({"dropout": 0.1}, {"hidden": "tanh"}, {**_SGD}),
        task="binary",
        families=frozenset({"dense"}),
    ),
    "transformer": Program(
        sets.pairs_of_tokens,
        _transformer,
        Settings(epochs=8, learning_rate=2e-3),
        ({"hidden": "gelu"}, {"batch_size": 64, "epochs": 12}),
        families=frozenset({"text"}),
    ),
}
