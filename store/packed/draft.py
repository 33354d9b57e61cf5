"""A run that is about to be written whole: copied, cut, or rescued from another one."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np

from store.errors import RunFormatError
from store.format.code import may_hold_code, without_code
from store.format.derivation import Derivation
from store.format.derived_layers import source_paths
from store.format.names import (
    AFTER_GROUP,
    AFTER_PREFIX,
    CHECKSUMS,
    DERIVED,
    HISTORY_PREFIX,
    PROBE_DIM,
    STEP_DIM,
    UPDATE_DIM,
    Array,
    layer_path,
)
from store.format.packed_layout import BlockSlices
from store.format.parts import PARTS_GROUP, split_path, stored_path
from store.format.probe import from_json_bytes, json_bytes
from store.packed.shards import ReadRegion
from store.reading.run import Run
from store.storage.open_source import root_content

# Positions kept along a dimension, increasing.
Positions = Mapping[str, Array]


@dataclass(frozen=True, slots=True)
class DraftArray:
    """An array to be written, or one that follows from others and is not.

    Attributes
    ----------
    path, dims, shape, dtype, attributes
        As in the array's metadata.
    read : callable
        Gives the elements of a region; safe to call from several threads.
    derivation : Derivation or None
        How it follows from others that are in the draft; None: it is written.
    """

    path: str
    dims: tuple[str, ...]
    shape: tuple[int, ...]
    dtype: str
    attributes: Mapping[str, Any]
    read: ReadRegion = field(repr=False)
    derivation: Derivation | None = None

    @property
    def kind(self) -> str:
        """``activation``, ``weights`` or ``other``."""
        match self._segments:
            case ["layers", _, "activation" | "output"]:
                return "activation"
            case ["layers", _, "weights", _]:
                return "weights"
        return "other"

    @property
    def layer(self) -> str | None:
        """Name of the layer it belongs to."""
        segments = self._segments
        return segments[1] if segments[0] == "layers" and len(segments) > 2 else None

    @property
    def part(self) -> str:
        """Name of the part of the run that it belongs to; empty: of none."""
        return split_path(self.path)[0]

    @property
    def _segments(self) -> list[str]:
        return split_path(self.path)[1].removeprefix(AFTER_PREFIX).split("/")

    @property
    def nbytes(self) -> int:
        """Uncompressed bytes."""
        return int(np.prod(self.shape, dtype=np.int64)) * np.dtype(self.dtype).itemsize

    def at(self, positions: Positions) -> DraftArray:
        """Give the part with nothing but these positions along each dimension."""
        chosen = {axis: positions[dim] for axis, dim in enumerate(self.dims) if dim in positions}
        if not chosen:
            return self
        shape = tuple(len(chosen.get(axis, range(size))) for axis, size in enumerate(self.shape))
        return replace(self, shape=shape, read=_chosen(self.read, chosen))

    def constant(self, values: Array) -> DraftArray:
        """Give the part with other values."""
        return replace(
            self, shape=values.shape, dtype=values.dtype.name, read=lambda region: values[region]
        )


@dataclass(frozen=True, slots=True)
class Draft:
    """Everything that a new run will hold.

    Attributes
    ----------
    attributes : mapping
        Trainlapse's attributes of the root.
    groups : mapping of str to mapping
        Attributes of every group below it, without what parts say of themselves.
    parts : tuple of DraftArray
        The arrays.
    """

    attributes: Mapping[str, Any]
    groups: Mapping[str, Mapping[str, Any]]
    parts: tuple[DraftArray, ...]

    @classmethod
    def of(cls, run: Run) -> Draft:
        """Draft of a run as it is."""
        nodes = {
            path: node
            for path, node in run.nodes.items()
            if not f"{path}/".startswith(HISTORY_PREFIX) and path != CHECKSUMS
        }
        following = {part.path: part for part in _following(run)}
        parts = tuple(
            DraftArray(
                path,
                tuple(node["dimension_names"]),
                tuple(node["shape"]),
                node["data_type"],
                node["attributes"],
                partial(run.read, path),
            )
            for path, node in nodes.items()
            if node["node_type"] == "array" and path not in following
        )
        groups = {
            path: {key: value for key, value in node["attributes"].items() if key != DERIVED}
            for path, node in nodes.items()
            if node["node_type"] == "group"
        }
        return cls(dict(run.attributes), groups, (*map(_without_code, parts), *following.values()))

    def settled(self, *, rounded: bool) -> Draft:
        """Give the draft in which what cannot follow from the others is written.

        Parameters
        ----------
        rounded : bool
            Whether activations are written with fewer bits. A sum of rounded values is another
            than the rounded sum.
        """
        there = {part.path for part in self.parts}

        def follows(derivation: Derivation, path: str) -> bool:
            exact = derivation.operation.keeps_order or not rounded
            return exact and there.issuperset(source_paths(derivation, path))

        return replace(
            self,
            parts=tuple(
                part
                if part.derivation is None or follows(part.derivation, part.path)
                else replace(part, derivation=None)
                for part in self.parts
            ),
        )

    @property
    def written(self) -> tuple[DraftArray, ...]:
        """The parts that do not follow from others."""
        return tuple(part for part in self.parts if part.derivation is None)

    def group_attributes(self) -> dict[str, Mapping[str, Any]]:
        """Attributes of every group, with what is said there of parts that follow."""
        groups = dict(self.groups)
        for part in self.parts:
            if part.derivation is not None:
                path = stored_path(layer_path(part.layer or ""), part.part)
                said = {**part.derivation.attributes(), "dimension_names": list(part.dims)}
                groups[path] = {**groups[path], DERIVED: said}
        return groups

    @property
    def models(self) -> list[str]:
        """Name of the part of each model; that of the only one is empty."""
        order: list[str] = self.groups.get(PARTS_GROUP, {}).get("order", [])
        return order or [""]

    @property
    def steps(self) -> DraftArray:
        """The time axis."""
        return self.part("step")

    def part(self, path: str) -> DraftArray:
        """Array of a path."""
        return next(part for part in self.parts if part.path == path)

    def whole(self, path: str) -> Array:
        """Read every element of a part."""
        part = self.part(path)
        return part.read(tuple(slice(0, size) for size in part.shape))

    def keep(self, wanted: Callable[[DraftArray], bool]) -> Draft:
        """Give the draft without the arrays that are not wanted; groups stay."""
        return replace(self, parts=tuple(part for part in self.parts if wanted(part)))

    def at(self, positions: Positions) -> Draft:
        """Give the draft at these positions along the dimensions of time and probes."""
        dims = {STEP_DIM, UPDATE_DIM, PROBE_DIM}
        assert positions.keys() <= dims, positions
        parts = tuple(part.at(positions) for part in self.parts)
        steps = positions.get(STEP_DIM)
        count = self.attributes["committed"] if steps is None else len(steps)
        return replace(self, attributes={**self.attributes, "committed": count}, parts=parts)

    def without_ending(self) -> Draft:
        """Give the draft without the network after the training."""
        groups = {
            path: attributes
            for path, attributes in self.groups.items()
            if path != AFTER_GROUP and not path.startswith(AFTER_PREFIX)
        }
        kept = self.keep(lambda part: not part.path.startswith(AFTER_PREFIX))
        return replace(kept, groups=groups)

    def substitute(self, parts: Iterable[DraftArray]) -> Draft:
        """Give the draft with other arrays under the same paths."""
        others = {part.path: part for part in parts}
        return replace(self, parts=tuple(others.get(part.path, part) for part in self.parts))


def _following(run: Run) -> Iterator[DraftArray]:
    """Give the activations that are not stored, or not at all steps; the latter are written."""
    for path, derived in run.derived.items():
        stored = run.nodes.get(path)
        yield DraftArray(
            path,
            derived.dims,
            derived.shape,
            derived.dtype,
            derived.attributes,
            partial(run.read, path),
            derived.derivation if stored is None else None,
        )


def _without_code(part: DraftArray) -> DraftArray:
    """Give the model's configuration without code; what cannot be read stays as it is: damage."""
    if split_path(part.path)[1] != "model/config":
        return part
    try:
        values = part.read(tuple(slice(0, size) for size in part.shape))
        config = from_json_bytes(values)
    except (RunFormatError, ValueError, RecursionError):
        return part
    found = without_code(config)
    return part if found == config else part.constant(json_bytes(found))


def holds_code(run: Run) -> bool:
    """Whether the files of a run hold code in a configuration, which reading leaves out."""
    contents = [root_content(run.source)]
    configs = (path for path in run.nodes if split_path(path)[1] == "model/config")
    contents += [run.read(path, ()).tobytes() for path in configs]
    return any(may_hold_code(content) and _is_with_code(content) for content in contents)


def _is_with_code(content: bytes) -> bool:
    try:
        found = json.loads(content)
    except (ValueError, RecursionError):  # damaged, which is found elsewhere
        return False
    return bool(without_code(found) != found)


def _chosen(read: ReadRegion, chosen: Mapping[int, Array]) -> ReadRegion:
    """Reader of an array at chosen positions along some axes."""

    def read_chosen(region: BlockSlices) -> Array:
        outer = list(region)
        inner: dict[int, Array] = {}
        for axis, positions in chosen.items():
            wanted = positions[region[axis]]
            if not len(wanted):
                return read(tuple(slice(0, 0) if a == axis else r for a, r in enumerate(region)))
            outer[axis] = slice(int(wanted[0]), int(wanted[-1]) + 1)
            if axis:
                inner[axis] = wanted - wanted[0]
        if 0 in chosen:
            runs = _even_runs(chosen[0][region[0]])
            values = np.concatenate([read((run, *outer[1:])) for run in runs])
        else:
            values = read(tuple(outer))
        for axis, offsets in inner.items():
            values = np.take(values, offsets, axis=axis)
        return values

    return read_chosen


def _even_runs(positions: Array) -> list[slice]:
    """Slices that together give increasing positions: one if they are evenly spaced."""
    strides = np.diff(positions)
    if not len(strides):
        return [slice(int(positions[0]), int(positions[0]) + 1)]
    if np.all(strides == strides[0]):
        return [slice(int(positions[0]), int(positions[-1]) + 1, int(strides[0]))]
    groups = np.split(positions, np.flatnonzero(strides != 1) + 1)
    return [slice(int(group[0]), int(group[-1]) + 1) for group in groups]
