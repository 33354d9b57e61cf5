"""When a training has broken down: its loss or its weights are no numbers any more."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from store.schema import Array


def is_finite_loss(metrics: Mapping[str, float]) -> bool:
    """Whether every loss among the metrics is a finite number.

    Other metrics may well be NaN, for instance a precision that has nothing to count.

    Examples
    --------
    >>> is_finite_loss({"loss": 0.5, "precision": float("nan")})
    True
    >>> is_finite_loss({"critic_loss": float("inf")})
    False
    """
    return all(
        math.isfinite(value)
        for name, value in metrics.items()
        if name == "loss" or name.endswith("_loss")
    )


def are_finite_weights(frames: Mapping[str, Array]) -> bool:
    """Whether every weight of a step is a finite number.

    Parameters
    ----------
    frames : mapping of str to ndarray
        Arrays by path, as a run holds them.
    """
    return all(_is_finite(values) for path, values in frames.items() if "/weights/" in path)


def _is_finite(values: Array) -> bool:
    if values.dtype.kind != "f":
        return True
    # A sum is read in one pass and without a copy; it is finite but for rare overflows only if
    # all its parts are.
    with np.errstate(over="ignore", invalid="ignore"):
        return bool(np.isfinite(values.sum())) or bool(np.isfinite(values).all())
