"""Whether a variable turns or only grows, and how straight its way is."""

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
class Directions:
    r"""Where a variable :math:`w` has gone at every recorded step.

    Attributes
    ----------
    cosine : ndarray (step,), float64
        Cosine of the angle between :math:`w_t` and :math:`w_0`: 1 where it only grew or shrank;
        NaN where one of them is 0.
    straightness : ndarray (step,), float64
        :math:`\lVert w_t - w_0 \rVert` over the length of the way there, from recorded step to
        recorded step: 1 on a straight line, towards 0 where it wanders. NaN before it moves. The
        true way is longer, so the true share is lower.
    """

    cosine: Float64
    straightness: Float64


def directions_over_steps(frames: Iterable[Array]) -> Directions:
    """Compare a variable with its start at every recorded step.

    Parameters
    ----------
    frames : iterable of ndarray
        Values of the variable, of any shape, one frame a step.
    """
    rows: list[Float64] = []
    start = before = np.zeros(0)
    way = 0.0
    with np.errstate(invalid="ignore", over="ignore", divide="ignore"):
        for frame in frames:
            now = np.asarray(frame, np.float64).ravel()
            if not rows:
                start = before = now
            way += float(np.linalg.norm(now - before))
            sizes = np.linalg.norm(now) * np.linalg.norm(start)
            cosine = now @ start / sizes if sizes > 0 else np.nan
            distance = np.linalg.norm(now - start)
            rows.append(np.array([np.clip(cosine, -1, 1), distance / way if way > 0 else np.nan]))
            before = now
    cosine, straightness = by_step(rows).T
    return Directions(cosine, np.minimum(straightness, 1))
