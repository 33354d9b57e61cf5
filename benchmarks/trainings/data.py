"""Small data that can be learned, the same at every call."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[Any]

CLASSES = 3
WORDS = ("the", "a", "film", "plot", "good", "fine", "great", "dull", "bad", "weak", "not", "very")


def images(count: int = 24, side: int = 12, channels: int = 1) -> tuple[Numbers, Numbers]:
    """Squares, each class in a corner of its own, in noise: (image, y, x, channel) and classes."""
    generator = np.random.default_rng(1)
    y = np.arange(count) % CLASSES
    x = generator.uniform(0, 0.4, (count, side, side, channels))
    half = side // 2
    for image, label in zip(x, y, strict=True):
        row, column = divmod(int(label), 2)
        image[row * half :, column * half :][: half - 1, : half - 1] += 0.6
    return x.astype(np.float32), y


def rows(count: int = 32, features: int = 6) -> tuple[Numbers, Numbers]:
    """Numbers of a table, (row, feature), and the class that its first features decide."""
    x = np.random.default_rng(2).normal(size=(count, features)).astype(np.float32)
    return x, (x[:, 0] > 0).astype(int) + (x[:, 1] > 0)


def tokens(count: int = 24, length: int = 8, words: int = 12) -> tuple[Numbers, Numbers]:
    """Token numbers, (text, token), some texts padded by 0; the class that one word decides."""
    generator = np.random.default_rng(3)
    x = generator.integers(1, words, (count, length)).astype(np.int32)
    for text, size in zip(x, generator.integers(length // 2, length + 1, count), strict=True):
        text[size:] = 0
    return x, (x == 3).any(axis=1).astype(int)


def sentences(count: int = 24) -> tuple[list[str], Numbers]:
    """Texts of a few words, and whether they praise."""
    generator = np.random.default_rng(4)
    texts, praises = [], []
    for number in range(count):
        praise = number % 2
        judgement = generator.choice(WORDS[4:7] if praise else WORDS[7:10])
        others = generator.choice(WORDS[:4], generator.integers(1, 5))
        texts.append(" ".join([*others, judgement]))
        praises.append(praise)
    return texts, np.array(praises)


def waves(count: int = 24, length: int = 16) -> tuple[Numbers, Numbers]:
    """Waves of some frequency, (series, time, 1), and the value that follows."""
    generator = np.random.default_rng(5)
    frequency = generator.uniform(0.2, 0.8, (count, 1))
    series = np.sin(frequency * np.arange(length + 1) + generator.uniform(0, 3, (count, 1)))
    return series[:, :-1, None].astype(np.float32), series[:, -1:].astype(np.float32)


def films(count: int = 12, frames: int = 4, side: int = 8) -> Numbers:
    """Films of a bright row that moves down: (film, time, y, x, 1)."""
    starts = np.random.default_rng(6).integers(0, side, count)
    x = np.zeros((count, frames, side, side, 1), np.float32)
    for number, start in enumerate(starts):
        for time in range(frames):
            x[number, time, (start + time) % side] = 1
    return x
