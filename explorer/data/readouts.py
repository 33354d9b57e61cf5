"""How well classes can be read off each layer: of larger sets of examples, else of the probe."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from explorer.data.examples import NOUNS, ExampleSource
from explorer.data.replayed import Replayed
from explorer.data.run import RunData
from explorer.data.summaries import unit_frames
from explorer.derived.predictions.labels import too_few
from explorer.derived.recurrent.equations import NotDerivableError
from explorer.derived.time.frames import sample_indices
from explorer.derived.time.headway import counted
from explorer.derived.units.linear_probe import linear_probe
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


class Readouts(NamedTuple):
    """How well a linear readout of a layer names classes, at every recorded step.

    Attributes
    ----------
    accuracy, chance_bound : ndarray (step,)
        See `explorer.derived.units.linear_probe`.
    """

    accuracy: Array
    chance_bound: Array


def readout_set(data: RunData) -> Replayed | None:
    """Choose the larger set that readouts are trained and tested on; None: the probe is taken.

    It has inputs, enough examples of each class, and goes through the network in NumPy.
    """
    of = Replayed.of(data, SOURCES)
    if of is None or too_few(of.examples.labels) is not None or data.network.unsupported:
        return None
    layers = data.run.layers.values()
    if any(one.parameters and not one.weights and _owns(data, one.name) for one in layers):
        return None
    values = sum(math.prod(layer.output_shape) for layer in layers)
    return of if values * len(of.examples) <= MOST_AT_ONCE else None


def steps_read(data: RunData) -> Array:
    """Positions of the recorded steps at which a larger set is sent through the network."""
    return np.asarray(sample_indices(len(data.run), MOST_STEPS))


def few_examples(data: RunData) -> str | None:
    """Say that neither a larger set nor the probe has enough examples of a class."""
    labels = data.class_labels
    if readout_set(data) is not None or labels is None:
        return None
    return too_few(labels)


def said_of_readouts(data: RunData) -> str:
    """Say in a sentence which examples are read, and at which steps."""
    of = readout_set(data)
    if of is None:
        probes = 0 if data.class_labels is None else len(data.class_labels)
        return f"Measured on the {probes:,} {NOUNS['probe']}."
    count, steps = len(data.run), len(steps_read(data))
    rest = f", at {steps} of {count:,} recorded steps; between them the nearest holds"
    return f"Measured on {of.examples.described}{rest if steps < count else ''}."


def readouts_of(data: RunData, layer: str) -> Readouts | None:
    """Read the classes off a layer at every recorded step; None without a class for each example.

    Of a larger set all layers are read at once, and the outcome is kept. Call it in the worker
    thread.
    """
    of = readout_set(data)
    if of is not None:
        kept = _of_larger_set(of)
        if kept is not None:
            return kept.get(layer)
    labels = data.class_labels
    if labels is None or labels.ndim != 1 or too_few(labels) is not None:
        return None

    def make() -> dict[str, Array]:
        found = [linear_probe(frame, labels) for frame in unit_frames(data, layer)]
        return {
            "accuracy": np.array([one.accuracy for one in found]),
            "bound": np.array([one.chance_bound for one in found]),
        }

    kept_of_probe = data.derived(f"linear probe of {activation_path(layer)}", make)
    return Readouts(kept_of_probe["accuracy"], kept_of_probe["bound"])


def turns_of_readouts(data: RunData) -> list[Callable[[], object]]:
    """Part the reading of a larger set into pieces, whose outcomes are kept: a recorded step each.

    Empty where the probe is taken.
    """
    of = readout_set(data)
    return [] if of is None else [partial(_at_step, of, int(index)) for index in steps_read(data)]


def _of_larger_set(of: Replayed) -> dict[str, Readouts] | None:
    """Read every layer at some steps; None where the network does not give what was recorded."""
    steps = steps_read(of.data)
    found = []
    for index in counted(steps.tolist()):
        found.append(_at_step(of, index))
        if not found[-1]["accuracy"].size:
            return None
    middles = (steps[1:] + steps[:-1]) / 2
    nearest = np.searchsorted(middles, np.arange(len(of.data.run)))
    accuracy, bound = (np.stack([one[name] for one in found]) for name in ("accuracy", "bound"))
    return {
        layer: Readouts(accuracy[nearest, column], bound[nearest, column])
        for column, layer in enumerate(_layers(of.data))
    }


def _at_step(of: Replayed, index: int) -> Arrays:
    """Read every layer at a step: (layer,) each; empty if the network gives other answers."""
    layers = _layers(of.data)

    def make() -> Arrays:
        found = _activations(of, index, layers)
        frames = [] if found is None else [found[layer] for layer in layers]
        read = [linear_probe(frame, of.examples.labels) for frame in frames]
        return {
            "accuracy": np.array([one.accuracy for one in read]),
            "bound": np.array([one.chance_bound for one in read]),
        }

    return of.data.derived(f"linear readouts on the {of.examples.source} at {index}", make)


def _layers(data: RunData) -> list[str]:
    return [layer.name for layer in data.run.layers.values() if layer.kind != "input"]


def _activations(of: Replayed, index: int, layers: list[str]) -> dict[str, Array] | None:
    """Send the examples through the network at a step; None if it gives other answers."""
    try:
        found = of.data.network.forward(of.inputs, of.weights(index), wanted=layers)
    except NotDerivableError:
        return None
    recorded = of.data.read(of.examples.path, (index, slice(None), slice(None)))
    size = np.abs(recorded).max(initial=np.finfo(np.float32).tiny)
    same = np.allclose(found[of.output], recorded, rtol=0, atol=TOLERANCE * size, equal_nan=True)
    return found if same else None


def _owns(data: RunData, layer: str) -> bool:
    """Whether a layer's weights are its own, and not those of its first call."""
    return data.network.first_call(layer) == layer
