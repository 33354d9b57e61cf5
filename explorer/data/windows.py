"""Which tokens each position of a layer sees."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from explorer.data.run import RunData
from explorer.data.texts import texts_of
from explorer.derived.texts.alignment import text_spans, token_spans, window_of
from store import Layer

Array = npt.NDArray[Any]


def token_windows(data: RunData, layer: Layer) -> Array | None:
    """Give the tokens that each position of a layer sees at once: (position, 2).

    What a recurrent layer remembers from before is not counted. None where the positions are no
    places in the text, or not in its order.
    """
    given, layers = data.input(), data.run.layers
    if given is None or given.ndim != 2 or len(layer.output_shape) != 2:
        return None
    windows, at = [], layer
    while at.inbound:
        if at.source is None or at.source not in layers or at.config.get("go_backwards"):
            return None
        windows.append(window_of(at.class_name, at.config))
        at = layers[at.source]
    chain = [window for window in reversed(windows) if window is not None]
    try:
        spans = token_spans(given.shape[1], chain)
    except ValueError:  # a configuration that does not fit what was recorded
        return None
    return spans if len(spans) == layer.output_shape[0] else None


def padded_positions(
    data: RunData, layer: Layer, tokens: Array | None = None
) -> npt.NDArray[np.bool_] | None:
    """Say which positions of a layer see nothing but padding of each text: (text, position).

    None where that is not known, the probes are no texts, or texts are not filled up.

    Parameters
    ----------
    data : RunData
        The run.
    layer : Layer
        The layer.
    tokens : ndarray of int (text, token), optional
        The texts, as long as the probes; by default those.
    """
    texts, spans = texts_of(data), token_windows(data, layer)
    if texts is None or texts.padding is None or spans is None:
        return None
    written = text_spans(texts.ids if tokens is None else tokens, texts.padding)
    starts = np.maximum(spans[:, 0], written[:, :1])
    ends = np.minimum(spans[:, 1], written[:, 1:])
    return np.asarray(starts >= ends)
