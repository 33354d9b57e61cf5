"""Names of the format: paths, dimensions, kinds of layers, and names that are safe."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy.typing as npt

Array = npt.NDArray[Any]


# Values, dimension names, attributes of an array that does not grow.
StaticArray = tuple[Array, tuple[str, ...], Mapping[str, Any]]


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


PROBE_KINDS = ("image", "text", "tabular", "signal", "volume", "video", "other")


# What labels ask of a network.
TASKS = ("classes", "tags", "values", "sequence", "mask", "image", "none")


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


# Below the metrics: samples of the epoch so far, in rows whose metrics are means over them. Metrics
# that are such means have the attribute; where later rows are none, the other says which is the
# last update of which that holds.
EPOCH_SAMPLES = "epoch_samples"
EPOCH_MEAN = "epoch_mean"
EPOCH_MEAN_UNTIL = "epoch_mean_until"
RESERVED_METRICS = frozenset({UPDATE_DIM, EPOCH_SAMPLES})


# Attribute of a layer whose activation is not stored: how it follows from those of others.
DERIVED = "derived"
# Attribute of an activation that followed up to a step: the position from which on it is stored.
BEGINS = "begins"


# Checksums of the small frames of the live form, by step and array.
CHECKSUMS = "frame_checksum"
CHECKED_DIM = "checked_array"


# Time-major twins of the packed form, under the paths of the arrays that they repeat.
HISTORY_PREFIX = "history/"


# Frames of the moment when the training had ended, under the paths of the arrays that they would go
# on, where weights were changed after the last step.
AFTER_GROUP = "after_training"
AFTER_PREFIX = f"{AFTER_GROUP}/"


# Windows forbids these, and half characters cannot be written as UTF-8.
_UNSAFE = re.compile(r'[\x00-\x1f\x7f<>:"|?*/\\\ud800-\udfff]')
# Windows also reserves the names of devices, "aux" among them.
_DEVICE = re.compile(
    r"(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[\d\u00b9\u00b2\u00b3])(\.|$)", re.IGNORECASE
)
# File systems take 255 bytes; leave room for a number and a suffix.
MAX_NAME_BYTES = 200


def layer_path(layer: str) -> str:
    """Group of a layer."""
    return f"layers/{layer}"


def activation_path(layer: str) -> str:
    """Array of a layer's activation."""
    return f"layers/{layer}/activation"


def output_path(layer: str) -> str:
    """Array of a layer's whole output, where that has no entry for each probe."""
    return f"layers/{layer}/output"


def weight_path(layer: str, weight: str) -> str:
    """Array of one variable of a layer."""
    return f"layers/{layer}/weights/{weight}"


def metric_path(metric: str) -> str:
    """Array of one metric."""
    return f"metrics/{metric}"


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
    others = {file_key(other) for other in taken}
    candidate, number = _shortened(clean), 2
    while file_key(candidate) in others:
        candidate = _shortened(clean, f"_{number}")
        number += 1
    return candidate


def file_key(name: str) -> str:
    """Give what two names have in common that some file systems take for the same.

    Windows and macOS do not tell case apart, and macOS not an accent from a letter with one.

    Examples
    --------
    >>> file_key("Caf\u00e9") == file_key("cafe\u0301")
    True
    """
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def utf8(text: str) -> bytes:
    r"""Encode a text. Half characters, as names of files that are no UTF-8 have, become "?".

    Examples
    --------
    >>> utf8("gr\udcfcn")
    b'gr?n'
    """
    return text.encode("utf-8", "replace")


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
