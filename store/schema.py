"""The format, schema version 1: terms, names, dimensions and attributes.

SCHEMA.md is the same contract in prose; a test holds the two together. Nothing here reads or
writes a file.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from store.evaluation import EvaluationSpec

SCHEMA_VERSION = 1

# The one key that Trainlapse owns among the attributes of a run's root group.
ROOT_ATTRIBUTE = "trainlapse"

LAYER_KINDS = (
    "input",
    "conv",
    "activation",
    "pooling",
    "dense",
    "softmax",
    "recurrent",
    "embedding",
    "normalization",
    "attention",
    "merge",
    "reshape",
    "regularization",
    "other",
)

PROBE_KINDS = ("image", "text", "tabular", "other")

# Zarr v3 core data types; anything else is widened by the recorder before it gets here.
DATA_TYPES = (
    "bool",
    "int8",
    "int16",
    "int32",
    "int64",
    "uint8",
    "uint16",
    "uint32",
    "uint64",
    "float16",
    "float32",
    "float64",
)

STEP_DIM = "step"
UPDATE_DIM = "update"
PROBE_DIM = "probe"
UNIT_DIM = "unit"

Array = npt.NDArray[Any]


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
    """

    path: str
    dims: tuple[str, ...]
    frame_shape: tuple[int, ...]
    dtype: str
    attributes: Mapping[str, Any] = field(default_factory=dict)

    @property
    def frame_bytes(self) -> int:
        """Bytes of one uncompressed frame."""
        return math.prod(self.frame_shape) * np.dtype(self.dtype).itemsize


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
    output_dims, output_shape : tuple
        Names and sizes of the output's dimensions, the probe first. Empty: not recorded.
    output_dtype : str
        Data type of the recorded activation.
    unit_stride : int
        Every how many units of the activation are recorded.
    weights : tuple of WeightSpec
        The recorded variables.
    parameters : int
        Number of scalars in all variables, recorded or not.
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

    @property
    def path(self) -> str:
        """The layer's group."""
        return layer_path(self.name)

    @property
    def has_activation(self) -> bool:
        """Whether the probe's activation is recorded."""
        return bool(self.output_dims)

    def array_specs(self) -> list[ArraySpec]:
        """Arrays of this layer, activation first."""
        specs = []
        if self.has_activation:
            specs.append(
                ArraySpec(
                    activation_path(self.name),
                    (STEP_DIM, *self.output_dims),
                    self.output_shape,
                    self.output_dtype,
                    {"unit_stride": self.unit_stride} if self.unit_stride > 1 else {},
                )
            )
        specs.extend(
            ArraySpec(
                weight_path(self.name, weight.name),
                (STEP_DIM, *weight.dims),
                weight.shape,
                weight.dtype,
                {"trainable": weight.trainable},
            )
            for weight in self.weights
        )
        return specs

    def attributes(self) -> dict[str, Any]:
        """JSON attributes of the layer's group."""
        return {
            "class": self.class_name,
            "kind": self.kind,
            "config": dict(self.config),
            "inbound": list(self.inbound),
            "mask_from": self.mask_from,
            "output_shape": list(self.output_shape[1:]),
            "parameters": self.parameters,
            "unit_dim": UNIT_DIM if UNIT_DIM in self.output_dims else None,
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
    """

    inputs: Mapping[str, Array]
    kind: str
    dims: Mapping[str, tuple[str, ...]]
    labels: Array | None = None
    class_names: Sequence[str] | None = None
    texts: Sequence[str] | None = None
    vocabulary: Sequence[str] | None = None
    feature_names: Sequence[str] | None = None

    @property
    def size(self) -> int:
        """Number of probes; 0 where a crop left neither inputs nor labels nor texts."""
        kept = (*self.inputs.values(), self.labels, self.texts)
        return next((len(values) for values in kept if values is not None), 0)

    def fingerprint(self) -> str:
        """Digest of the inputs: two runs with the same one share their probes.

        The digest is a SHA-256 over each input's name, data type, shape and bytes.
        """
        digest = hashlib.sha256()
        for name in sorted(self.inputs):
            values = np.ascontiguousarray(self.inputs[name])
            digest.update(f"{name}|{values.dtype.str}|{values.shape}|".encode())
            digest.update(values.tobytes())
        return digest.hexdigest()


@dataclass(frozen=True, slots=True)
class RunSpec:
    """Everything that is known about a run before its first step."""

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
    evaluation: EvaluationSpec | None = None

    def array_specs(self) -> list[ArraySpec]:
        """Every array that grows with the steps, in writing order."""
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
        layers = [spec for layer in self.layers for spec in layer.array_specs()]
        return time + layers + (self.evaluation.array_specs() if self.evaluation else [])


# Time-major twins of the packed form, under the paths of the arrays that they repeat.
HISTORY_PREFIX = "history/"


def layer_path(layer: str) -> str:
    """Group of a layer."""
    return f"layers/{layer}"


def activation_path(layer: str) -> str:
    """Array of a layer's activation."""
    return f"layers/{layer}/activation"


def weight_path(layer: str, weight: str) -> str:
    """Array of one variable of a layer."""
    return f"layers/{layer}/weights/{weight}"


def metric_path(metric: str) -> str:
    """Array of one metric."""
    return f"metrics/{metric}"


# Windows forbids these, and half characters cannot be written as UTF-8.
_UNSAFE = re.compile(r'[\x00-\x1f\x7f<>:"|?*/\\\ud800-\udfff]')
# Windows also reserves the names of devices, "aux" among them.
_DEVICE = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\.|$)", re.IGNORECASE)
# File systems take 255 bytes; leave room for a number and a suffix.
MAX_NAME_BYTES = 200


def safe_name(name: str, taken: Iterable[str] = ()) -> str:
    """Turn a Keras path into a node name that every file system and Zarr reader accepts.

    "/" becomes ".", characters and names that Windows forbids get a "_", a very long name is
    cut and keeps a digest, and a name that differs from one in `taken` by case alone gets a
    number.

    Examples
    --------
    >>> safe_name("block/conv1")
    'block.conv1'
    >>> safe_name("Conv", taken=["conv"])
    'Conv_2'
    """
    clean = _UNSAFE.sub("_", name.replace("/", ".")).strip(". ")
    if not clean.strip("_"):
        clean = "layer"
    elif clean.startswith("__") or clean == "zarr.json":
        clean = f"layer_{clean.lstrip('_')}"
    elif _DEVICE.match(clean):
        clean = f"_{clean}"
    folded = {other.casefold() for other in taken}
    candidate, number = _shortened(clean), 2
    while candidate.casefold() in folded:
        candidate = _shortened(clean, f"_{number}")
        number += 1
    return candidate


def _shortened(name: str, suffix: str = "") -> str:
    """Name with a suffix, within `MAX_NAME_BYTES`."""
    content = name.encode()
    room = MAX_NAME_BYTES - len(suffix)
    if len(content) <= room:
        return name + suffix
    digest = hashlib.sha256(content).hexdigest()[:8]
    return f"{content[: room - 9].decode(errors='ignore')}_{digest}{suffix}"


def is_safe_segment(segment: str) -> bool:
    """Whether one part of a path names an entry of its folder and nothing else.

    Examples
    --------
    >>> [is_safe_segment(segment) for segment in ("conv1", "..", "", "C:")]
    [True, False, False, False]
    """
    return (
        0 < len(segment) <= 255
        and not segment.startswith(".")
        and segment != "zarr.json"
        and not _UNSAFE.search(segment)
    )


def distinct_dims(
    dims: Sequence[str], shape: Sequence[int], taken: dict[str, int], owner: str
) -> tuple[str, ...]:
    """Rename dimensions whose name already stands for another size in the same group.

    xarray requires one size per dimension name within a group and its parents. `taken` is
    updated with what is used.

    Examples
    --------
    >>> taken = {"unit": 4}
    >>> distinct_dims(["in_unit", "unit"], [3, 8], taken, "kernel")
    ('in_unit', 'unit_of_kernel')
    """
    names: list[str] = []
    for dim, size in zip(dims, shape, strict=True):
        name, number = dim, 1
        while taken.get(name, size) != size or name in names:
            name = f"{dim}_of_{owner}" + ("" if number == 1 else f"_{number}")
            number += 1
        taken[name] = size
        names.append(name)
    return tuple(names)
