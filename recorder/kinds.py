"""What an input is (an image, a text, a signal, …), and how its axes are called."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from store.format.names import PROBE_DIM, Array
from store.format.spec import LayerSpec

IMAGE_CHANNELS = (1, 3, 4)
# A rank-3 float array is taken for images only when it is square and at least this large;
# shorter ones are more likely sequences of feature vectors.
SMALLEST_IMAGE = 8
# Layers that take a sequence of pictures.
FILM_LAYERS = ("ConvLSTM2D", "TimeDistributed")

_AXES = {
    ("image", 3): ("y", "x"),
    ("image", 4): ("y", "x", "channel"),
    ("text", 2): ("token",),
    ("tabular", 2): ("feature",),
    ("signal", 2): ("time",),
    ("signal", 3): ("time", "channel"),
    ("volume", 4): ("z", "y", "x"),
    ("volume", 5): ("z", "y", "x", "channel"),
    ("video", 4): ("time", "y", "x"),
    ("video", 5): ("time", "y", "x", "channel"),
}


def kind_of(values: Array, *, is_text: bool) -> str:
    """Say what an input is, by its shape and data type.

    Parameters
    ----------
    values : ndarray (probe, ...)
        The input.
    is_text : bool
        Whether texts or a vocabulary belong to it.
    """
    if values.dtype.kind == "U":
        return "text" if values.size == len(np.atleast_1d(values)) else "tabular"
    match values.ndim:
        case 1:
            return "tabular"
        case 2:
            return "text" if is_text and values.dtype.kind in "iu" else "tabular"
        case 3:
            square = values.shape[1] == values.shape[2] >= SMALLEST_IMAGE
            if values.dtype == np.uint8 or (square and not is_text):
                return "image"
            return "signal" if values.dtype.kind == "f" and not is_text else "other"
        case 4 if values.shape[-1] in IMAGE_CHANNELS or values.shape[1] in IMAGE_CHANNELS:
            return "image"
        case 5:
            return "volume"
    return "other"


def kind_by_layers(kind: str, values: Array | None, takers: Sequence[LayerSpec]) -> str:
    """Say what an input is, now that it is known which layers take it.

    Whole numbers that an embedding looks up are tokens. A film and a volume have the same shape;
    a layer that goes through it picture by picture takes a film.

    Parameters
    ----------
    kind : str
        What `kind_of` said.
    values : ndarray (probe, ...) or None
        The input, if it is stored.
    takers : sequence of LayerSpec
        The layers that take it.
    """
    if values is None:
        return kind
    classes = {layer.class_name for layer in takers}
    if kind == "volume" and classes.intersection(FILM_LAYERS):
        return "video"
    are_sequences = values.ndim == 2 and values.shape[1] > 1
    if kind == "tabular" and are_sequences and any(t.kind == "embedding" for t in takers):
        return "text"
    return kind


def dims_of(kind: str, values: Array) -> tuple[str, ...]:
    """Name the axes of an input, the probe first.

    Examples
    --------
    >>> dims_of("signal", np.zeros((8, 100, 2)))
    ('probe', 'time', 'channel')
    """
    axes = _AXES.get((kind, values.ndim)) or tuple(f"dim_{axis}" for axis in range(1, values.ndim))
    if axes == ("y", "x", "channel"):
        last, first = values.shape[-1] in IMAGE_CHANNELS, values.shape[1] in IMAGE_CHANNELS
        if first and not last:
            axes = ("channel", "y", "x")
    return (PROBE_DIM, *axes)
