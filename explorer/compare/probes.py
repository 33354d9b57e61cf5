"""Which probes two runs have in common: only those can be compared one by one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from store.format.spec import ProbeSpec

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class SharedProbes:
    """Probes of two runs whose inputs are the same, bit by bit.

    Attributes
    ----------
    first, second : ndarray (shared,), int64
        Number of each shared probe in either run, in the order of the first.
    sentence : str
        What of the probes is shared, if it is not everything.
    """

    first: npt.NDArray[np.int64]
    second: npt.NDArray[np.int64]
    sentence: str = ""

    def __len__(self) -> int:
        return len(self.first)

    def to_second(self, probe: int) -> int | None:
        """Give the number in the second run of a probe of the first; None if it has none."""
        found = self.second[self.first == probe]
        return int(found[0]) if len(found) else None

    def to_first(self, probe: int) -> int | None:
        """Give the number in the first run of a probe of the second; None if it has none."""
        found = self.first[self.second == probe]
        return int(found[0]) if len(found) else None


def shared_probes(first: ProbeSpec | None, second: ProbeSpec | None) -> SharedProbes:
    """Find the probes that two runs have in common.

    Runs whose probes have one fingerprint share all of them. Otherwise a probe of one run is taken
    for one of the other if its input is the same: of a text the text, since two networks may
    number its words in their own ways; of anything else every value.

    Parameters
    ----------
    first, second : ProbeSpec or None
        Probes of the runs.
    """
    none = np.empty(0, np.int64)
    if first is None or second is None:
        which = "Neither run has" if first is second else "One of the runs has no"
        said = f"{which} probes: what is compared one by one is left out."
        return SharedProbes(none, none, said)
    # Of texts the words as well: equal numbers may stand for other words.
    same_words = list(first.vocabulary or ()) == list(second.vocabulary or ())
    if same_words and first.size and first.fingerprint() == second.fingerprint():
        every = np.arange(first.size)
        return SharedProbes(every, every)
    ours, theirs = _names(first), _names(second)
    numbers = {name: number for number, name in reversed(list(enumerate(theirs)))}
    found = [(at, numbers[name]) for at, name in enumerate(ours) if name in numbers]
    if not found:
        said = (
            "The runs have no probe in common, so only what needs none is compared: metrics, "
            "weights, settings. Record both with the same probe to compare what they see."
        )
        return SharedProbes(none, none, said)
    said = "" if len(found) == len(ours) == len(theirs) else (
        f"Only {len(found)} of the {first.size} probes of A and the {second.size} of B are in both "
        "runs: nothing else is compared one by one."
    )  # fmt: skip
    ours_at, theirs_at = np.array(found, np.int64).T
    return SharedProbes(ours_at, theirs_at, said)


def _names(probe: ProbeSpec) -> list[Any]:
    """Give each probe a name that is equal where the input is."""
    if probe.kind == "text" and probe.texts is not None:
        return [("text", str(text)) for text in probe.texts]
    parts = []
    for name in sorted(probe.inputs):
        values = np.ascontiguousarray(probe.inputs[name])
        kind = (name, values.dtype.str, values.shape[1:], _words(probe))
        parts.append([(kind, row.tobytes()) for row in values])
    return list(zip(*parts, strict=True))


def _words(probe: ProbeSpec) -> tuple[str, ...]:
    return tuple(probe.vocabulary or ())
