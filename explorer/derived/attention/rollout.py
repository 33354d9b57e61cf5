"""Where what a place holds comes from, through several layers of attention."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


def rollout(scores: Sequence[Array], passed: float = 0.5) -> npt.NDArray[np.float64]:
    """Multiply the attention of layers, each with what passes by it.

    Abnar and Zuidema 2020 (arXiv:2005.00928): of a layer, A = (1 - r) · mean over heads + r · I,
    its rows divided by their sums; of several, the product, the last layer first.

    Parameters
    ----------
    scores : sequence of ndarray (..., head, place, place)
        Of each layer, the first one first.
    passed : float
        r: the share that is taken to pass by the attention, unchanged.

    Returns
    -------
    ndarray (..., place, place), float64
        Share of each place of the input in each place of the last layer; rows add up to 1.

    Raises
    ------
    ValueError
        No layer was given, or their places differ.
    """
    if not scores or len({each.shape[-2:] for each in scores}) != 1:
        raise ValueError("Rollout takes the scores of one layer or more, over the same places.")
    places = scores[0].shape[-1]
    found = np.eye(places)
    for each in scores:
        mixed = (1 - passed) * each.mean(axis=-3, dtype=np.float64) + passed * np.eye(places)
        found = mixed / mixed.sum(axis=-1, keepdims=True) @ found
    return found
