"""Examples with a class each: the probe, or the larger evaluation set."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from explorer.data.run import BLOCK_BYTES, EVALUATION_PATH, RunData
from explorer.derived.predictions.reading import OutputReading, class_numbers
from explorer.derived.predictions.verdicts import Verdicts
from explorer.derived.time.headway import counted
from store.format.names import activation_path

Array = npt.NDArray[Any]


ExampleSource = Literal["evaluation", "probe"]
# The larger set first: it is shown unless the other one is chosen.
SOURCES: tuple[ExampleSource, ...] = ("evaluation", "probe")


@dataclass(frozen=True)
class Examples:
    """Examples with a class each, of which every step's predictions are recorded.

    Attributes
    ----------
    data : RunData
        The run.
    source : {"probe", "evaluation"}
        Which examples.
    labels : ndarray of int (example,)
        Their classes.
    class_names : list of str
        Name of each class.
    reading : OutputReading
        How predictions are read as probabilities.
    path : str
        The array of the predictions: (step, example, unit).
    """

    data: RunData
    source: ExampleSource
    labels: Array
    class_names: list[str]
    reading: OutputReading
    path: str

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def noun(self) -> str:
        """What one example is called in a sentence."""
        return "probe" if self.source == "probe" else "example"

    def choosing(self, number: int) -> dict[str, int]:
        """Say what selects one of them: those of the evaluation set are not stored."""
        return {"probe": int(number)} if self.source == "probe" else {}

    def probabilities(self) -> Iterator[Array]:
        """Class probabilities, step by step: (example, class)."""
        for block in self._blocks():
            yield from self.reading.probabilities(block)

    def verdicts(self) -> Verdicts:
        """Judge each example at every step; call it in the worker thread."""

        def make() -> dict[str, Array]:
            return asdict(self.reading.verdicts(self._blocks(), self.labels))

        kept = self.data.verdicts() if self.source == "probe" else None
        return kept or Verdicts(**self.data.derived(f"verdicts on the {self.source}", make))

    def _blocks(self) -> Iterator[Array]:
        """Give the predictions, some steps at a time: (step, example, unit)."""
        steps, *shape = self.data.run.array(self.path).shape
        length = max(1, BLOCK_BYTES // max(1, 8 * int(np.prod(shape, dtype=np.int64))))
        rest = (slice(None),) * len(shape)
        for start in counted(range(0, steps, length)):
            yield self.data.run.read(self.path, (slice(start, min(steps, start + length)), *rest))


def sources(data: RunData) -> list[ExampleSource]:
    """Name the examples that the run has, those that are shown at first in front."""
    return [source for source in SOURCES if examples_of(data, source) is not None]


def examples_of(data: RunData, source: ExampleSource) -> Examples | None:
    """Find the examples of a source; None without a classifier or without classes."""
    return _of_probe(data) if source == "probe" else _of_evaluation(data)


def _of_probe(data: RunData) -> Examples | None:
    labels, reading = data.class_labels, data.reading
    if labels is None or reading is None:
        return None
    output = data.output
    if output is None or not data.run.layers[output].has_activation:
        return None
    path = activation_path(output)
    return Examples(data, "probe", labels, data.class_names, reading, path)


def _of_evaluation(data: RunData) -> Examples | None:
    kept, reading, labels = data.run.evaluation, data.answer, data.evaluation_labels
    if kept is None or "prediction" not in kept or labels is None:
        return None
    if not isinstance(reading, OutputReading) or not reading.is_choice:
        return None
    classes = class_numbers(labels, reading.classes)
    if classes is None or not len(data.run):
        return None
    given = list(kept.attrs.get("class_names") or data.class_names)[: reading.classes]
    names = given + [str(number) for number in range(len(given), reading.classes)]
    return Examples(data, "evaluation", classes, names, reading, EVALUATION_PATH)
