"""How far predicted numbers are from the true ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class ResidualScores:
    """Scores at each step: (step,).

    Attributes
    ----------
    error : ndarray
        Mean absolute error.
    explained : ndarray
        R²: one less the squared error as a share of that of the mean of the true values; NaN where
        these are all alike.
    """

    error: npt.NDArray[np.float64]
    explained: npt.NDArray[np.float64]


def residual_scores(predicted: Array, true: Array) -> ResidualScores:
    """Score predictions (step, example) of true values (example,).

    Examples
    --------
    >>> residual_scores(np.array([[1.0, 2.0], [1.5, 1.5]]), np.array([1.0, 2.0])).explained.tolist()
    [1.0, 0.0]
    """
    residuals = np.asarray(predicted, np.float64) - true
    spread = float(((true - true.mean()) ** 2).sum())
    squares = (residuals**2).sum(axis=1)
    explained = 1 - squares / spread if spread > 0 else np.full(len(squares), np.nan)
    return ResidualScores(np.abs(residuals).mean(axis=1), explained)
