"""The one place where the explorer reads a run: frames, limits, histories; cached, bounded."""

from __future__ import annotations

import math
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from explorer.derived.frames import (
    Limits,
    Picture,
    picture_of,
    quantize,
    robust_limits,
    sample_indices,
)
from explorer.derived.predictions import (
    Predictions,
    are_values,
    class_numbers,
    class_probabilities,
)
from explorer.derived.timeline import Timeline
from store import Run
from store.schema import UNIT_DIM, activation_path, weight_path

Array = npt.NDArray[Any]
T = TypeVar("T")

# Quantized frames: small, and every session of a run shares them.
FRAME_CACHE_BYTES = 192 * 1024 * 1024
# Steps that fix a picture's limits.
LIMIT_SAMPLES = 24
# What a history holds at once: that of a convolution may be larger than memory.
HISTORY_BYTES = 64 * 1024 * 1024


class ByteCache:
    """Arrays by key, the least recently used dropped once they pass a number of bytes."""

    def __init__(self, most_bytes: int) -> None:
        self._most = most_bytes
        self._bytes = 0
        self._arrays: OrderedDict[Hashable, Array] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Hashable, make: Callable[[], Array]) -> Array:
        """Array of a key, made at the first request."""
        with self._lock:
            found = self._arrays.get(key)
            if found is not None:
                self._arrays.move_to_end(key)
                return found
        made = make()
        with self._lock:
            if key not in self._arrays:
                self._arrays[key] = made
                self._bytes += made.nbytes
            while self._bytes > self._most and len(self._arrays) > 1:
                _, oldest = self._arrays.popitem(last=False)
                self._bytes -= oldest.nbytes
        return made


class RunData:
    """Read access to one run for all sessions of the explorer.

    Parameters
    ----------
    run : Run
        An open run.
    """

    def __init__(self, run: Run) -> None:
        self.run = run
        self.worker = ThreadPoolExecutor(1, thread_name_prefix="trainlapse-derive")
        self._frames = ByteCache(FRAME_CACHE_BYTES)
        self._derived: dict[Hashable, Any] = {}
        self._lock = threading.Lock()

    @cached_property
    def timeline(self) -> Timeline:
        """Steps, epochs and wall times of the recorded steps."""
        return Timeline(self.run.steps, self.run.epochs, self.run.wall_times)

    # -- activations -------------------------------------------------------------------------

    def picture(self, layer: str) -> Picture:
        """Layout of a layer's frames for one probe."""
        reader = self.run.array(activation_path(layer))
        return picture_of(reader.dims[2:], reader.shape[2:])

    def activation(self, layer: str, index: int, probe: int) -> Array:
        """Activation of one probe at one recorded step, without those two dimensions."""
        rest = (slice(None),) * (len(self.run.array(activation_path(layer)).shape) - 2)
        return self.run.read(activation_path(layer), (index, probe, *rest))

    def limits(self, layer: str, probe: int) -> Limits:
        """Colour limits of a layer's frames for one probe, the same at every step."""

        def make() -> Limits:
            indices = sample_indices(len(self.run), LIMIT_SAMPLES)
            return robust_limits(self.activation(layer, index, probe) for index in indices)

        return self._remember(("limits", layer, probe), make)

    def frame(self, layer: str, index: int, probe: int) -> npt.NDArray[np.uint8]:
        """Picture of one probe at one recorded step: (tiles, height, width), colour codes."""

        def make() -> Array:
            values = self.picture(layer).arrange(self.activation(layer, index, probe))
            return np.ascontiguousarray(quantize(values, self.limits(layer, probe)))

        return self._frames.get((layer, index, probe), make)

    def units(self, layer: str) -> int:
        """Count the units of a layer's activation."""
        reader = self.run.array(activation_path(layer))
        return dict(zip(reader.dims, reader.shape, strict=True)).get(UNIT_DIM, 1)

    def unit_history(self, layer: str, probe: int) -> npt.NDArray[np.float32]:
        """Activation of one probe at every step, averaged over positions: (step, unit)."""
        path = activation_path(layer)
        reader = self.run.array(path)
        places = tuple(at - 1 for at, dim in enumerate(reader.dims) if at > 1 and dim != UNIT_DIM)
        rest = (slice(None),) * (len(reader.dims) - 2)
        steps, numbers = reader.shape[0], math.prod(reader.shape[2:])
        history = np.empty((steps, self.units(layer)), np.float32)
        block = max(1, HISTORY_BYTES // (8 * numbers))
        for start in range(0, steps, block):
            read = self.run.read(path, (slice(start, start + block), probe, *rest))
            with np.errstate(invalid="ignore", over="ignore"):  # NaN and infinity are shown
                means = read.mean(axis=places, dtype=np.float64)
                history[start : start + block] = means.reshape(len(read), -1)
        return history

    # -- weights -----------------------------------------------------------------------------

    def weight_frames(self, layer: str, weight: str) -> Iterator[Array]:
        """One variable, step by step."""
        path = weight_path(layer, weight)
        rest = (slice(None),) * (len(self.run.array(path).shape) - 1)
        for index in range(len(self.run)):
            yield self.run.read(path, (index, *rest))

    # -- predictions -------------------------------------------------------------------------

    @cached_property
    def predictions(self) -> Predictions | None:
        """Class probabilities of the probes; None unless the run is of a classifier."""
        outputs = [
            name
            for name in self.run.outputs
            if name in self.run.layers and self.run.layers[name].has_activation
        ]
        if len(outputs) != 1 or not len(self.run):
            return None
        reader = self.run.array(activation_path(outputs[0]))
        labels = self._labels
        if labels is not None and are_values(labels, reader.shape[-1]):
            return None
        return class_probabilities(reader.read((slice(None),) * len(reader.shape)))

    @cached_property
    def class_names(self) -> list[str]:
        """Name of each class; its number where the run gives none."""
        predictions = self.predictions
        count = predictions.probabilities.shape[-1] if predictions else 0
        names = list(self.run.probe.class_names or []) if self.run.probe else []
        return names[:count] + [str(number) for number in range(len(names), count)]

    @cached_property
    def class_labels(self) -> Array | None:
        """True class of each probe: (probe,), or None if there is no such thing."""
        if self._labels is None or self.predictions is None:
            return None
        return class_numbers(self._labels, self.predictions.probabilities.shape[-1])

    @property
    def _labels(self) -> Array | None:
        return self.run.probe.labels if self.run.probe else None

    # -- inside ------------------------------------------------------------------------------

    def derive(self, key: Hashable, make: Callable[[], T]) -> T:
        """Something dear, computed once for all sessions; call it in the worker thread."""
        return self._remember(key, make)

    def _remember(self, key: Hashable, make: Callable[[], T]) -> T:
        with self._lock:
            if key in self._derived:
                found: T = self._derived[key]
                return found
        made = make()
        with self._lock:
            self._derived.setdefault(key, made)
        return made
