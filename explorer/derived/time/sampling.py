"""A sample of the recorded steps, where computing every one would take too long, and its order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from explorer.derived.time.frames import sample_indices

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Sampling:
    """Recorded steps that are looked at, out of all.

    Attributes
    ----------
    count : int
        How many steps were recorded.
    indices : list of int
        Which of them are looked at, first and last included.
    """

    count: int
    indices: list[int]

    @classmethod
    def of(cls, count: int, most: int) -> Sampling:
        """Spread so many steps evenly."""
        return cls(count, sample_indices(count, max(2, most)))

    @property
    def is_whole(self) -> bool:
        """Whether every step is looked at."""
        return len(self.indices) == self.count

    def spread(self, values: Array) -> Array:
        """Give every recorded step the values of the nearest sampled one: (step, ...).

        Examples
        --------
        >>> Sampling.of(5, 2).spread(np.array([1, 9])).tolist()
        [1, 1, 1, 9, 9]
        """
        if self.is_whole:
            return values
        gaps = np.abs(np.arange(self.count)[:, None] - np.array(self.indices))
        return np.asarray(values[gaps.argmin(axis=1)])

    @property
    def remark(self) -> str:
        """Say in a sentence, with a space before it, that steps are left out, if any are."""
        if self.is_whole:
            return ""
        return (
            f" Computed at {len(self.indices)} of the {self.count} recorded steps; "
            "between them the nearest one is shown."
        )


def coarse_first(count: int) -> list[int]:
    """Order places so that the first few of them are spread over all: the ends, then middles.

    Examples
    --------
    >>> coarse_first(9)
    [0, 8, 4, 2, 6, 1, 3, 5, 7]
    """
    order, gaps = [0, count - 1][: min(count, 2)], [(0, count - 1)]
    while gaps:
        middles = [(low, (low + high) // 2, high) for low, high in gaps if high - low > 1]
        order += [middle for _, middle, _ in middles]
        gaps = [gap for low, at, high in middles for gap in ((low, at), (at, high))]
    return order
