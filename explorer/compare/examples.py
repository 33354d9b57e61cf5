"""Examples that two runs have in common: of the same evaluation set, else their shared probes."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from explorer.compare.probes import SharedProbes
from explorer.data.examples import NOUNS, Examples, ExampleSource, answers_at, examples_of
from explorer.data.run import RunData

Array = npt.NDArray[Any]
Int64 = npt.NDArray[np.int64]
KnownBy = Literal["inputs", "labels"]

# Of evaluation sets, those that the training does not learn from first.
SETS: tuple[ExampleSource, ...] = ("evaluation", "train")


@dataclass(frozen=True)
class CommonExamples:
    """Examples to which the answers of both runs are known.

    Attributes
    ----------
    runs : (RunData, RunData)
        A and B.
    source : {"evaluation", "train", "probe"}
        Where they are kept.
    numbers : (ndarray of int, ndarray of int)
        Number of each example in A, and in B: (example,) each.
    known_by : {"inputs", "labels"}
        What was found to be equal. Labels alone, where a run kept neither inputs nor their digest.
    """

    runs: tuple[RunData, RunData]
    source: ExampleSource
    numbers: tuple[Int64, Int64]
    known_by: KnownBy = "inputs"

    def __len__(self) -> int:
        return len(self.numbers[0])

    @property
    def described(self) -> str:
        """How many of which: ``200 held-out examples that both runs hold (equal inputs)``."""
        if self.source == "probe":
            return f"{len(self):,} shared probes"
        return f"{len(self):,} {NOUNS[self.source]} that both runs hold (equal {self.known_by})"

    def probabilities(self, side: int, indices: Array) -> Array:
        """Read the class probabilities of one run at some recorded steps: (step, example, class).

        Parameters
        ----------
        side : {0, 1}
            The run.
        indices : ndarray of int (step,)
            Positions of its recorded steps.
        """
        data, chosen = self.runs[side], self.numbers[side]
        return np.stack([answers_at(data, self.source, int(at))[chosen] for at in indices])

    def examples(self, side: int) -> Examples | None:
        """Give the examples of one run with their labels; None where labels are not known."""
        return examples_of(self.runs[side], self.source)


def common_examples(first: RunData, second: RunData, probes: SharedProbes) -> CommonExamples | None:
    """Find the examples by which two classifiers of the same classes are compared.

    An evaluation set that both hold, held out before learned from: it is larger than the probe,
    and not looked at while the network is designed. An example of one set is taken for one of the
    other if input and label are equal, bit by bit; where a run did not keep inputs, sets are taken
    for the same if the digests of their inputs are equal, or not known, and all labels are equal,
    in their order. Else the shared probes.

    Parameters
    ----------
    first, second : RunData
        The runs.
    probes : SharedProbes
        The probes that both have.

    Returns
    -------
    CommonExamples or None
        None if there is nothing that both classify.
    """
    for source in SETS:
        sets = examples_of(first, source), examples_of(second, source)
        found = None if sets[0] is None or sets[1] is None else _common(sets[0], sets[1])
        if found is not None and len(found) >= len(probes):
            return found
    if len(probes) and same_classes(first, second):
        return CommonExamples((first, second), "probe", (probes.first, probes.second))
    return None


def same_classes(first: RunData, second: RunData) -> bool:
    """Whether both are classifiers of the same classes, in the same order, of their probes."""
    are_classifiers = first.reading is not None and second.reading is not None
    return are_classifiers and first.class_names == second.class_names


def _common(first: Examples, second: Examples) -> CommonExamples | None:
    """Find what two sets share; None for other classes, or without a common example."""
    if first.class_names != second.class_names:
        return None
    runs = first.data, second.data
    names = _names(first), _names(second)
    if names[0] is None or names[1] is None:
        prints = first.fingerprint, second.fingerprint
        is_known = all(prints)
        if not np.array_equal(first.labels, second.labels) or (is_known and prints[0] != prints[1]):
            return None
        every = np.arange(len(first))
        known_by: KnownBy = "inputs" if is_known else "labels"
        return CommonExamples(runs, first.source, (every, every), known_by)
    places = {name: number for number, name in reversed(list(enumerate(names[1])))}
    pairs = [(at, places[name]) for at, name in enumerate(names[0]) if name in places]
    if not pairs:
        return None
    ours, theirs = np.array(pairs, np.int64).T
    return CommonExamples(runs, first.source, (ours, theirs))


def _names(examples: Examples) -> list[Hashable] | None:
    """Give each example a name that is equal where input and label are; None without inputs."""
    given = examples.inputs()
    if given is None:
        return None
    values, _, kind = given
    probe = examples.data.run.probe
    # Of texts the words as well: equal numbers may stand for other words.
    words = tuple(probe.vocabulary or ()) if probe is not None and kind == "text" else ()
    form = (kind, values.dtype.str, values.shape[1:], hash(words))
    rows = np.ascontiguousarray(values)
    return [
        (form, int(label), row.tobytes()) for label, row in zip(examples.labels, rows, strict=True)
    ]
