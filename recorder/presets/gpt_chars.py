"""A small causal transformer that learns to write film reviews, letter by letter."""

from __future__ import annotations

from typing import Any

from recorder.presets.charnn import CHARACTERS, bits_per_character, load_data
from recorder.presets.preset import Data, Preset, compiled
from recorder.presets.reviews import NEEDS
from recorder.presets.transformer import block, placed

UNITS, HEADS, BLOCKS = 96, 4, 2


def build_model(data: Data) -> Any:
    """Build a network that gives, after every character, the probabilities of the next one.

    Radford et al. 2018, "Improving language understanding by generative pre-training".
    """
    import keras
    from keras import layers

    vocabulary = data.probe.vocabulary
    assert vocabulary is not None
    characters = keras.Input(data.x_train.shape[1:], dtype="int32", name="characters")
    x = placed(layers.Embedding(len(vocabulary), UNITS, name="embedding")(characters), CHARACTERS)
    for number in range(1, BLOCKS + 1):
        x = block(x, heads=HEADS, name=f"block{number}", causal=True)
    x = layers.LayerNormalization(epsilon=1e-5, name="norm")(x)
    x = layers.Dense(len(vocabulary), name="logits")(x)
    return compiled(
        keras.Model(characters, layers.Softmax(name="softmax")(x), name="gpt"),
        metrics=["accuracy", bits_per_character],
    )


PRESET = Preset(
    name="gpt-chars",
    title="Transformer that writes film reviews",
    description="Attends to 64 letters, learns the next one, to 2.4 bits (0.3 GB).",
    epochs=10,
    batch_size=128,
    load_data=load_data,
    build_model=build_model,
    needs=NEEDS,
    evaluated=0,  # as of charnn: hundreds of texts would take far more than all else
)
