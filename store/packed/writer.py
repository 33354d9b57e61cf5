"""Write a draft as a run in the packed form, and check it against where it came from."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from store.errors import ChunkDamagedError
from store.format import strict_json
from store.format.compressors import (
    ACTIVATION_FRAMES,
    HISTORIES,
    OTHERS,
    WEIGHT_FRAMES,
    Compressor,
)
from store.format.metadata import ConsolidatedRoot, Document, document_bytes, group_document
from store.format.names import HISTORY_PREFIX, ROOT_ATTRIBUTE, STEP_DIM, Array
from store.format.packed_layout import BlockSlices, Layout, frames_layout, history_layout, parts
from store.packed.draft import Draft, DraftArray
from store.packed.precision import Choice, Precision
from store.packed.shards import SLAB_BYTES, ordered, write_array
from store.reading.cache import ArrayCache
from store.reading.packed import ChunkedArray
from store.storage.sources import DirectorySource

# Compression keeps about two processors busy with one thread reading ahead.
MAX_THREADS = 4

# Bytes done, bytes in all, and what is being worked on.
Progress = Callable[[int, int, str], None]


@dataclass(frozen=True, slots=True)
class PackOptions:
    """How to write the packed form.

    Attributes
    ----------
    history : bool
        Also write the time-major twins.
    precision : mapping of str to {"float16"} or int
        By kind of array (``activation``, ``weights``); empty: lossless.
    level : int or None
        Level of every codec, 1 to 9; None: as measured for each kind of array.
    """

    history: bool = True
    precision: Mapping[str, Choice] = field(default_factory=dict)
    level: int | None = None

    def compressor(self, kind: str, *, is_history: bool) -> Compressor:
        """Compressor of an array of a kind, in one of its two layouts."""
        by_kind: Mapping[str, Compressor] = {
            "activation": ACTIVATION_FRAMES,
            "weights": WEIGHT_FRAMES,
        }
        chosen: Compressor = HISTORIES if is_history else by_kind.get(kind, OTHERS)
        return chosen if self.level is None else chosen.at_level(self.level)


@dataclass(frozen=True, slots=True)
class PackReport:
    """What was written.

    Attributes
    ----------
    path : Path
        The packed run.
    raw_bytes : int
        Uncompressed bytes of every array, once.
    frames_bytes, history_bytes : int
        Bytes of the two forms of the arrays.
    errors : mapping of str to float
        Largest error of each array that was rounded.
    """

    path: Path
    raw_bytes: int
    frames_bytes: int
    history_bytes: int
    errors: Mapping[str, float]

    @property
    def bytes(self) -> int:
        """Bytes of all arrays."""
        return self.frames_bytes + self.history_bytes


def write_packed(
    directory: Path,
    draft: Draft,
    options: PackOptions,
    progress: Progress | None = None,
) -> PackReport:
    """Write a draft into an empty directory, and verify every element.

    Parameters
    ----------
    directory : Path
        Exists and is empty.
    draft : Draft
        What to write.
    options : PackOptions
        How.
    progress : callable, optional
        Told about every slab.

    Raises
    ------
    ChunkDamagedError
        What was read back is not what was to be written.
    """
    draft = draft.settled(rounded="activation" in options.precision)
    nodes: dict[str, Document] = {}
    tally = _Tally(draft, options, progress)
    errors: dict[str, float] = {}
    sizes = {True: 0, False: 0}
    with _threads() as pool:
        for part in draft.written:
            precision = Precision(part.dtype, options.precision.get(part.kind), part.path)
            stored = _Stored(part, precision)
            for path, layout in _layouts(part, stored.dtype, history=options.history):
                compressor = options.compressor(part.kind, is_history=layout.time_last)
                target = directory / path
                target.mkdir(parents=True)
                tally.begin(path)
                size = write_array(
                    target,
                    layout,
                    stored.dtype,
                    compressor,
                    stored.read,
                    pool,
                    progress=tally.add,
                )
                sizes[path.startswith(HISTORY_PREFIX)] += size
                attributes = {**part.attributes, **precision.attributes()}
                nodes[path] = layout.document(stored.dtype, part.dims, attributes, compressor)
                _compare(directory, path, nodes[path], layout, stored.read, pool, tally)
            if precision.max_error:
                errors[part.path] = precision.max_error
    _write_metadata(directory, draft, nodes, options)
    raw = sum(part.nbytes for part in draft.written)
    return PackReport(directory, raw, sizes[False], sizes[True], errors)


@dataclass(frozen=True, slots=True)
class _Stored:
    """A part as its values are stored: rounded where that was asked for."""

    part: DraftArray
    precision: Precision

    @property
    def dtype(self) -> str:
        return self.precision.dtype

    def read(self, region: BlockSlices) -> Array:
        return self.precision(self.part.read(region))


class _Tally:
    """Counts bytes for a progress bar: each array is written and read back."""

    def __init__(self, draft: Draft, options: PackOptions, progress: Progress | None) -> None:
        self._progress = progress
        self._done = 0
        self._what = ""
        self._total = sum(
            2 * part.nbytes
            for part in draft.written
            for _ in _layouts(part, part.dtype, history=options.history)
        )

    def begin(self, what: str) -> None:
        self._what = what

    def add(self, count: int) -> None:
        self._done += count
        if self._progress is not None:
            self._progress(min(self._done, self._total), self._total, self._what)


def _layouts(part: DraftArray, dtype: str, *, history: bool) -> Iterator[tuple[str, Layout]]:
    item_bytes = np.dtype(dtype).itemsize
    yield part.path, frames_layout(part.shape, item_bytes, part.dims)
    has_history = history and part.kind != "other" and part.dims[:1] == (STEP_DIM,)
    twin = history_layout(part.shape, item_bytes, part.dims) if has_history else None
    if twin is not None:
        yield HISTORY_PREFIX + part.path, twin


def _compare(
    directory: Path,
    path: str,
    document: Document,
    layout: Layout,
    read: Callable[[BlockSlices], Array],
    pool: Executor,
    tally: _Tally,
) -> None:
    """Read an array back through its checksums and compare it bit by bit."""
    written = ChunkedArray(DirectorySource(directory), path, document, ArrayCache())
    item_bytes = written.dtype.itemsize
    regions = (
        slab
        for _, region in layout.shards()
        for slab in parts(region, layout.block_shape, item_bytes, SLAB_BYTES)
    )

    def same(region: BlockSlices) -> int:
        expected = np.ascontiguousarray(read(region), written.dtype)
        found = np.ascontiguousarray(written.read(region))
        if expected.shape != found.shape or expected.tobytes() != found.tobytes():
            raise ChunkDamagedError(f"{path}: what was written differs from what was recorded.")
        return expected.nbytes

    for _, count in ordered(pool, same, regions):
        tally.add(count)


def _write_metadata(
    directory: Path, draft: Draft, arrays: Mapping[str, Document], options: PackOptions
) -> None:
    said = draft.group_attributes()
    groups = {path: group_document(attributes) for path, attributes in said.items()}
    for path in arrays:
        for parent in Path(path).parents:
            if str(parent) != ".":
                groups.setdefault(parent.as_posix(), group_document({}))
    nodes = {**groups, **arrays}
    # Groups before what they hold, siblings together: as zarr-python expects them.
    nodes = {path: nodes[path] for path in sorted(nodes, key=lambda path: path.split("/"))}
    for path, document in nodes.items():
        (directory / path).mkdir(parents=True, exist_ok=True)
        (directory / path / "zarr.json").write_bytes(document_bytes(document))
    attributes: dict[str, Any] = {
        **draft.attributes,
        "form": "packed",
        "compression": None,
        "history": any(path.startswith(HISTORY_PREFIX) for path in arrays),
        "precision": dict(options.precision),
    }
    root = ConsolidatedRoot(nodes, {}).render({ROOT_ATTRIBUTE: attributes}, {})
    (directory / "zarr.json").write_bytes(root)


def drop_histories(directory: Path) -> None:
    """Remove the time-major twins of a packed run that nobody reads yet.

    Parameters
    ----------
    directory : Path
        The run, as `write_packed` wrote it.
    """
    file = directory / "zarr.json"
    root = strict_json.parse(file.read_bytes())
    nodes = {
        path: node
        for path, node in root["consolidated_metadata"]["metadata"].items()
        if not f"{path}/".startswith(HISTORY_PREFIX)
    }
    attributes = {**root["attributes"][ROOT_ATTRIBUTE], "history": False}
    file.write_bytes(ConsolidatedRoot(nodes, {}).render({ROOT_ATTRIBUTE: attributes}, {}))
    shutil.rmtree(directory / HISTORY_PREFIX, ignore_errors=True)


@contextmanager
def _threads() -> Iterator[Executor]:
    count = min(MAX_THREADS, max(2, os.cpu_count() or 2))
    pool = ThreadPoolExecutor(count, thread_name_prefix="trainlapse-pack")
    try:
        yield pool
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
