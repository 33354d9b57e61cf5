"""A small sample of a network's weights, cheap enough to be looked at after every update."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from store.format.names import Array

# Scalars that are taken of each variable, evenly spread over it.
SAMPLED = 512


class WeightSample:
    """Evenly spread elements of every trainable variable.

    Parameters
    ----------
    variables : sequence of keras.Variable
        What is sampled.
    """

    def __init__(self, variables: Sequence[Any]) -> None:
        sizes = [int(np.prod(variable.shape)) for variable in variables]
        strides = [max(1, size // SAMPLED) for size in sizes]
        # Tracing takes 50 ms, and most recordings never ask.
        self._make: Callable[[], Callable[[], Array]] = lambda: _reader(variables, strides)
        self._read: Callable[[], Array] | None = None if variables else _nothing
        # An element stands for those that were not taken.
        counts = [-(-size // stride) for size, stride in zip(sizes, strides, strict=True)]
        self._shares = np.repeat(np.array(sizes) / np.maximum(counts, 1), counts)

    def now(self) -> Array:
        """Read the sample: (element,), float32."""
        if self._read is None:
            self._read = self._make()
        return self._read()

    def change_since(self, before: Array) -> float:
        """Norm of the difference over the norm before, as estimated from the sample.

        Parameters
        ----------
        before : ndarray (element,)
            What `now` gave earlier.
        """
        moved = float(np.sum(self._shares * (self.now() - before) ** 2))
        size = float(np.sum(self._shares * before**2))
        return float(np.sqrt(moved / size)) if size else float(np.inf if moved else 0.0)


def _nothing() -> Array:
    return np.empty(0, np.float32)


def _reader(variables: Sequence[Any], strides: Sequence[int]) -> Callable[[], Array]:
    import tensorflow as tf

    def read() -> Any:
        return tf.concat(
            [
                tf.cast(tf.reshape(variable.value, [-1])[::stride], tf.float32)
                for variable, stride in zip(variables, strides, strict=True)
            ],
            axis=0,
        )

    traced = tf.function(read, autograph=False).get_concrete_function()
    return lambda: np.asarray(traced())
