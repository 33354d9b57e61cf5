"""Inputs to which two runs give outputs of one shape, whatever these stand for."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from explorer.compare.examples import SETS, answered_set, in_common
from explorer.compare.probes import SharedProbes
from explorer.data.examples import NOUNS, AnsweredSet
from explorer.data.layers import ending_function
from explorer.data.run import RunData
from explorer.data.texts import texts_of
from explorer.derived.texts.alignment import text_spans
from explorer.derived.time.frames import sample_indices
from store.format.names import Array

# Values of one run's outputs at a moment that are compared, 128 MB as float64. Of larger outputs
# fewer examples are taken.
MOST_VALUES = 2**24


@dataclass(frozen=True)
class CommonOutputs:
    """Outputs of both runs for the same inputs.

    Attributes
    ----------
    sets : (AnsweredSet, AnsweredSet)
        Where those of A and of B are kept.
    numbers : (ndarray of int, ndarray of int)
        Number of each input in either set: (example,) each.
    """

    sets: tuple[AnsweredSet, AnsweredSet]
    numbers: tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]

    def __len__(self) -> int:
        return len(self.numbers[0])

    @property
    def described(self) -> str:
        """How many of which."""
        source = self.sets[0].source
        held = "shared probes" if source == "probe" else f"{NOUNS[source]} that both runs hold"
        return f"{len(self):,} {held}"

    @property
    def shapes(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Shape of one output of A, and of B."""
        ours, theirs = (one.data.run.array(one.path).shape[2:] for one in self.sets)
        return ours, theirs

    @property
    def are_choices(self) -> bool:
        """Whether each row of an output gives shares to several answers, as a softmax does."""
        outputs = [one.data.output for one in self.sets]
        ends = [
            None if output is None else ending_function(one.data.run, output)
            for one, output in zip(self.sets, outputs, strict=True)
        ]
        return all(end is not None and "shares" in end.gives for end in ends)

    def at(self, side: int, index: int) -> Array:
        """Read the outputs of one run at a recorded step: (example, ...)."""
        data, path = self.sets[side].data, self.sets[side].path
        rest = (slice(None),) * (len(data.run.array(path).shape) - 1)
        return data.run.read(path, (index, *rest))[self.numbers[side]]

    def in_text(self) -> npt.NDArray[np.bool_] | None:
        """Say where outputs belong to the text: (example, token); None where all do."""
        given, texts = self.sets[0].inputs(), texts_of(self.sets[0].data)
        if given is None or given[2] != "text" or texts is None or texts.padding is None:
            return None
        ids = given[0][self.numbers[0]]
        if len(self.shapes[0]) < 2 or ids.shape[1] != self.shapes[0][0]:
            return None
        ends, places = text_spans(ids, texts.padding), np.arange(ids.shape[1])
        return np.asarray((places >= ends[:, :1]) & (places < ends[:, 1:]))


def common_outputs(first: RunData, second: RunData, probes: SharedProbes) -> CommonOutputs | None:
    """Find inputs whose outputs are known in both runs: of an evaluation set, else the probes.

    None where either run has no output of its own, or they share no input.
    """
    for source in SETS:
        sets = answered_set(first, source), answered_set(second, source)
        if sets[0] is None or sets[1] is None:
            continue
        found = in_common(sets[0], sets[1])
        if found is not None and len(found[0][0]) >= len(probes):
            return _thinned(CommonOutputs((sets[0], sets[1]), found[0]))
    if not len(probes) or not all(map(_gives_output, (first, second))):
        return None
    both = AnsweredSet(first, "probe"), AnsweredSet(second, "probe")
    return _thinned(CommonOutputs(both, (probes.first, probes.second)))


def _thinned(whole: CommonOutputs) -> CommonOutputs:
    most = max(2, MOST_VALUES // max(1, *map(math.prod, whole.shapes)))
    kept = sample_indices(len(whole), most)
    return replace(whole, numbers=(whole.numbers[0][kept], whole.numbers[1][kept]))


def _gives_output(data: RunData) -> bool:
    return data.output is not None and data.run.layers[data.output].has_activation
