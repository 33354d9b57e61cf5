"""How alike units are to each other, and layers to layers."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.cluster.hierarchy import leaves_list, linkage
from scipy.spatial.distance import pdist
from scipy.stats import beta

from explorer.derived.units.gram import flat_rows, gram

Array = npt.NDArray[Any]
Float64 = npt.NDArray[np.float64]

# Fewer have no unbiased estimate.
FEWEST_UNBIASED = 4
# A smaller share of a sum is rounding.
ROUNDING = 1e-12
# With more rows, the best order of a clustering takes more than some two seconds.
MOST_OPTIMAL = 1000


class Pair(NamedTuple):
    """Two units and their similarity.

    Attributes
    ----------
    first, second : int
        Unit numbers; the first is the smaller one.
    value : float
        Similarity.
    """

    first: int
    second: int
    value: float


def kernel_similarity(kernel: Array, *, axis: int = -1) -> Float64:
    r"""Cosines of the kernels of a layer's units.

    .. math:: \frac{w_i \cdot w_j}{\lVert w_i \rVert \lVert w_j \rVert}

    Parameters
    ----------
    kernel : ndarray (..., unit)
        Weights; all but the axis of the units is flattened.
    axis : int
        Axis of the units.

    Returns
    -------
    ndarray (unit, unit), float64
        -1 to 1. NaN for a unit whose weights are all 0, or not all finite.
    """
    return _cosines(flat_rows(np.moveaxis(kernel, axis, 0)).astype(np.float64))


def greatest_cosine_by_chance(dimensions: int, count: int, *, exceeded: float = 0.05) -> float:
    r"""Give what the greatest of many cosines of random directions reaches by chance.

    In :math:`d` dimensions the square of a cosine follows the beta distribution with parameters
    1/2 and :math:`(d - 1) / 2`. A correlation of :math:`n` normal values is a cosine in
    :math:`n - 1` dimensions.

    Parameters
    ----------
    dimensions : int
        Of the space, 1 at least.
    count : int
        How many cosines, taken for independent, 1 at least.
    exceeded : float
        In which share of cases the greatest one exceeds it.
    """
    if dimensions < 2:
        return 1.0
    tail = 1 - (1 - exceeded) ** (1 / count)  # of one cosine
    return float(np.sqrt(beta.isf(min(1.0, 2 * tail), 0.5, (dimensions - 1) / 2)))


def activation_correlation(frame: Array) -> Float64:
    r"""Pearson correlation of the activations of a layer's units, over probes and positions.

    .. math:: \frac{(a_i - \bar a_i) \cdot (a_j - \bar a_j)}
              {\lVert a_i - \bar a_i \rVert \lVert a_j - \bar a_j \rVert}

    Parameters
    ----------
    frame : ndarray (probe, ..., unit)
        Activation of the layer at one step. Positions at which a unit is not finite are left out
        for all units.

    Returns
    -------
    ndarray (unit, unit), float64
        -1 to 1. NaN for a unit that is constant, as a dead one is.
    """
    values = frame.reshape(int(np.prod(frame.shape[:-1], dtype=np.int64)), frame.shape[-1])
    values = values[np.isfinite(values).all(axis=1)].astype(np.float64)
    if not len(values):
        return np.full((values.shape[1],) * 2, np.nan)
    centred = values - values.mean(axis=0)
    # The mean of equal values may miss them by its rounding.
    centred[:, np.ptp(values, axis=0) == 0] = 0
    return _cosines(centred.T)


def _cosines(rows: Float64) -> Float64:
    """Cosines of all pairs of rows; NaN for rows without direction."""
    with np.errstate(invalid="ignore", divide="ignore"):
        # Twice, so that neither tiny nor huge values leave the range of their squares.
        rows = rows / np.abs(rows).max(axis=1, keepdims=True, initial=0)
        rows = rows / np.linalg.norm(rows, axis=1, keepdims=True)
        return np.clip(rows @ rows.T, -1, 1)


def most_similar_pairs(matrix: Array, most: int = 10) -> list[Pair]:
    """Units that are most alike.

    Parameters
    ----------
    matrix : ndarray (unit, unit)
        Symmetric similarities; NaN is left out.
    most : int
        Pairs to give.

    Returns
    -------
    list of Pair
        The most alike first; each pair once, no unit with itself.
    """
    first, second = np.triu_indices(len(matrix), 1)
    values = matrix[first, second]
    order = np.argsort(-values, kind="stable")[:most]  # NaN comes last
    return [
        Pair(int(first[k]), int(second[k]), float(values[k]))
        for k in order
        if not np.isnan(values[k])
    ]


def linear_cka(first: Array, second: Array, *, unbiased: bool = False) -> float:
    r"""Linear centered kernel alignment: how alike two layers see the same probes.

    With the centred activations :math:`X` and :math:`Y`,

    .. math:: \frac{\lVert Y^T X \rVert_F^2}{\lVert X^T X \rVert_F \lVert Y^T Y \rVert_F}

    which is :math:`HSIC(K, L) / \sqrt{HSIC(K, K) HSIC(L, L)}` of :math:`K = X X^T` and
    :math:`L = Y Y^T`: Kornblith et al. (2019), *Similarity of neural network representations
    revisited*. The smaller of both forms is computed. Neither rotations nor a common factor of a
    layer's units change it.

    Parameters
    ----------
    first, second : ndarray (probe, ...)
        Activations of two layers, steps or runs for the same probes; all but the first axis is
        flattened. Probes with a value that is not finite in either are left out.
    unbiased : bool
        Whether HSIC is estimated without bias: Song et al. (2012), *Feature selection via
        dependence maximization*, as Nguyen et al. (2021), *Do wide and deep networks
        learn the same things?*, do. With more features than probes the plain one is near 1
        whatever the layers do.

    Returns
    -------
    float
        0 to 1; without bias it may be a little below or above. NaN for a layer that does not tell
        the probes apart, and for fewer than 2 probes, or `FEWEST_UNBIASED` without bias.

    Raises
    ------
    ValueError
        If the numbers of probes differ.
    """
    if len(first) != len(second):
        raise ValueError(
            f"Activations for {len(first)} and for {len(second)} probes were passed; both must be "
            "for the same probes, in the same order."
        )
    x, y = flat_rows(first), flat_rows(second)
    known = np.isfinite(x).all(axis=1) & np.isfinite(y).all(axis=1)
    if known.sum() < (FEWEST_UNBIASED if unbiased else 2):
        return float("nan")
    x, y = _scaled(x[known]), _scaled(y[known])
    xy, xx, yy = _alignments(x, y)
    least = ROUNDING * xx, ROUNDING * yy
    if unbiased:
        xy, xx, yy = _unbiased(x, y, xy), _unbiased(x, x, xx), _unbiased(y, y, yy)
    if xx <= least[0] or yy <= least[1]:
        return float("nan")
    return float(xy / np.sqrt(xx) / np.sqrt(yy))


def _scaled(rows: Array) -> Float64:
    """Rows less their mean, of a size whose powers stay in range."""
    centred = rows.astype(np.float64) - rows.mean(axis=0, dtype=np.float64)
    # The mean of equal values may miss them by its rounding.
    centred[:, np.ptp(rows, axis=0) == 0] = 0
    largest = np.abs(centred).max(initial=0)
    return np.asarray(centred / largest) if largest > 0 else centred


def _alignments(x: Float64, y: Float64) -> tuple[float, float, float]:
    """Trace of KL, KK and LL, by way of features or of probes, whichever are fewer."""
    if len(x) < max(x.shape[1], y.shape[1]):
        by_x, by_y = gram(x), gram(y)
        pairs = ((by_x, by_y), (by_x, by_x), (by_y, by_y))
        xy, xx, yy = (float(np.vdot(*pair)) for pair in pairs)
        return xy, xx, yy
    xy, xx, yy = (float(np.square(product).sum()) for product in (x.T @ y, x.T @ x, y.T @ y))
    return xy, xx, yy


def _unbiased(x: Float64, y: Float64, alignment: float) -> float:
    """Unbiased HSIC times n (n - 3), by way of the trace of KL."""
    n = len(x)
    x_own, y_own = np.square(x).sum(axis=1), np.square(y).sum(axis=1)
    # Sums of the rows of K and L without their diagonals.
    x_sums, y_sums = x @ x.sum(axis=0) - x_own, y @ y.sum(axis=0) - y_own
    trace = alignment - x_own @ y_own
    both = x_sums.sum() * y_sums.sum() / ((n - 1) * (n - 2))
    return float(trace + both - 2 / (n - 2) * (x_sums @ y_sums))


def leaf_order(
    rows: Array, *, metric: Literal["euclidean", "correlation"] = "euclidean"
) -> npt.NDArray[np.int64]:
    """Order in which similar rows of a matrix come to lie side by side.

    Average linkage, and among the orders that its tree allows the one with the least distances
    between neighbours: Bar-Joseph et al. (2001), *Fast optimal leaf ordering for hierarchical
    clustering*.

    Parameters
    ----------
    rows : ndarray (row, ...)
        What is put in order; all but the first axis is flattened. A value that is not finite is
        replaced by the mean of the finite ones in its column.
    metric : {"euclidean", "correlation"}
        Whether rows are alike if their values are, or if they go up and down together. Constant
        rows go neither way, and lie together.

    Returns
    -------
    ndarray (row,), int64
        Row numbers; of an order and its reverse, the one that starts with the smaller number.
        Fewer than 3 rows stay as they are. More than `MOST_OPTIMAL` are clustered, but the order
        among neighbours is not the best one.
    """
    count = len(rows)
    values = _filled(flat_rows(rows).astype(np.float64))
    if count < 3 or not values.shape[1]:
        return np.arange(count)
    if metric == "correlation":
        values = values - values.mean(axis=1, keepdims=True)
        norms = np.linalg.norm(values, axis=1, keepdims=True)
        flat = norms <= 1e-12 * np.abs(values).max(initial=0)
        values = np.where(flat, 0, values / np.where(flat, 1, norms))
    tree = linkage(pdist(values), "average", optimal_ordering=count <= MOST_OPTIMAL)
    order = leaves_list(tree).astype(np.int64)
    return order if order[0] < order[-1] else order[::-1]


def _filled(values: Float64) -> Float64:
    """Values over their greatest size, and column means where they are not finite."""
    finite = np.isfinite(values)
    known = np.where(finite, values, 0)
    known = known / (np.abs(known).max(initial=0) or 1.0)
    means = known.sum(axis=0) / np.maximum(finite.sum(axis=0), 1)
    return np.asarray(np.where(finite, known, means))
