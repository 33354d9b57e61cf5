"""Pooling, with gradients where TensorFlow puts them."""

from __future__ import annotations

import numpy as np

from explorer.derived.network.layer_op import LayerOp
from explorer.derived.network.node import Array, Call, Field, OutputPart
from explorer.derived.network.registry import register
from explorer.derived.network.windows import windows_of


@register("MaxPooling1D", "MaxPooling2D", "MaxPooling3D")
class MaxPooling(LayerOp):
    """``MaxPooling1D`` to ``MaxPooling3D``."""

    is_affine = False

    def forward(self, call: Call) -> Array:
        """Give the greatest value of each window."""
        x = call.x
        windows = windows_of(call.config, x.ndim - 2)
        padded = windows.padded(x, -np.inf)
        output = np.full((len(x), *windows.counts(x.shape[1:-1]), x.shape[-1]), -np.inf, np.float32)
        for _, index in windows.places(x.shape[1:-1]):
            np.maximum(output, padded[index], out=output)
        return output

    def backward(self, call: Call, gradient: Array) -> tuple[Array, ...]:
        """Give each window's gradient to its greatest value; of equal ones, to the first."""
        x, greatest = call.x, self.forward(call)
        lengths = x.shape[1:-1]
        windows = windows_of(call.config, x.ndim - 2)
        padded = windows.padded(x, -np.inf)
        total = windows.empty(len(x), lengths, x.shape[-1])
        left = np.ones(greatest.shape, bool)
        for _, index in windows.places(lengths):
            seen = padded[index]
            # NaN is the greatest of its window, though it is equal to nothing.
            here = left & ((seen == greatest) | np.isnan(seen))
            total[index] += np.where(here, gradient, 0)
            left &= ~here
        return (windows.cropped(total, lengths),)

    def sees(self, part: OutputPart) -> Field:
        """Give what the windows see."""
        return windows_of(part.config, len(part.lengths)).seen_by(part.field, part.lengths)


@register("AveragePooling1D", "AveragePooling2D", "AveragePooling3D")
class AveragePooling(LayerOp):
    """``AveragePooling1D`` to ``AveragePooling3D``; the padding does not count."""

    def forward(self, call: Call) -> Array:
        """Give the mean of each window."""
        x = call.x
        windows = windows_of(call.config, x.ndim - 2)
        padded, lengths = windows.padded(x), x.shape[1:-1]
        output = np.zeros((len(x), *windows.counts(lengths), x.shape[-1]), np.float32)
        for _, index in windows.places(lengths):
            output += padded[index]
        return output / self._sizes(call)

    def backward(self, call: Call, gradient: Array) -> tuple[Array, ...]:
        """Give every value of a window its share."""
        x = call.x
        lengths = x.shape[1:-1]
        windows = windows_of(call.config, x.ndim - 2)
        total = windows.empty(len(x), lengths, x.shape[-1])
        share = gradient / self._sizes(call)
        for _, index in windows.places(lengths):
            total[index] += share
        return (windows.cropped(total, lengths),)

    def sees(self, part: OutputPart) -> Field:
        """Give what the windows see."""
        return windows_of(part.config, len(part.lengths)).seen_by(part.field, part.lengths)

    def _sizes(self, call: Call) -> Array:
        """Count what lies in each window: (1, window, ..., 1)."""
        x = call.x
        windows = windows_of(call.config, x.ndim - 2)
        ones = windows.padded(np.ones((1, *x.shape[1:-1], 1), np.float32))
        return np.asarray(sum(ones[index] for _, index in windows.places(x.shape[1:-1])))


@register("GlobalMaxPooling1D", "GlobalMaxPooling2D", "GlobalMaxPooling3D")
class GlobalMaxPooling(LayerOp):
    """``GlobalMaxPooling1D`` to ``GlobalMaxPooling3D``."""

    is_affine = False

    def forward(self, call: Call) -> Array:
        """Give the greatest value over all places."""
        x = call.x
        return np.asarray(x.max(axis=_places(x), keepdims=bool(call.config.get("keepdims"))))

    def backward(self, call: Call, gradient: Array) -> tuple[Array, ...]:
        """Give the gradient to the greatest value; equal ones share it, as in TensorFlow."""
        x = call.x
        greatest = x.max(axis=_places(x), keepdims=True)
        here = ((x == greatest) | np.isnan(x)).astype(np.float32)
        share = here / here.sum(axis=_places(x), keepdims=True)
        return (share * gradient.reshape(greatest.shape),)

    def sees(self, part: OutputPart) -> Field:
        """Give all places."""
        return part.whole


@register("GlobalAveragePooling1D", "GlobalAveragePooling2D", "GlobalAveragePooling3D")
class GlobalAveragePooling(LayerOp):
    """``GlobalAveragePooling1D`` to ``GlobalAveragePooling3D``; masked tokens do not count."""

    obeys_mask = True

    def forward(self, call: Call) -> Array:
        """Give the mean over all places."""
        keepdims = bool(call.config.get("keepdims"))
        x = call.x
        if call.mask is None:
            return np.asarray(x.mean(axis=_places(x), keepdims=keepdims))
        # Unlike a product with the share, this keeps a masked token's NaN out of the mean.
        read = call.mask[:, :, None]
        return np.asarray(
            np.where(read, x, 0).sum(axis=1, keepdims=keepdims)
            / read.sum(axis=1, keepdims=keepdims, dtype=np.float32)
        )

    def backward(self, call: Call, gradient: Array) -> tuple[Array, ...]:
        """Give every place its share."""
        x = call.x
        counted = (
            np.ones((1, *x.shape[1:-1], 1), bool) if call.mask is None else call.mask[..., None]
        )
        sizes = counted.sum(axis=_places(x), keepdims=True, dtype=np.float32)
        whole = gradient.reshape(len(x), *(1,) * (x.ndim - 2), x.shape[-1])
        return (np.broadcast_to(np.where(counted, whole / sizes, 0), x.shape),)

    def sees(self, part: OutputPart) -> Field:
        """Give all places."""
        return part.whole


def _places(x: Array) -> tuple[int, ...]:
    return tuple(range(1, x.ndim - 1))
