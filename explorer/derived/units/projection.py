"""Probes as points in the plane, in one frame of reference for a whole training."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt
from scipy.linalg import eigh, orthogonal_procrustes

from explorer.derived.time.over_steps import by_step
from explorer.derived.units.gram import centred_gram, column_blocks, distances, flat_rows

Array = npt.NDArray[Any]
Float64 = npt.NDArray[np.float64]

PLANE = 2

Method = Literal["pca", "tsne", "umap"]
METHODS: tuple[Method, ...] = get_args(Method)
PACKAGES: dict[Method, str] = {"tsne": "sklearn", "umap": "umap"}

# Fewer points have no neighbourhoods to keep.
FEWEST_POINTS = 4
# The defaults of t-SNE and UMAP, where there are enough probes for them.
PERPLEXITY = 30.0
NEIGHBOURS = 15
# Up to as many probes t-SNE sums over all pairs: its approximation would gain little.
MOST_EXACT = 256
# Spread of the positions that t-SNE starts from, along the first axis.
TSNE_START = 1e-4
# Half the side of the square that UMAP starts from.
UMAP_START = 10.0


@dataclass(frozen=True)
class Axes:
    """Two directions in a layer's activations, the same for every step.

    Attributes
    ----------
    centre : ndarray (feature,), float64
        What is taken for the origin.
    components : ndarray (2, feature), float64
        Orthonormal; zeros where the samples vary in fewer directions.
    explained : ndarray (2,), float64
        Share of the samples' variance along each; NaN if they do not vary.
    """

    centre: Float64
    components: Float64
    explained: Float64

    def positions(self, frame: Array) -> npt.NDArray[np.float32]:
        """Positions of a frame's probes along the two directions.

        Parameters
        ----------
        frame : ndarray (probe, ...)
            Activation of the layer at one step.

        Returns
        -------
        ndarray (probe, 2), float32
            NaN for a probe with a value that is not finite.

        Raises
        ------
        ValueError
            The frame has another number of values a probe than the axes.
        """
        rows = flat_rows(frame)
        if rows.shape[1] != len(self.centre):
            raise ValueError(
                f"A frame of {rows.shape[1]} values a probe was passed, but the axes are of a "
                f"layer with {len(self.centre)}. Fit axes to samples of the same layer."
            )
        positions = np.zeros((len(rows), PLANE))
        with np.errstate(invalid="ignore", over="ignore"):
            for part, block in column_blocks(rows):
                positions += (block - self.centre[part]) @ self.components[:, part].T
            positions[~np.isfinite(rows).all(axis=1)] = np.nan
            return positions.astype(np.float32)


@dataclass(frozen=True)
class Projection:
    """Positions of the probes at every step.

    Attributes
    ----------
    positions : ndarray (step, probe, 2), float32
        NaN for a probe with a value that is not finite.
    explained : ndarray (step,), float64
        Share of that step's variance that the two directions show; NaN where there is none, and
        for methods without directions.
    """

    positions: Array
    explained: Array


def fit_axes(samples: Sequence[Array]) -> Axes:
    r"""First two principal components of activations pooled from some steps.

    The eigenvectors :math:`u_k` and eigenvalues :math:`\lambda_k` of the inner products
    :math:`X X^T` of the centred rows :math:`X` give the components
    :math:`X^T u_k / \sqrt{\lambda_k}`, so a large layer costs no more than its rows (the method of
    snapshots: Sirovich, 1987, *Turbulence and the dynamics of coherent structures*). With fewer
    features than rows, the eigenvectors of :math:`X^T X` are the components. The value of largest
    size in a component is positive.

    Parameters
    ----------
    samples : sequence of ndarray (probe, ...)
        Activations of the layer at the steps that shall set the frame of reference: the last
        one, or some spread over the training. All are held at once, and the smaller of their
        number of rows and of features squared: choose them so that it stays under a few thousand.
        Probes with a value that is not finite are left out.
    """
    parts = [_finite_rows(flat_rows(sample)) for sample in samples]
    count, features = sum(map(len, parts)), parts[0].shape[1]
    centre = np.zeros(features)
    if not count:
        return Axes(centre, np.zeros((PLANE, features)), np.full(PLANE, np.nan))
    for part, block in column_blocks(*parts):
        centre[part] = block.mean(axis=0)
    few_rows = count <= features
    products = centred_gram(*parts) if few_rows else _covariances(parts, centre)
    total = float(np.trace(products))
    values, vectors = _largest(products)
    # A direction that is rounding alone is none.
    real = values > len(products) * np.finfo(float).eps * values[0]
    components = np.zeros((PLANE, features))
    if not few_rows:
        components[:] = vectors.T
    else:
        scale = np.sqrt(np.where(real, values, 1))[:, None]
        for part, block in column_blocks(*parts):
            components[:, part] = vectors.T @ (block - centre[part]) / scale
    components[~real] = 0
    components *= _signs(components)[:, None]
    explained = np.where(real, values, 0) / total if total > 0 else np.full(PLANE, np.nan)
    return Axes(centre, components, explained)


def _finite_rows(rows: Array) -> Array:
    finite = np.isfinite(rows).all(axis=1)
    return rows if finite.all() else rows[finite]


def _covariances(parts: Sequence[Array], centre: Float64) -> Float64:
    """Products of all pairs of centred columns."""
    products = np.zeros((len(centre), len(centre)))
    for rows in parts:
        for _, block in column_blocks(rows.T):
            block -= centre[:, None]
            products += block @ block.T
    return products


def _largest(products: Float64) -> tuple[Float64, Float64]:
    """Two largest eigenvalues and their vectors as columns; zeros where there is one only."""
    size = len(products)
    found = min(PLANE, size)
    values, vectors = np.zeros(PLANE), np.zeros((size, PLANE))
    if found:
        largest = eigh(products, subset_by_index=(size - found, size - 1))
        values[:found], vectors[:, :found] = largest[0][::-1], largest[1][:, ::-1]
    return values, vectors


def _signs(components: Float64) -> Float64:
    if not components.shape[1]:
        return np.ones(len(components))
    largest = np.abs(components).argmax(axis=1)
    return np.where(components[np.arange(len(components)), largest] < 0, -1.0, 1.0)


def project(frames: Iterable[Array], axes: Axes) -> Projection:
    """Put every step into the same plane.

    Parameters
    ----------
    frames : iterable of ndarray (probe, ...)
        Activations of the layer, one frame a step.
    axes : Axes
        The plane, as of `fit_axes`.
    """
    positions, explained = [], []
    for frame in frames:
        points = axes.positions(frame)
        positions.append(points)
        explained.append(np.asarray(_shown(flat_rows(frame), points)))
    return Projection(by_step(positions), by_step(explained))


def _shown(rows: Array, points: Array) -> float:
    """Share of the variance of rows that their positions in an orthonormal plane have."""
    known = np.isfinite(points).all(axis=1)
    rows, points = rows[known], points[known].astype(np.float64)
    if not len(rows):
        return float("nan")
    total = sum(float(block.var(axis=0).sum()) for _, block in column_blocks(rows))
    return min(1.0, float(points.var(axis=0).sum()) / total) if total > 0 else float("nan")


def available_methods() -> tuple[Method, ...]:
    """Methods whose package is installed; ``"pca"`` always is."""
    return tuple(
        method
        for method in METHODS
        if method not in PACKAGES or importlib.util.find_spec(PACKAGES[method]) is not None
    )


def embed(
    frames: Iterable[Array], axes: Axes, *, method: Method = "tsne", seed: int = 0
) -> Projection:
    """Positions that keep the neighbourhoods of each step, aligned from step to step.

    t-SNE (van der Maaten and Hinton, 2008, *Visualizing data using t-SNE*) or UMAP (McInnes et
    al., 2018, *UMAP: uniform manifold approximation and projection*) of the distances of the
    probes. Each step starts from its positions along the axes and is then moved onto the step
    before it, see `aligned`, so that what moves are the probes and not the picture.

    Parameters
    ----------
    frames : iterable of ndarray (probe, ...)
        Activations of the layer, one frame a step.
    axes : Axes
        Where each step starts from, as of `fit_axes`.
    method : {"pca", "tsne", "umap"}
        One of `available_methods`; ``"pca"`` is `project`.
    seed : int
        Of the method's random numbers: the same seed gives the same positions.

    Raises
    ------
    ValueError
        If the method's package is not installed.

    Notes
    -----
    A step takes some tenths of a second. Distances between clusters mean little. A step at which
    fewer than `FEWEST_POINTS` probes are finite is NaN; where all are alike they lie at one place.
    """
    if method not in available_methods():
        package = PACKAGES.get(method)
        remedy = f"install the package {package}, or choose" if package else "choose"
        raise ValueError(
            f"The method {method!r} was asked for, which is not available here; "
            f"{remedy} one of: {', '.join(available_methods())}."
        )
    if method == "pca":
        return project(frames, axes)
    positions: list[Array] = []
    before: Array | None = None
    for frame in frames:
        start = axes.positions(frame)
        known = np.isfinite(start).all(axis=1)
        points = np.full(start.shape, np.nan, np.float32)
        if known.sum() >= FEWEST_POINTS:
            apart = distances(flat_rows(frame)[known])
            points[known] = _embedded(apart, start[known], method, seed)
            points = points if before is None else aligned(points, before)
            before = points
        positions.append(points)
    return Projection(by_step(positions), np.full(len(positions), np.nan))


def _embedded(apart: Float64, start: Array, method: Method, seed: int) -> Array:
    count, largest = len(apart), float(apart.max())
    if largest == 0:
        return np.zeros(start.shape, np.float32)
    centred = start.astype(np.float64) - start.mean(axis=0, dtype=np.float64)
    if method == "tsne":
        spread = float(centred[:, 0].std()) or 1.0
        model = importlib.import_module("sklearn.manifold").TSNE(
            metric="precomputed",
            method="exact" if count <= MOST_EXACT else "barnes_hut",
            perplexity=min(PERPLEXITY, (count - 1) / 3),
            init=(centred / spread * TSNE_START).astype(np.float32),
            random_state=seed,
        )
    else:
        spread = float(np.abs(centred).max()) or 1.0
        model = importlib.import_module("umap").UMAP(
            metric="precomputed",
            n_neighbors=min(NEIGHBOURS, count - 1),
            init=(centred / spread * UMAP_START).astype(np.float32),
            random_state=seed,
            n_jobs=1,
        )
    return np.asarray(model.fit_transform(apart / largest), np.float32)


def aligned(points: Array, onto: Array) -> npt.NDArray[np.float32]:
    r"""Turn, mirror and shift points so that they come as near as they can to others.

    The orthogonal Procrustes problem: the orthogonal :math:`R` that makes
    :math:`\lVert A R - B \rVert_F` least, for the centred points :math:`A` and :math:`B`;
    Schönemann (1966), *A generalized solution of the orthogonal Procrustes problem*. Sizes stay.

    Parameters
    ----------
    points : ndarray (probe, axis)
        What is moved.
    onto : ndarray (probe, axis)
        What it is moved onto. Probes that are NaN in either do not count.

    Returns
    -------
    ndarray (probe, axis), float32
    """
    known = np.isfinite(points).all(axis=1) & np.isfinite(onto).all(axis=1)
    if not known.any():
        return points.astype(np.float32)
    centre = points[known].mean(axis=0, dtype=np.float64)
    target = onto[known].mean(axis=0, dtype=np.float64)
    turn, _ = orthogonal_procrustes(points[known] - centre, onto[known] - target)
    return np.asarray((points - centre) @ turn + target, np.float32)
