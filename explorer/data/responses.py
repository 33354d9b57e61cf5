"""What each unit of a layer gives for each probe."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from explorer.data.run import RunData
from explorer.data.summaries import positions_seen, unit_frames
from explorer.derived.time.frames import sample_indices
from explorer.derived.time.over_steps import by_step
from explorer.derived.units.selectivity import class_means, unit_means
from store.format.names import activation_path

Array = npt.NDArray[Any]
# Rows beyond this are thinner than a pixel.
MOST_UNITS = 512
FEWEST_UNITS = 16
# Values over all steps and probes, or classes, that are kept of a layer: 64 MB.
MOST_VALUES = 2**24
SAMPLES = 24


@dataclass(frozen=True)
class Responses:
    """What each unit gives for each probe.

    Attributes
    ----------
    means : ndarray (step, probe, unit), float32
        Mean activation over positions.
    units : ndarray of int (unit,)
        Number of each unit.
    labels : ndarray of int (probe,)
        Class of each probe.
    class_names : list of str
        Name of each class.
    """

    means: Array
    units: Array
    labels: Array
    class_names: list[str]

    def by_class(self, index: int) -> Array:
        """Mean over the probes of each class at a step: (unit, class)."""
        return class_means(self.means[index], self.labels, classes=len(self.class_names))


def responses_of(data: RunData, layer: str) -> Responses:
    """Read what each unit of a layer gives for each probe; call it in the worker thread."""
    units = shown_units(data, layer)
    labels = data.class_labels
    assert labels is not None
    return Responses(unit_means_of(data, layer, units), units, labels, data.class_names)


def shown_units(data: RunData, layer: str) -> npt.NDArray[np.int64]:
    """Choose the units that are looked at: (unit,), all, or evenly spread ones of very many."""
    steps, probes = data.run.array(activation_path(layer)).shape[:2]
    each = max(1, steps * max(probes, len(data.class_names)))
    most = min(MOST_UNITS, max(FEWEST_UNITS, MOST_VALUES // each))
    return np.array(sample_indices(data.units(layer), most), np.int64)


def unit_means_of(data: RunData, layer: str, units: Array) -> Array:
    """Average units over their positions, for every probe at every step: (step, probe, unit)."""

    def make() -> dict[str, Array]:
        with np.errstate(over="ignore"):  # beyond float32 is infinite
            frames = (frame[..., units] for frame in unit_frames(data, layer))
            return {"means": by_step(unit_means(frame).astype(np.float32) for frame in frames)}

    key = f"unit means of {activation_path(layer)}, {len(units)} units"
    return data.derived(key, make)["means"]


def left_out(data: RunData, layer: str) -> str:
    """Say in a sentence, with a space before it, which part of a layer is not looked at."""
    units, count = len(shown_units(data, layer)), data.units(layer)
    seen, positions = positions_seen(data, layer)
    parts = [f"{units:,} of {count:,} units"] if units < count else []
    parts += [f"{seen:,} of {positions:,} positions"] if seen < positions else []
    return f" Looked at are {' and '.join(parts)}, evenly spread." if parts else ""
