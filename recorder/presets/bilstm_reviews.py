"""An LSTM in both directions on film reviews."""

from __future__ import annotations

from typing import Any

from recorder.presets.reviews import averaged, reviews_preset


def hidden() -> list[Any]:
    """Read the sentence forwards and backwards; keep both states at every token."""
    from keras import layers

    lstm = layers.LSTM(16, return_sequences=True, name="lstm")
    return averaged(layers.Bidirectional(lstm, name="bilstm"))


PRESET = reviews_preset(
    "bilstm",
    title="Bidirectional LSTM on film reviews",
    description="One LSTM reads the sentence forwards, another one backwards, to 75 % (0.1 GB).",
    hidden=hidden,
    epochs=6,
)
