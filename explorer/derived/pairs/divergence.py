"""Since when two runs differ, where first, and which probes only one of them gets right."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from explorer.derived.predictions.verdicts import RIGHT, WRONG
from explorer.derived.time.over_steps import NEVER
from explorer.derived.time.over_steps import first as first_at

Array = npt.NDArray[Any]
Float64 = npt.NDArray[np.float64]
Int64 = npt.NDArray[np.int64]

Status = Literal["never", "diverged", "no shared initialization", "nothing to compare"]

# Relative distance up to which weights count as equal: some hundred roundings of float32. The
# order of sums on another machine brings that about in a few updates; later it grows.
TOLERANCE = 1e-5

FIRST_RIGHT = 1
SECOND_RIGHT = 2
NO_DISPUTE = 0


@dataclass(frozen=True)
class Divergence:
    """Where two runs part.

    Attributes
    ----------
    status : {"never", "diverged", "no shared initialization", "nothing to compare"}
        Whether they part after a common beginning.
    position : int or None
        First position at which a layer differs; None unless they diverged.
    layer : int or None
        The first layer, in the order passed, that differs there.
    since : ndarray (layer,), int64
        First position at which each layer differs; `NEVER` (-1) if it does not.
    tolerance : float
        Distance up to which weights counted as equal.
    """

    status: Status
    position: int | None
    layer: int | None
    since: Int64
    tolerance: float


def divergence(distances: Array, *, tolerance: float = TOLERANCE) -> Divergence:
    """Find where two runs with the same initialization part.

    Parameters
    ----------
    distances : ndarray (position, layer)
        Relative distances of the weights (`difference.weight_distance`) at positions at which
        both runs have recorded the same step (`Alignment.exact` by step), from the initialization
        on; layers in network order. NaN where a layer has no weights to compare.
    tolerance : float
        Distance up to which weights count as equal.

    Returns
    -------
    Divergence
        "no shared initialization" if a layer differs at the first position.

    Raises
    ------
    ValueError
        If `distances` is not (position, layer).
    """
    values = np.asarray(distances, np.float64)
    if values.ndim != 2:
        raise ValueError(
            f"Distances of shape {values.shape} were passed; (position, layer) was expected. Give "
            "a single layer an axis of its own: distances[:, None]."
        )
    differs = values > tolerance  # NaN is not
    since = first_at(differs)
    if np.isnan(values).all():
        return Divergence("nothing to compare", None, None, since, tolerance)
    if not differs.any():
        return Divergence("never", None, None, since, tolerance)
    position = int(since[since != NEVER].min())
    if position == 0:
        return Divergence("no shared initialization", None, None, since, tolerance)
    layer = int(np.flatnonzero(since == position)[0])
    return Divergence("diverged", position, layer, since, tolerance)


@dataclass(frozen=True)
class Disputes:
    """Probes that one run gets right and the other wrong.

    Attributes
    ----------
    kind : ndarray (position, probe), uint8
        `FIRST_RIGHT`, `SECOND_RIGHT` or `NO_DISPUTE`.
    since : ndarray (position, probe), int64
        Position since which the dispute has lasted without a break; `NEVER` (-1) without one.
    """

    kind: npt.NDArray[np.uint8]
    since: Int64

    def at(self, position: int, kind: int) -> Int64:
        """Probes in dispute at a position: (probe,), those that have been for longest first.

        Parameters
        ----------
        position : int
            Position on the common axis.
        kind : int
            `FIRST_RIGHT` or `SECOND_RIGHT`.
        """
        probes = np.flatnonzero(self.kind[position] == kind)
        return probes[np.argsort(self.since[position, probes], kind="stable")].astype(np.int64)


def disputes(first: Array, second: Array) -> Disputes:
    """Find probes that one run gets right and the other wrong.

    Parameters
    ----------
    first, second : ndarray (position, probe), uint8
        Marks of each run for the same probes at the same positions, as in
        `predictions.Verdicts`. Where a mark is unknown there is no dispute.

    Raises
    ------
    ValueError
        If the shapes differ.
    """
    if first.shape != second.shape or first.ndim != 2:
        raise ValueError(
            f"Marks of shape {first.shape} and {second.shape} were passed; the same (position, "
            "probe) was expected of both. Take the positions of a common axis and the probes that "
            "both runs have."
        )
    kind = np.full(first.shape, NO_DISPUTE, np.uint8)
    kind[(first == RIGHT) & (second == WRONG)] = FIRST_RIGHT
    kind[(first == WRONG) & (second == RIGHT)] = SECOND_RIGHT
    changed = np.ones(kind.shape, bool)
    changed[1:] = kind[1:] != kind[:-1]
    positions = np.arange(len(kind), dtype=np.int64)[:, None]
    since = np.maximum.accumulate(np.where(changed, positions, 0), axis=0)
    return Disputes(kind, np.where(kind == NO_DISPUTE, NEVER, since))
