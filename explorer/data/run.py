"""The one place where the explorer reads a run: frames, limits, histories, in bounded caches."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from functools import cached_property

import numpy as np
import numpy.typing as npt
import xarray as xr

from explorer.data.blocks import blocks_of
from explorer.data.derived_cache import DerivedCache
from explorer.data.layers import ending_function
from explorer.data.tried import Tried
from explorer.derived.network.blocks import Block
from explorer.derived.network.engine import Network
from explorer.derived.network.node import Node
from explorer.derived.network.registry import IDLE_CLASS, OPERATIONS_CLASS, layer_ops
from explorer.derived.predictions.reading import (
    NoReading,
    OutputReading,
    class_numbers,
    output_reading,
)
from explorer.derived.predictions.verdicts import Verdicts
from explorer.derived.time.frames import (
    FrameLayout,
    Limits,
    keeps_values,
    picture_of,
    quantize,
    robust_limits,
    sample_indices,
)
from explorer.derived.time.headway import checkpoint, counted
from explorer.derived.time.timeline import Timeline, first_from
from store import Layer, Run
from store.format.losses import recorded_loss
from store.format.names import UNIT_DIM, Array, activation_path, weight_path
from store.format.spec import EVALUATION_GROUPS, EVALUATION_INPUT
from store.reading.cache import Arrays, ByteCache
from store.reading.ended_run import EndedRun

# Quantized frames: small, and every session of a run shares them.
FRAME_CACHE_BYTES = 192 * 1024 * 1024
# Distributions and the like, which are on disk besides.
DERIVED_CACHE_BYTES = 64 * 1024 * 1024
# Steps that fix a picture's limits, or how the output is read.
SAMPLES = 24
# Steps at which a layer must have given back what it took, to be taken for one that does nothing.
IDLE_SAMPLES = 3
# Bytes of a history that are held at once: that of a convolution may be larger than memory.
BLOCK_BYTES = 64 * 1024 * 1024


# Limits of a kind of picture, for a run, a layer of it, and the number of a probe.
Measure = Callable[["RunData", str, int | None], Limits | None]


class RunData:
    """Read access to one run for all sessions of the explorer.

    Parameters
    ----------
    run : Run
        An open run. Where it holds the network after the training, that is the last step here.
    tried : Tried, optional
        What visitors have tried on an earlier reading of it.

    Attributes
    ----------
    run : Run
        The same, with that step.
    has_ending : bool
        Whether the last step is the network after the training.
    tried : Tried
        Inputs of visitors. Whatever takes the number of a probe takes theirs as well.
    """

    def __init__(self, run: Run, tried: Tried | None = None) -> None:
        self.tried = Tried() if tried is None else tried
        ended = EndedRun(run)
        self.has_ending = ended.has_ending
        self.run = ended if ended.has_ending else run
        self.worker = ThreadPoolExecutor(1, thread_name_prefix="trainlapse-derive")
        self._arrays: ByteCache[Array] = ByteCache(FRAME_CACHE_BYTES)
        self._derived: ByteCache[Arrays] = ByteCache(DERIVED_CACHE_BYTES)
        self._limits: dict[tuple[str, str, int | None], Limits | None] = {}

    @cached_property
    def blocks(self) -> tuple[Block, ...]:
        """What the network repeats: its outermost blocks."""
        return blocks_of(self.run.layers)

    @cached_property
    def timeline(self) -> Timeline:
        """Steps, epochs and wall times of the recorded steps."""
        return Timeline(self.run.steps, self.run.epochs, self.run.wall_times)

    @cached_property
    def weight_jumps(self) -> tuple[int, ...]:
        """Steps from which on the weights were set, not updated; those with a recorded step."""
        steps = self.timeline.steps
        return tuple(step for step in self.run.weight_jumps if len(steps) and step <= steps[-1])

    @property
    def jumps(self) -> list[int]:
        """Positions of the recorded steps before which the weights were set, not updated."""
        return first_from(self.timeline.steps, self.weight_jumps)

    @cached_property
    def metrics(self) -> xr.Dataset:
        """Loss and metrics, in memory: (update,) each."""
        return self.run.metrics.load()

    def derived(self, key: str, make: Callable[[], Arrays]) -> Arrays:
        """Give expensive arrays, computed once for all sessions and kept on disk.

        Call it in the worker thread.

        Parameters
        ----------
        key : str
            Names them. Of a run that grew they are computed again.
        make : callable
            Computes them.
        """
        version = self.run.version
        kept = DerivedCache(version)
        return self._derived.get((version, key), lambda: kept.get(key, make))

    def has_derived(self, key: str) -> bool:
        """Whether `derived` would give the arrays of a key at once: they are in memory."""
        return (self.run.version, key) in self._derived

    def read(self, path: str, index: tuple[int | slice, ...]) -> Array:
        """Read a part of an array, as `store.Run.read` does; a computation can be ended here."""
        checkpoint()
        probe = index[1] if len(index) > 1 else None
        number = probe.start if isinstance(probe, slice) else probe
        if number in self.tried and path in self._recorded_layers:
            return self._read_tried(self._recorded_layers[path], index)
        return self.run.read(path, index)

    # -- what visitors try -------------------------------------------------------------------

    def try_input(self, inputs: Mapping[str, Array]) -> int:
        """Keep an input beside the probes.

        Parameters
        ----------
        inputs : mapping of str to ndarray (1, ...)
            As the network takes it, by the names of the input layers.

        Returns
        -------
        int
            Its number, behind those of the probes.
        """
        return self.tried.add(inputs, self.run.probe.size if self.run.probe else 0)

    @cached_property
    def _recorded_layers(self) -> dict[str, str]:
        """Layers by the paths of their activations."""
        layers = self.run.layers.values()
        return {activation_path(each.name): each.name for each in layers if each.has_activation}

    def _read_tried(self, layer: str, index: tuple[int | slice, ...]) -> Array:
        """Read a part of what a layer gives for an input that was tried."""
        step, probe, *rest = index
        number = probe.start if isinstance(probe, slice) else probe
        at = range(len(self.run))[step] if isinstance(step, slice) else [step]
        frames = [self._tried_at(number, position)[layer][tuple(rest)] for position in at]
        found = np.stack(frames) if isinstance(step, slice) else frames[0]
        if not isinstance(probe, slice):
            return found
        return np.expand_dims(found, 1 if isinstance(step, slice) else 0)

    def _tried_at(self, number: int, index: int) -> Arrays:
        """Compute what all layers give at a recorded step."""
        checkpoint()

        def weights() -> dict[str, dict[str, Array]]:
            return {
                name: self.weights(name, index)
                for name, layer in self.run.layers.items()
                if layer.weights
            }

        at = (self.run.version, index % max(1, len(self.run)))
        return self.tried.activations(number, at, self.run, self.network, weights)

    # -- activations -------------------------------------------------------------------------

    def picture(self, layer: str) -> FrameLayout:
        """Layout of a layer's frames for one probe."""
        reader = self.run.array(activation_path(layer))
        return picture_of(reader.dims[2:], reader.shape[2:])

    def activation(self, layer: str, index: int, probe: int) -> Array:
        """Read one probe's activation at a recorded step: (...), without those two dimensions."""
        rest = (slice(None),) * (len(self.run.array(activation_path(layer)).shape) - 2)
        return self.read(activation_path(layer), (index, probe, *rest))

    def activations(self, layer: str, index: int, probe: int | None = None) -> Array:
        """Activation of every probe at one recorded step, the unit last: (probe, ..., unit).

        With a number, of that probe alone: (1, ..., unit).
        """
        path = activation_path(layer)
        dims = self.run.array(path).dims[1:]
        chosen = slice(None) if probe is None else slice(probe, probe + 1)
        frame = self.read(path, (index, chosen, *(slice(None),) * (len(dims) - 1)))
        return np.moveaxis(frame, dims.index(UNIT_DIM), -1) if UNIT_DIM in dims else frame

    def activation_frames(self, layer: str) -> Iterator[Array]:
        """Yield what `activations` returns, step by step, and report the progress."""
        return counted(
            (self.activations(layer, index) for index in range(len(self.run))), len(self.run)
        )

    def limits(self, layer: str, probe: int) -> Limits:
        """Colour limits of a layer's frames for one probe, the same at every step."""
        limits = self.common_limits("activation", layer, activation_limits, probe)
        assert limits is not None  # there are frames
        return limits

    def common_limits(
        self, what: str, layer: str, measure: Measure, probe: int | None = None
    ) -> Limits | None:
        """Limits for all pictures of a kind that are to be compared: of this run, those of a layer.

        Of a run that stands beside another one, those of both, see `explorer.compare.pair`. So a
        view that asks here for its limits has colours, or ends, that mean the same in both.

        Parameters
        ----------
        what : str
            Names what is measured; kept by it.
        layer : str
            The layer.
        measure : callable
            Takes a run, a layer and the probe; None for a layer that has no such picture.
        probe : int, optional
            The probe that the picture is of, if it is of one.
        """
        key = (what, layer, probe)
        if key not in self._limits:
            self._limits[key] = measure(self, layer, probe)
        return self._limits[key]

    def frame(self, layer: str, index: int, probe: int) -> npt.NDArray[np.uint8]:
        """Give one probe's picture at a recorded step: (tile, height, width), uint8 colour codes.

        Code 0 is NaN; see `explorer.derived.time.frames.quantize`.
        """

        def make() -> Array:
            values = self.picture(layer).arrange(self.activation(layer, index, probe))
            return np.ascontiguousarray(quantize(values, self.limits(layer, probe)))

        if keeps_values():
            return make()
        return self._arrays.get(("frame", layer, index, probe), make)

    def units(self, layer: str) -> int:
        """Count the units of a layer's activation."""
        reader = self.run.array(activation_path(layer))
        return dict(zip(reader.dims, reader.shape, strict=True)).get(UNIT_DIM, 1)

    def unit_history(
        self, layer: str, probe: int, places: Array | None = None
    ) -> npt.NDArray[np.float32]:
        """Activation of one probe at every step, averaged over positions: (step, unit).

        Parameters
        ----------
        layer : str
            The layer.
        probe : int
            The probe.
        places : ndarray of bool (position,), optional
            Which positions count, in the order of the layer's dimensions; by default all.
        """
        path = activation_path(layer)
        reader = self.run.array(path)
        dims, rest = reader.dims[1:], (slice(None),) * (len(reader.dims) - 2)
        history = np.empty((reader.shape[0], self.units(layer)), np.float32)
        for block in _blocks(reader.shape[0], 8 * math.prod(reader.shape[2:])):
            read = self.read(path, (block, probe, *rest))
            last = np.moveaxis(read, dims.index(UNIT_DIM), -1) if UNIT_DIM in dims else read
            rows = last.reshape(len(read), -1, self.units(layer))
            counted_rows = rows if places is None else rows[:, places]
            with np.errstate(invalid="ignore", over="ignore"):  # NaN and infinity are shown
                history[block] = counted_rows.mean(axis=1, dtype=np.float64)
        return history

    @cached_property
    def network(self) -> Network:
        """The layers as a function that can be evaluated and differentiated at any step."""
        return Network(
            Node(
                name,
                IDLE_CLASS if self._is_idle(layer) else layer.class_name,
                layer.config,
                layer.inbound,
                layer.mask_from,
                layer.operations_between,
                self._recorded_shape(layer),
                layer.arguments,
            )
            for name, layer in self.run.layers.items()
        )

    def _is_idle(self, layer: Layer) -> bool:
        """Whether a layer of an unknown class gave back what it took, at all steps looked at.

        What acts in a training alone, under a name of the user's own, is so.
        """
        source = self.run.layers.get(layer.source or "")
        if (
            layer.class_name in {*layer_ops(), OPERATIONS_CLASS}
            or layer.weights
            or source is None
            or not len(self.run)
        ):
            return False
        if not (layer.has_activation and source.has_activation and layer.unit_stride == 1):
            return False
        if self._recorded_shape(layer) != self._recorded_shape(source):
            return False
        return all(
            np.array_equal(
                self.activations(layer.name, index), self.activations(source.name, index)
            )
            for index in sample_indices(len(self.run), IDLE_SAMPLES)
        )

    def _recorded_shape(self, layer: Layer) -> tuple[int, ...] | None:
        """Shape of what was recorded of one example: what a run says of a layer may be anything."""
        if not layer.has_activation:
            return None
        return tuple(self.run.array(activation_path(layer.name)).shape[2:])

    def kept_name(self, probe: int) -> str:
        """Name a probe in a key of `derived`; an input that was tried by what it is.

        Its number may be another one's tomorrow.
        """
        if probe not in self.tried:
            return f"probe {probe}"
        digest = hashlib.sha256()
        for name, values in self.tried.given(probe).items():
            digest.update(name.encode() + np.ascontiguousarray(values).tobytes())
        return f"input {digest.hexdigest()}"

    def probe_input(self, probe: int) -> Array | None:
        """Give what the only input takes of one probe, or of an input that was tried: (...)."""
        if probe in self.tried:
            given = list(self.tried.given(probe).values())
            return given[0][0] if len(given) == 1 else None
        recorded = self.input()
        return None if recorded is None else recorded[probe]

    def input(self) -> Array | None:
        """Give the probe's input: (probe, ...); None without a probe, or with several inputs."""
        probe = self.run.probe
        if probe is None or len(probe.inputs) != 1 or probe.not_stored:
            return None
        ((name, given),) = probe.inputs.items()
        return np.asarray(given) if probe.is_along_probes(name) else None

    # -- weights -----------------------------------------------------------------------------

    def weight(self, layer: str, weight: str, index: int) -> Array:
        """Read one variable at a recorded step: (...), as Keras shapes it."""
        path = weight_path(layer, weight)
        rest = (slice(None),) * (len(self.run.array(path).shape) - 1)
        return self.read(path, (index, *rest))

    def weights(self, layer: str, index: int) -> dict[str, Array]:
        """Read every recorded variable of a layer at a recorded step: (...) each, by name."""
        return {name: self.weight(layer, name, index) for name in self.run.layers[layer].weights}

    def weight_frames(self, layer: str, weight: str) -> Iterator[Array]:
        """Yield one variable step by step: (...), as Keras shapes it; report the progress."""
        return counted(
            (self.weight(layer, weight, index) for index in range(len(self.run))), len(self.run)
        )

    # -- predictions -------------------------------------------------------------------------

    @property
    def reading(self) -> OutputReading | None:
        """How the probe's output is read; None unless the run is of a classifier."""
        found = self.probability_reading
        return found if found is not None and found.is_choice else None

    @property
    def probability_reading(self) -> OutputReading | None:
        """How the probe's output is read as probabilities, of classes or of labels."""
        if self._output_path is None or not isinstance(self.answer, OutputReading):
            return None
        return self.answer

    @cached_property
    def answer(self) -> OutputReading | NoReading | None:
        """What the output is, on the probe or else an evaluation set; None without any."""
        path = self._output_path or self._evaluation_path
        if path is None or not len(self.run):
            return None
        reader = self.run.array(path)
        rest = (slice(None),) * (len(reader.shape) - 1)
        most = max(1, BLOCK_BYTES // (8 * math.prod(reader.shape[1:])))
        indices = sample_indices(len(self.run), min(SAMPLES, most))
        sample = self.run.read_many((path, (index, *rest)) for index in indices)
        known = [self._labels] if self._labels is not None else []
        known += [each["label"].values for each in self.run.evaluations.values() if "label" in each]
        return self.read_as(np.stack(sample), known)

    def read_as(self, sample: Array, labels: Sequence[Array]) -> OutputReading | NoReading:
        """Decide how outputs of the network's only output are read.

        Parameters
        ----------
        sample : ndarray (step, probe, unit)
            Some of them.
        labels : sequence of ndarray
            What the network learns to answer, of each set of examples.
        """
        output = self.output or ""
        function = ending_function(self.run, output)
        return output_reading(
            sample,
            loss=recorded_loss(self.run.attributes.get("loss"), output),
            gives=None if function is None else function.gives,
            labels=labels,
            task=self.task,
        )

    @cached_property
    def task(self) -> str | None:
        """What the labels ask of the network; None where the run does not say."""
        probe, kept = self.run.probe, self.run.evaluations.values()
        said = [None if probe is None else probe.task, *(each.attrs.get("task") for each in kept)]
        return next((str(task) for task in said if task not in (None, "none")), None)

    def evaluation_input(self) -> Array | None:
        """Give what the only input takes of an evaluation set: (example, ...); None without it."""
        kept = (each for each in self.run.evaluations.values() if EVALUATION_INPUT in each)
        found = next(kept, None)
        if found is None or len(self.network.inputs) != 1:
            return None
        return np.asarray(found[EVALUATION_INPUT].values)

    def probabilities(self, probe: int) -> npt.NDArray[np.float32] | None:
        """Probabilities of the classes, or labels, of one probe at every step: (step, class)."""
        path, reading = self._output_path, self.probability_reading
        if path is None or reading is None:
            return None

        def make() -> Array:
            return reading.probabilities(self.read(path, (slice(None), probe, slice(None))))

        return self._arrays.get(("probabilities", len(self.run), probe), make)

    def verdicts(self) -> Verdicts | None:
        """Most probable class of every probe at every step; call it in the worker thread."""
        path, reading = self._output_path, self.reading
        if path is None or reading is None:
            return None

        def make() -> Arrays:
            steps, *rest = self.run.array(path).shape
            blocks = _blocks(steps, 8 * math.prod(rest))
            outputs = (self.read(path, (block, slice(None), slice(None))) for block in blocks)
            return asdict(reading.verdicts(outputs, self.class_labels))

        return Verdicts(**self.derived("verdicts", make))

    @cached_property
    def class_names(self) -> list[str]:
        """Name of each class; its number where the run gives none."""
        count = self.reading.classes if self.reading else 0
        names = list(self.run.probe.class_names or []) if self.run.probe else []
        return names[:count] + [str(number) for number in range(len(names), count)]

    @cached_property
    def class_labels(self) -> Array | None:
        """True class of each probe: (probe,), or None if there is no such thing."""
        if self._labels is None or self.reading is None:
            return None
        return class_numbers(self._labels, self.reading.classes)

    def true_class(self, probe: int) -> int | None:
        """Give the true class of a probe; None where it is not known, as of what was tried."""
        if self.class_labels is None or probe in self.tried:
            return None
        return int(self.class_labels[probe])

    @property
    def output(self) -> str | None:
        """The layer of the model's only output, or of the only one that was recorded."""
        layers = self.run.layers
        names = [name for name in self.run.outputs if name in layers]
        recorded = [name for name in names if layers[name].has_activation]
        found = names if len(names) == 1 else recorded
        return found[0] if len(found) == 1 else None

    @property
    def _output_path(self) -> str | None:
        """Array of the model's only output, if it was recorded."""
        output = self.output
        recorded = output is not None and self.run.layers[output].has_activation
        return activation_path(output) if output is not None and recorded else None

    @property
    def _evaluation_path(self) -> str | None:
        """Array of what a model with one output says of an evaluation set, held out if it may."""
        paths = (f"{group}/prediction" for group in EVALUATION_GROUPS.values())
        return next((path for path in paths if path in self.run.nodes), None)

    @property
    def _labels(self) -> Array | None:
        return self.run.probe.labels if self.run.probe else None


def activation_limits(data: RunData, layer: str, probe: int | None) -> Limits | None:
    """Measure the recorded frames of one probe; None if there are none."""
    if probe is None or not data.run.layers[layer].has_activation or not len(data.run):
        return None
    indices = sample_indices(len(data.run), SAMPLES)
    return robust_limits(data.activation(layer, index, probe) for index in indices)


def _blocks(steps: int, frame_bytes: int) -> Iterator[slice]:
    """Split the step axis into blocks of a bounded size."""
    length = max(1, BLOCK_BYTES // max(1, frame_bytes))
    return (slice(start, min(steps, start + length)) for start in range(0, steps, length))
