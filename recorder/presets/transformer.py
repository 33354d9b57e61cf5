"""What the presets with attention share: a block of a transformer, in layers of their own."""

from __future__ import annotations

from typing import Any

WIDER = 2  # how many times as many units the dense part has inside


def placed(x: Any, length: int) -> Any:
    """Add a learned row for each place to what is there: (example, place, unit)."""
    from keras import layers

    from recorder.presets.positions import position_embedding

    return layers.Add(name="placed")([x, position_embedding(length, "positions")(x)])


def block(x: Any, *, heads: int, name: str, causal: bool = False, dropout: float = 0.0) -> Any:
    """Add attention, then a dense part, each of normalized values (Vaswani et al. 2017).

    With the normalization first, as in Xiong et al. 2020 (arXiv:2002.04745).

    Parameters
    ----------
    x : tensor (example, place, unit)
        What comes in.
    heads : int
        Heads of the attention; the units are shared out among them.
    name : str
        Begins the names of the layers.
    causal : bool
        Whether a place may attend only to itself and what is before it.
    dropout : float
        Share of what is added that is left out in training.
    """
    from keras import layers

    units = x.shape[-1]
    normal = layers.LayerNormalization(epsilon=1e-5, name=f"{name}_norm1")(x)
    attended = layers.MultiHeadAttention(heads, units // heads, name=f"{name}_attention")(
        normal, normal, use_causal_mask=causal
    )
    attended = layers.Dropout(dropout, name=f"{name}_dropout1")(attended)
    x = layers.Add(name=f"{name}_add1")([x, attended])
    inner = layers.LayerNormalization(epsilon=1e-5, name=f"{name}_norm2")(x)
    inner = layers.Dense(WIDER * units, activation="gelu", name=f"{name}_dense1")(inner)
    inner = layers.Dense(units, name=f"{name}_dense2")(inner)
    inner = layers.Dropout(dropout, name=f"{name}_dropout2")(inner)
    return layers.Add(name=f"{name}_add2")([x, inner])
