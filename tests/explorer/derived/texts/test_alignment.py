"""Keras's own layers show which tokens a position sees."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from explorer.derived.texts.alignment import Window, text_spans, token_spans, window_of

TOKENS = 11


def seen_by_keras(layers: list[Any], tokens: int) -> np.ndarray:
    """Tokens that light each position, each alone: (position, token) of bool."""
    x = np.eye(tokens, dtype=np.float32)[:, :, None]
    for layer in layers:
        x = np.asarray(layer(x))
    return x[:, :, 0].T > 0


def convolution(size: int, **options: Any) -> Any:
    from keras import layers

    return layers.Conv1D(1, size, kernel_initializer="ones", **options)


CHAINS = {
    "same": [("conv", {"size": 3, "padding": "same"})],
    "even": [("conv", {"size": 4, "padding": "same"})],
    "valid": [("conv", {"size": 3})],
    "strides": [("conv", {"size": 4, "strides": 3, "padding": "same"})],
    "causal": [("conv", {"size": 3, "padding": "causal", "dilation_rate": 2})],
    "causal strides": [("conv", {"size": 3, "padding": "causal", "strides": 2})],
    "dilated": [("conv", {"size": 3, "dilation_rate": 3, "padding": "same"})],
    "wide": [("conv", {"size": 2, "dilation_rate": 12, "padding": "same"})],
    "pool": [("max", {"pool_size": 2})],
    "pool apart": [("average", {"pool_size": 2, "strides": 3, "padding": "same"})],
    "preset": [("conv", {"size": 3, "padding": "same"}), ("max", {"pool_size": 2})],
    "deep": [
        ("conv", {"size": 3, "padding": "same"}),
        ("max", {"pool_size": 3, "strides": 2, "padding": "same"}),
        ("conv", {"size": 2, "padding": "causal"}),
        ("average", {"pool_size": 2, "strides": 2}),
    ],
    "too short": [("conv", {"size": 12})],
}


@pytest.mark.parametrize("name", CHAINS)
def test_spans_are_what_keras_lets_through(name: str) -> None:
    from keras import layers

    kinds = {
        "conv": convolution,
        "max": layers.MaxPooling1D,
        "average": layers.AveragePooling1D,
    }
    chain = [kinds[kind](**options) for kind, options in CHAINS[name]]
    windows = [window_of(type(layer).__name__, layer.get_config()) for layer in chain]
    found = token_spans(TOKENS, [window for window in windows if window is not None])
    if name == "too short":  # Keras refuses
        assert found.shape == (0, 2)
        return
    seen = seen_by_keras(chain, TOKENS)
    assert len(found) == len(seen)
    for (start, end), lit in zip(found, seen, strict=True):
        tokens = np.flatnonzero(lit)
        if len(tokens):
            assert (start, end) == (tokens[0], tokens[-1] + 1)
        else:
            assert start == end


def test_layers_that_keep_the_axis_have_no_window() -> None:
    assert token_spans(3, []).tolist() == [[0, 1], [1, 2], [2, 3]]
    assert window_of("LSTM", {"units": 3}) is None
    pooling = {"pool_size": 3, "strides": None, "padding": "same"}
    assert window_of("AveragePooling1D", pooling) == Window(3, 3, "same")
    with pytest.raises(ValueError, match="has padding 'full'; known are \"valid\""):
        Window(3, padding="full").taps(5)


def test_texts_lie_between_their_padding() -> None:
    ids = np.array([[5, 0, 6, 0], [0, 0, 7, 8], [0, 0, 0, 0], [1, 2, 3, 4]])
    assert text_spans(ids).tolist() == [[0, 3], [2, 4], [0, 0], [0, 4]]
    assert text_spans(ids, padding=None).tolist() == [[0, 4]] * 4
    assert text_spans(ids, padding=8)[1].tolist() == [0, 3]
    assert text_spans(np.zeros((2, 0), int)).tolist() == [[0, 0]] * 2
