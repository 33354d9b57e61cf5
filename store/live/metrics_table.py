"""Metrics while they are recorded: rows of their own, finer cadence."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from store.errors import SpecError, StepOrderError
from store.format.metadata import Document
from store.format.names import (
    EPOCH_MEAN,
    EPOCH_MEAN_UNTIL,
    EPOCH_SAMPLES,
    UPDATE_DIM,
    metric_path,
    safe_name,
)
from store.format.spec import ArraySpec
from store.live.array import LiveArray
from store.storage.files import OpenFiles

# The row axis; a metric of this name is stored under another one.
AXIS = "update"
# Rows wait in memory for the next commit, but no more than this many.
MAX_WAITING_ROWS = 4096
# Stands among the names of metrics for the number of samples; no metric is called so.
SAMPLES = "\0samples"


@dataclass(frozen=True, slots=True)
class EpochMeans:
    """Metrics of a row that are means over the epoch so far, as Keras's `fit` gives them.

    Attributes
    ----------
    names : frozenset of str
        Which.
    samples : float
        Of how many samples.
    """

    names: frozenset[str]
    samples: float


class MetricsTable:
    """Appends rows of metrics; a metric may appear at any row.

    Rows wait in memory until `flush` writes them: one write a metric instead of one a row. A row
    that was written but not committed would be lost with the process as well.

    Parameters
    ----------
    root : Path
        Directory of the run.
    files : OpenFiles
        Shared by all arrays of the run.

    Attributes
    ----------
    rows : int
        Rows written to the files.
    """

    def __init__(self, root: Path, files: OpenFiles) -> None:
        self.rows = 0
        self._root = root
        self._files = files
        self._axis: LiveArray | None = None
        self._arrays: dict[str, LiveArray] = {}
        self._last_update: int | None = None
        self._waiting: list[tuple[int, dict[str, float]]] = []
        # Metrics that are means over the epoch so far, and until which update; None: still.
        self._epoch_means: dict[str, int | None] = {}
        self._seen: set[str] = set()  # every metric that a row had

    @property
    def arrays(self) -> list[LiveArray]:
        """Every array, the row axis first."""
        return [self._axis, *self._arrays.values()] if self._axis is not None else []

    def append(
        self, update: int, values: Mapping[str, float], means: EpochMeans | None = None
    ) -> None:
        """Append one row, or merge into the last one if that is for the same update."""
        if self._last_update is not None and update < self._last_update:
            raise StepOrderError(
                f"Metrics of update {update} cannot follow those of {self._last_update}."
            )
        numbers = {name: _number(name, value) for name, value in values.items()}
        if means is not None:
            self._note_means(numbers, means)
            numbers[SAMPLES] = means.samples
        self._seen |= numbers.keys()
        if update != self._last_update:
            self._waiting.append((update, numbers))
            self._last_update = update
            if len(self._waiting) >= MAX_WAITING_ROWS:
                self.flush()
        elif self._waiting:
            self._waiting[-1][1].update(numbers)
        else:
            self._complete(numbers)

    def flush(self) -> None:
        """Write the rows that wait; when it fails they wait on, and none of them counts."""
        if not self._waiting:
            return
        if self._axis is None:
            self._axis = self._new_array(AXIS, "int64", {"long_name": "optimizer updates done"})
        for name in dict.fromkeys(name for _, numbers in self._waiting for name in numbers):
            if name not in self._arrays:
                self._add(name)
        for name, array in self._arrays.items():
            column = [numbers.get(name, math.nan) for _, numbers in self._waiting]
            array.write_scalars(self.rows, column)
        self._axis.write_scalars(self.rows, [update for update, _ in self._waiting])
        self.rows += len(self._waiting)
        self._waiting.clear()

    def adopt(self, nodes: Mapping[str, Document]) -> None:
        """Take over the arrays of an existing run."""
        for path, node in nodes.items():
            if not path.startswith(metric_path("")):
                continue
            name = path.removeprefix(metric_path(""))
            spec = ArraySpec(path, (UPDATE_DIM,), (), node["data_type"], node["attributes"])
            array = LiveArray(self._root, spec, self._files, None)
            if name == AXIS:
                self._axis = array
                self.rows = node["shape"][0]
            else:
                attributes = node["attributes"]
                is_metric = name != EPOCH_SAMPLES or "name" in attributes
                exact = attributes.get("name", name) if is_metric else SAMPLES
                self._arrays[exact] = array
                if attributes.get(EPOCH_MEAN) is True:
                    self._epoch_means[exact] = attributes.get(EPOCH_MEAN_UNTIL)
        for array in self.arrays:
            array.check(self.rows)
        self._seen |= self._arrays.keys()

    def keep(self, after_step: int | None) -> None:
        """Drop the rows of adopted arrays that are later than a step."""
        if self._axis is None:
            return
        updates = self._axis.read_scalars(self.rows)
        if after_step is not None:
            self.rows = int(np.searchsorted(updates, after_step, side="right"))
        self._last_update = int(updates[self.rows - 1]) if self.rows else None

    def _note_means(self, numbers: Mapping[str, float], means: EpochMeans) -> None:
        """Note which metrics of a row are means over the epoch; one that is none ceases to be."""
        for name in (numbers.keys() & means.names) - self._seen:
            self._epoch_means[name] = None
        for name in numbers.keys() & self._epoch_means.keys() - means.names:
            if self._epoch_means[name] is None:
                self._epoch_means[name] = self._last_update or 0
                if (array := self._arrays.get(name)) is not None:
                    array.spec = replace(array.spec, attributes=self._attributes(name))

    def _attributes(self, name: str) -> dict[str, Any]:
        """Give the attributes of a metric's array."""
        if name not in self._epoch_means:
            return {"name": name}
        until = self._epoch_means[name]
        ended = {} if until is None else {EPOCH_MEAN_UNTIL: until}
        return {"name": name, EPOCH_MEAN: True, **ended}

    def _complete(self, numbers: Mapping[str, float]) -> None:
        """Put values into the last row, which is written already."""
        for name, number in numbers.items():
            if name not in self._arrays:
                self._add(name)
            self._arrays[name].write_scalars(self.rows - 1, [number])

    def _add(self, name: str) -> None:
        """Make the array of a metric that is new; it is NaN in the rows before."""
        reserved = [AXIS, EPOCH_SAMPLES]
        taken = [*reserved, *(array.spec.path.split("/")[-1] for array in self._arrays.values())]
        if name == SAMPLES:
            said = {"long_name": "samples of the epoch so far"}
            array = self._new_array(EPOCH_SAMPLES, "float64", said)
        else:
            array = self._new_array(safe_name(name, taken), "float64", self._attributes(name))
        array.fill(self.rows, math.nan)
        self._arrays[name] = array

    def _new_array(self, node: str, dtype: str, attributes: Mapping[str, Any]) -> LiveArray:
        spec = ArraySpec(metric_path(node), (UPDATE_DIM,), (), dtype, attributes)
        array = LiveArray(self._root, spec, self._files, None)
        array.make_directory()
        return array


def _number(name: str, value: float) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        raise SpecError(f"Metric {name!r} is {value!r:.80}, expected a number.") from None
