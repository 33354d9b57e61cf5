"""How much a recording will take, before it begins, and how to make it less. Pure functions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from store.errors import LayerNotFoundError, SpecError, did_you_mean
from store.format import probe
from store.format.derived_layers import worth_deriving
from store.format.live_layout import place
from store.format.names import UNIT_DIM, Array, distinct_dims
from store.format.parts import full_name, matches
from store.format.spec import ArraySpec, LayerSpec, RunSpec

# Frames and histories together, of runs of convolutional networks (benchmarks/storage.py).
PACKED_SHARE = 0.9
# What a node of the hierarchy takes in its own document and in the root's (runs of LeNet, LSTM).
DOCUMENT_BYTES = 850
# Metrics that a training usually has: the updates themselves, loss and accuracy, both of held-out
# examples too, the learning rate, and samples of the epoch.
USUAL_METRICS = 7
METRIC_BYTES = 8
# Types that floats can be stored as.
FLOATS = ("float16", "float32", "float64")


@dataclass(frozen=True, slots=True)
class Narrowing:
    """What of a model is recorded.

    Attributes
    ----------
    layers : sequence of str
        Patterns of the names of layers that are recorded. A pattern that begins with "!" leaves
        layers out; where there are only such ones, all others are recorded.
    activations, weights : bool or sequence of str
        Kinds of arrays that are recorded, of all those layers or of those that match.
    every_unit : int
        Record every k-th unit of the activations. Weights stay whole: they rebuild the model.
    activation_dtype, weight_dtype : str or None
        Data type that floats are stored as; None: as they are.
    derive : bool
        Whether activations that follow from others are left out.
    """

    layers: Sequence[str] = ("*",)
    activations: bool | Sequence[str] = True
    weights: bool | Sequence[str] = True
    every_unit: int = 1
    activation_dtype: str | None = None
    weight_dtype: str | None = None
    derive: bool = True


@dataclass(frozen=True, slots=True)
class Estimate:
    """Size of a recording in the live form.

    Attributes
    ----------
    steps : int
        Steps recorded.
    activation_bytes, weight_bytes, other_bytes : int
        Bytes of one step by kind; others are predictions, single updates and the time axes.
    total_bytes : int
        Bytes of the whole run: what grows with the steps and with the updates, what is stored once,
        and the documents that describe it.
    packed_bytes : int
        Rough size once packed, histories included.
    """

    steps: int
    activation_bytes: int
    weight_bytes: int
    other_bytes: int
    total_bytes: int
    packed_bytes: int

    @property
    def step_bytes(self) -> int:
        """Bytes of one step."""
        return self.activation_bytes + self.weight_bytes + self.other_bytes


def narrowed(spec: RunSpec, narrowing: Narrowing) -> RunSpec:
    """Narrow a run's description to what is to be recorded.

    Every layer stays in the description, so that the graph is whole; one that is not chosen
    has no arrays. In a run of several parts a pattern with "/" names part and layer, such as
    ``generator/conv*``; one without holds in all parts.
    """
    models = spec.models()
    names = [full_name(layer.name, part) for part in models for layer in models[part].layers]
    _check(narrowing, names)
    return spec.of_models(
        {part: _narrowed_model(model, narrowing, part) for part, model in models.items()}
    )


def _narrowed_model(spec: RunSpec, narrowing: Narrowing, part: str) -> RunSpec:
    layers = [_narrowed_layer(layer, narrowing, part) for layer in spec.layers]
    if not narrowing.derive:
        layers = [replace(layer, derivation=None) for layer in layers]
    return replace(spec, layers=worth_deriving(layers))


def estimate(spec: RunSpec, steps: int | Iterable[int], *, updates: int = 0) -> Estimate:
    """Size of a recording.

    Parameters
    ----------
    spec : RunSpec
        The run's description, perhaps narrowed by `narrowed`.
    steps : int or iterable of int
        Number of recorded steps, or the steps themselves.
    updates : int
        Optimizer updates of the training: metrics have a row for each. By default none is counted.
    """
    count = steps if isinstance(steps, int) else len(set(steps))
    arrays = spec.stored_specs()
    frames = sum(array.frame_bytes for array in arrays)
    activations = sum(
        array.frame_bytes for array in arrays if array.path.endswith(("/activation", "/output"))
    )
    weights = sum(array.frame_bytes for array in arrays if "/weights/" in array.path)
    stored_once = _stored_once(spec)
    layers = sum(len(model.layers) for model in spec.models().values())
    nodes = len(arrays) + len(stored_once) + layers + USUAL_METRICS
    beside = (
        sum(values.nbytes for values in stored_once)
        + nodes * DOCUMENT_BYTES
        + updates * USUAL_METRICS * METRIC_BYTES
    )
    others = frames - activations - weights
    packed = count * (PACKED_SHARE * (activations + weights) + others)
    return Estimate(
        count,
        activations,
        weights,
        others,
        total_bytes=beside + sum(live_bytes(array, count) for array in arrays),
        packed_bytes=beside + round(packed),
    )


def recorded_bytes(spec: RunSpec, steps: int) -> int:
    """Bytes of the arrays that grow with the steps, and of the evaluations' inputs."""
    return _bytes_of_inputs(spec) + sum(live_bytes(array, steps) for array in spec.stored_specs())


def live_bytes(array: ArraySpec, steps: int) -> int:
    """Bytes that an array takes in the live form, uncompressed: frames, checksums and indexes.

    Examples
    --------
    >>> live_bytes(ArraySpec("a", ("step", "unit"), (2048,), "float32"), 65)
    535040
    """
    placement = place(array.frame_shape, np.dtype(array.dtype).itemsize)
    whole, rest = divmod(steps, placement.steps)
    return whole * placement.end(placement.steps) + (placement.end(rest) if rest else 0)


def steps_within(spec: RunSpec, budget_bytes: int) -> int:
    """Count the steps that fit into a number of bytes."""
    left = max(0, budget_bytes - _bytes_of_inputs(spec))
    return left // max(1, estimate(spec, 1).step_bytes)


def _stored_once(spec: RunSpec) -> list[Array]:
    """Give the arrays that do not grow."""
    if spec.parts:
        return [values for part in spec.parts.values() for values in _stored_once(part)]
    arrays = list(probe.static_arrays(spec.probe).values()) if spec.probe else []
    for evaluation in spec.evaluations:
        arrays += evaluation.static_arrays().values()
    config = [] if spec.model_config is None else [probe.json_bytes(dict(spec.model_config))]
    return [values for values, *_ in arrays] + config


def _bytes_of_inputs(spec: RunSpec) -> int:
    """Count what is written once and may be large; a probe is small."""
    evaluations = [each for model in spec.models().values() for each in model.evaluations]
    return sum(values.nbytes for each in evaluations for values in each.inputs.values())


def _narrowed_layer(layer: LayerSpec, narrowing: Narrowing, part: str) -> LayerSpec:
    name = full_name(layer.name, part)
    is_wanted = _lets_through(name, narrowing.layers)
    if not (is_wanted and _lets_through(name, narrowing.activations)):
        layer = replace(layer, output_dims=(), output_shape=(), derivation=None)
    elif layer.output_dims:
        shape, stride = list(layer.output_shape), 1
        if UNIT_DIM in layer.output_dims:
            axis, stride = layer.output_dims.index(UNIT_DIM), narrowing.every_unit
            shape[axis] = -(-shape[axis] // stride)
        dtype = _dtype(layer.output_dtype, narrowing.activation_dtype)
        operation = None if layer.derivation is None else layer.derivation.operation
        follows = operation is not None and (operation.keeps_order or dtype == layer.output_dtype)
        layer = replace(
            layer,
            output_shape=tuple(shape),
            output_dtype=dtype,
            unit_stride=stride,
            derivation=layer.derivation if follows else None,
        )
    if not (is_wanted and _lets_through(name, narrowing.weights)):
        return replace(layer, weights=())
    # Weights keep all units, so that their dimension no longer is that of the activation.
    taken = dict(zip(layer.output_dims, layer.output_shape, strict=True))
    weights = tuple(
        replace(
            weight,
            dims=distinct_dims(weight.dims, weight.shape, taken, weight.name),
            dtype=_dtype(weight.dtype, narrowing.weight_dtype),
        )
        for weight in layer.weights
    )
    return replace(layer, weights=weights)


def _lets_through(name: str, patterns: bool | Sequence[str]) -> bool:
    """Whether a name is let through: by a pattern, and by none that begins with "!"."""
    if isinstance(patterns, bool):
        return patterns
    wanted = [pattern for pattern in patterns if not pattern.startswith("!")]
    unwanted = [pattern[1:] for pattern in patterns if pattern.startswith("!")]
    return (not wanted or any(matches(name, pattern) for pattern in wanted)) and not any(
        matches(name, pattern) for pattern in unwanted
    )


def _dtype(recorded: str, wanted: str | None) -> str:
    """Choose the data type to store: floats as wanted, never wider than they are."""
    if wanted is None or np.dtype(recorded).kind != "f":
        return recorded
    return wanted if np.dtype(wanted).itemsize < np.dtype(recorded).itemsize else recorded


def _check(narrowing: Narrowing, names: Sequence[str]) -> None:
    for patterns in (narrowing.layers, narrowing.activations, narrowing.weights):
        for pattern in () if isinstance(patterns, bool) else patterns:
            glob = pattern.removeprefix("!")
            if not any(matches(name, glob) for name in names):
                raise LayerNotFoundError(f"No layer matches {glob!r}. {did_you_mean(glob, names)}")
    for dtype in (narrowing.activation_dtype, narrowing.weight_dtype):
        if dtype not in (None, *FLOATS):
            raise SpecError(f"dtype {dtype!r} is not one of {', '.join(FLOATS)}.")
    if narrowing.every_unit < 1:
        raise SpecError(f"every_unit must be 1 or more, got {narrowing.every_unit}.")
