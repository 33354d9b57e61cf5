"""Inputs that a visitor tries: the network is sent them at any recorded step, in NumPy.

They have numbers of their own, behind those of the recorded probes, and are read by these like
recorded ones. Whatever is of one probe is of them too; whatever is of all probes is of the recorded
ones alone.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from explorer.derived.network.engine import Network, StepWeights
from store import Run
from store.errors import SpecError
from store.format.names import activation_path
from store.reading.cache import Arrays, ByteCache

Array = npt.NDArray[Any]

# Their activations at the steps that were looked at: a small network's at all steps.
CACHE_BYTES = 128 * 1024 * 1024
# Inputs that are kept for all visitors of a run; the oldest are forgotten.
MOST_KEPT = 256


class Tried:
    """Inputs that were tried on a run, by their numbers; shared by all readings of it."""

    def __init__(self) -> None:
        self._inputs: dict[int, Mapping[str, Array]] = {}
        self._next = 0
        self._lock = threading.Lock()
        self._activations: ByteCache[Arrays] = ByteCache(CACHE_BYTES)

    def __contains__(self, number: object) -> bool:
        return isinstance(number, int | np.integer) and int(number) in self._inputs

    def items(self) -> list[tuple[int, Mapping[str, Array]]]:
        """List what is kept: its number, and what the network is sent."""
        return list(self._inputs.items())

    def add(self, inputs: Mapping[str, Array], recorded: int) -> int:
        """Keep an input.

        Parameters
        ----------
        inputs : mapping of str to ndarray (1, ...)
            By the names of the input layers.
        recorded : int
            How many probes the run has.

        Returns
        -------
        int
            Its number, which no other one gets.
        """
        with self._lock:
            number = max(self._next, recorded)
            self._next = number + 1
            self._inputs[number] = inputs
            for oldest in list(self._inputs)[:-MOST_KEPT]:
                del self._inputs[oldest]
            return number

    def given(self, number: int) -> Mapping[str, Array]:
        """Give what the network is sent: (1, ...) each, by the names of the input layers."""
        return self._inputs[number]

    def activations(
        self,
        number: int,
        at: tuple[str, int],
        run: Run,
        network: Network,
        weights: Callable[[], StepWeights],
    ) -> Arrays:
        """Compute what the layers give whose activations were recorded.

        Parameters
        ----------
        number : int
            Of the input.
        at : tuple of str and int
            Version of the run, and position of the step.
        run : Run
            Which activations were recorded, and in which shapes.
        network : Network
            Its layers.
        weights : callable
            Reads them.

        Returns
        -------
        mapping of str to ndarray (...)
            By layer, without the dimensions of step and probe; NaN of a layer that NumPy does not
            compute.
        """

        def make() -> Arrays:
            unknown = network.descendants(network.unsupported)
            recorded = [layer.name for layer in run.layers.values() if layer.has_activation]
            wanted = [name for name in recorded if name not in unknown]
            found = network.forward(dict(self._inputs[number]), weights(), wanted=wanted)
            return {name: _as_recorded(found.get(name), run, name) for name in recorded}

        return self._activations.get((*at, number), make)


def _as_recorded(values: Array | None, run: Run, layer: str) -> Array:
    """Give one example's output in the shape in which outputs of the layer were recorded."""
    shape = run.array(activation_path(layer)).shape[2:]
    if values is None:
        return np.full(shape, np.nan, np.float32)
    kept = values[0][..., :: run.layers[layer].unit_stride]
    if kept.shape != shape:
        raise SpecError(
            f"What {layer} gives for this input has the shape {kept.shape}; recorded was {shape}."
        )
    return np.asarray(kept)
