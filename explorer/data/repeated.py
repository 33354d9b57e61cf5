"""Whether what is computed anew of a layer is what was recorded of it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt

from explorer.data.run import RunData
from explorer.derived.time.frames import sample_indices

Array = npt.NDArray[Any]

# Share of the largest recorded value by which what is computed may differ from it: a recording may
# be in float16.
TOLERANCE = 0.05
# Probes that are compared, at the first and last step.
CHECKED_PROBES = 3


def looks(data: RunData) -> Iterator[tuple[int, int]]:
    """Name what is compared: (recorded step, probe), of the first and last step."""
    known = data.run.probe
    probes = sample_indices(known.size if known else 1, CHECKED_PROBES)
    return product(sorted({0, len(data.run) - 1}), probes)


def agrees(data: RunData, layer: str, output: Array, index: int, probe: int) -> bool:
    """Compare an output that was computed with the recorded one, where both are finite.

    Parameters
    ----------
    data : RunData
        The run.
    layer : str
        The layer. One whose activation was not recorded disagrees with nothing.
    output : ndarray (1, ...)
        What was computed.
    index, probe : int
        Recorded step, and probe.
    """
    if not data.run.layers[layer].has_activation:
        return True
    recorded = data.activations(layer, index, probe)
    if recorded.shape != output.shape:
        return False
    known = np.isfinite(recorded) & np.isfinite(output)
    there, here = recorded[known].astype(np.float64), output[known]
    return bool(np.abs(there - here).max(initial=0) <= TOLERANCE * np.abs(there).max(initial=0))
