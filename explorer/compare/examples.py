"""Examples that two runs have in common: of the same evaluation set, else their shared probes."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from explorer.compare.probes import SharedProbes
from explorer.data.examples import (
    NOUNS,
    ROLES,
    AnsweredSet,
    Examples,
    ExampleSource,
    answers_at,
    examples_of,
)
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
        found = None if sets[0] is None or sets[1] is None else _labelled(sets[0], sets[1])
        found = found or _unlabelled(first, second, source)
        if found is not None and len(found) >= len(probes):
            return found
    if len(probes) and same_classes(first, second):
        return CommonExamples((first, second), "probe", (probes.first, probes.second))
    return None


def same_classes(first: RunData, second: RunData) -> bool:
    """Whether both are classifiers of the same classes, in the same order, of their probes."""
    are_classifiers = first.reading is not None and second.reading is not None
    return are_classifiers and first.class_names == second.class_names


def _labelled(first: Examples, second: Examples) -> CommonExamples | None:
    """Find what two sets share; None for other classes, or without a common example."""
    if first.class_names != second.class_names:
        return None
    found = in_common(first, second, (first.labels, second.labels))
    return (
        None if found is None else CommonExamples((first.data, second.data), first.source, *found)
    )


def _unlabelled(first: RunData, second: RunData, source: ExampleSource) -> CommonExamples | None:
    """Find what two sets share of which the classes are not known, but the answers are."""
    if not same_classes(first, second):
        return None
    sets = answered_set(first, source), answered_set(second, source)
    if sets[0] is None or sets[1] is None:
        return None
    if any(isinstance(examples_of(data, source), Examples) for data in (first, second)):
        return None
    found = in_common(sets[0], sets[1])
    return None if found is None else CommonExamples((first, second), source, *found)


def answered_set(data: RunData, source: ExampleSource) -> AnsweredSet | None:
    """Give a larger set, if what the network's only output says of it is recorded."""
    kept = data.run.evaluations.get(ROLES[source])
    return None if kept is None or "prediction" not in kept else AnsweredSet(data, source)


def in_common(
    first: AnsweredSet, second: AnsweredSet, labels: tuple[Array, Array] | None = None
) -> tuple[tuple[Int64, Int64], KnownBy] | None:
    """Find the examples that two sets share.

    Parameters
    ----------
    first, second : AnsweredSet
        The sets.
    labels : (ndarray (example,), ndarray (example,)), optional
        Those of both: examples with other labels are others.

    Returns
    -------
    numbers : (ndarray of int, ndarray of int)
        Number of each shared example in either set.
    known_by : {"inputs", "labels"}
        What was found to be equal.
    None
        There is no such example, or it is not known.
    """
    ours, theirs = (None, None) if labels is None else labels
    names = _names(first, ours), _names(second, theirs)
    if names[0] is None or names[1] is None:
        prints = first.fingerprint, second.fingerprint
        is_known = all(prints)
        if is_known and prints[0] != prints[1]:
            return None
        is_same = is_known if labels is None else np.array_equal(*labels)
        if not is_same:
            return None
        every = np.arange(len(first))
        return (every, every), "inputs" if is_known else "labels"
    places = {name: number for number, name in reversed(list(enumerate(names[1])))}
    pairs = [(at, places[name]) for at, name in enumerate(names[0]) if name in places]
    if not pairs:
        return None
    at_first, at_second = np.array(pairs, np.int64).T
    return (at_first, at_second), "inputs"


def _names(examples: AnsweredSet, labels: Array | None) -> list[Hashable] | None:
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
    known = [None] * len(rows) if labels is None else labels.tolist()
    return [(form, label, row.tobytes()) for label, row in zip(known, rows, strict=True)]
