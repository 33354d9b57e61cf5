"""The matrices of each head of a layer of attention."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

# What can be looked at, and how it is called.
PARTS: Mapping[str, str] = {
    "query": "query",
    "key": "key",
    "value": "value",
    "attention_output": "output",
    "attends": "query · key",
    "moves": "value · output",
}


def head_matrices(weights: Mapping[str, Array], part: str) -> npt.NDArray[np.float32]:
    """Give a matrix for each head.

    The two products are the circuits of Elhage et al. 2021, "A mathematical framework for
    transformer circuits": which unit of a query meets which of a key, and which unit of a value
    goes into which unit of the output.

    Parameters
    ----------
    weights : mapping of str to ndarray
        Of a ``MultiHeadAttention`` or ``GroupedQueryAttention`` layer, by name.
    part : str
        One of `PARTS`.

    Returns
    -------
    ndarray (head, row, column), float32
        Where heads share keys and values, those have fewer; the products are of every query head.
    """

    def kernel(name: str) -> Array:
        return np.asarray(weights[f"{name}.kernel"], np.float32)

    def into(name: str) -> Array:
        return kernel(name).transpose(1, 0, 2)  # (head, in_unit, head_unit)

    def out() -> Array:
        found = kernel("attention_output")
        return found.reshape(*found.shape[:2], -1)

    if part == "attention_output":
        return out()
    if part == "attends":
        query, key = into("query"), into("key")
        return np.asarray(query @ np.repeat(key, len(query) // len(key), axis=0).swapaxes(1, 2))
    if part == "moves":
        value, output = into("value"), out()
        return np.asarray(np.repeat(value, len(output) // len(value), axis=0) @ output)
    return into(part)
