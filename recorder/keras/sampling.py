"""Reads the sample of a model's weights in one traced function."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from recorder.weight_sample import WeightSample
from store.format.names import Array


def sample_of(variables: Sequence[Any]) -> WeightSample:
    """Make what samples variables.

    Parameters
    ----------
    variables : sequence of keras.Variable
        What is sampled.
    """
    return WeightSample(
        [tuple(variable.shape) for variable in variables],
        lambda strides: _reader(variables, strides),
    )


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
