"""Two small transformers, trained for a moment and recorded once for all tests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

WORDS = ["", "[UNK]", *"abcdefg"]
LENGTH = 8


def write_text_run(path: Path) -> Path:
    """A causal transformer of two layers that predicts letters, with padded texts."""
    import keras

    from recorder.presets.transformer import block, placed

    keras.utils.set_random_seed(0)
    letters = keras.Input((LENGTH,), dtype="int32", name="letters")
    embedded = keras.layers.Embedding(len(WORDS), 8, mask_zero=True, name="embedding")(letters)
    x = block(placed(embedded, LENGTH), heads=2, name="one", causal=True)
    x = block(x, heads=2, name="two", causal=True)
    out = keras.layers.Dense(len(WORDS), activation="softmax", name="out")(x)
    model = keras.Model(letters, out)
    x = np.random.default_rng(0).integers(2, len(WORDS), size=(32, LENGTH)).astype(np.int32)
    x[:4, 6:] = 0
    return _record(path, model, x, np.roll(x, -1, axis=1), {"vocabulary": WORDS})


def write_patch_run(path: Path) -> Path:
    """A transformer over 2 × 3 patches of a picture."""
    import keras
    from keras import layers

    from recorder.presets.transformer import block, placed

    keras.utils.set_random_seed(0)
    image = keras.Input((4, 6, 1), name="image")
    x = layers.Reshape((6, 8), name="sequence")(layers.Conv2D(8, 2, 2, name="patches")(image))
    x = block(placed(x, 6), heads=2, name="one")
    x = block(x, heads=2, name="two")
    out = layers.Dense(3, activation="softmax", name="out")(layers.GlobalAveragePooling1D()(x))
    model = keras.Model(image, out)
    random = np.random.default_rng(0)
    pictures = random.normal(size=(32, 4, 6, 1)).astype(np.float32)
    return _record(path, model, pictures, random.integers(0, 3, size=32), {})


def _record(path: Path, model: Any, x: Any, y: Any, more: dict[str, Any]) -> Path:
    from recorder import Probe, Recorder, every_n_steps

    model.compile("adam", "sparse_categorical_crossentropy", run_eagerly=True)
    texts = ["".join(WORDS[i] for i in row if i) for row in x[:6]] if more else None
    probe = Probe(x[:6], y[:6], texts=texts, **more) if more else Probe(x[:6], y[:6])
    recorder = Recorder(path, probe, schedule=every_n_steps(2))
    model.fit(x, y, batch_size=8, epochs=1, verbose=0, callbacks=[recorder])
    return path
