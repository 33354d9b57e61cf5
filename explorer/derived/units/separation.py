"""How well a layer separates the classes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

from explorer.derived.predictions.labels import check_labels
from explorer.derived.time.over_steps import by_step
from explorer.derived.units.gram import distances, flat_rows

Array = npt.NDArray[Any]
Float64 = npt.NDArray[np.float64]


def silhouettes(frame: Array, labels: Array) -> Float64:
    r"""Silhouette of each probe: how much nearer it is to its own class than to the next one.

    .. math:: s = (b - a) / \max(a, b)

    with the mean Euclidean distance :math:`a` to the other probes of its class and :math:`b` to
    those of the nearest other class. 1: its class lies closely together, far from others; 0:
    between two classes; below: within another class. Rousseeuw (1987), *Silhouettes: a graphical
    aid to the interpretation and validation of cluster analysis*.

    Parameters
    ----------
    frame : ndarray (probe, ...)
        Activations of a layer at one step, or positions of the probes.
    labels : ndarray of int (probe,)
        Class numbers; negative ones are no class.

    Returns
    -------
    ndarray (probe,), float64
        0 for the only probe of a class, and where all probes are at one place. NaN for a probe
        without a label or with a value that is not finite, and everywhere if a single class is
        left.
    """
    labels = check_labels(labels, len(frame))
    rows = flat_rows(frame)
    known = np.isfinite(rows).all(axis=1) & (labels >= 0)
    found = np.full(len(rows), np.nan)
    names, own = np.unique(labels[known], return_inverse=True)
    if len(names) < 2:
        return found
    members = np.eye(len(names))[own]
    sums, counts = distances(rows[known]) @ members, members.sum(axis=0)
    mine = (np.arange(len(own)), own)
    others = sums / counts
    others[mine] = np.inf
    near, alone = others.min(axis=1), counts[own] == 1
    within = sums[mine] / np.maximum(counts[own] - 1, 1)
    largest = np.maximum(within, near)
    found[known] = np.where(
        alone | (largest == 0), 0, (near - within) / np.where(largest > 0, largest, 1)
    )
    return found


def separation(frames: Iterable[Array], labels: Array) -> Float64:
    """Mean silhouette of the probes at every step.

    Parameters
    ----------
    frames : iterable of ndarray (probe, ...)
        Activations of a layer, one frame a step: the whole layer, not its picture in the plane.
    labels : ndarray of int (probe,)
        Class numbers; negative ones are no class.

    Returns
    -------
    ndarray (step,), float64
        -1 to 1; NaN where no probe has a silhouette.
    """
    return by_step(np.asarray(mean_silhouette(frame, labels)) for frame in frames)


def mean_silhouette(frame: Array, labels: Array) -> float:
    """Mean silhouette of the probes at one step; parameters as of `silhouettes`.

    Returns
    -------
    float
        -1 to 1; NaN where no probe has a silhouette.
    """
    values = silhouettes(frame, labels)
    known = values[~np.isnan(values)]
    return float(known.mean()) if known.size else float("nan")
