"""Check every chunk of a run, name what is damaged, and save what is sound."""

from __future__ import annotations

import contextlib
import math
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from store.errors import RunFormatError, TrainlapseError
from store.format import strict_json
from store.format.frame_checksums import checked_columns
from store.format.names import (
    AFTER_PREFIX,
    BEGINS,
    CHECKSUMS,
    HISTORY_PREFIX,
    STEP_DIM,
    UPDATE_DIM,
    Array,
)
from store.format.packed_layout import BlockSlices, Layout, parts
from store.format.parts import split_path, stored_path
from store.packed.draft import Draft, DraftArray
from store.packed.pack import free_target, write_run
from store.packed.shards import SLAB_BYTES, ordered
from store.packed.writer import PackOptions, PackReport, Progress
from store.reading.cache import ArrayCache
from store.reading.checked import CheckedFrames
from store.reading.live import check_index, raw_placement
from store.reading.packed import ChunkedArray
from store.reading.run import Run
from store.storage.location import MAX_ROOT_BYTES
from store.storage.sources import DirectorySource
from store.tools.info import models_of

# Share of damaged steps above which an array is left out, rather than these steps of all arrays.
MOST_BAD_STEPS = 0.5
# Steps named in one line of a report.
STEPS_NAMED = 12
# An array may claim so many more files than there are before it counts as bad without a look at
# each: a length is a number that anybody can write.
MOST_MISSING_FILES = 1000
# Bad blocks of an array that are told apart, on a disk and over a network; with more, all of it
# counts as bad.
MOST_BAD_BLOCKS = 2**16
MOST_BAD_BLOCKS_REMOTE = 2**9
# An index is read again for each of them, so that there are fewer where it is long.
MOST_INDEX_BYTES = 2**31
# Bad positions that are listed: far more than any axis has steps.
MOST_POSITIONS = 2**22


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is damaged.

    Attributes
    ----------
    path : str
        Array or group; the root is "".
    problem : str
        What is wrong.
    positions : ndarray or None
        Bad positions along the array's first dimension; None: all of it.
    steps : tuple of int or None
        The same as steps of the training, where the array runs along them.
    """

    path: str
    problem: str
    positions: Array | None = None
    steps: tuple[int, ...] | None = None

    @property
    def layer(self) -> str | None:
        """Layer it belongs to."""
        segments = split_path(self.path)[1].removeprefix(HISTORY_PREFIX).split("/")
        return segments[1] if segments[0] == "layers" and len(segments) > 1 else None

    def __str__(self) -> str:
        where = self.path or "zarr.json"
        if self.steps is None:
            return f"{where}: {self.problem}"
        named = ", ".join(map(str, self.steps[:STEPS_NAMED]))
        more = len(self.steps) - STEPS_NAMED
        return f"{where}, steps {named}{f' and {more} more' if more > 0 else ''}: {self.problem}"


@dataclass(frozen=True, slots=True)
class VerifyReport:
    """Result of `verify`.

    Attributes
    ----------
    location, form : str
        The run.
    arrays : int
        Arrays read.
    bytes : int
        Uncompressed bytes read.
    unchecked : frozenset of str
        Paths of arrays without checksums, where a changed bit cannot be seen.
    findings : tuple of Finding
        Empty: sound.
    twins : frozenset of str
        Paths of the history twins.
    """

    location: str
    form: str
    arrays: int
    bytes: int
    unchecked: frozenset[str] = frozenset()
    findings: tuple[Finding, ...] = ()
    twins: frozenset[str] = frozenset()

    @property
    def checksummed(self) -> bool:
        """Whether every array carries checksums."""
        return not self.unchecked

    @property
    def is_sound(self) -> bool:
        """Whether nothing is damaged."""
        return not self.findings


def verify(run: Run, progress: Progress | None = None) -> VerifyReport:
    """Read every chunk of a run: checksums, and of what has none indexes, sizes and shapes.

    In the live form metrics have none, since their rows may be completed, and runs of earlier
    versions have none at all.

    Parameters
    ----------
    run : Run
        An open run.
    progress : callable, optional
        Called with bytes done, bytes in all, and the array being read.

    Returns
    -------
    VerifyReport
        What was read, and what is damaged: nothing is raised for that.
    """
    nodes = {path: node for path, node in run.nodes.items() if node["node_type"] == "array"}
    sizes = {path: _bytes(node) for path, node in nodes.items()}
    total, done = sum(sizes.values()), 0
    findings = list(_document_findings(run))
    unchecked = set()
    files = _files_of_arrays(run)
    with ThreadPoolExecutor(2, thread_name_prefix="trainlapse-verify") as pool:
        for path in nodes:
            array = ChunkedArray.or_none(run.source, path, run.nodes[path], ArrayCache(0))
            if array is None:
                findings.extend(_foreign_findings(run, path))
                unchecked.add(path)
            elif (unfounded := _unfounded(run, array, files)) is not None:
                findings.append(Finding(path, unfounded))
            else:
                if not array.chain.has_checksum:
                    unchecked.add(path)
                findings.extend(_array_findings(run, array, pool))
            done += sizes[path]
            if progress is not None:
                progress(done, total, path)
    damaged = {finding.path for finding in findings}
    if CHECKSUMS in nodes and CHECKSUMS not in damaged:
        small = [path for path in checked_columns(run.nodes) if path in nodes]
        findings.extend(_small_frame_findings(run, [p for p in small if p not in damaged]))
        unchecked -= {CHECKSUMS, *small}
    findings.extend(_meaning_findings(run, {finding.path for finding in findings}))
    form = str(run.attributes["form"])
    twins = frozenset(path for path in nodes if path.startswith(HISTORY_PREFIX))
    without = frozenset(unchecked)
    return VerifyReport(run.location, form, len(nodes), total, without, tuple(findings), twins)


def salvage(
    run: Run, report: VerifyReport, out: str | Path, progress: Progress | None = None
) -> tuple[PackReport, list[str]]:
    """Write what is sound into a new packed run.

    Where one of two twins is damaged, the other one serves. A step that is bad in some array is
    left out; an array that is bad at most steps is left out instead.

    Parameters
    ----------
    run : Run
        The damaged run.
    report : VerifyReport
        What `verify` found.
    out : str or Path
        Directory to write.
    progress : callable, optional
        As for `verify`.

    Returns
    -------
    PackReport, list of str
        What was written, and in words what was left out.

    Raises
    ------
    RunFormatError
        No step is sound in every array.
    RunExistsError
        Something is at `out` already.
    """
    target = free_target(out, overwrite=False)
    draft = Draft.of(run)
    bad = {part.path: _bad_positions(part, draft, run, report) for part in draft.parts}
    lost: list[str] = []
    needed = {"step", "epoch", "wall_time"}
    dropped = {
        part.path
        for part in draft.parts
        if part.path not in needed
        and len(bad[part.path]) > (MOST_BAD_STEPS * part.shape[0] if _is_growing(part) else 0)
    }
    dropped |= {AFTER_PREFIX + path for path in dropped} & bad.keys()  # a frame of what is lost
    if "metrics/update" in dropped:
        dropped |= {part.path for part in draft.parts if part.dims[:1] == (UPDATE_DIM,)}
    lost += [f"{path} (damaged)" for path in sorted(dropped)]
    draft = draft.keep(lambda part: part.path not in dropped)
    for path in ("epoch", "wall_time"):
        if len(bad[path]):
            draft = draft.substitute([draft.part(path).constant(np.full(len(run), np.nan))])
            lost.append(f"{path} (unknown now)")
            bad[path] = np.empty(0, np.int64)
    positions: dict[str, Array] = {}
    for dim in (STEP_DIM, UPDATE_DIM):
        growing = [part for part in draft.parts if part.dims[:1] == (dim,)]
        if not growing:
            continue
        unsound = _union(bad[part.path] for part in growing)
        if len(unsound):
            kept = np.delete(np.arange(growing[0].shape[0]), unsound)
            positions[dim] = kept
            lost.append(f"{len(unsound)} of {growing[0].shape[0]} {dim}s")
    draft = draft.at(positions)
    if not draft.attributes["committed"]:
        raise RunFormatError(f"{run.location}: no step is sound in every array; nothing was saved.")
    written = write_run(target, draft, PackOptions(), progress=progress)
    return written, lost


# -- inside ----------------------------------------------------------------------------------


def _array_findings(run: Run, array: ChunkedArray, pool: ThreadPoolExecutor) -> Iterator[Finding]:
    """Read an array by parts; where a part is damaged, block by block."""
    layout = Layout(array.shape, array.block_shape, array.shard_shape)
    item_bytes = array.dtype.itemsize
    begins = run.nodes[array.path]["attributes"].get(BEGINS, 0)
    slabs = (
        slab
        for _, region in layout.shards()
        if (stored := _from(region, begins)) is not None
        for slab in parts(stored, layout.block_shape, item_bytes, SLAB_BYTES)
    )
    most = MOST_BAD_BLOCKS_REMOTE if run.source.is_remote else MOST_BAD_BLOCKS
    bad = _BadBlocks(min(most, max(1, MOST_INDEX_BYTES // max(1, array.index_bytes))))
    with contextlib.closing(ordered(pool, lambda slab: _problem(array, slab), slabs)) as read:
        for slab, problem in read:
            if problem is not None:
                for block in parts(slab, layout.block_shape, item_bytes, 1):
                    bad.add(block, _problem(array, block))
                    if bad.is_full:
                        break
            if bad.is_full:
                break
    if bad.problem is None:
        yield from _index_findings(run, array)
        return
    problem = bad.problem.removeprefix(f"{array.path}: ") + bad.count_in_words
    yield _located(run, array.path, problem, bad.positions())


class _BadBlocks:
    """The bad blocks of one array: the first in words, and where all of them are, up to a limit."""

    def __init__(self, limit: int) -> None:
        self.problem: str | None = None
        self._limit = limit
        self._count = 0
        self._spans: set[tuple[int, int]] = set()

    @property
    def is_full(self) -> bool:
        """Whether no more of them are told apart."""
        return self._count >= self._limit

    @property
    def count_in_words(self) -> str:
        """How many there are, where it is more than one."""
        if self._count < 2:
            return ""
        return f" ({self._count} blocks{' or more' if self.is_full else ' in all'})"

    def add(self, block: BlockSlices, problem: str | None) -> None:
        """Note a block, unless nothing is wrong with it."""
        if problem is None:
            return
        self.problem = self.problem or problem
        self._count += 1
        if block:
            self._spans.add((block[0].start, block[0].stop))

    def positions(self) -> Array | None:
        """Bad positions along the first dimension; None: all of them."""
        if self.is_full or sum(stop - start for start, stop in self._spans) > MOST_POSITIONS:
            return None
        # Blocks lie in a grid, so that no two spans overlap.
        spans = [np.arange(start, stop) for start, stop in sorted(self._spans)]
        return np.concatenate(spans) if spans else None


def _files_of_arrays(run: Run) -> Counter[str] | None:
    """How many files lie below each array; None where a source cannot list them."""
    sizes = run.source.sizes()
    if sizes is None:
        return None
    folders = Counter(key.rpartition("/")[0] for key in sizes if not key.endswith("/zarr.json"))
    found: Counter[str] = Counter()
    for folder, count in folders.items():  # chunks may lie in folders of their own
        path = folder
        while path and "node_type" not in run.nodes.get(path, {}):
            path = path.rpartition("/")[0]
        found[path] += count
    return found


def _unfounded(run: Run, array: ChunkedArray, files: Counter[str] | None) -> str | None:
    """Say how many more files an array claims than there are, if it is far too many."""
    claimed = array.files
    if files is not None:
        held = files[array.path]
        if claimed <= held + MOST_MISSING_FILES:
            return None
        return f"it claims {claimed} files, {held} are there"
    if claimed <= MOST_MISSING_FILES:
        return None
    try:
        run.source.read(array.last_key, 0, 1)
    except (TrainlapseError, OSError):
        return f"it claims {claimed} files, and the last of them is not there"
    return None


def _from(region: BlockSlices, begins: int) -> BlockSlices | None:
    """Give the part of a region from a step on; None where it ends before."""
    if not begins:
        return region
    steps, *rest = region
    return (slice(max(begins, steps.start), steps.stop), *rest) if begins < steps.stop else None


def _problem(array: ChunkedArray, region: BlockSlices) -> str | None:
    try:
        array.read(region)
    except (TrainlapseError, OSError) as error:
        return str(error)
    return None


def _index_findings(run: Run, array: ChunkedArray) -> Iterator[Finding]:
    """Raw frames of the live form are found by position, so the index must say the same."""
    document = run.nodes[array.path]
    placement = raw_placement(document)
    if not isinstance(run.source, DirectorySource) or placement is None:
        return
    positions = check_index(
        run.source.directory / array.path,
        placement,
        array.shape[0],
        begins=document["attributes"].get(BEGINS, 0),
    )
    if positions:
        problem = "the index does not point to the frames"
        yield _located(run, array.path, problem, np.asarray(positions))


def _small_frame_findings(run: Run, paths: Iterable[str]) -> Iterator[Finding]:
    """Hold frames that share a chunk against their checksums, frame by frame."""

    def array(path: str) -> ChunkedArray:
        return ChunkedArray(run.source, path, run.nodes[path], ArrayCache(0))

    checksums = array(CHECKSUMS)
    columns = checked_columns(run.nodes)
    for path in paths:
        node = run.nodes[path]
        frames = CheckedFrames(path, array(path), checksums, columns[path])
        length, begins = node["shape"][0], node["attributes"].get(BEGINS, 0)
        at_once = max(1, SLAB_BYTES * length // max(1, _bytes(node)))
        starts = range(begins, length, at_once)
        bad = [frames.damaged(start, min(length, start + at_once)) for start in starts]
        positions = np.concatenate([np.empty(0, np.int64), *bad])
        if len(positions):
            yield _located(run, path, "frames fail their checksums", positions)


def _foreign_findings(run: Run, path: str) -> Iterator[Finding]:
    try:
        run.read(path, ())
    except (TrainlapseError, OSError) as error:
        yield _located(run, path, str(error), None)


def _document_findings(run: Run) -> Iterator[Finding]:
    """Each node's own document must be there and agree with the root's but for the length."""
    for path, node in run.nodes.items():
        try:
            own = strict_json.parse(run.source.read(f"{path}/zarr.json", 0, MAX_ROOT_BYTES))
        except FileNotFoundError:
            yield Finding(path, "its zarr.json is missing")
        except ValueError:
            yield Finding(path, "its zarr.json is not JSON")
        except (TrainlapseError, OSError) as error:
            yield Finding(path, str(error))
        else:
            same = ["node_type", "data_type", "dimension_names", "codecs", "chunk_grid"]
            if run.attributes["form"] == "packed":  # a growing array's own length lags behind
                same.append("shape")
            if not isinstance(own, dict) or any(own.get(key) != node.get(key) for key in same):
                yield Finding(path, "its zarr.json contradicts the run's")


def _meaning_findings(run: Run, known: set[str]) -> Iterator[Finding]:
    """Find what is sound as bytes but makes no sense."""
    checks: dict[str, Any] = {"step": lambda: run.steps}
    for model in models_of(run):
        checks[stored_path("probe", model.part)] = lambda model=model: model.probe
        checks[stored_path("model/config", model.part)] = lambda model=model: model.model_config
    for path, check in checks.items():
        if any(other.startswith(path) for other in known):
            continue
        try:
            check()
        except TrainlapseError as error:
            yield Finding(path, str(error))


def _located(run: Run, path: str, problem: str, positions: Array | None) -> Finding:
    """Give a finding its positions as steps of the training, if those can be read."""
    dims = run.nodes[path]["dimension_names"]
    if positions is None or dims[:1] != [STEP_DIM]:
        return Finding(path, problem, positions)
    try:
        steps = tuple(int(step) for step in run.steps[positions])
    except (TrainlapseError, OSError):
        steps = tuple(int(position) for position in positions)
    return Finding(path, problem, positions, steps)


def _bad_positions(part: DraftArray, draft: Draft, run: Run, report: VerifyReport) -> Array:
    """Positions along a part's first dimension that neither it nor what it follows from holds."""
    own = _bad_where_stored(part, report)
    derived = run.derived.get(part.path)
    if derived is None:
        return own
    sources = map(draft.part, derived.sources)
    followed = _union(_bad_positions(source, draft, run, report) for source in sources)
    return _union([own, followed[followed < derived.begins]])


def _bad_where_stored(part: DraftArray, report: VerifyReport) -> Array:
    """Positions along a part's first dimension that neither twin holds."""

    def bad(path: str) -> Array:
        found = [
            _every_position(part) if finding.positions is None else finding.positions
            for finding in report.findings
            if finding.path == path and "zarr.json" not in finding.problem
        ]
        return _union(found)

    frames = bad(part.path)
    if not len(frames) or HISTORY_PREFIX + part.path not in report.twins:
        return frames
    return np.intersect1d(frames, bad(HISTORY_PREFIX + part.path), assume_unique=True)


def _union(positions: Iterable[Array]) -> Array:
    """Positions that are in any of several arrays, rising: (position,), int64.

    (`numpy.unique` takes seconds for a million that follow each other, since it hashes them.)
    """
    every = np.sort(np.concatenate([np.empty(0, np.int64), *positions]))
    return np.asarray(every[np.append(True, every[1:] != every[:-1])[: len(every)]])


def _every_position(part: DraftArray) -> Array:
    """Positions along a part's first dimension, as many as any run can have."""
    length = part.shape[0] if part.shape else 1
    if length > MOST_POSITIONS:
        raise RunFormatError(
            f"{part.path} claims {length} {part.dims[0]}s and holds none; nothing was saved."
        )
    return np.arange(length)


def _is_growing(part: DraftArray) -> bool:
    return part.dims[:1] in ((STEP_DIM,), (UPDATE_DIM,))


def _bytes(node: dict[str, Any]) -> int:
    size: int = math.prod(node["shape"]) * np.dtype(node["data_type"]).itemsize
    return size
