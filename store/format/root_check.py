"""Check a run's root document: every problem at once, and never an exception.

A run may come from a stranger or from a dying disk. What passes here can be read by the rest of
the store without looking at types again; attributes that it does not know are let be.
"""

from __future__ import annotations

import datetime as dt
import itertools
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeGuard

from store.format.chunk_keys import ChunkKeys
from store.format.derived_layers import DerivedArray, derived_arrays
from store.format.facts import NOT_TRAINED, STEP
from store.format.frame_checksums import checksum_problem
from store.format.names import (
    AFTER_GROUP,
    AFTER_PREFIX,
    BEGINS,
    CHECKSUMS,
    DATA_TYPES,
    EPOCH_MEAN_UNTIL,
    ROOT_ATTRIBUTE,
    STEP_DIM,
    UPDATE_DIM,
    is_safe_segment,
)
from store.format.parts import PARTS_GROUP, nodes_of_part, part_names, part_path
from store.format.spec import (
    EVALUATION_GROUPS,
    EXAMPLE_DIM,
    UPDATE_ARRAYS,
    UPDATES_GROUP,
    VARIABLE_DIM,
    update_path,
)

# Beyond any network; keeps sizes far away from what an int64 or an allocation can bear.
MAX_FRAME_BYTES = 2**36
MAX_CHUNK_BYTES = 2**36
MAX_ITEM_BYTES = 8
# Of NumPy 1.
MAX_DIMENSIONS = 32
MAX_LENGTH = 2**40
# A shard's index is read whole.
MAX_INNER_CHUNKS = 2**20

# Names cache folders, so it must be harmless as a file name.
_RUN_ID = re.compile(r"[0-9A-Za-z_-]{1,64}")
_AXES = {"step": "int64", "epoch": "float64", "wall_time": "float64"}

Problems = Iterator[str]


def root_problems(root: Mapping[str, Any]) -> list[str]:
    """Everything that is wrong with a root document whose schema version is known.

    Parameters
    ----------
    root : dict
        Parsed JSON with the attribute `ROOT_ATTRIBUTE`.

    Returns
    -------
    list of str
        Empty when the document is sound.
    """
    consolidated = _dict(root.get("consolidated_metadata"))
    nodes = consolidated.get("metadata")
    if not isinstance(nodes, dict):
        return ["zarr.json lists no nodes"]
    found = [problem for path, node in nodes.items() for problem in _node_problems(path, node)]
    found = found or list(_parts_problems(nodes))
    if found:  # what follows relies on sound nodes, and on which part each is of
        return found
    attributes = root["attributes"][ROOT_ATTRIBUTE]
    steps = nodes.get("step")
    length = steps["shape"][0] if _is_array(steps) and steps["shape"] else None
    found = [
        *_attribute_problems(attributes, length),
        *_axis_problems(nodes, length),
        *_model_problems(nodes_of_part(nodes, "")),
    ]
    if not found:
        for part in part_names(nodes):
            own = _model_problems(nodes_of_part(nodes, part))
            found.extend(f"part {part!r}: {problem}" for problem in own)
    return found


def _parts_problems(nodes: Mapping[str, Any]) -> Problems:
    if PARTS_GROUP not in nodes:
        return
    if nodes[PARTS_GROUP]["node_type"] != "group":
        yield f"{PARTS_GROUP} is not a group"
        return
    order = nodes[PARTS_GROUP]["attributes"].get("order")
    if not _are_texts(order) or len(set(order)) != len(order):
        yield "the order of the parts is not a list of different names"
        return
    for name in order:
        part = nodes.get(part_path(name))
        if part is None or part["node_type"] != "group":
            yield f"part {name!r} has no group"
        elif not _are_texts(part["attributes"].get("outputs", [])):
            yield f"part {name!r}: outputs is not a list of layer names"


def _model_problems(nodes: Mapping[str, Any]) -> list[str]:
    """Find what is wrong with the nodes of one model."""
    found, following = list(_layers_problems(nodes)), {}
    if not found:  # what follows relies on sound layers
        try:
            following = derived_arrays(nodes)
        except ValueError as error:
            found.append(str(error))
    return [
        *found,
        *_following_problems(following),
        *_probe_problems(nodes),
        *(
            f"{group}: {problem}"
            for group in EVALUATION_GROUPS.values()
            if group in nodes
            for problem in _evaluation_problems(nodes, group)
        ),
        *_updates_problems(nodes),
        *_ending_problems(nodes, following),
        *_checksum_problems(nodes),
    ]


def _checksum_problems(nodes: Mapping[str, Any]) -> Problems:
    node = nodes.get(CHECKSUMS)
    problem = None if node is None else checksum_problem(node)
    if problem is not None:
        yield f"{CHECKSUMS}: {problem}"


def _node_problems(path: str, node: Any) -> Problems:
    where = repr(path)
    segments = path.split("/")
    if len(path) > 4096 or not all(is_safe_segment(segment) for segment in segments):
        yield f"{where:.200} is not a path within the run"
    elif not isinstance(node, dict) or not isinstance(node.get("attributes"), dict):
        yield f"{where} has no attributes"
    elif node.get("node_type") == "array":
        yield from (f"{where}: {problem}" for problem in _array_problems(node))
    elif node.get("node_type") != "group":
        yield f"{where} is neither a group nor an array"


def _array_problems(node: Mapping[str, Any]) -> Problems:
    shape, dims, dtype = node.get("shape"), node.get("dimension_names"), node.get("data_type")
    if not _is_shape(shape, least=0):
        yield f"shape {shape!r:.200} is not a list of whole numbers"
        return
    if len(shape) > MAX_DIMENSIONS:
        yield f"{len(shape)} dimensions are more than NumPy has"
        return
    if not _are_texts(dims) or len(dims) != len(shape) or len(set(dims)) != len(dims):
        yield f"dimension_names {dims!r:.200} do not name the {len(shape)} dimensions"
        return
    if not isinstance(dtype, str) or dtype not in DATA_TYPES:
        yield f"data type {dtype!r:.200} is not one of {DATA_TYPES}"
        return
    growing = bool(dims) and dims[0] in (STEP_DIM, UPDATE_DIM)
    frame = shape[1:] if growing else shape
    if _bytes(frame) > MAX_FRAME_BYTES:
        yield f"shape {shape!r:.200} is larger than any network"
    if 0 in frame:
        yield f"frame {frame!r:.200} is empty"
    if growing and shape[0] > MAX_LENGTH:
        yield f"length {shape[0]} is beyond any training"
    if not _is_whole(node["attributes"].get("unit_stride", 1), least=1):
        yield "unit_stride is not a whole number of at least 1"
    if not _is_whole(node["attributes"].get(BEGINS, 0)):
        yield f"{BEGINS} is not a position"
    yield from _grid_problems(node, len(shape))


def _grid_problems(node: Mapping[str, Any], dimensions: int) -> Problems:
    grid = _dict(node.get("chunk_grid"))
    chunk = _dict(grid.get("configuration")).get("chunk_shape")
    if not _is_shape(chunk, least=1) or len(chunk) != dimensions or _bytes(chunk) > MAX_CHUNK_BYTES:
        yield f"chunk shape {chunk!r:.200} does not fit"
        return
    if grid.get("name") != "regular":
        yield f"chunk grid {grid.get('name')!r:.200} is not regular"
    try:
        ChunkKeys.of(node.get("chunk_key_encoding"))
    except ValueError as error:
        yield str(error)
    codecs = node.get("codecs")
    if not isinstance(codecs, list) or not all(isinstance(codec, dict) for codec in codecs):
        yield "codecs are not a list of objects"
        return
    for codec in codecs:
        if codec.get("name") != "sharding_indexed":
            continue
        inner = _dict(codec.get("configuration")).get("chunk_shape")
        if not _is_shape(inner, least=1) or len(inner) != dimensions:
            yield f"inner chunk shape {inner!r:.200} does not fit"
        elif any(outer % part for outer, part in zip(chunk, inner, strict=True)):
            yield f"inner chunks {inner} do not divide shards {chunk}"
        elif math.prod(chunk) // math.prod(inner) > MAX_INNER_CHUNKS:
            yield f"shards {chunk} hold too many inner chunks {inner}"


def _attribute_problems(attributes: Mapping[str, Any], length: int | None) -> Problems:
    run_id, committed = attributes.get("run_id"), attributes.get("committed")
    if not isinstance(run_id, str) or not _RUN_ID.fullmatch(run_id):
        yield f"run_id {run_id!r:.200} is not a name of letters and digits"
    for key in ("name", "form"):
        if not isinstance(attributes.get(key), str):
            yield f"{key} is not a text"
    for key, optional in (("created", False), ("finished", True)):
        value = attributes.get(key)
        if not (optional and value is None) and not _is_time(value):
            yield f"{key} {value!r:.200} is not a time"
    if not _are_texts(attributes.get("outputs", [])):
        yield "outputs is not a list of layer names"
    if not _is_whole(committed) or committed != length:
        yield f"{committed!r:.200} steps are committed, the step axis has {length}"
    for key in ("compression", "notes", "schedule"):
        if not isinstance(attributes.get(key), str | None):
            yield f"{key} is not a text"
    if not isinstance(attributes.get("versions", {}), dict):
        yield "versions is not an object"
    broken = attributes.get("not_finite_since")
    if broken is not None and not _is_whole(broken):
        yield "not_finite_since is not a step"
    if not _are_facts(attributes.get("facts", [])):
        yield "facts is not a list of objects, each of a later step"
    left_out = attributes.get("left_out", {})
    if not isinstance(left_out, dict) or not _are_texts(list(left_out.values())):
        yield "left_out is not an object of texts"
    jumps = attributes.get("weight_jumps", [])
    if not isinstance(jumps, list) or not all(map(_is_whole, jumps)):
        yield "weight_jumps is not a list of steps"
    skipped = attributes.get("skipped", {})
    if not isinstance(skipped, dict) or not all(map(_is_whole, skipped.values())):
        yield "skipped is not an object of whole numbers"


def _axis_problems(nodes: Mapping[str, Any], length: int | None) -> Problems:
    for path, dtype in _AXES.items():
        node = nodes.get(path)
        if not _is_array(node) or (node["dimension_names"], node["data_type"]) != (
            [STEP_DIM],
            dtype,
        ):
            yield f"the axis {path!r} is missing or not {dtype} along {STEP_DIM!r}"
    updates = nodes.get("metrics/update")
    if updates is not None and (not _is_array(updates) or updates["data_type"] != "int64"):
        yield "the axis 'metrics/update' is not an int64 array"
        updates = None
    rows = updates["shape"][0] if updates is not None and updates["shape"] else None
    for path, node in nodes.items():
        dims = node.get("dimension_names") if _is_array(node) else None
        if dims and dims[0] == STEP_DIM and node["shape"][0] != length:
            yield f"{path!r} has {node['shape'][0]} steps of {length}"
        if not path.startswith("metrics/"):
            continue
        if not isinstance(node["attributes"].get("name", ""), str):
            yield f"{path!r} has a name that is not a text"
        if not _is_whole(node["attributes"].get(EPOCH_MEAN_UNTIL, 0)):
            yield f"{path!r}: {EPOCH_MEAN_UNTIL} is not an update"
        if dims != [UPDATE_DIM] or node["shape"][0] != rows:
            yield f"{path!r} does not run along 'metrics/update'"


def _layers_problems(nodes: Mapping[str, Any]) -> Problems:
    if "layers" not in nodes:
        return
    order = nodes["layers"]["attributes"].get("order")
    if not _are_texts(order) or len(set(order)) != len(order):
        yield "the order of the layers is not a list of different names"
        return
    for name in order:
        layer = nodes.get(f"layers/{name}")
        if layer is None or layer["node_type"] != "group":
            yield f"layer {name!r} has no group"
        else:
            yield from _layer_problems(name, layer["attributes"])
    yield from _layer_array_problems(nodes)


def _layer_array_problems(nodes: Mapping[str, Any]) -> Problems:
    for path, node in nodes.items():
        match path.split("/"):
            case ["layers", _, "activation" | "output"] | ["layers", _, "weights", _]:
                if not _is_array(node) or node["dimension_names"][:1] != [STEP_DIM]:
                    yield f"{path!r} is not an array along {STEP_DIM!r}"


def _following_problems(following: Mapping[str, DerivedArray]) -> Problems:
    for path, array in following.items():
        if _bytes(array.shape[1:]) > MAX_FRAME_BYTES:
            yield f"{path!r}: shape {array.shape} is larger than any network"


def _layer_problems(name: str, attributes: Mapping[str, Any]) -> Problems:
    for key in ("class", "kind"):
        if not isinstance(attributes.get(key), str):
            yield f"layer {name!r}: {key} is not a text"
    if not isinstance(attributes.get("config"), dict):
        yield f"layer {name!r}: config is not an object"
    if not _are_texts(attributes.get("inbound")):
        yield f"layer {name!r}: inbound is not a list of layer names"
    if not isinstance(attributes.get("mask_from"), str | None):
        yield f"layer {name!r}: mask_from is not the name of a layer"
    if not isinstance(attributes.get("operations_between", False), bool):
        yield f"layer {name!r}: operations_between is not true or false"
    if not _are_arguments(attributes.get("arguments", {})):
        yield f"layer {name!r}: arguments are not layers, true or false, or numbers by name"
    if not _is_shape(attributes.get("output_shape"), least=0):
        yield f"layer {name!r}: output_shape is not a list of whole numbers"
    if not _is_whole(attributes.get("parameters")):
        yield f"layer {name!r}: parameters is not a whole number"


def _are_arguments(values: Any) -> bool:
    return isinstance(values, dict) and all(
        all(isinstance(one, str | None) for one in value)
        if isinstance(value, list)
        else isinstance(value, str | bool | int | float | None)
        for value in values.values()
    )


def _probe_problems(nodes: Mapping[str, Any]) -> Problems:
    if "probe" not in nodes:
        return
    attributes = nodes["probe"]["attributes"]
    for key in ("kind", "fingerprint"):
        if not isinstance(attributes.get(key), str):
            yield f"probe: {key} is not a text"
    if not isinstance(attributes.get("task"), str | None):
        yield "probe: task is not a text"
    if not _are_texts(attributes.get("inputs")):
        yield "probe: inputs is not a list of names"
    yield from _not_stored_problems(attributes.get("not_stored", {}))
    for key in ("class_names", "feature_names"):
        names = attributes.get(key)
        if names is not None and not _are_texts(names):
            yield f"probe: {key} is not a list of texts"
    for path, node in nodes.items():
        if path.startswith("probe/") and (not _is_array(node) or not node["shape"]):
            yield f"{path!r} is not an array"


def _not_stored_problems(inputs: Any) -> Problems:
    if not isinstance(inputs, dict):
        yield "probe: not_stored is not an object"
        return
    for name, about in inputs.items():
        texts = ("dtype", "form", "sha256")
        if not (
            isinstance(about, dict)
            and all(isinstance(about.get(key), str) for key in texts)
            and _is_shape(about.get("shape"), least=0)
        ):
            yield f"probe: not_stored says of {name!r} no dtype, shape, form and sha256"


def _evaluation_problems(nodes: Mapping[str, Any], group: str) -> Problems:
    """Find what keeps a group from being one `xarray.Dataset` along the examples."""
    attributes = nodes[group]["attributes"]
    for key in ("kind", "fingerprint", "task"):
        if not isinstance(attributes.get(key), str | None):
            yield f"{key} is not a text"
    names = attributes.get("class_names")
    if names is not None and not _are_texts(names):
        yield "class_names is not a list of texts"
    sizes: dict[str, int] = {}
    for path, node in nodes.items():
        if not path.startswith(f"{group}/"):
            continue
        dims = node["dimension_names"] if _is_array(node) else []
        if [dim for dim in dims if dim != STEP_DIM][:1] != [EXAMPLE_DIM]:
            yield f"{path!r} is not an array along {EXAMPLE_DIM!r}"
            continue
        for dim, size in zip(dims, node["shape"], strict=True):
            if sizes.setdefault(dim, size) != size:
                yield f"{path!r} has {dim!r} of size {size}, others have {sizes[dim]}"


def _updates_problems(nodes: Mapping[str, Any]) -> Problems:
    if UPDATES_GROUP not in nodes:
        return
    variables = nodes[UPDATES_GROUP]["attributes"].get("variables")
    if not _are_texts(variables) or len(set(variables)) != len(variables):
        yield "updates: variables is not a list of different paths"
        return
    for name in UPDATE_ARRAYS:
        node = nodes.get(update_path(name))
        if node is not None and (
            not _is_array(node)
            or node["dimension_names"] != [STEP_DIM, VARIABLE_DIM]
            or node["shape"][1] != len(variables)
        ):
            yield f"updates: {name} does not run along steps and the {len(variables)} variables"


def _ending_problems(nodes: Mapping[str, Any], following: Mapping[str, DerivedArray]) -> Problems:
    """Find what is no frame of an array along the steps."""
    group = nodes.get(AFTER_GROUP)
    below = [path for path in nodes if path.startswith(AFTER_PREFIX)]
    if group is None:
        if below:
            yield f"{below[0]!r} has no group"
        return
    attributes = group["attributes"]
    time = attributes.get("wall_time")
    if not _is_whole(attributes.get("step")) or not isinstance(time, int | float):
        yield "after_training: step is not a step, or wall_time not a number"
    for path in below:
        own = nodes[path]
        if _is_array(own) and _frame_of(nodes, following, path.removeprefix(AFTER_PREFIX)) != (
            own["dimension_names"],
            own["shape"],
            own["data_type"],
        ):
            yield f"{path!r} is not a frame of an array along {STEP_DIM!r}"


def _frame_of(
    nodes: Mapping[str, Any], following: Mapping[str, DerivedArray], path: str
) -> tuple[Any, ...] | None:
    """Describe a frame of an array along the steps, stored or not; None if there is none."""
    node = nodes.get(path)
    if _is_array(node):
        time, *dims = node["dimension_names"]
        return (dims, node["shape"][1:], node["data_type"]) if time == STEP_DIM else None
    derived = following.get(path)
    if derived is None:
        return None
    return list(derived.dims[1:]), list(derived.shape[1:]), derived.dtype


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _bytes(shape: Sequence[int]) -> int:
    """Most bytes that an array of this shape can take."""
    return math.prod(shape) * MAX_ITEM_BYTES


def _is_array(node: Any) -> TypeGuard[dict[str, Any]]:
    return isinstance(node, dict) and node.get("node_type") == "array"


def _is_whole(value: Any, least: int = 0) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= least


def _is_shape(value: Any, *, least: int) -> TypeGuard[list[int]]:
    return isinstance(value, list) and all(_is_whole(size, least) for size in value)


def _are_texts(value: Any) -> TypeGuard[list[str]]:
    return isinstance(value, list) and all(isinstance(text, str) for text in value)


def _are_facts(value: Any) -> bool:
    if not isinstance(value, list) or not all(isinstance(entry, dict) for entry in value):
        return False
    steps = [entry.get(STEP) for entry in value]
    return (
        all(map(_is_whole, steps))
        and all(early < late for early, late in itertools.pairwise(steps))
        and all(_are_texts(entry.get(NOT_TRAINED, [])) for entry in value)
    )


def _is_time(value: Any) -> bool:
    if not isinstance(value, str):
        return False
    try:
        dt.datetime.fromisoformat(value)
    except ValueError:
        return False
    return True
