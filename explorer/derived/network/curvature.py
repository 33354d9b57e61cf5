"""Curvature of the loss and noise of its gradient, from gradients by the weights alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from explorer.derived.time.headway import counted

Array = npt.NDArray[Any]
Float64 = npt.NDArray[np.float64]

# Gradient (weight,) at weights (weight,).
Gradient = Callable[[Float64], Float64]
# Products with the Hessian, of two gradients each.
MOST_PRODUCTS = 20
# Share of the eigenvalue by which the estimate may be off.
TOLERANCE = 0.01
# Length of a step for a difference of gradients, relative to the weights: gradients in float32 are
# known to seven digits, so shorter ones drown in rounding, and longer ones cross kinks.
STEP = 1e-3
ROUNDING = float(np.finfo(np.float32).eps)


class Eigenvalue(NamedTuple):
    """The largest eigenvalue of a Hessian.

    Attributes
    ----------
    value : float
        The estimate; NaN where a gradient is not finite.
    products : int
        Products with the Hessian that it took.
    settled : bool
        Whether it is within `TOLERANCE` of an eigenvalue.
    """

    value: float
    products: int
    settled: bool


def hessian_product(gradient: Gradient, weights: Float64, direction: Float64) -> Float64:
    r"""Multiply the Hessian with a direction, as a central difference of gradients.

    .. math:: H v \approx \frac{g(w + h v) - g(w - h v)}{2 h}

    Pearlmutter (1994), *Fast exact multiplication by the Hessian*, begins with this difference.

    Parameters
    ----------
    gradient : callable
        Gives the gradient (weight,) at weights (weight,).
    weights : ndarray (weight,)
        Where.
    direction : ndarray (weight,)
        Any length but 0.
    """
    length = np.linalg.norm(direction)
    step = STEP * max(float(np.linalg.norm(weights)), 1.0) / length
    ahead, behind = gradient(weights + step * direction), gradient(weights - step * direction)
    return np.asarray((ahead - behind) / (2 * step), np.float64)


def top_eigenvalue(
    gradient: Gradient, weights: Float64, *, most: int = MOST_PRODUCTS, seed: int = 0
) -> Eigenvalue:
    """Find the largest eigenvalue of the Hessian, the sharpness of the loss.

    Cohen et al. (2021), *Gradient descent on neural networks typically occurs at the edge of
    stability*: in plain gradient descent on all examples it rises until it hovers just above 2 /
    learning rate. It is found by Lanczos's method, which makes of the vectors of a power iteration
    the best that they hold: also where the eigenvalue of the largest size is negative, and in
    fewer products.

    Parameters
    ----------
    gradient : callable
        Gives the gradient (weight,) at weights (weight,).
    weights : ndarray (weight,)
        Where.
    most : int
        Products with the Hessian at most.
    seed : int
        Of the direction that it starts with.
    """
    start = np.random.default_rng(seed).normal(size=len(weights))
    basis = [start / np.linalg.norm(start)]
    diagonal: list[float] = []
    beside: list[float] = []
    value = float("nan")
    for count in counted(range(1, min(most, len(weights)) + 1)):
        product = hessian_product(gradient, weights, basis[-1])
        if not np.isfinite(product).all():
            return Eigenvalue(float("nan"), count, settled=False)
        diagonal.append(float(product @ basis[-1]))
        value, last = _largest(diagonal, beside)
        # Twice, since rounding leaves a part of the old directions the first time.
        for _ in range(2):
            for direction in basis:
                product -= (product @ direction) * direction
        left = float(np.linalg.norm(product))
        # So far is the estimate from an eigenvalue at most.
        if left * last <= max(TOLERANCE * abs(value), ROUNDING):
            return Eigenvalue(value, count, settled=True)
        beside.append(left)
        basis.append(product / left)
    return Eigenvalue(value, count, settled=len(weights) <= most)


def _largest(diagonal: Sequence[float], beside: Sequence[float]) -> tuple[float, float]:
    """Largest eigenvalue of a symmetric matrix with three diagonals, and its vector's last size."""
    matrix = np.diag(diagonal) + np.diag(beside, 1) + np.diag(beside, -1)
    values, vectors = np.linalg.eigh(matrix)
    return float(values[-1]), float(abs(vectors[-1, -1]))


def noise_scale(gradients: Array, size: int) -> float:
    r"""Estimate the gradient noise scale from the gradients of batches of one size.

    McCandlish et al. (2018), *An empirical model of large-batch training*, appendix A: with the
    squared norms of gradients of batches of :math:`b` examples and of all :math:`B` of them,

    .. math::
        |G|^2 \approx \frac{B |G_B|^2 - b |G_b|^2}{B - b}, \quad
        S \approx \frac{|G_b|^2 - |G_B|^2}{1/b - 1/B}, \quad
        \mathcal{B} = S / |G|^2.

    Parameters
    ----------
    gradients : ndarray (batch, weight)
        Gradient of the mean loss of each of some batches of different examples, at least two.
    size : int
        Examples in each.

    Returns
    -------
    float
        In examples: the batch size beyond which averaging out noise pays little. NaN where the
        estimate of :math:`|G|^2` is not above 0: all of the gradient may be noise.
    """
    values = np.asarray(gradients, np.float64)
    if not np.isfinite(values).all():
        return float("nan")
    whole = size * len(values)
    small = float((values**2).sum(axis=1).mean())
    large = float((values.mean(axis=0) ** 2).sum())
    squared = (whole * large - size * small) / (whole - size)
    spread = (small - large) / (1 / size - 1 / whole)
    return spread / squared if squared > 0 else float("nan")
