"""How large a variable is, and how far it moves."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from explorer.derived.time.over_steps import by_step

Array = npt.NDArray[Any]
Float64 = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Norms:
    r"""Size and movement of one variable :math:`w` at every recorded step.

    Values that are not finite make a norm infinite or NaN.

    Attributes
    ----------
    norm : ndarray (step,), float64
        :math:`\lVert w_t \rVert`, the L2 norm of all its values.
    mean_size : ndarray (step,), float64
        Mean of :math:`|w|`.
    rms : ndarray (step,), float64
        Root of the mean of :math:`w^2`.
    change : ndarray (step,), float64
        :math:`\lVert w_t - w_{t'} \rVert` since the recorded step :math:`t'` before; NaN at the
        first.
    net_change : ndarray (step,), float64
        That, divided by the optimizer updates between. It depends on which steps were recorded: the
        way there may have been longer, so it is at most the mean size of an update.
    net_ratio : ndarray (step,), float64
        :math:`\lVert w_t - w_{t'} \rVert / (t - t') / \lVert w_{t'} \rVert`, net change relative
        to the variable before it; NaN where that was 0, as biases are at first.
    from_start : ndarray (step,), float64
        :math:`\lVert w_t - w_0 \rVert`, distance from the first recorded step.
    """

    norm: Array
    mean_size: Array
    rms: Array
    change: Array
    net_change: Array
    net_ratio: Array
    from_start: Array


def norms_over_steps(frames: Iterable[Array], steps: Array) -> Norms:
    """Size and movement of one variable.

    Parameters
    ----------
    frames : iterable of ndarray
        Values of the variable, of any shape, one frame a step. The first and the last one are
        held besides the one at hand.
    steps : ndarray of int (step,)
        Recorded steps, as counts of optimizer updates; they grow.

    Raises
    ------
    ValueError
        If there are not as many frames as steps.
    """
    rows: list[Float64] = []
    start = before = np.zeros(0)
    with np.errstate(invalid="ignore", over="ignore"):
        for frame in frames:
            now = np.asarray(frame, np.float64).ravel()
            if not rows:
                start, before = now, np.full_like(now, np.nan)
            size, change = np.linalg.norm(now), np.linalg.norm(now - before)
            mean = np.abs(now).mean() if now.size else np.nan
            rms = size / np.sqrt(now.size) if now.size else np.nan
            rows.append(np.array([size, mean, rms, change, np.linalg.norm(now - start)]))
            before = now
    norm, mean_size, rms, change, from_start = by_step(rows).T
    if len(norm) != len(steps):
        raise ValueError(
            f"{len(norm)} frames were passed with {len(steps)} steps; one frame for each recorded "
            "step was expected. Pass the run's recorded steps, and the whole history."
        )
    gaps = np.diff(np.asarray(steps, np.float64), prepend=np.nan)
    per_update = change / gaps
    previous = np.concatenate([[np.nan], norm[:-1]])
    ratio = update_ratio(per_update, previous)
    return Norms(norm, mean_size, rms, change, per_update, ratio, from_start)


def update_ratio(update: Array, weight: Array) -> Float64:
    """Size of an update relative to the variable before it.

    This is what LARS holds fixed in each layer: You et al. (2017), *Large batch training of
    convolutional networks*. Far above 1e-3, says a rule of thumb, the learning rate is high; far
    below, it is low.

    Parameters
    ----------
    update, weight : ndarray (step,)
        L2 norms.

    Returns
    -------
    ndarray (step,), float64
        NaN where the variable was 0.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(weight > 0, np.asarray(update, np.float64) / weight, np.nan)


def unit_norms(frames: Iterable[Array], *, axis: int = -1) -> Float64:
    """L2 norm of the part of a variable that belongs to each unit.

    Parameters
    ----------
    frames : iterable of ndarray
        Values of the variable, one frame a step.
    axis : int
        Axis of the units: the last one of a kernel of Keras holds those of the layer itself, the
        one before it those of the layer before.

    Returns
    -------
    ndarray (step, unit), float64
    """
    return by_step(_norm_by_unit(frame, axis) for frame in frames)


def _norm_by_unit(frame: Array, axis: int) -> Float64:
    values = np.moveaxis(np.asarray(frame, np.float64), axis, -1)
    with np.errstate(over="ignore"):
        return np.asarray(np.sqrt(np.square(values).sum(axis=tuple(range(values.ndim - 1)))))
