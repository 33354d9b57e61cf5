"""The metadata documents of a live run: which nodes there are, in which order."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from store.format import names, probe
from store.format.codecs import checksum, live_chain
from store.format.derived_layers import mismatch
from store.format.metadata import (
    ConsolidatedRoot,
    Document,
    array_document,
    document_bytes,
    group_document,
)
from store.format.names import (
    AFTER_GROUP,
    AFTER_PREFIX,
    DERIVED,
    ROOT_ATTRIBUTE,
    SCHEMA_VERSION,
    STEP_DIM,
    UPDATE_DIM,
)
from store.format.parts import PARTS_GROUP, full_name, nodes_of_part, part_path, stored_path
from store.format.probe import json_bytes
from store.format.spec import EVALUATION_GROUPS, UPDATES_GROUP, ArraySpec, LayerSpec, RunSpec
from store.live.array import LiveArray
from store.storage.atomic import replace_file
from store.storage.confined import folder, make_folder
from store.storage.files import sync_directory


class RunDocuments:
    """Writes the metadata of a live run; replacing the root's document is the commit.

    Parameters
    ----------
    root : Path
        Directory of the run.
    spec : RunSpec
        The run's description.
    durable : bool
        Whether a commit waits until everything is on the disk.
    """

    def __init__(self, root: Path, spec: RunSpec, *, durable: bool) -> None:
        self._root = root
        self._spec = spec
        self._durable = durable
        self._static: dict[str, Document] = {}
        self._published: dict[str, ArraySpec | None] = {}  # by path, with what it said of an array
        self._ending: dict[str, Any] = {}
        self._text = ConsolidatedRoot({}, {})

    def write_static(self) -> None:
        """Write the arrays that do not grow."""
        if self._durable:
            sync_directory(self._root.parent)
        self._write_arrays(_static_arrays(self._spec))

    def write_ending(
        self, arrays: Mapping[str, names.StaticArray], attributes: Mapping[str, Any]
    ) -> None:
        """Write the frames of the ended training; the next commit shows them.

        Parameters
        ----------
        arrays : mapping of str to StaticArray
            By path, all below `store.format.names.AFTER_PREFIX`.
        attributes : mapping of str to Any
            Of their group.
        """
        self._ending = dict(attributes)
        self._published = {}
        self._write_arrays(arrays)

    def _write_arrays(self, arrays: Mapping[str, names.StaticArray]) -> None:
        for path, (values, dims, attributes) in arrays.items():
            # (A scalar would get an axis from `ascontiguousarray`.)
            little = np.asarray(values, values.dtype.newbyteorder("<"), order="C")
            directory = make_folder(self._root, path)
            key = ".".join(["c", *("0" for _ in little.shape)])
            content = little.tobytes()
            replace_file(directory / key, content + checksum(content), sync=self._durable)
            self._static[path] = array_document(
                shape=little.shape,
                dtype=little.dtype.name,
                dims=dims,
                chunk_shape=little.shape,
                chain=live_chain(little.dtype.name, None, has_checksum=True),
                attributes=attributes,
            )

    def adopt_static(self, nodes: Mapping[str, Document]) -> None:
        """Keep the arrays of an existing run that do not grow."""
        self._static = {
            path: node
            for path, node in nodes.items()
            if node["node_type"] == "array"
            and not _is_growing(node)
            and not path.startswith(AFTER_PREFIX)  # the training goes on
        }

    def publish(
        self,
        growing: Sequence[LiveArray],
        lengths: Mapping[str, int],
        attributes: Mapping[str, Any],
    ) -> None:
        """Replace the root's document, after those of nodes that are new.

        Parameters
        ----------
        growing : sequence of LiveArray
            Every array that grows.
        lengths : mapping of str to int
            What is committed, by growing dimension.
        attributes : mapping of str to Any
            The run's own attributes.
        """
        if not self._published or any(
            self._published.get(array.spec.path) is not array.spec for array in growing
        ):
            self._publish_nodes(growing, lengths)
        content = self._text.render({ROOT_ATTRIBUTE: attributes}, lengths)
        replace_file(self._root / "zarr.json", content, sync=self._durable)

    def refresh(
        self, growing: Sequence[LiveArray], lengths: Mapping[str, int], *, sync: bool = False
    ) -> None:
        """Bring each growing array's own document up to the commit, the step axis last."""
        for array in reversed(growing):
            self._write(array.spec.path, _grown(array, lengths), sync=sync)

    def _publish_nodes(self, growing: Sequence[LiveArray], lengths: Mapping[str, int]) -> None:
        nodes = _node_documents(self._spec, growing, self._static, self._ending)
        grown = {array.spec.path: _grown(array, lengths) for array in growing}
        specs = {array.spec.path: array.spec for array in growing}
        as_published = {path: specs.get(path) for path in nodes}
        for path, said in as_published.items():
            if path in self._published and self._published[path] is said:
                continue
            make_folder(self._root, path)
            self._write(path, grown.get(path, nodes[path]), sync=self._durable)
            if self._durable:
                sync_directory((self._root / path).parent)
        self._text = ConsolidatedRoot(
            nodes, {array.spec.path: array.spec.dims[0] for array in growing}
        )
        self._published = as_published

    def _write(self, path: str, document: Document, *, sync: bool) -> None:
        file = folder(self._root, path) / "zarr.json"
        replace_file(file, document_bytes(document), sync=sync)


def _grown(array: LiveArray, lengths: Mapping[str, int]) -> Document:
    document = array.document()
    document["shape"][0] = lengths[array.spec.dims[0]]
    return document


def timestamp() -> str:
    """Give the time in UTC, to the second, as runs write it."""
    return dt.datetime.now(dt.UTC).isoformat(timespec="seconds")


def described(spec: RunSpec) -> dict[str, Any]:
    """Attributes of a live run's root that are known before its first step."""
    return {
        "schema_version": SCHEMA_VERSION,
        "name": spec.name,
        "form": "live",
        "outputs": list(spec.outputs),
        "optimizer": spec.optimizer,
        "loss": spec.loss,
        "seed": spec.seed,
        "schedule": spec.schedule,
        "versions": dict(spec.versions),
        "notes": spec.notes,
    }


def _node_documents(
    spec: RunSpec,
    growing: Iterable[LiveArray],
    static: Mapping[str, Document],
    ending: Mapping[str, Any],
) -> dict[str, Document]:
    """Every node below the root, groups before what they hold and siblings together.

    zarr-python (seen in 3.1) loses nodes of a consolidated document whose siblings are not next
    to each other.
    """
    arrays = {array.spec.path: array.document() for array in growing} | dict(static)
    attributes = _group_attributes(spec, ending)
    groups = set(attributes)
    for path in arrays:
        groups.update(str(parent) for parent in PurePosixPath(path).parents if parent.name)
    nodes = {path: group_document(attributes.get(path, {})) for path in groups} | arrays
    return {path: nodes[path] for path in sorted(nodes, key=lambda path: path.split("/"))}


def _group_attributes(spec: RunSpec, ending: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Attributes of every group that has some, by path."""
    found: dict[str, Mapping[str, Any]] = {AFTER_GROUP: ending} if ending else {}
    if spec.parts:
        found[PARTS_GROUP] = {"order": list(spec.parts)}
        found |= {part_path(name): part.part_attributes() for name, part in spec.parts.items()}
    for name, model in spec.models().items():
        found |= {stored_path(path, name): own for path, own in _model_attributes(model).items()}
    return found


def _model_attributes(spec: RunSpec) -> dict[str, Mapping[str, Any]]:
    attributes: dict[str, Mapping[str, Any]] = {
        "layers": {"order": [layer.name for layer in spec.layers]},
        **{layer.path: layer.attributes() for layer in spec.layers},
    }
    if spec.probe:
        attributes["probe"] = probe.group_attributes(spec.probe)
    attributes |= {each.group: each.attributes() for each in spec.evaluations}
    if spec.updates:
        attributes[UPDATES_GROUP] = spec.updates.attributes()
    return attributes


def _static_arrays(spec: RunSpec) -> dict[str, names.StaticArray]:
    """Values, dimension names and attributes of the arrays that do not grow, by path."""
    return {
        stored_path(path, name): array
        for name, model in spec.models().items()
        for path, array in _model_statics(model).items()
    }


def _model_statics(spec: RunSpec) -> dict[str, names.StaticArray]:
    arrays = probe.static_arrays(spec.probe) if spec.probe else {}
    for evaluation in spec.evaluations:
        arrays |= evaluation.static_arrays()
    if spec.model_config is not None:
        config = json_bytes(dict(spec.model_config))
        attributes = {"media_type": "application/json", "outputs": list(spec.outputs)}
        arrays["model/config"] = (config, ("config_byte",), attributes)
    return arrays


def resume_problems(spec: RunSpec, root: Document, growing: Iterable[LiveArray]) -> list[str]:
    """Why a run cannot go on with this description; empty when it can.

    Parameters
    ----------
    spec : RunSpec
        What would be recorded now.
    root : Document
        The run's checked root document.
    growing : iterable of LiveArray
        The arrays along the steps that `spec` describes.
    """
    nodes: Mapping[str, Document] = root["consolidated_metadata"]["metadata"]
    expected = {array.spec.path: array.document() for array in growing}
    models = {name: (model, nodes_of_part(nodes, name)) for name, model in spec.models().items()}
    found = [
        problem
        for name, (model, own) in models.items()
        for problem in _derivation_problems(model, own, name)
    ]
    for path, mine in expected.items():
        theirs = nodes.get(path)
        if theirs is None:
            found.append(f"the run has no array {path!r}")
        elif _frame(mine) != _frame(theirs):
            found.append(f"{path!r} holds {_frame(theirs)}, the model now gives {_frame(mine)}")
        elif any(mine[key] != theirs[key] for key in ("chunk_grid", "codecs")):
            found.append(f"{path!r} was laid out by another version")
    found.extend(
        f"the model no longer has {path!r}"
        for path, node in nodes.items()
        if node["node_type"] == "array"
        and node["dimension_names"][:1] == [STEP_DIM]
        and path not in expected
    )
    for name, (model, own) in models.items():
        of = f" of the part {name!r}" if name else ""
        recorded = _fingerprints(own)
        if recorded.pop("probe", None) != (model.probe.fingerprint() if model.probe else None):
            found.append(f"its probe inputs{of} are others")
        if recorded != {each.group: each.fingerprint for each in model.evaluations}:
            found.append(f"its evaluation's inputs{of} are others")
    return found


def _fingerprints(nodes: Mapping[str, Document]) -> dict[str, Any]:
    """Digests of the inputs that were recorded, by group."""
    groups = ("probe", *EVALUATION_GROUPS.values())
    return {
        group: nodes[group]["attributes"].get("fingerprint") for group in groups if group in nodes
    }


def _derivation_problems(spec: RunSpec, nodes: Mapping[str, Document], part: str) -> Iterator[str]:
    """Find layers of a model whose activation cannot go on to follow."""
    before: dict[str, LayerSpec] = {}
    for layer in spec.layers:
        if layer.derivation is not None:
            theirs, mine = nodes[layer.path]["attributes"], layer.attributes()
            problem = mismatch(layer, layer.derivation, before)
            if problem is None and (
                mine["output_shape"] != theirs["output_shape"]
                or mine[DERIVED]["dimension_names"] != theirs[DERIVED]["dimension_names"]
            ):
                problem = f"has {theirs['output_shape']} values a probe in the run"
            if problem is not None:
                yield f"layer {full_name(layer.name, part)!r} {problem}"
        before[layer.name] = layer


def _is_growing(document: Document) -> bool:
    return document["dimension_names"][:1] in ([STEP_DIM], [UPDATE_DIM])


def _frame(document: Document) -> tuple[list[int], list[str], str]:
    return document["shape"][1:], document["dimension_names"][1:], document["data_type"]
