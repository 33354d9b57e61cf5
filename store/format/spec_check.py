"""Check a run's description before anything is written: every problem at once."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from store.errors import SpecError, listed
from store.format.derived_layers import mismatch
from store.format.names import (
    DATA_TYPES,
    LAYER_KINDS,
    PROBE_DIM,
    PROBE_KINDS,
    STEP_DIM,
    TASKS,
    file_key,
    safe_name,
)
from store.format.probe import PRESENT
from store.format.spec import (
    EVALUATION_LABEL,
    EXAMPLE_DIM,
    ArraySpec,
    EvaluationSpec,
    LayerSpec,
    ProbeSpec,
    RunSpec,
    evaluation_input,
)

# Taken by `store.format.probe`.
RESERVED_PROBE_NAMES = ("label", "text", "vocabulary")


def validate(spec: RunSpec) -> None:
    """Raise `SpecError` naming every problem of a run's description."""
    found = problems(spec)
    if found:
        raise SpecError("The run's description is inconsistent:\n- " + "\n- ".join(found))


def problems(spec: RunSpec) -> list[str]:
    """Everything that is inconsistent in a run's description; empty when it is sound."""
    if not spec.parts:
        return _model_problems(spec)
    found = [f"{name!r} is not a safe name" for name in spec.parts if name != safe_name(name)]
    found.extend(f"two parts are named {name!r}" for name in _clashes(list(spec.parts)))
    if spec.layers or spec.beside_layers or spec.probe or spec.model_config:
        found.append("what is recorded of the models of a run of parts belongs to its parts")
    found.extend(_json_problems(spec))
    for name, part in spec.parts.items():
        found.extend(f"part {name!r}: {text}" for text in _model_problems(part))
        if part.parts:
            found.append(f"part {name!r} has parts of its own")
    return found


def _model_problems(spec: RunSpec) -> list[str]:
    names = [layer.name for layer in spec.layers]
    found = [
        f"name {name!r} is taken by another layer (names must differ by more than case)"
        for name in _clashes(names)
    ]
    probes = spec.probe.size if spec.probe is not None and spec.probe.inputs else None
    for layer in spec.layers:
        found.extend(f"layer {layer.name!r}: {text}" for text in _layer_problems(layer, names))
        found.extend(f"layer {layer.name!r}: {text}" for text in _size_problems(layer, probes))
    found.extend(_derivation_problems(spec))
    found.extend(
        f"output {output!r} is not a layer of the run"
        for output in spec.outputs
        if output not in names
    )
    for array in spec.array_specs():
        found.extend(f"{array.path}: {text}" for text in _array_problems(array))
    if spec.probe is not None:
        found.extend(f"probe: {text}" for text in _probe_problems(spec.probe))
    found.extend(
        f"there are several evaluations of the role {role!r}"
        for role in _clashes([evaluation.role for evaluation in spec.evaluations])
    )
    for evaluation in spec.evaluations:
        found.extend(f"{evaluation.group}: {text}" for text in _evaluation_problems(evaluation))
    found.extend(_json_problems(spec))
    return found


def _layer_problems(layer: LayerSpec, names: Sequence[str]) -> Iterator[str]:
    if layer.name != safe_name(layer.name):
        yield f"not a safe node name; safe_name() makes it {safe_name(layer.name)!r}"
    if layer.kind not in LAYER_KINDS:
        yield f"kind {layer.kind!r} is not one of {LAYER_KINDS}"
    for source in layer.inbound:
        if source not in names:
            yield f"takes input from unknown layer {source!r}"
    for argument, value in layer.arguments.items():
        for source in value if isinstance(value, list) else [value]:
            if isinstance(source, str) and source not in names:
                yield f"argument {argument!r} is of unknown layer {source!r}"
    weights = [weight.name for weight in layer.weights]
    for name in _clashes(weights):
        yield f"two weights are named {name!r}"
    for name in weights:
        if name != safe_name(name):
            yield f"weight {name!r} is not a safe node name"


def _derivation_problems(spec: RunSpec) -> Iterator[str]:
    before: dict[str, LayerSpec] = {}
    for layer in spec.layers:
        if layer.derivation is not None:
            problem = mismatch(layer, layer.derivation, before)
            if problem is not None:
                yield f"layer {layer.name!r}: {problem}"
        before[layer.name] = layer


def _size_problems(layer: LayerSpec, probes: int | None) -> Iterator[str]:
    """One size a dimension within a layer: xarray refuses a child that disagrees."""
    sizes = dict(zip(layer.output_dims, layer.output_shape, strict=False))
    if probes is not None and sizes.get(PROBE_DIM, probes) != probes:
        yield f"its output has {sizes[PROBE_DIM]} probes, the probe {probes}"
    for weight in layer.weights:
        for dim, size in zip(weight.dims, weight.shape, strict=False):
            if sizes.setdefault(dim, size) != size:
                yield (
                    f"dimension {dim!r} of weight {weight.name!r} has size {size}, elsewhere in "
                    f"the layer {sizes[dim]}; distinct_dims() renames it"
                )
        if weight.name in weight.dims:
            yield f"weight {weight.name!r} has a dimension of the same name"


def _array_problems(array: ArraySpec) -> Iterator[str]:
    frame_dims = array.dims[1:]
    if len(frame_dims) != len(array.frame_shape):
        yield f"dims {frame_dims} do not fit frame {array.frame_shape}"
    if len(set(array.dims)) != len(array.dims) or not all(frame_dims):
        yield f"dims {array.dims} are not different names"
    if array.dtype not in DATA_TYPES:
        yield f"data type {array.dtype!r} is not one of {DATA_TYPES}"
    if not all(type(size) is int and size >= 1 for size in array.frame_shape):
        yield f"frame {array.frame_shape} is not made of whole numbers from 1 on"


def _evaluation_problems(evaluation: EvaluationSpec) -> Iterator[str]:
    given = {EVALUATION_LABEL, *map(evaluation_input, evaluation.inputs)}
    sizes: dict[str, int] = {}
    for prediction in evaluation.predictions:
        if prediction.name != safe_name(prediction.name) or prediction.name in given:
            yield f"{prediction.name!r} is not the name of a prediction"
        for dim, size in zip(prediction.dims, prediction.shape, strict=False):
            if sizes.setdefault(dim, size) != size:
                yield f"dimension {dim!r} has sizes {sizes[dim]} and {size}"
    if sizes.get(EXAMPLE_DIM, evaluation.size) != evaluation.size:
        yield f"predictions are of {sizes[EXAMPLE_DIM]} examples, not of {evaluation.size}"
    if evaluation.labels is not None:
        labels = np.asarray(evaluation.labels)
        if labels.dtype.name not in DATA_TYPES or labels.shape[:1] != (evaluation.size,):
            yield (
                f"labels are {labels.dtype.name} of shape {labels.shape}, expected numbers for "
                f"{evaluation.size} examples"
            )
    if evaluation.kind not in PROBE_KINDS:
        yield f"kind {evaluation.kind!r} is not one of {PROBE_KINDS}"
    if evaluation.task not in (None, *TASKS):
        yield f"task {evaluation.task!r} is not one of {TASKS}"
    for name, values in evaluation.inputs.items():
        dims, shape = evaluation.input_dims.get(name, ()), np.shape(values)
        if np.asarray(values).dtype.name not in DATA_TYPES or shape[:1] != (evaluation.size,):
            yield (
                f"input {name!r} is {np.asarray(values).dtype.name} of shape {shape}, expected "
                f"numbers for {evaluation.size} examples"
            )
        elif len(dims) != len(shape) or dims[0] != EXAMPLE_DIM or len(set(dims)) != len(dims):
            yield f"dims {dims} of input {name!r} do not fit shape {shape}, {EXAMPLE_DIM!r} first"
        if name != safe_name(name):
            yield f"input name {name!r} is not a safe node name"
        for dim, size in zip(dims, shape, strict=False):
            if sizes.setdefault(dim, size) != size:
                yield f"dimension {dim!r} has sizes {sizes[dim]} and {size}"


def _probe_problems(probe: ProbeSpec) -> Iterator[str]:
    for kind in (probe.kind, *probe.kinds.values()):
        if kind not in PROBE_KINDS:
            yield f"kind {kind!r} is not one of {PROBE_KINDS}"
    if probe.task not in (None, *TASKS):
        yield f"task {probe.task!r} is not one of {TASKS}"
    if not (probe.inputs or probe.not_stored):
        yield "there is no input"
        return
    arrays = {f"input {name!r}": np.asarray(values) for name, values in probe.inputs.items()}
    if probe.labels is not None:
        arrays["labels"] = np.asarray(probe.labels)
    for name, values in arrays.items():
        if values.dtype.name not in DATA_TYPES:
            yield f"{name} is of data type {values.dtype.name!r}, not one of {DATA_TYPES}"
        if not values.ndim or not values.size:
            yield f"{name} of shape {values.shape} is empty"
    lengths = {
        f"input {name!r}": len(values)
        for name, values in probe.inputs.items()
        if np.ndim(values) and probe.is_along_probes(name)
    }
    if probe.labels is not None and np.ndim(probe.labels):
        lengths["labels"] = len(probe.labels)
    if probe.texts is not None:
        lengths["texts"] = len(probe.texts)
    if len(set(lengths.values())) > 1:
        yield f"arrays differ in length: {lengths}"
    yield from _probe_name_problems(probe)


def _probe_name_problems(probe: ProbeSpec) -> Iterator[str]:
    ragged = [name + PRESENT for name in probe.present]
    for name in _clashes([*RESERVED_PROBE_NAMES, *probe.inputs, *ragged]):
        yield f"input name {name!r} is taken"
    sizes: dict[str, int] = {}
    for name, values in probe.inputs.items():
        dims, shape = probe.dims.get(name, ()), np.shape(values)
        if name != safe_name(name):
            yield f"input name {name!r} is not a safe node name"
        if len(dims) != len(shape) or PROBE_DIM in dims[1:] or len(set(dims)) != len(dims):
            yield f"dims {dims} of input {name!r} do not fit shape {shape}, {PROBE_DIM!r} first"
        if name in probe.present and np.shape(probe.present[name]) != shape:
            yield f"input {name!r} has another shape than what says which of its values are its own"
        if name in dims or STEP_DIM in dims:
            yield f"dims {dims} of input {name!r} use a reserved name"
        for dim, size in zip(dims, shape, strict=False):
            if dim != PROBE_DIM and sizes.setdefault(dim, size) != size:
                yield f"dimension {dim!r} has sizes {sizes[dim]} and {size}"


def _json_problems(spec: RunSpec) -> Iterator[str]:
    """Find what would not survive as JSON: foreign objects, NaN."""
    probe = spec.probe
    parts: dict[str, Any] = {
        "the run's name, notes or schedule": [spec.name, spec.notes, spec.schedule],
        "optimizer": spec.optimizer,
        "loss": spec.loss,
        "seed": spec.seed,
        "versions": spec.versions,
        "left_out": spec.left_out,
        "model_config": spec.model_config,
        "the probe's texts": [probe.class_names, probe.texts, probe.vocabulary, probe.feature_names]
        if probe
        else None,
        "what is not stored of the probe": probe.not_stored if probe else None,
        **{f"config of layer {layer.name!r}": layer.config for layer in spec.layers},
    }
    for name, value in parts.items():
        plain = dict(value) if isinstance(value, Mapping) else value
        try:
            json.dumps(plain, ensure_ascii=False, allow_nan=False, default=_sequence)
        except (TypeError, ValueError, RecursionError) as error:
            yield f"{name} cannot be stored as JSON: {error}"


def _sequence(value: Any) -> list[Any]:
    if isinstance(value, Sequence):
        return list(value)
    raise TypeError(f"{type(value).__name__} is not a JSON type")


def _clashes(names: Sequence[str]) -> list[str]:
    """Names that repeat another one but for case."""
    seen: set[str] = set()
    found = []
    for name in names:
        if file_key(name) in seen:
            found.append(name)
        seen.add(file_key(name))
    return found


def check_complete(given: Collection[str], expected: Collection[str]) -> None:
    """Raise `SpecError` unless a step has a frame for each array, by path, and no other."""
    missing, unknown = set(expected) - set(given), set(given) - set(expected)
    if missing or unknown:
        raise SpecError(
            f"A step needs a frame for every array; missing: {listed(sorted(missing))}; "
            f"not known: {listed(sorted(unknown))}."
        )
