"""Layers that make masks: embeddings of tokens, and masking."""

from __future__ import annotations

import numpy as np

from explorer.derived.network.layer_op import LayerOp
from explorer.derived.network.node import Array, Call
from explorer.derived.network.operations.convolution import pointwise_gradient
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


@register("ReversibleEmbedding")
class ReversibleEmbedding(Embedding):
    """``ReversibleEmbedding``: a table that is also read backwards, to give logits of tokens.

    Press and Wolf 2016 (arXiv:1608.05859).
    """

    def forward(self, call: Call) -> Array:
        """Look up tokens (batch, token), or compare states (batch, token, unit) with all rows."""
        if not call.options.get("reverse"):
            return super().forward(call)
        logits = call.x @ self._kernel(call)
        cap = call.config.get("logit_soft_cap")
        return np.tanh(logits / np.float32(cap)) * np.float32(cap) if cap else logits

    def backward(self, call: Call, gradient: Array) -> tuple[Array, ...]:
        """Multiply with the table."""
        if not call.options.get("reverse"):
            return super().backward(call, gradient)
        return (self._uncapped(call, gradient) @ self._kernel(call).T,)

    def weight_gradients(self, call: Call, gradient: Array) -> dict[str, Array]:
        """Give that of the table, which both ways add to."""
        if not call.options.get("reverse"):
            return super().weight_gradients(call, gradient)
        at_kernel = pointwise_gradient(call.x, self._uncapped(call, gradient))
        if call.config.get("tie_weights", True):
            return {"embeddings": at_kernel.T}
        return {"reverse_embeddings": at_kernel}

    def _kernel(self, call: Call) -> Array:
        if call.config.get("tie_weights", True):
            return call.weight("embeddings").T
        return call.weight("reverse_embeddings")

    def _uncapped(self, call: Call, gradient: Array) -> Array:
        cap = call.config.get("logit_soft_cap")
        if not cap:
            return gradient
        bent = np.tanh(call.x @ self._kernel(call) / np.float32(cap))
        return np.asarray(gradient * (1 - bent**2))


@register("PositionEmbedding")
class PositionEmbedding(LayerOp):
    """A row for each place, whatever the input: the layer of the presets, and Keras Hub's.

    Vaswani et al. 2017 (arXiv:1706.03762), learned as in Gehring et al. 2017 (arXiv:1705.03122).
    """

    is_affine = False  # the input has no part in it

    def forward(self, call: Call) -> Array:
        """Give the rows of the first places, for each example."""
        rows = call.weight("embeddings")[: call.x.shape[1]]
        return np.broadcast_to(rows, (len(call.x), *rows.shape))

    def backward(self, call: Call, gradient: Array) -> tuple[Array, ...]:
        """Give zeros: the input gives its shape alone."""
        del gradient
        return (np.zeros_like(call.x),)

    def weight_gradients(self, call: Call, gradient: Array) -> dict[str, Array]:
        """Add up over the examples."""
        found = np.zeros_like(call.weight("embeddings"))
        found[: gradient.shape[1]] = gradient.sum(axis=0)
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
