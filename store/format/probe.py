"""How a probe is stored in a run: ``/probe/…`` arrays and the group's attributes."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from store.format import strict_json
from store.format.byte_budget import DOCUMENT_BYTES
from store.format.names import PROBE_DIM, Array, StaticArray, utf8
from store.format.spec import ProbeSpec

JSON_ATTRIBUTES = {"media_type": "application/json"}
# Behind the name of a ragged input: which of its values are its own.
PRESENT = ".present"


def static_arrays(probe: ProbeSpec) -> dict[str, StaticArray]:
    """Arrays below ``/probe``, by path."""
    arrays: dict[str, StaticArray] = {
        f"probe/{name}": (
            np.asarray(values),
            probe.dims[name],
            {"role": "input", **({"kind": probe.kinds[name]} if name in probe.kinds else {})},
        )
        for name, values in probe.inputs.items()
    }
    for name, values in probe.present.items():
        arrays[f"probe/{name}{PRESENT}"] = (values, probe.dims[name], {"role": "present"})
    if probe.labels is not None:
        labels = np.asarray(probe.labels)
        dims = (PROBE_DIM, *(f"label_{axis}" for axis in range(1, labels.ndim)))
        arrays["probe/label"] = (labels, dims, {"role": "label"})
    for name, texts in (("text", probe.texts), ("vocabulary", probe.vocabulary)):
        if texts is not None:
            arrays[f"probe/{name}"] = (json_bytes(list(texts)), (f"{name}_byte",), JSON_ATTRIBUTES)
    return arrays


def group_attributes(probe: ProbeSpec) -> dict[str, Any]:
    """Attributes of the group ``/probe``."""
    return {
        "kind": probe.kind,
        "class_names": list(probe.class_names) if probe.class_names is not None else None,
        "feature_names": list(probe.feature_names) if probe.feature_names is not None else None,
        "inputs": list(probe.inputs),
        "fingerprint": probe.fingerprint(),
        "task": probe.task,
        "not_stored": dict(probe.not_stored),
    }


def read(
    attributes: Mapping[str, Any],
    dims: Mapping[str, tuple[str, ...]],
    kinds: Mapping[str, str],
    read_array: Callable[[str], Array],
) -> ProbeSpec:
    """Invert `static_arrays`.

    Parameters
    ----------
    attributes : mapping
        Attributes of the group ``/probe``.
    dims : mapping of str to tuple of str
        Dimension names of every array below ``/probe``, by name.
    kinds : mapping of str to str
        The attribute `kind` of those that have one.
    read_array : callable
        Returns the whole array of a name below ``/probe``.
    """
    names = [name for name in attributes["inputs"] if name in dims]

    def texts(name: str) -> list[str] | None:
        return [str(text) for text in from_json_bytes(read_array(name))] if name in dims else None

    return ProbeSpec(
        inputs={name: read_array(name) for name in names},
        kind=attributes["kind"],
        dims={name: dims[name] for name in names},
        labels=read_array("label") if "label" in dims else None,
        class_names=attributes.get("class_names"),
        feature_names=attributes.get("feature_names"),
        texts=texts("text"),
        vocabulary=texts("vocabulary"),
        task=attributes.get("task"),
        kinds={name: kinds[name] for name in names if name in kinds},
        present={name: read_array(name + PRESENT) for name in names if name + PRESENT in dims},
        not_stored=attributes.get("not_stored") or {},
    )


def json_bytes(value: Any) -> Array:
    """UTF-8 JSON as a uint8 array: how texts are stored, since every Zarr reader reads bytes."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False)
    return np.frombuffer(utf8(text), np.uint8)


def from_json_bytes(values: Array) -> Any:
    """Invert `json_bytes`; raises `ValueError` for what is not JSON, or far too long."""
    if values.size > DOCUMENT_BYTES:
        raise ValueError(f"{values.size} bytes of JSON are more than a run has")
    return strict_json.parse(np.asarray(values, np.uint8).tobytes())
