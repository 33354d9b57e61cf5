"""How far each layer separates the classes: of larger sets of examples, else of the probe."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy.typing as npt

from explorer.data.larger_set import ClassMeasure
from explorer.data.run import RunData
from explorer.data.summaries import unit_frames
from explorer.derived.units.separation import mean_silhouette, separation
from store.format.names import activation_path

Array = npt.NDArray[Any]

ON_LARGER_SET = ClassMeasure(
    "separation", lambda frame, labels: {"separation": mean_silhouette(frame, labels)}
)


def separation_of(data: RunData, layer: str) -> Array | None:
    """Mean silhouette of the examples at every step: (step,); None without a label each.

    Call it in the worker thread.
    """
    found = ON_LARGER_SET.over_steps(data, layer)
    if found is not None:
        return found["separation"]
    labels = data.class_labels
    if labels is None or labels.ndim != 1:
        return None
    return data.derived(
        f"separation of {activation_path(layer)}",
        lambda: {"separation": separation(unit_frames(data, layer), labels)},
    )["separation"]


def turns_of_separation(data: RunData) -> list[Callable[[], object]]:
    """Part the work on a larger set into pieces, as `explorer.data.readouts` does."""
    return ON_LARGER_SET.turns(data)
