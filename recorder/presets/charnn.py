"""A GRU that learns to write film reviews, letter by letter."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import chain
from typing import Any

from recorder.presets.preset import Data, Preset, compiled, split
from recorder.presets.reviews import DATA_SEED, NEEDS, read_sentences
from recorder.presets.tokens import build_vocabulary, encode
from recorder.probe import Probe
from store.format.names import Array

CHARACTERS = 64  # read by the network in each example, and as many to predict
HELD_OUT = 500  # sentences
PROBES = 8
VOCABULARY = 64  # what is rarer than the 62 most frequent characters is unknown
END = "\n"


def load_data() -> Data:
    """Load windows of sentences: characters (window, character), and the ones that follow each."""
    texts, classes = read_sentences()
    train, held_out = (
        [windows(texts[index] + END) for index in part]
        for part in split(classes, HELD_OUT, DATA_SEED)
    )
    vocabulary = build_vocabulary(chain(*train), VOCABULARY, tokenizer=list)
    starts = [pieces[0] for pieces in held_out if pieces][:PROBES]
    x, y = _shifted(starts, vocabulary)
    probe = Probe(x, y, texts=[start[:-1] for start in starts], vocabulary=vocabulary)
    return Data(
        *_shifted([*chain(*train)], vocabulary), *_shifted([*chain(*held_out)], vocabulary), probe
    )


def windows(text: str, length: int = CHARACTERS + 1) -> list[str]:
    """Cut a text into pieces of one length, the last one overlapping; none if it is shorter.

    Examples
    --------
    >>> windows("a film", 4)
    ['a fi', 'film']
    """
    last = len(text) - length
    if last < 0:
        return []
    return [text[start : start + length] for start in [*range(0, last, length), last]]


def bits_per_character(y_true: Any, y_pred: Any) -> Any:
    """Give the cross-entropy at every character (example, character), in bits."""
    import keras

    return keras.losses.sparse_categorical_crossentropy(y_true, y_pred) / math.log(2)


def build_model(data: Data) -> Any:
    """Build a network that gives, after every character, the probabilities of the next one."""
    import keras
    from keras import layers

    vocabulary = data.probe.vocabulary
    assert vocabulary is not None
    return compiled(
        keras.Sequential(
            [
                keras.Input(data.x_train.shape[1:], dtype="int32", name="characters"),
                layers.Embedding(len(vocabulary), 24, name="embedding"),
                layers.GRU(128, return_sequences=True, name="gru"),
                layers.Dense(len(vocabulary), name="logits"),
                layers.Softmax(name="softmax"),
            ],
            name="charnn",
        ),
        learning_rate=0.004,
        metrics=["accuracy", bits_per_character],
    )


def _shifted(texts: Sequence[str], vocabulary: Sequence[str]) -> tuple[Array, Array]:
    numbers = encode(texts, vocabulary, CHARACTERS + 1, tokenizer=list)
    return numbers[:, :-1], numbers[:, 1:]


PRESET = Preset(
    name="charnn",
    title="GRU that writes film reviews",
    description="Learns the next letter, to 2.2 bits; frequencies alone need 4.3 (0.1 GB).",
    epochs=8,
    batch_size=128,
    load_data=load_data,
    build_model=build_model,
    needs=NEEDS,
    # Each example has 64 times 64 probabilities: some hundreds would take far more than all else.
    evaluated=0,
)
