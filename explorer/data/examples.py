"""Examples with a class each: the probe, or a larger set, held out or learned from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import xarray as xr

from explorer.data.run import BLOCK_BYTES, RunData
from explorer.derived.predictions.reading import OutputReading, class_numbers
from explorer.derived.predictions.verdicts import Verdicts
from explorer.derived.time.headway import counted
from store.format.names import activation_path
from store.format.spec import EVALUATION_GROUPS, EVALUATION_INPUT, EvaluationRole

Array = npt.NDArray[Any]


ExampleSource = Literal["evaluation", "train", "probe"]
# The larger sets first: the first one is shown unless another one is chosen.
SOURCES: tuple[ExampleSource, ...] = ("evaluation", "train", "probe")
ROLES: dict[ExampleSource, EvaluationRole] = {"evaluation": "held_out", "train": "train"}
NOUNS: dict[ExampleSource, str] = {
    "evaluation": "held-out examples",
    "train": "training examples",
    "probe": "probes",
}


@dataclass(frozen=True)
class AnsweredSet:
    """Inputs for which every step's outputs are recorded.

    Attributes
    ----------
    data : RunData
        The run.
    source : {"evaluation", "train", "probe"}
        Which.
    """

    data: RunData
    source: ExampleSource

    def __len__(self) -> int:
        return int(self.data.run.array(self.path).shape[1])

    @property
    def path(self) -> str:
        """The array of the outputs: (step, example, ...)."""
        if self.source != "probe":
            return _path(self.source)
        assert self.data.output is not None
        return activation_path(self.data.output)

    @property
    def noun(self) -> str:
        """What one example is called in a sentence."""
        return "probe" if self.source == "probe" else "example"

    @property
    def described(self) -> str:
        """How many there are of what: ``400 training examples``."""
        return f"{len(self):,} {NOUNS[self.source]}"

    @property
    def fingerprint(self) -> str:
        """Digest of the inputs, also of those that were not kept; empty if it is not known."""
        if self.source == "probe":
            probe = self.data.run.probe
            return "" if probe is None else probe.fingerprint()
        attributes = self.data.run.evaluations[ROLES[self.source]].attrs
        return str(attributes.get("fingerprint", ""))

    @property
    def has_inputs(self) -> bool:
        """Whether what the network was given is one array, and was kept."""
        if self.source == "probe":
            return self.data.input() is not None
        taken = [layer for layer in self.data.run.layers.values() if layer.kind == "input"]
        return len(self._kept()) == 1 and len(taken) <= 1

    def inputs(self) -> tuple[Array, list[str], str] | None:
        """Read what the network was given, if that is one array and was kept.

        Returns
        -------
        inputs : ndarray (example, ...)
        dims : list of str
            Names of its dimensions.
        kind : str
            One of `store.format.names.PROBE_KINDS`.
        """
        if self.source == "probe":
            probe, given = self.data.run.probe, self.data.input()
            if probe is None or given is None:
                return None
            return given, list(next(iter(probe.dims.values()))), probe.kind
        if not self.has_inputs:
            return None
        ((_, kept),) = self._kept().items()
        kind = self.data.run.evaluations[ROLES[self.source]].attrs.get("kind", "other")
        return kept.values, [str(dim) for dim in kept.dims], str(kind)

    def _kept(self) -> dict[str, xr.DataArray]:
        """Name the inputs of a larger set that were stored; they are not read yet."""
        kept = self.data.run.evaluations[ROLES[self.source]]
        return {str(name): kept[name] for name in kept if str(name).startswith(EVALUATION_INPUT)}


@dataclass(frozen=True)
class Examples(AnsweredSet):
    """Examples with a class each, of which every step's predictions are recorded.

    Attributes
    ----------
    labels : ndarray of int (example,)
        Their classes.
    class_names : list of str
        Name of each class.
    reading : OutputReading
        How predictions are read as probabilities.
    """

    labels: Array
    class_names: list[str]
    reading: OutputReading

    def choosing(self, number: int) -> dict[str, int]:
        """Say what selects one of them: the page can show probes only."""
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
            yield self.data.read(self.path, (slice(start, min(steps, start + length)), *rest))


def sources(data: RunData) -> list[ExampleSource]:
    """Name the examples that the run has, those that are shown at first in front."""
    return [source for source in SOURCES if examples_of(data, source) is not None]


def examples_of(data: RunData, source: ExampleSource) -> Examples | None:
    """Find the examples of a source; None without a classifier or without classes."""
    return _of_probe(data) if source == "probe" else _of_evaluation(data, source)


class Guess(NamedTuple):
    """How good an answer is that knows nothing but how frequent classes are.

    Attributes
    ----------
    accuracy : float
        Of who always names the most frequent class.
    cross_entropy : float
        Of who always gives the shares of the classes, in nats.
    """

    accuracy: float
    cross_entropy: float


def guess(data: RunData) -> Guess | None:
    """Say how good a guess is, by the classes of a larger set; None without one.

    Probes are picked, often as many of each class: their shares are not those of the data.
    """
    found = [examples_of(data, source) for source in SOURCES if source != "probe"]
    labels = next((one.labels for one in found if one is not None), None)
    if labels is None or not (labels >= 0).any():
        return None
    shares = np.unique(labels[labels >= 0], return_counts=True)[1] / (labels >= 0).sum()
    return Guess(float(shares.max()), float(-(shares * np.log(shares)).sum()))


def answers_at(data: RunData, source: ExampleSource, index: int) -> Array:
    """Read the class probabilities of every example of a source at a step: (example, class).

    Of the probe labels need not be known. The run must have such examples, and be of a classifier.
    """
    reading, path = data.answer, AnsweredSet(data, source).path
    assert isinstance(reading, OutputReading)
    rest = (slice(None),) * (len(data.run.array(path).shape) - 1)
    return reading.probabilities(data.read(path, (index, *rest)))


def _path(source: ExampleSource) -> str:
    """Name the array of the predictions for a larger set."""
    return f"{EVALUATION_GROUPS[ROLES[source]]}/prediction"


def _of_probe(data: RunData) -> Examples | None:
    labels, reading = data.class_labels, data.reading
    if labels is None or reading is None:
        return None
    output = data.output
    if output is None or not data.run.layers[output].has_activation:
        return None
    return Examples(data, "probe", labels, data.class_names, reading)


def _of_evaluation(data: RunData, source: ExampleSource) -> Examples | None:
    role = ROLES[source]
    kept, reading = data.run.evaluations.get(role), data.answer
    if kept is None or not {"prediction", "label"} <= set(kept):
        return None
    if not isinstance(reading, OutputReading) or not reading.is_choice:
        return None
    classes = class_numbers(kept["label"].values, reading.classes)
    if classes is None or not len(data.run):
        return None
    given = list(kept.attrs.get("class_names") or data.class_names)[: reading.classes]
    names = given + [str(number) for number in range(len(given), reading.classes)]
    return Examples(data, source, classes, names, reading)
