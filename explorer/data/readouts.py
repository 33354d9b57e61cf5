"""How well classes can be read off each layer: of larger sets of examples, else of the probe."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from explorer.data.larger_set import ClassMeasure, larger_set
from explorer.data.run import RunData
from explorer.data.summaries import unit_frames
from explorer.derived.predictions.labels import too_few
from explorer.derived.units.linear_probe import linear_probe
from store.format.names import activation_path

Array = npt.NDArray[Any]


class Readouts(NamedTuple):
    """How well a linear readout of a layer names classes, at every recorded step.

    Attributes
    ----------
    accuracy, chance_bound : ndarray (step,)
        See `explorer.derived.units.linear_probe`.
    """

    accuracy: Array
    chance_bound: Array


def _readout(frame: Array, labels: Array) -> Mapping[str, float]:
    found = linear_probe(frame, labels)
    return {"accuracy": found.accuracy, "bound": found.chance_bound}


ON_LARGER_SET = ClassMeasure("linear readouts", _readout)


def few_examples(data: RunData) -> str | None:
    """Say that neither a larger set nor the probe has enough examples of a class."""
    labels = data.class_labels
    if larger_set(data) is not None or labels is None:
        return None
    return too_few(labels)


def readouts_of(data: RunData, layer: str) -> Readouts | None:
    """Read the classes off a layer at every recorded step; None without a class for each example.

    Of a larger set all layers are read at once, and the outcome is kept. Call it in the worker
    thread.
    """
    found = ON_LARGER_SET.over_steps(data, layer)
    if found is None:
        labels = data.class_labels
        if labels is None or labels.ndim != 1 or too_few(labels) is not None:
            return None

        def make() -> dict[str, Array]:
            each = [_readout(frame, labels) for frame in unit_frames(data, layer)]
            return {name: np.array([one[name] for one in each]) for name in ("accuracy", "bound")}

        found = data.derived(f"linear probe of {activation_path(layer)}", make)
    return Readouts(found["accuracy"], found["bound"])


def turns_of_readouts(data: RunData) -> list[Callable[[], object]]:
    """Part the reading of a larger set into pieces, whose outcomes are kept: a recorded step each.

    Empty where the probe is taken.
    """
    return ON_LARGER_SET.turns(data)
