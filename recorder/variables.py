"""Read the values of a network's variables, without a wait."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def variable_reader(variables: list[Any]) -> Callable[[], list[Any]]:
    """Give what reads all variables, in the calling thread.

    Plain operations, which wait for no other thread: a traced function takes a millisecond and
    more while TensorFlow's threads are busy.

    Parameters
    ----------
    variables : list of keras.Variable
        What is read.
    """
    import tensorflow as tf

    values = [variable.value for variable in variables]
    if all(type(value).__name__ == "ResourceVariable" for value in values):
        read = tf.raw_ops.ReadVariableOp
        places = [(value.handle, value.dtype) for value in values]
        return lambda: [read(resource=handle, dtype=dtype) for handle, dtype in places]
    # Over several devices a variable is several.
    traced = tf.function(
        lambda: [tf.convert_to_tensor(v.value) for v in variables], autograph=False
    )
    return lambda: list(traced())
