"""An LSTM on film reviews."""

from __future__ import annotations

from typing import Any

from recorder.presets.reviews import averaged, reviews_preset


def hidden() -> list[Any]:
    """Keep the state at every token, so that it can be followed."""
    from keras import layers

    return averaged(layers.LSTM(32, return_sequences=True, name="lstm"))


PRESET = reviews_preset(
    "lstm",
    title="LSTM on film reviews",
    description="A recurrent network learns whether a sentence is kind, to 74 % (0.1 GB).",
    hidden=hidden,
    epochs=6,
)
