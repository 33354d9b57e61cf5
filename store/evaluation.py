"""A larger set of examples of which only predictions are recorded: ``/evaluation/…``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from store.probe_io import StaticArray
from store.schema import STEP_DIM, Array, ArraySpec

GROUP = "evaluation"
EXAMPLE_DIM = "example"
LABEL_PATH = f"{GROUP}/label"


@dataclass(frozen=True, slots=True)
class PredictionSpec:
    """One output of the model; `dims` and `shape` begin with the examples."""

    name: str
    output: str
    dims: tuple[str, ...]
    shape: tuple[int, ...]
    dtype: str


@dataclass(frozen=True, slots=True)
class EvaluationSpec:
    """What is recorded of the evaluation's examples.

    Attributes
    ----------
    predictions : tuple of PredictionSpec
        One for each output of the model.
    size : int
        Number of examples.
    labels : ndarray or None
        Class numbers (example,) or target values (example, ...).
    class_names : sequence of str or None
        Names by class number.
    fingerprint : str
        Digest of the inputs, as of a probe; empty: not to be told.
    """

    predictions: tuple[PredictionSpec, ...]
    size: int
    labels: Array | None = None
    class_names: Sequence[str] | None = None
    fingerprint: str = ""

    def array_specs(self) -> list[ArraySpec]:
        """Arrays that grow with the steps."""
        return [
            ArraySpec(
                f"{GROUP}/{prediction.name}",
                (STEP_DIM, *prediction.dims),
                prediction.shape,
                prediction.dtype,
                {"output": prediction.output},
            )
            for prediction in self.predictions
        ]

    def static_arrays(self) -> dict[str, StaticArray]:
        """Arrays that do not grow, by path."""
        if self.labels is None:
            return {}
        labels = np.asarray(self.labels)
        dims = (EXAMPLE_DIM, *(f"label_{axis}" for axis in range(1, labels.ndim)))
        return {LABEL_PATH: (labels, dims, {"role": "label"})}

    def attributes(self) -> dict[str, Any]:
        """Attributes of the group."""
        return {
            "class_names": list(self.class_names) if self.class_names is not None else None,
            "fingerprint": self.fingerprint,
        }
