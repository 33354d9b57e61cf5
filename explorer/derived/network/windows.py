"""Windows that slide over the spatial axes: what convolution and pooling have in common."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from explorer.derived.network.node import MOST_GROWTH, SMALL_VALUES, Array, Field, pair
from explorer.derived.recurrent.equations import NotDerivableError

# What is held of the windows' content at once: that of a large image may exceed memory.
BLOCK_BYTES = 64 * 1024 * 1024
# Windows come from a configuration, arrays from what was recorded. A window longer than twice an
# axis sees nothing more; a short axis may be padded.
SPARE_PLACES = 64
# Products of two lengths fit into 64 bits.
LONGEST = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Windows:
    """How windows lie on the spatial axes of an array (batch, axis, ..., channel).

    Attributes
    ----------
    size, strides, dilation : tuple of int
        One for each spatial axis, as Keras has them.
    padding : {"valid", "same", "causal"}
        As Keras has it.
    """

    size: tuple[int, ...]
    strides: tuple[int, ...]
    dilation: tuple[int, ...]
    padding: str

    @property
    def spans(self) -> tuple[int, ...]:
        """Length that a window covers, with the gaps of its dilation."""
        return tuple((n - 1) * d + 1 for n, d in zip(self.size, self.dilation, strict=True))

    def counts(self, lengths: Sequence[int]) -> tuple[int, ...]:
        """Count the windows on axes of these lengths."""
        rows = zip(lengths, self.spans, self.strides, strict=True)
        if self.padding == "valid":
            return tuple(max(0, (length - span) // stride + 1) for length, span, stride in rows)
        return tuple(-(-length // stride) for length, _, stride in rows)

    def pads(self, lengths: Sequence[int]) -> tuple[tuple[int, int], ...]:
        """Give how much is added before and after each axis, by TensorFlow's rule for ``same``."""
        if self.padding == "valid":
            return ((0, 0),) * len(lengths)
        if self.padding == "causal":
            return tuple((span - 1, 0) for span in self.spans)
        rows = zip(lengths, self.counts(lengths), self.spans, self.strides, strict=True)
        totals = [max(0, (n - 1) * stride + span - length) for length, n, span, stride in rows]
        return tuple((total // 2, total - total // 2) for total in totals)

    def seen_by(self, field: Field, lengths: Sequence[int]) -> Field:
        """Give the places that the windows of a field see, on axes of these lengths."""
        rows = zip(field, self.strides, self.spans, self.pads(lengths), strict=True)
        return tuple(
            (start * stride - pad, (stop - 1) * stride - pad + span)
            for (start, stop), stride, span, (pad, _) in rows
        )

    def that_see(self, field: Field, lengths: Sequence[int]) -> Field:
        """Give the windows that see any place of a field, on axes of these lengths."""
        rows = zip(field, self.strides, self.spans, self.pads(lengths), strict=True)
        return tuple(
            (-((span - 1 - start - pad) // stride), (stop - 1 + pad) // stride + 1)
            for (start, stop), stride, span, (pad, _) in rows
        )

    def padded(self, x: Array, fill: float = 0) -> Array:
        """Pad an array (batch, axis, ..., channel); itself where nothing is added.

        Raises
        ------
        NotDerivableError
            What is added is out of all proportion to the array.
        """
        pads = self.pads(x.shape[1:-1])
        if not any(map(any, pads)):
            return x
        self._check(x.shape, [n + sum(pad) for n, pad in zip(x.shape[1:-1], pads, strict=True)])
        return np.pad(x, ((0, 0), *pads, (0, 0)), constant_values=fill)

    def places(self, lengths: Sequence[int]) -> Iterator[tuple[tuple[int, ...], Any]]:
        """Go through the places of a window, with the index of what lies there in every window.

        Yields
        ------
        offset : tuple of int
            Place within the window.
        index : tuple of slice
            Of a padded array (batch, axis, ..., channel).

        Raises
        ------
        NotDerivableError
            A window is longer than what was recorded admits.
        """
        counts = self.counts(lengths)
        for size, length in zip(self.size, lengths, strict=True):
            if size > 2 * length + SPARE_PLACES:
                raise NotDerivableError(
                    f"Its configuration has windows of {' x '.join(map(str, self.size))}; what was "
                    f"recorded of its input is {' x '.join(map(str, lengths))}."
                )
        for offset in np.ndindex(*self.size):
            starts = [at * d for at, d in zip(offset, self.dilation, strict=True)]
            yield (
                offset,
                (
                    slice(None),
                    *(
                        slice(start, start + (count - 1) * stride + 1 if count else start, stride)
                        for start, count, stride in zip(starts, counts, self.strides, strict=True)
                    ),
                ),
            )

    def content(self, x: Array) -> Array:
        """Give what each window sees.

        Parameters
        ----------
        x : ndarray (batch, axis, ..., channel)

        Returns
        -------
        ndarray (batch, window, ..., place, ..., channel)
            A view on the padded array.
        """
        axes = tuple(range(1, x.ndim - 1))
        view = np.lib.stride_tricks.sliding_window_view(self.padded(x), self.spans, axes)
        every = tuple(slice(None, None, stride) for stride in self.strides)
        within = tuple(slice(None, None, step) for step in self.dilation)
        counted = tuple(slice(count) for count in self.counts(x.shape[1:-1]))
        return np.moveaxis(view[:, *every, :, *within][:, *counted], x.ndim - 1, -1)

    def empty(self, batch: int, lengths: Sequence[int], channels: int) -> Array:
        """Give zeros of the padded shape (batch, axis, ..., channel).

        Raises
        ------
        NotDerivableError
            As for `padded`.
        """
        padded = [
            max(length + before + after, span)
            for length, (before, after), span in zip(
                lengths, self.pads(lengths), self.spans, strict=True
            )
        ]
        self._check((batch, *lengths, channels), padded)
        return np.zeros((batch, *padded, channels), np.float32)

    def _check(self, shape: Sequence[int], padded: Sequence[int]) -> None:
        """Hold what padding makes of an array (batch, axis, ..., channel) against the array."""
        values = math.prod(shape)
        wanted = shape[0] * math.prod(padded) * shape[-1]
        if wanted > max(MOST_GROWTH * values, SMALL_VALUES):
            raise NotDerivableError(
                f"The windows of its configuration would pad {' x '.join(map(str, shape[1:-1]))} "
                f"places to {' x '.join(map(str, padded))}, out of all proportion to what "
                "was recorded."
            )

    def cropped(self, padded: Array, lengths: Sequence[int]) -> Array:
        """Take the padding off again: (batch, axis, ..., channel)."""
        pads = self.pads(lengths)
        inner = (
            slice(before, before + length)
            for length, (before, _) in zip(lengths, pads, strict=True)
        )
        return padded[:, *inner]


def windows_of(config: Mapping[str, Any], axes: int) -> Windows:
    """Read the windows of a convolution or pooling layer over some number of spatial axes.

    Raises
    ------
    NotDerivableError
        The configuration describes none.
    """
    size = config.get("kernel_size", config.get("pool_size"))
    strides = config.get("strides")
    given = (size, size if strides is None else strides, config.get("dilation_rate", 1))
    try:
        parts = [pair(part, axes) for part in given]
    except (TypeError, ValueError, OverflowError):
        parts = []
    if not parts or any(
        len(part) != axes or not all(1 <= n <= LONGEST for n in part) for part in parts
    ):
        raise NotDerivableError(
            f"Its windows have size, strides and dilation {given!r:.200}; each should be {axes} "
            f"numbers from 1 to {LONGEST:,}."
        )
    size, strides, dilation = parts
    return Windows(size, strides, dilation, config.get("padding", "valid"))


def blocks(count: int, bytes_each: int) -> Iterator[slice]:
    """Part a batch so that each part's windows fit into `BLOCK_BYTES`, one probe at least."""
    length = max(1, BLOCK_BYTES // max(1, bytes_each))
    edges = [*range(0, count, length), count]
    return (slice(start, stop) for start, stop in pairwise(edges))
