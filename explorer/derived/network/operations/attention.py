"""Attention: each place of the output is a mean of values, weighted by scores."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np
from scipy.special import expit, softmax

from explorer.derived.network.layer_op import LayerOp
from explorer.derived.network.node import Array, Call, Field, OutputPart, as_float
from explorer.derived.network.registry import MORE_MASKED, register
from explorer.derived.recurrent.equations import NotDerivableError

# Scores that are masked: far below all others, so that their share is 0 in float32.
MASKED = np.float32(-1e9)


class Attending(LayerOp):
    """What all layers of attention share: scores of every query for every key."""

    least, most = 2, 3
    is_affine = False
    units = "mixed"

    def scores(self, call: Call) -> Array:
        """Give the share that each key has in each query: (batch, head, query, key).

        Each query's shares add up to 1; where all keys are masked, they are what Keras makes them.
        Places of several axes are counted through in row-major order.
        """
        raise NotImplementedError

    def sees(self, part: OutputPart) -> Field:
        """Give all places: a query may attend to any."""
        return part.whole


@dataclass(frozen=True, slots=True)
class _Heads:
    """Queries, keys, values, (batch, head, place, unit), and what follows of them."""

    query: Array
    key: Array
    value: Array
    scores: Array
    allowed: Array | None
    gate: Array | None  # (batch, head, query, unit), before its sigmoid


@register("MultiHeadAttention")
class MultiHeadAttention(Attending):
    """``MultiHeadAttention`` (Vaswani et al. 2017, arXiv:1706.03762)."""

    mask_arguments = ("query_mask", "value_mask", "key_mask", MORE_MASKED)

    def scores(self, call: Call) -> Array:
        """Give the softmax of scaled products of queries and keys, where they are not masked."""
        return self._heads(call).scores

    def forward(self, call: Call) -> Array:
        """Weight the values, and join the heads."""
        kernel = call.weight("attention_output.kernel")
        joined = _summed(_inner_last(self._gated(self._heads(call))), kernel, 2)
        bias = call.optional("attention_output.bias", "use_bias")
        whole = joined if bias is None else joined + bias
        return _unflattened(whole, call.inputs[0].shape, self._axes(call, call.inputs[0]))

    def backward(self, call: Call, gradient: Array) -> tuple[Array, ...]:
        """Take the gradient to query, value and key, through the scores too."""
        heads = self._heads(call)
        by_part = self._at_parts(call, heads, gradient)
        back = {
            name: _summed(_inner_last(part), call.weight(f"{name}.kernel"), [(2, 3), (1, 2)])
            for name, part in by_part.items()
        }
        found = [
            reduce(np.add, [back[name] for name in names if name in back])
            for names in self._parts_of(call)
        ]
        return tuple(
            _unflattened(as_float(part), given.shape, self._axes(call, given))
            for part, given in zip(found, call.inputs, strict=True)
        )

    def weight_gradients(self, call: Call, gradient: Array) -> dict[str, Array]:
        """Give those of all projections."""
        heads = self._heads(call)
        at_output = self._flat(call, gradient, call.inputs[0])
        inner = _inner_last(self._gated(heads))
        found = {"attention_output.kernel": _summed(inner, at_output, [(0, 1), (0, 1)])}
        by_part = self._at_parts(call, heads, gradient)
        for names, given in zip(self._parts_of(call), call.inputs, strict=True):
            x = self._flat(call, as_float(given), given)
            for name in names:
                if name in by_part:
                    part = _inner_last(by_part[name])
                    found[f"{name}.kernel"] = _summed(x, part, [(0, 1), (0, 1)])
                    found[f"{name}.bias"] = part.sum(axis=(0, 1))
        found["attention_output.bias"] = at_output.sum(axis=(0, 1))
        return {name: values for name, values in found.items() if name in call.weights}

    # -- inside ------------------------------------------------------------------------------

    def _heads(self, call: Call) -> _Heads:
        query, value = call.inputs[:2]
        key = call.inputs[2] if len(call.inputs) > 2 else value
        parts = {
            name: self._projected(call, name, given)
            for name, given in (("query", query), ("key", key), ("value", value))
        }
        gate = self._projected(call, "gate", query) if call.config.get("use_gate") else None
        repeats = parts["query"].shape[1] // parts["key"].shape[1]
        key_heads, value_heads = (
            np.repeat(parts[name], repeats, axis=1) for name in ("key", "value")
        )
        logits = parts["query"] @ key_heads.swapaxes(2, 3) * self._scale(parts["query"])
        allowed = self._allowed(call, logits)
        scores = _shares(logits, allowed)
        if allowed is not None and self._blanks(call):
            scores = np.where(allowed, scores, np.float32(0))
        return _Heads(parts["query"], key_heads, value_heads, scores, allowed, gate)

    def _at_parts(self, call: Call, heads: _Heads, gradient: Array) -> dict[str, Array]:
        """Gradients at the projections: (batch, head, place, unit) each."""
        kernel = call.weight("attention_output.kernel")
        outer = tuple(range(2, kernel.ndim))
        flat = self._flat(call, gradient, call.inputs[0])
        flat = flat.reshape(*flat.shape[:2], *kernel.shape[2:])
        inner = _summed(flat, kernel, [outer, outer]).transpose(0, 2, 1, 3)
        found = {}
        if heads.gate is not None:
            opened = expit(heads.gate)
            found["gate"] = inner * (heads.scores @ heads.value) * opened * (1 - opened)
            inner = inner * opened
        at_scores = inner @ heads.value.swapaxes(2, 3)
        tilt = (at_scores * heads.scores).sum(axis=-1, keepdims=True)
        at_logits = heads.scores * (at_scores - tilt) * self._scale(heads.query)
        if heads.allowed is not None:
            at_logits = np.where(heads.allowed, at_logits, np.float32(0))
        found["query"] = at_logits @ heads.key
        shared = call.weight("key.kernel").shape[1]
        for name, part in (
            ("key", at_logits.swapaxes(2, 3) @ heads.query),
            ("value", heads.scores.swapaxes(2, 3) @ inner),
        ):
            found[name] = part.reshape(len(part), shared, -1, *part.shape[2:]).sum(axis=2)
        return found

    def _parts_of(self, call: Call) -> list[tuple[str, ...]]:
        """Which projections each input goes into."""
        if len(call.inputs) > 2:
            return [("query", "gate"), ("value",), ("key",)]
        return [("query", "gate"), ("value", "key")]

    def _projected(self, call: Call, name: str, given: Array) -> Array:
        kernel = call.weight(f"{name}.kernel")
        found = _summed(self._flat(call, as_float(given), given), kernel, 1)
        bias = call.optional(f"{name}.bias", "use_bias")
        return (found if bias is None else found + bias).transpose(0, 2, 1, 3)

    def _gated(self, heads: _Heads) -> Array:
        inner = heads.scores @ heads.value
        return inner if heads.gate is None else inner * expit(heads.gate)

    def _allowed(self, call: Call, logits: Array) -> Array | None:
        """Which keys each query may attend to: broadcasts to (batch, head, query, key)."""
        queries, keys = logits.shape[2:]
        rows, columns = np.arange(queries)[:, None], np.arange(keys)
        found: list[Array] = []
        if call.options.get("use_causal_mask"):
            found.append(rows >= columns)
        if call.config.get("sliding_window"):
            found.append(np.abs(rows - columns) < call.config["sliding_window"])
        if call.inputs[0].ndim > 3 and (found or call.masks):
            raise NotDerivableError("It is masked along several axes, which is not repeated.")
        for name, mask in call.masks.items():
            if name == "query_mask":
                found.append(mask[:, None, :, None])
            elif name == MORE_MASKED:
                found.append(mask.reshape(len(mask), -1, *mask.shape[-2:]))
            else:
                found.append(mask[:, None, None, :])
        if not found:
            return None
        allowed = np.ones((1, 1, 1, 1), bool)
        for mask in found:
            allowed = allowed & mask
        return np.broadcast_to(allowed, logits.shape)

    def _blanks(self, call: Call) -> bool:
        """Whether a query that may attend to nothing gets 0, and not a mean of all values."""
        return bool(call.config.get("dropout") or call.options.get("return_attention_scores"))

    def _scale(self, query: Array) -> np.float32:
        return np.float32(1 / math.sqrt(query.shape[-1]))

    def _axes(self, call: Call, given: Array) -> tuple[int, ...]:
        axes = call.config.get("attention_axes")
        return tuple(range(1, given.ndim - 1)) if axes is None else tuple(axes)

    def _flat(self, call: Call, values: Array, given: Array) -> Array:
        """Give (batch, place, unit): what is not attended along belongs to the batch."""
        axes = self._axes(call, given)
        order = _order(given.ndim, axes, values.ndim)
        count = math.prod(given.shape[axis] for axis in axes)
        moved = values.transpose(order)
        tail = values.shape[given.ndim - 1 :]
        return moved.reshape(-1, count, math.prod(tail))


@register("GroupedQueryAttention")
class GroupedQueryAttention(MultiHeadAttention):
    """``GroupedQueryAttention``: several heads share keys and values.

    Ainslie et al. 2023 (arXiv:2305.13245).
    """


@register("Attention")
class Attention(Attending):
    """``Attention`` without projections (Luong et al. 2015, arXiv:1508.04025)."""

    mask_arguments = ("mask",)

    def scores(self, call: Call) -> Array:
        """Give the softmax of the layer's own score, where it is not masked; one head."""
        return self._shares(call)[:, None]

    def forward(self, call: Call) -> Array:
        """Weight the values; a masked query gets 0."""
        return self._unmasked(call, self._shares(call) @ as_float(call.inputs[1]))

    def backward(self, call: Call, gradient: Array) -> tuple[Array, ...]:
        """Take the gradient to query, value and key."""
        gradient = self._unmasked(call, gradient)
        value = as_float(call.inputs[1])
        at_query, at_key = self._pull(call, self._at_logits(call, gradient))
        at_value = self._shares(call).swapaxes(-2, -1) @ gradient
        if len(call.inputs) > 2:
            return at_query, at_value, at_key
        return at_query, (at_value + at_key).reshape(value.shape)

    def weight_gradients(self, call: Call, gradient: Array) -> dict[str, Array]:
        """Give those of the scales."""
        return self._scale_gradients(call, self._at_logits(call, self._unmasked(call, gradient)))

    # -- inside ------------------------------------------------------------------------------

    def _is_concatenated(self, call: Call) -> bool:
        return call.config.get("score_mode") == "concat"

    def _logits(self, call: Call) -> Array:
        if not self._is_concatenated(call):
            return np.asarray(self._products(call) * self._scale(call))
        return np.asarray(call.weight("concat_score_weight") * self._bent(call).sum(axis=-1))

    def _key(self, call: Call) -> Array:
        return as_float(call.inputs[2 if len(call.inputs) > 2 else 1])

    def _products(self, call: Call) -> Array:
        return as_float(call.inputs[0]) @ self._key(call).swapaxes(-2, -1)

    def _scale(self, call: Call) -> Array:
        return call.weight("scale") if call.config.get("use_scale") else np.ones((), np.float32)

    def _sums(self, call: Call) -> Array:
        """Sum of every query and every key: (batch, query, key, unit)."""
        query = as_float(call.inputs[0])
        return np.asarray(query[..., :, None, :] + self._key(call)[..., None, :, :])

    def _bent(self, call: Call) -> Array:
        return np.asarray(np.tanh(self._scale(call) * self._sums(call)))

    def _pull(self, call: Call, at_logits: Array) -> tuple[Array, Array]:
        """Take a gradient at the logits to query and key."""
        if not self._is_concatenated(call):
            scaled = at_logits * self._scale(call)
            return scaled @ self._key(call), scaled.swapaxes(-2, -1) @ as_float(call.inputs[0])
        weight = call.weight("concat_score_weight") * self._scale(call)
        at_sums = at_logits[..., None] * weight * (1 - self._bent(call) ** 2)
        return at_sums.sum(axis=-2), at_sums.sum(axis=-3)

    def _scale_gradients(self, call: Call, at_logits: Array) -> dict[str, Array]:
        found = {}
        if self._is_concatenated(call):
            bent = self._bent(call)
            found["concat_score_weight"] = (at_logits * bent.sum(axis=-1)).sum()
            if "scale" in call.weights:
                slope = call.weight("concat_score_weight") * (1 - bent**2) * self._sums(call)
                found["scale"] = (at_logits * slope.sum(axis=-1)).sum()
        elif "scale" in call.weights:
            found["scale"] = (at_logits * self._products(call)).sum()
        return {name: np.asarray(values, np.float32) for name, values in found.items()}

    def _at_logits(self, call: Call, gradient: Array) -> Array:
        shares = self._shares(call)
        at_shares = gradient @ as_float(call.inputs[1]).swapaxes(-2, -1)
        tilt = (at_shares * shares).sum(axis=-1, keepdims=True)
        return np.asarray(shares * (at_shares - tilt))

    def _shares(self, call: Call) -> Array:
        logits = self._logits(call)
        allowed = np.ones(logits.shape[-2:], bool)
        if call.options.get("use_causal_mask"):
            allowed = np.tril(allowed)
        values = call.masks.get("mask 1")
        if values is not None:
            allowed = allowed & values[..., None, :]
        return _shares(logits, None if allowed.all() else np.broadcast_to(allowed, logits.shape))

    def _unmasked(self, call: Call, output: Array) -> Array:
        queries = call.masks.get("mask 0")
        return output if queries is None else np.where(queries[..., None], output, np.float32(0))


@register("AdditiveAttention")
class AdditiveAttention(Attention):
    """``AdditiveAttention`` (Bahdanau et al. 2014, arXiv:1409.0473)."""

    def _logits(self, call: Call) -> Array:
        return np.asarray((self._scale(call) * np.tanh(self._sums(call))).sum(axis=-1))

    def _pull(self, call: Call, at_logits: Array) -> tuple[Array, Array]:
        slope = self._scale(call) * (1 - np.tanh(self._sums(call)) ** 2)
        at_sums = at_logits[..., None] * slope
        return at_sums.sum(axis=-2), at_sums.sum(axis=-3)

    def _scale_gradients(self, call: Call, at_logits: Array) -> dict[str, Array]:
        if "scale" not in call.weights:
            return {}
        parts = at_logits[..., None] * np.tanh(self._sums(call))
        return {"scale": parts.reshape(-1, parts.shape[-1]).sum(axis=0)}


def _shares(logits: Array, allowed: Array | None) -> Array:
    masked = logits if allowed is None else np.where(allowed, logits, MASKED)
    return as_float(softmax(masked, axis=-1))


def _summed(one: Array, other: Array, axes: Any) -> Array:
    """Multiply and sum over axes of both, see `numpy.tensordot`."""
    return np.asarray(np.tensordot(one, other, axes))


def _inner_last(values: Array) -> Array:
    """Give (batch, place, head, unit) of (batch, head, place, unit)."""
    return values.transpose(0, 2, 1, 3)


def _order(rank: int, axes: tuple[int, ...], whole: int) -> list[int]:
    """Order of axes in which those of the batch come first, then what is attended along."""
    places = range(1, rank - 1)
    return [0, *(axis for axis in places if axis not in axes), *axes, *range(rank - 1, whole)]


def _unflattened(values: Array, shape: tuple[int, ...], axes: tuple[int, ...]) -> Array:
    """Give (batch, place, unit ...) the places that an input of some shape has."""
    tail = values.shape[2:]
    order = _order(len(shape), axes, len(shape) - 1 + len(tail))
    heads = [shape[axis] for axis in order if axis < len(shape) - 1]
    return values.reshape(*heads, *tail).transpose(np.argsort(order))
