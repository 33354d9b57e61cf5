"""How well each unit of a layer tells the classes: on a larger set of examples, else the probe."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from explorer.data.larger_set import (
    activations_at,
    is_whole,
    larger_set,
    nearest_read,
    repeated_set,
    steps_read,
)
from explorer.data.replayed import Replayed
from explorer.data.responses import (
    POOLS,
    Pool,
    answering_layer,
    one_value_each,
    responses_of,
    shown_units,
)
from explorer.data.run import RunData
from explorer.data.windows import padded_positions
from explorer.derived.time.headway import counted
from explorer.derived.units.selectivity import (
    DETECTOR_AUC,
    FEWEST,
    Selectivity,
    class_selectivity,
)
from store.format.names import UNIT_DIM, activation_path
from store.reading.cache import Arrays

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Detections:
    """How well each unit tells the classes apart, at the recorded steps that are looked at.

    Attributes
    ----------
    selectivity : Selectivity
        What the units' answers say of the classes, at those steps.
    steps : ndarray of int (look,)
        Positions of the recorded steps that are looked at.
    nearest : ndarray of int (step,)
        Which of those stands for each recorded step.
    units : ndarray of int (unit,)
        Number of each unit.
    class_names : list of str
        Name of each class.
    """

    selectivity: Selectivity
    steps: Array
    nearest: Array
    units: Array
    class_names: list[str]

    @property
    def best(self) -> Array:
        """AUC of the class that each unit tells best, at each step looked at: (look, unit)."""
        known = np.where(np.isnan(self.selectivity.auc), -np.inf, self.selectivity.auc)
        best = known.max(axis=-1, initial=-np.inf)
        return np.where(np.isneginf(best), np.nan, best)

    def counts(self, index: int) -> tuple[int, int, float, int]:
        """Count at a recorded step: detectors, those at the first step, by chance, all units."""
        detects = np.nan_to_num(self.best) >= DETECTOR_AUC
        at, units = self.nearest[index], detects.shape[1]
        now, at_first = (int(np.count_nonzero(detects[one])) for one in (at, 0))
        return now, at_first, float(self.selectivity.by_chance[at] * units), units


def detections_of(data: RunData, layer: str, pool: Pool = "max") -> Detections:
    """Find out how well each unit of a layer tells the classes; call it in the worker thread.

    The probe must have classes where there is no larger set.
    """
    answering = answering_layer(data, layer)
    of = _set_of(data, answering)
    if of is not None:
        found = [_at_step(of, answering, at)[pool] for at in counted(steps_read(data).tolist())]
        joined = {name: np.concatenate([one[name] for one in found]) for name in found[0]}
        return Detections(
            Selectivity(**joined),
            steps_read(data),
            nearest_read(data),
            shown_units(data, answering),
            of.examples.class_names,
        )
    responses = responses_of(data, answering, pool)
    kept = data.derived(
        f"detectors by {pool} of {activation_path(answering)}, {len(responses.units)} units",
        lambda: _selectivity(responses.values, responses.labels, len(responses.class_names)),
    )
    every = np.arange(len(data.run))
    return Detections(Selectivity(**kept), every, every, responses.units, responses.class_names)


def turns_of_detections(data: RunData, layer: str) -> list[Callable[[], object]]:
    """Part the work on a larger set that is to be done into pieces, a recorded step each."""
    larger = larger_set(data)
    if larger is None:
        return []
    answering = answering_layer(data, layer)

    def turn(index: int) -> None:
        of = _set_of(data, answering)
        if of is not None:
            _at_step(of, answering, index)

    steps = steps_read(data).tolist()
    left = [index for index in steps if not data.has_derived(_key(larger, answering, index))]
    return [partial(turn, index) for index in left]


def on_larger_set(data: RunData, layer: str) -> bool:
    """Whether the detections of a layer are of the larger set; call it in the worker thread."""
    return _set_of(data, answering_layer(data, layer)) is not None


def _set_of(data: RunData, answering: str) -> Replayed | None:
    of = repeated_set(data)
    return of if of is not None and is_whole(of, answering) else None


def _at_step(of: Replayed, layer: str, index: int) -> dict[Pool, Arrays]:
    """Measure the units of a layer at a step, by each way to pool their positions: (1, ...)."""
    data, units = of.data, shown_units(of.data, layer)
    examples = of.examples

    def make() -> Arrays:
        frame = activations_at(of, index, [layer, of.output])[layer]
        if UNIT_DIM not in data.run.array(activation_path(layer)).dims:
            frame = frame[..., None]
        flat = frame.reshape(len(frame), -1, frame.shape[-1])
        padded = padded_positions(data, data.run.layers[layer], of.inputs)
        found: dict[str, Array] = {}
        for pool in POOLS:
            values = one_value_each(flat, units, pool, padded)
            kept = _selectivity(values[None], examples.labels, len(examples.class_names))
            found |= {f"{pool} {name}": each for name, each in kept.items()}
        return found

    kept = data.derived(_key(of, layer, index), make)
    return {
        pool: {
            name.removeprefix(f"{pool} "): each
            for name, each in kept.items()
            if name.startswith(f"{pool} ")
        }
        for pool in POOLS
    }


def _key(of: Replayed, layer: str, index: int) -> str:
    units = len(shown_units(of.data, layer))
    where = f"on the {of.examples.source} at {index}"
    return f"detectors of {activation_path(layer)}, {units} units, {where}"


def _selectivity(values: Array, labels: Array, classes: int) -> dict[str, Array]:
    return asdict(class_selectivity(counted(values), labels, classes=classes, fewest=FEWEST))
