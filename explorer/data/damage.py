"""What a network loses with each unit of a layer: computed without it, in NumPy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from explorer.data.run import RunData
from explorer.derived.recurrent.equations import NotDerivableError
from explorer.derived.time.frames import sample_indices
from explorer.derived.time.headway import counted
from explorer.derived.time.sampling import Sampling
from store.format.names import activation_path

Array = npt.NDArray[Any]
Float64 = npt.NDArray[np.float64]

# Each step takes a pass of all probes for each unit.
MOST_STEPS = 16
MOST_PROBES = 64
# Bytes of the layer's activation, of several units left out, that are sent on at once.
BLOCK_BYTES = 16 * 1024 * 1024
# How far off what is computed may be from what was recorded.
SAME = 1e-2


@dataclass(frozen=True)
class Damage:
    """How well the true classes are told, with all units of a layer and without each one.

    Attributes
    ----------
    sampling : Sampling
        The recorded steps that were looked at.
    probes : int
        How many probes were.
    probability : ndarray (sampled_step,), float64
        Mean probability of the true class with all units.
    accuracy : ndarray (sampled_step,), float64
        Share of probes whose most probable class is the true one.
    without : ndarray (sampled_step, unit), float64
        That mean probability, without each unit.
    accuracy_without : ndarray (sampled_step, unit), float64
        That share, without each unit.
    """

    sampling: Sampling
    probes: int
    probability: Float64
    accuracy: Float64
    without: Float64
    accuracy_without: Float64

    @property
    def falls(self) -> Float64:
        """By how much the mean probability of the true class falls: (sampled_step, unit)."""
        return np.asarray(self.probability[:, None] - self.without)


def probes_of(data: RunData) -> list[int]:
    """Choose the probes that are looked at, evenly spread."""
    return sample_indices(data.run.probe.size if data.run.probe else 0, MOST_PROBES)


def damage_of(data: RunData, layer: str) -> Damage:
    """Silence each unit of a layer in turn; call it in the worker thread.

    A silent unit gives 0 for every probe at every place, and what follows is computed anew.

    Parameters
    ----------
    data : RunData
        The run of a classifier whose classes are known, of one input.
    layer : str
        A layer that was recorded with all units.

    Raises
    ------
    NotDerivableError
        A layer behind it is not computed in NumPy, or gives something else than was recorded.
    """
    sampling = Sampling.of(len(data.run), MOST_STEPS)

    def make() -> dict[str, Array]:
        found = [_at(data, layer, index) for index in counted(sampling.indices)]
        return {name: np.stack([each[name] for each in found]) for name in found[0]}

    kept = data.derived(f"damage without units of {activation_path(layer)}", make)
    return Damage(sampling, len(probes_of(data)), **kept)


def _at(data: RunData, layer: str, index: int) -> dict[str, Array]:
    chosen, labels, given = probes_of(data), data.class_labels, data.input()
    assert labels is not None
    assert given is not None
    weights = {name: data.weights(name, index) for name in data.run.layers}
    values = data.activations(layer, index)[chosen]
    units, (output,) = values.shape[-1], data.run.outputs

    def answers(changed: Array) -> Array:
        """Send changed values of the layer on: (unit, probe, class)."""
        count, rows = len(changed), changed.reshape(-1, *values.shape[1:])
        inputs = np.tile(given[chosen], (count, *[1] * (given.ndim - 1)))
        found = data.network.forward(inputs, weights, start={layer: rows}, wanted=[output])
        return np.asarray(found[output].reshape(count, len(chosen), -1))

    def told(output: Array) -> tuple[Float64, Float64]:
        """Probability of the true class, and whether it is the most probable: (unit,) each."""
        assert data.reading is not None
        shares, truth = data.reading.probabilities(output), labels[chosen]
        own = shares[:, np.arange(len(chosen)), truth]
        return own.mean(axis=1, dtype=np.float64), (shares.argmax(axis=-1) == truth).mean(axis=1)

    whole, recorded = answers(values[None]), data.activations(output, index)[chosen]
    known = np.isfinite(recorded)
    off = np.abs(whole[0] - recorded)[known].max(initial=0)
    if off > SAME * max(1.0, float(np.abs(recorded[known]).max(initial=0))):
        raise NotDerivableError(
            f"What NumPy computes from {layer} on is not what was recorded (off by up to "
            f"{off:.2g}): the network does something there that is not in the run."
        )
    ((probability,), (accuracy,)) = told(whole)
    at_once = max(1, BLOCK_BYTES // max(1, values.nbytes))
    parts = []
    for first in range(0, units, at_once):
        some = np.arange(first, min(units, first + at_once))
        changed = np.repeat(values[None], len(some), axis=0)
        for row, unit in enumerate(some):
            changed[row, ..., unit] = 0
        parts.append(told(answers(changed)))
    without, accuracy_without = (np.concatenate(each) for each in zip(*parts, strict=True))
    return {
        "probability": np.asarray(probability),
        "accuracy": np.asarray(accuracy),
        "without": without,
        "accuracy_without": accuracy_without,
    }
