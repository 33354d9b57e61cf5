"""Layers computed anew for a larger set of examples than the probe, at some recorded steps.

A few dozen probes say little of classes. Where the run holds larger sets with their inputs, and the
network can be repeated, what is said of classes is measured on those.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from explorer.data.examples import NOUNS, ExampleSource
from explorer.data.replayed import Replayed
from explorer.data.run import RunData
from explorer.derived.predictions.labels import too_few
from explorer.derived.recurrent.equations import NotDerivableError
from explorer.derived.time.frames import sample_indices
from explorer.derived.time.headway import counted
from store.format.names import activation_path
from store.reading.cache import Arrays

Array = npt.NDArray[Any]

# Examples that the training does not learn from come first: a layer may have learned the others by
# heart.
SOURCES: tuple[ExampleSource, ...] = ("evaluation", "train")
# Recorded steps at which a larger set is sent through the network: each takes a fraction of a
# second of a small network.
MOST_STEPS = 16
# Values of all layers at one step, 256 MB. Networks that make more are looked at by the probe.
MOST_AT_ONCE = 2**26
# Greatest difference between answers as recorded and as computed here, as a share of the largest:
# beyond, the network does something that the run does not tell.
TOLERANCE = 1e-2


def larger_set(data: RunData) -> Replayed | None:
    """Choose the larger set that can be sent through the network, as far as the run tells.

    It has inputs and enough examples of each class, and every layer is repeated in NumPy. Nothing
    is computed: see `repeated_set`. None once that has found that the network gives other answers.
    """
    of = Replayed.of(data, SOURCES)
    if of is None or too_few(of.examples.labels) is not None or data.network.unsupported:
        return None
    layers = data.run.layers.values()
    if any(one.parameters and not one.weights and _owns(data, one.name) for one in layers):
        return None
    values = sum(math.prod(layer.output_shape) for layer in layers)
    if values * len(of.examples) > MOST_AT_ONCE:
        return None
    is_known = data.has_derived(_repetition_key(of))
    return None if is_known and not _repetition(of)["answers"] else of


def repeated_set(data: RunData) -> Replayed | None:
    """Give the larger set, if the network gives the recorded answers for it.

    Looked at are the first, the middle and the last of `steps_read`, once; call it in the worker
    thread.
    """
    of = larger_set(data)
    return of if of is not None and bool(_repetition(of)["answers"]) else None


def is_whole(of: Replayed, layer: str) -> bool:
    """Whether all units of a layer were recorded, so that numbers of units mean the same."""
    return bool(_repetition(of)["whole"][computed_layers(of.data).index(layer)])


def computed_layers(data: RunData) -> list[str]:
    """Name the layers that are computed, in network order."""
    return [layer.name for layer in data.run.layers.values() if layer.kind != "input"]


def steps_read(data: RunData) -> Array:
    """Positions of the recorded steps at which a larger set is sent through the network."""
    return np.asarray(sample_indices(len(data.run), MOST_STEPS))


def nearest_read(data: RunData) -> Array:
    """Say for each recorded step which of `steps_read` is nearest: (step,), counted in those."""
    steps = steps_read(data)
    return np.searchsorted((steps[1:] + steps[:-1]) / 2, np.arange(len(data.run)))


def activations_at(of: Replayed, index: int, layers: list[str]) -> dict[str, Array]:
    """Send the examples of a set through the network at a recorded step.

    Returns
    -------
    dict of str to ndarray (example, ..., unit)

    Raises
    ------
    NotDerivableError
        A layer cannot be computed.
    """
    return of.data.network.forward(of.inputs, of.weights(index), wanted=layers)


def said_of_examples(data: RunData) -> str:
    """Say in a sentence which examples what is said of classes was measured on, and when."""
    labels = data.class_labels
    probes = 0 if labels is None else len(labels)
    return said_of_larger_set(data) or f"Measured on the {probes:,} {NOUNS['probe']}."


def said_of_larger_set(data: RunData) -> str:
    """Say the same of a larger set; empty where the probe is taken."""
    of = repeated_set(data)
    if of is None:
        return ""
    count, steps = len(data.run), len(steps_read(data))
    rest = f", at {steps} of {count:,} recorded steps; between them the nearest holds"
    return f"Measured on {of.examples.described}{rest if steps < count else ''}."


@dataclass(frozen=True)
class ClassMeasure:
    """Numbers of every layer, measured on the larger set: all layers at once, step by step.

    Attributes
    ----------
    name : str
        Under which they are kept.
    measure : callable
        Takes the activations of a layer, (example, ..., unit), and labels; gives numbers by name.
    """

    name: str
    measure: Callable[[Array, Array], Mapping[str, float]]

    def over_steps(self, data: RunData, layer: str) -> Arrays | None:
        """Give each number at every recorded step, (step,), at the nearest one that was read.

        None where the probe must be taken. Call it in the worker thread.
        """
        of = repeated_set(data)
        if of is None:
            return None
        found = [self._at_step(of, index) for index in counted(steps_read(data).tolist())]
        column, nearest = computed_layers(data).index(layer), nearest_read(data)
        return {name: np.stack([one[name][column] for one in found])[nearest] for name in found[0]}

    def turns(self, data: RunData) -> list[Callable[[], object]]:
        """Part the work that is to be done into pieces whose outcomes are kept, a step each.

        None where the probe is taken, or all is done.
        """
        of = larger_set(data)
        if of is None:
            return []
        steps = steps_read(data).tolist()
        left = [index for index in steps if not data.has_derived(self._key(of, index))]
        return [partial(self._turn, data, index) for index in left]

    def _turn(self, data: RunData, index: int) -> None:
        of = repeated_set(data)
        if of is not None:
            self._at_step(of, index)

    def _at_step(self, of: Replayed, index: int) -> Arrays:
        """Measure every layer at a step: (layer,) each."""

        def make() -> Arrays:
            layers = computed_layers(of.data)
            found = activations_at(of, index, layers)
            each = [self.measure(found[layer], of.examples.labels) for layer in layers]
            return {name: np.array([one[name] for one in each]) for name in each[0]}

        return of.data.derived(self._key(of, index), make)

    def _key(self, of: Replayed, index: int) -> str:
        return f"{self.name} on the {of.examples.source} at {index}"


def _repetition(of: Replayed) -> Arrays:
    """Compare what is computed with what was recorded: the answers, and how large layers are."""
    data, layers = of.data, computed_layers(of.data)

    def make() -> Arrays:
        steps = steps_read(data)
        try:
            for index in steps[[0, len(steps) // 2, -1]].tolist():
                found = activations_at(of, index, layers)
                if not _agree(found[of.output], _recorded(of, index)):
                    return {"answers": np.array(False)}
        except NotDerivableError:
            return {"answers": np.array(False)}
        whole = [_is_of_shape(data, layer, found[layer].shape[1:]) for layer in layers]
        return {"answers": np.array(True), "whole": np.array(whole)}

    return data.derived(_repetition_key(of), make)


def _repetition_key(of: Replayed) -> str:
    return f"repetition of the answers on the {of.examples.source}"


def _recorded(of: Replayed, index: int) -> Array:
    return of.data.read(of.examples.path, (index, slice(None), slice(None)))


def _agree(computed: Array, recorded: Array) -> bool:
    known = np.abs(recorded[np.isfinite(recorded)])
    size = known.max(initial=np.finfo(np.float32).tiny)
    return np.allclose(computed, recorded, rtol=0, atol=TOLERANCE * size, equal_nan=True)


def _is_of_shape(data: RunData, layer: str, shape: tuple[int, ...]) -> bool:
    if not data.run.layers[layer].has_activation:
        return False
    return data.run.array(activation_path(layer)).shape[2:] == shape


def _owns(data: RunData, layer: str) -> bool:
    """Whether a layer's weights are its own, and not those of its first call."""
    return data.network.first_call(layer) == layer
