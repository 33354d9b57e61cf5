"""Layers that make masks: embeddings of tokens, and masking."""

from __future__ import annotations

import numpy as np

from explorer.derived.network.layer_op import LayerOp
from explorer.derived.network.node import Array, Call
from explorer.derived.network.registry import register


@register("Embedding")
class Embedding(LayerOp):
    """``Embedding``: a row of its table for each token."""

    is_affine = False
    units = "mixed"

    def forward(self, call: Call) -> Array:
        """Look up the tokens (batch, token)."""
        return call.weight("embeddings")[call.inputs[0].astype(np.int64)]

    def backward(self, call: Call, gradient: Array) -> tuple[Array, ...]:
        """Give zeros: the number of a token has no gradient, its embedding has."""
        return (np.zeros_like(gradient, shape=call.inputs[0].shape),)

    def weight_gradients(self, call: Call, gradient: Array) -> dict[str, Array]:
        """Add up in each row of the table what comes back to its token."""
        found = np.zeros_like(call.weight("embeddings"))
        np.add.at(found, call.inputs[0].astype(np.int64), gradient)
        return {"embeddings": found}


@register("Masking")
class Masking(LayerOp):
    """``Masking``: tokens whose units all have one value become zero."""

    def forward(self, call: Call) -> Array:
        """Set masked tokens to zero."""
        return np.where(self._read(call), call.x, 0)

    def backward(self, call: Call, gradient: Array) -> tuple[Array, ...]:
        """Let nothing through where the token is masked."""
        return (np.where(self._read(call), gradient, 0),)

    def _read(self, call: Call) -> Array:
        return np.asarray(
            (call.x != call.config.get("mask_value", 0.0)).any(axis=-1, keepdims=True)
        )
