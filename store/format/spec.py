"""The format, schema version 1: what a run is before its first step.

SCHEMA.md is the same contract in prose; a test holds the two together. Nothing here reads or
writes a file.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np

from store.format.derivation import Derivation
from store.format.names import (
    DERIVED,
    PROBE_DIM,
    STEP_DIM,
    UNIT_DIM,
    Array,
    StaticArray,
    activation_path,
    layer_path,
    output_path,
    weight_path,
)
from store.format.parts import stored_path

EXAMPLE_DIM = "example"
# What the training does with the examples of an evaluation: nothing, or it learns from them.
EvaluationRole = Literal["held_out", "train"]
# The group of each. They lie side by side, since each has a size of its own (rule 8).
EVALUATION_GROUPS: Mapping[EvaluationRole, str] = {
    "held_out": "evaluation",
    "train": "evaluation_train",
}
EVALUATION_LABEL = "label"
EVALUATION_INPUT = "input"
# Attribute of a weight: whether it is trained at any time.
TRAINABLE = "trainable"
UPDATES_GROUP = "updates"
VARIABLE_DIM = "variable"
UPDATE_COUNT_PATH = f"{UPDATES_GROUP}/count"


@dataclass(frozen=True, slots=True)
class ArraySpec:
    """One array that grows along its first dimension.

    Attributes
    ----------
    path : str
        Place in the hierarchy, for instance ``layers/conv1/activation``.
    dims : tuple of str
        Dimension names; the first is ``step`` or ``update``.
    frame_shape : tuple of int
        Shape of one step, without the growing dimension.
    dtype : str
        A name out of `DATA_TYPES`.
    attributes : dict
        JSON attributes of the array.
    derivation : Derivation or None
        How its frames follow from those of others, while they do; None: they are stored.
    """

    path: str
    dims: tuple[str, ...]
    frame_shape: tuple[int, ...]
    dtype: str
    attributes: Mapping[str, Any] = field(default_factory=dict)
    derivation: Derivation | None = None

    @property
    def frame_bytes(self) -> int:
        """Bytes of one uncompressed frame."""
        return math.prod(self.frame_shape) * np.dtype(self.dtype).itemsize


def unit_attributes(stride: int) -> dict[str, Any]:
    """Attributes of an activation of which every so many units are recorded."""
    return {"unit_stride": stride} if stride > 1 else {}


@dataclass(frozen=True, slots=True)
class WeightSpec:
    """One variable of a layer; `dims` and `shape` are without the step dimension."""

    name: str
    dims: tuple[str, ...]
    shape: tuple[int, ...]
    dtype: str = "float32"
    trainable: bool = True


@dataclass(frozen=True, slots=True)
class LayerSpec:
    """One layer as recorded.

    Attributes
    ----------
    name : str
        Keras path without the model's own name, "/" written ".".
    class_name : str
        Keras class, for instance ``Conv2D``.
    kind : str
        One of `LAYER_KINDS`; decides which views the explorer offers.
    config : dict
        The layer's Keras configuration (JSON).
    inbound : tuple of str
        Names of the layers whose output this one takes.
    mask_from : str or None
        The layer whose mask this one obeys.
    operations_between : bool
        Whether plain operations, that are in no layer, lie between those layers and this one.
    arguments : mapping of str to (str, None, bool, int, float or list)
        What its call was given, by the names of the arguments, where that is not one tensor alone:
        see `store.format.layers.Layer`.
    output_dims, output_shape : tuple
        Names and sizes of the output's dimensions. The probe is the first, or none of them where
        the output has no entry for each probe. Empty: not recorded.
    output_dtype : str
        Data type of the recorded activation.
    unit_stride : int
        Every how many units of the activation are recorded.
    weights : tuple of WeightSpec
        The recorded variables.
    parameters : int
        Number of scalars in all variables, recorded or not.
    derivation : Derivation or None
        How the activation follows from those of other layers. It is then not stored, as long as it
        does.
    """

    name: str
    class_name: str
    kind: str
    config: Mapping[str, Any] = field(default_factory=dict)
    inbound: tuple[str, ...] = ()
    output_dims: tuple[str, ...] = ()
    output_shape: tuple[int, ...] = ()
    output_dtype: str = "float32"
    weights: tuple[WeightSpec, ...] = ()
    parameters: int = 0
    unit_stride: int = 1
    mask_from: str | None = None
    operations_between: bool = False
    derivation: Derivation | None = None
    arguments: Mapping[str, Any] = field(default_factory=dict)

    @property
    def path(self) -> str:
        """The layer's group."""
        return layer_path(self.name)

    @property
    def has_activation(self) -> bool:
        """Whether the probe's activation is recorded."""
        return self.output_dims[:1] == (PROBE_DIM,)

    @property
    def output_path(self) -> str:
        """The array of its output: of every probe, or as a whole."""
        return (activation_path if self.has_activation else output_path)(self.name)

    def array_specs(self) -> list[ArraySpec]:
        """Arrays of this layer, its output first, stored or not."""
        specs = []
        if self.output_dims:
            specs.append(
                ArraySpec(
                    self.output_path,
                    (STEP_DIM, *self.output_dims),
                    self.output_shape,
                    self.output_dtype,
                    unit_attributes(self.unit_stride),
                    self.derivation,
                )
            )
        specs.extend(
            ArraySpec(
                weight_path(self.name, weight.name),
                (STEP_DIM, *weight.dims),
                weight.shape,
                weight.dtype,
                {TRAINABLE: weight.trainable},
            )
            for weight in self.weights
        )
        return specs

    def attributes(self) -> dict[str, Any]:
        """JSON attributes of the layer's group."""
        derived = {} if self.derivation is None else {DERIVED: self._derived(self.derivation)}
        return {
            **derived,
            **({"arguments": dict(self.arguments)} if self.arguments else {}),
            "class": self.class_name,
            "kind": self.kind,
            "config": dict(self.config),
            "inbound": list(self.inbound),
            "mask_from": self.mask_from,
            "operations_between": self.operations_between,
            "output_shape": list(self.output_shape[1:]) if self.has_activation else [],
            "parameters": self.parameters,
            "unit_dim": UNIT_DIM if UNIT_DIM in self.output_dims else None,
        }

    def _derived(self, derivation: Derivation) -> dict[str, Any]:
        return {
            **derivation.attributes(),
            "dimension_names": [STEP_DIM, *self.output_dims],
        }


@dataclass(frozen=True, slots=True)
class ProbeSpec:
    """The fixed inputs that are sent through the network at every recorded step.

    Attributes
    ----------
    inputs : mapping of str to ndarray
        Model inputs by name, the probe dimension first. A single input is called ``input``.
    kind : str
        One of `PROBE_KINDS`.
    dims : mapping of str to tuple of str
        Dimension names of each input, ``probe`` first.
    labels : ndarray or None
        Class numbers (probe,) or target values (probe, ...).
    class_names : sequence of str or None
        Names by class number.
    texts : sequence of str or None
        The original text of each probe.
    vocabulary : sequence of str or None
        Token strings by token number.
    feature_names : sequence of str or None
        Names of the features of a tabular input.
    task : str or None
        One of `TASKS`: what the labels ask of the network; None: it is not known.
    kinds : mapping of str to str
        The kind of each input, where that is not the probe's.
    present : mapping of str to ndarray of bool
        Of each ragged input, which values are its own and do not fill it up: in its shape.
    not_stored : mapping of str to dict
        The inputs that are no arrays of numbers, by name: ``dtype``, ``shape``, ``form`` and
        ``sha256`` of what they hold.
    """

    inputs: Mapping[str, Array]
    kind: str
    dims: Mapping[str, tuple[str, ...]]
    labels: Array | None = None
    class_names: Sequence[str] | None = None
    texts: Sequence[str] | None = None
    vocabulary: Sequence[str] | None = None
    feature_names: Sequence[str] | None = None
    task: str | None = None
    kinds: Mapping[str, str] = field(default_factory=dict)
    present: Mapping[str, Array] = field(default_factory=dict)
    not_stored: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @property
    def size(self) -> int:
        """Number of probes; 0 where neither inputs nor labels nor texts tell it."""
        along = [values for name, values in self.inputs.items() if self.is_along_probes(name)]
        kept = (*along, self.labels, self.texts)
        return next((len(values) for values in kept if values is not None), 0)

    def is_along_probes(self, name: str) -> bool:
        """Whether an input has an entry for each probe: not so the nodes and edges of a graph."""
        return self.dims.get(name, (PROBE_DIM,))[:1] == (PROBE_DIM,)

    def fingerprint(self) -> str:
        """Digest of the inputs: two runs with the same one share their probes.

        The digest is a SHA-256 over each input's name, data type, shape and bytes; of one that is
        not stored over the digest of what it holds.
        """
        digest = hashlib.sha256()
        for name in sorted({*self.inputs, *self.not_stored}):
            if name in self.inputs:
                values = np.ascontiguousarray(self.inputs[name])
                digest.update(f"{name}|{values.dtype.str}|{values.shape}|".encode())
                digest.update(values.tobytes())
            else:
                about = self.not_stored[name]
                shape = tuple(about["shape"])
                digest.update(f"{name}|{about['dtype']}|{shape}|{about['sha256']}".encode())
        return digest.hexdigest()


@dataclass(frozen=True, slots=True)
class RunSpec:
    """Everything that is known about a run before its first step.

    Attributes
    ----------
    left_out : mapping of str to str
        What of it could not be had: a reason for each path, such as ``optimizer``,
        ``model/config`` or that of a layer.
    parts : mapping of str to RunSpec
        Of a run of several models: each by its name. What the training has in common (name,
        schedule, seed, versions, notes) is said of the run alone, and so is what is left out.
    class_name : str
        Class of the model; of a part it is stored.
    """

    name: str
    layers: tuple[LayerSpec, ...]
    probe: ProbeSpec | None = None
    model_config: Mapping[str, Any] | None = None
    outputs: tuple[str, ...] = ()
    optimizer: Mapping[str, Any] | None = None
    loss: Any = None
    schedule: str = ""
    seed: int | None = None
    versions: Mapping[str, str] = field(default_factory=dict)
    notes: str = ""
    evaluations: tuple[EvaluationSpec, ...] = ()
    updates: UpdatesSpec | None = None
    left_out: Mapping[str, str] = field(default_factory=dict)
    parts: Mapping[str, RunSpec] = field(default_factory=dict)
    class_name: str = ""

    def array_specs(self) -> list[ArraySpec]:
        """Every array that grows with the steps, in writing order, stored or not."""
        time = [
            ArraySpec("step", (STEP_DIM,), (), "int64", {"long_name": "optimizer updates done"}),
            ArraySpec("epoch", (STEP_DIM,), (), "float64", {"long_name": "epochs done"}),
            ArraySpec(
                "wall_time",
                (STEP_DIM,),
                (),
                "float64",
                {"long_name": "time since the start of the training", "units": "s"},
            ),
        ]
        return [*time, *self._model_arrays(), *self._part_arrays()]

    def stored_specs(self) -> list[ArraySpec]:
        """Arrays that do not follow from others."""
        return [array for array in self.array_specs() if array.derivation is None]

    @property
    def frame_bytes(self) -> int:
        """Uncompressed bytes that are stored of a step."""
        return sum(array.frame_bytes for array in self.stored_specs())

    @property
    def beside_layers(self) -> tuple[EvaluationSpec | UpdatesSpec, ...]:
        """What is recorded beside the layers."""
        return (*self.evaluations, *([self.updates] if self.updates else []))

    def _model_arrays(self) -> Iterator[ArraySpec]:
        for each in (*self.layers, *self.beside_layers):
            yield from each.array_specs()

    def _part_arrays(self) -> Iterator[ArraySpec]:
        for name, part in self.parts.items():
            for array in part._model_arrays():
                yield replace(array, path=stored_path(array.path, name))

    def models(self) -> dict[str, RunSpec]:
        """Give the description of each model by the name of its part; of the only one by ""."""
        return dict(self.parts) or {"": self}

    def of_models(self, models: Mapping[str, RunSpec]) -> RunSpec:
        """Give the same of other models, by the names that `models` has for them."""
        return replace(self, parts=models) if self.parts else models[""]

    def part_attributes(self) -> dict[str, Any]:
        """JSON attributes of the group of a part that is described so."""
        return {
            "class": self.class_name,
            "outputs": list(self.outputs),
            "optimizer": self.optimizer,
            "loss": self.loss,
        }


@dataclass(frozen=True, slots=True)
class PredictionSpec:
    """One output of the model; `dims` and `shape` begin with the examples."""

    name: str
    output: str
    dims: tuple[str, ...]
    shape: tuple[int, ...]
    dtype: str


@dataclass(frozen=True, slots=True)
class EvaluationSpec:
    """What is recorded of one set of examples: predictions, and once what was given.

    Attributes
    ----------
    predictions : tuple of PredictionSpec
        One for each output of the model.
    size : int
        Number of examples.
    labels : ndarray or None
        Class numbers (example,) or target values (example, ...).
    class_names : sequence of str or None
        Names by class number.
    fingerprint : str
        Digest of the inputs, as of a probe; empty: not to be told.
    role : {"held_out", "train"}
        What the training does with the examples.
    kind : str
        One of `PROBE_KINDS`: how the inputs are shown.
    inputs : mapping of str to ndarray
        Model inputs by name, as of a probe; empty: they are not stored.
    input_dims : mapping of str to tuple of str
        Dimension names of each input, ``example`` first.
    task : str or None
        As of a probe.
    """

    predictions: tuple[PredictionSpec, ...]
    size: int
    labels: Array | None = None
    class_names: Sequence[str] | None = None
    fingerprint: str = ""
    role: EvaluationRole = "held_out"
    kind: str = "other"
    inputs: Mapping[str, Array] = field(default_factory=dict)
    input_dims: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    task: str | None = None

    @property
    def group(self) -> str:
        """The group of the set."""
        return EVALUATION_GROUPS[self.role]

    def array_specs(self) -> list[ArraySpec]:
        """Arrays that grow with the steps."""
        return [
            ArraySpec(
                f"{self.group}/{prediction.name}",
                (STEP_DIM, *prediction.dims),
                prediction.shape,
                prediction.dtype,
                {"output": prediction.output},
            )
            for prediction in self.predictions
        ]

    def static_arrays(self) -> dict[str, StaticArray]:
        """Arrays that do not grow, by path."""
        arrays: dict[str, StaticArray] = {
            f"{self.group}/{evaluation_input(name)}": (
                np.asarray(values),
                self.input_dims[name],
                {"role": "input"},
            )
            for name, values in self.inputs.items()
        }
        if self.labels is not None:
            labels = np.asarray(self.labels)
            dims = (EXAMPLE_DIM, *(f"label_{axis}" for axis in range(1, labels.ndim)))
            arrays[f"{self.group}/{EVALUATION_LABEL}"] = (labels, dims, {"role": "label"})
        return arrays

    def attributes(self) -> dict[str, Any]:
        """Attributes of the group."""
        return {
            "class_names": list(self.class_names) if self.class_names is not None else None,
            "fingerprint": self.fingerprint,
            "kind": self.kind,
            "task": self.task,
        }


def evaluation_input(name: str) -> str:
    """Name the array of an evaluation's input: that of a model's only one has no name of its own.

    Examples
    --------
    >>> evaluation_input("input"), evaluation_input("left")
    ('input', 'input.left')
    """
    return name if name == EVALUATION_INPUT else f"{EVALUATION_INPUT}.{name}"


# What is known of the one update that led to a recorded step: arrays (step, variable), float64.
UPDATE_ARRAYS = {
    "norm": "L2 norm of the variable after the update less the one before",
    "weight": "L2 norm of the variable before the update",
    "cosine": "cosine of the angle between the update and the one before it",
    "gradient": "L2 norm of the gradient that the optimizer was given",
}


def update_path(name: str) -> str:
    """Array of what is known of single updates; `name` is one of `UPDATE_ARRAYS`."""
    return f"{UPDATES_GROUP}/{name}"


@dataclass(frozen=True, slots=True)
class UpdatesSpec:
    """Variables whose single updates are measured.

    Attributes
    ----------
    variables : tuple of str
        Array path of each, for instance ``layers/conv1/weights/kernel``, in network order.
    """

    variables: tuple[str, ...]

    def array_specs(self) -> list[ArraySpec]:
        """Arrays that grow with the steps."""
        count = {"long_name": "optimizer updates that are measured; 0: none was"}
        return [
            ArraySpec(UPDATE_COUNT_PATH, (STEP_DIM,), (), "int64", count),
            *(
                ArraySpec(
                    update_path(name),
                    (STEP_DIM, VARIABLE_DIM),
                    (len(self.variables),),
                    "float64",
                    {"long_name": meaning},
                )
                for name, meaning in UPDATE_ARRAYS.items()
            ),
        ]

    def attributes(self) -> dict[str, Any]:
        """Attributes of the group."""
        return {"variables": list(self.variables), "unmeasured": UNMEASURED}


# Why a value is NaN: written into every run, for those who read it without us.
UNMEASURED = (
    "NaN: no update led to the step, or the weights before it were not held, since nothing told "
    "beforehand that the step would be recorded (count is 0 in both cases); the variable is not "
    "trained; cosine: the update before was not seen, or one of the two moved nothing; gradient: "
    "none was given"
)
