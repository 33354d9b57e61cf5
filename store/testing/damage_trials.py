"""Damage runs in every way that disks, copies and strangers do, and try to read them.

A damaged run must open, or be refused by an error of our own: never another exception, never
a hang, never memory without bound.
"""

from __future__ import annotations

import json
import os
import random
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from store.errors import TrainlapseError
from store.format.live_layout import place
from store.format.metadata import Document
from store.format.names import BEGINS, ROOT_ATTRIBUTE, STEP_DIM
from store.live.array import read_index
from store.reading import moments
from store.reading.arrays import Index
from store.reading.run import Run, open_run
from store.tools.crop import Cut, crop
from store.tools.info import describe, render
from store.tools.share import share
from store.tools.verify import salvage, verify

# What a stranger, or a program gone wrong, may put in the place of any value.
HOSTILE: tuple[Any, ...] = (
    None,
    True,
    -1,
    0,
    1.5,
    2**31,
    2**63,
    10**30,
    float("nan"),
    float("inf"),
    "",
    "../../etc/passwd",
    "/etc/passwd",
    "..",
    "\x00",
    "\ud800",
    "a" * 10_000,
    [],
    [[]],
    [-1],
    [10**12, 10**12],
    [0, 0, 0, 0],
    ["step", "step"],
    [None],
    {},
    {"": {}},
    {"name": "sharding_indexed", "configuration": {"chunk_shape": [1]}},
)
DEPTH = 100_000


def exercise(run: Run) -> list[str]:
    """Read all that a run offers.

    Returns
    -------
    list of str
        What was refused by our own errors; any other error is raised.
    """
    refused: list[str] = []
    for read in _reads(run):
        try:
            read()
        except TrainlapseError as error:
            refused.append(str(error))
    return refused


def _reads(run: Run) -> Iterator[Callable[[], object]]:
    yield lambda: (run.name, run.id, run.created, run.finished, run.outputs, repr(run))
    for name in ("steps", "epochs", "wall_times", "metrics", "probe", "model_config", "tree"):
        yield partial(getattr, run, name)
    for path, node in run.nodes.items():
        if node["node_type"] == "array" and 0 not in node["shape"]:
            history: Index = (slice(None), *(0 for _ in node["shape"][1:]))
            indices: tuple[Index, ...] = ((0,), (-1,), history)
            for index in indices:
                yield partial(run.read, path, index)
    for layer in run.layers.values():
        if layer.has_activation:
            yield partial(_load, run.activations, layer.name)
        for weight in layer.weights:
            yield partial(_load, run.weights, layer.name, weight)


def _load(array: Callable[..., xr.DataArray], *names: str) -> object:
    return array(*names)[-2:].values


def outcome(path: Path) -> str:
    """Open and read a damaged run: ``opened``, ``refused`` or ``refused in part``.

    Any other exception than `TrainlapseError` is the caller's to see.
    """
    try:
        run = open_run(path)
    except TrainlapseError:
        return "refused"
    refused = exercise(run)
    for operation in OPERATIONS:
        try:
            with tempfile.TemporaryDirectory() as folder:
                operation(run, Path(folder))
        except TrainlapseError as error:
            refused.append(str(error))
    return "refused in part" if refused else "opened"


def _describe(run: Run, _: Path) -> None:
    render(describe(run))


def _verify(run: Run, folder: Path) -> None:
    report = verify(run)
    if not report.is_sound:
        salvage(run, report, folder / "saved.zarr")


def _share(run: Run, folder: Path) -> None:
    share(run.location, folder / "shared.zip")


def _crop(run: Run, folder: Path) -> None:
    crop(run.location, folder / "cropped.zarr", Cut(every=3, drop=("inputs", "notes", "model")))


def _mark(run: Run, _: Path) -> None:
    moments.load(run)


# What is done with a damaged run that opens; whoever has more appends them.
OPERATIONS: list[Callable[[Run, Path], None]] = [_describe, _verify, _share, _crop, _mark]


def damage(run: Path, rng: random.Random) -> str:
    """Damage a run once, at random, and say how."""
    kind = rng.choice(_KINDS)
    return f"{kind.__name__.strip('_')}: {kind(run, rng)}"


def flip_frame_bit(path: Path, rng: random.Random) -> tuple[str, int]:
    """Flip one bit of one frame of a live run.

    Returns
    -------
    str, int
        The array, and the position of the frame in it.
    """
    run = open_run(path)
    array = rng.choice(sorted(each for each, node in run.nodes.items() if _along_steps(node)))
    position = rng.randrange(run.nodes[array]["attributes"].get(BEGINS, 0), len(run))
    flip_bit(path, array, position, rng)
    return array, position


def flip_bit(path: Path, array: str, position: int, rng: random.Random) -> None:
    """Flip one bit of the frame at a position of an array of a live run."""
    file, start, length = _stored_at(path, open_run(path).nodes[array], array, position)
    with file.open("r+b") as opened:
        opened.seek(start + rng.randrange(length))
        byte = opened.read(1)[0]
        opened.seek(-1, os.SEEK_CUR)
        opened.write(bytes([byte ^ 1 << rng.randrange(8)]))


def _along_steps(node: Document) -> bool:
    return bool(node["node_type"] == "array" and node["dimension_names"][:1] == [STEP_DIM])


def _stored_at(run: Path, node: Document, array: str, position: int) -> tuple[Path, int, int]:
    """File, offset and length of a frame, of its first block where it has several."""
    item_bytes = np.dtype(node["data_type"]).itemsize
    placement = place(tuple(node["shape"][1:]), item_bytes)
    number, slot = placement.locate(position)
    file = run / array / placement.chunk_key(number)
    if placement.is_dense:
        return file, placement.offset(slot), placement.frame_bytes
    index = read_index(file, placement.steps, placement.blocks)
    start, length = index[slot * placement.blocks].tolist()
    return file, start, length


def _any_file(run: Path, rng: random.Random) -> Path:
    """Choose a file, the root document as often as any chunk."""
    files = sorted(path for path in run.rglob("*") if path.is_file() and path.stat().st_size)
    documents = [path for path in files if path.name == "zarr.json"]
    chunks = [path for path in files if path.name != "zarr.json"]
    return rng.choice([run / "zarr.json", rng.choice(documents), rng.choice(chunks)])


def _flip_bits(run: Path, rng: random.Random) -> str:
    path = _any_file(run, rng)
    content = bytearray(path.read_bytes())
    count = rng.choice((1, 8, 64))
    for _ in range(count):
        content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
    path.write_bytes(content)
    return f"{count} in {path.relative_to(run)}"


def _truncate(run: Path, rng: random.Random) -> str:
    path = _any_file(run, rng)
    size = rng.choice((0, 1, rng.randrange(path.stat().st_size)))
    os.truncate(path, size)
    return f"{path.relative_to(run)} to {size}"


def _remove(run: Path, rng: random.Random) -> str:
    path = _any_file(run, rng)
    path.unlink()
    return str(path.relative_to(run))


def _scramble(run: Path, rng: random.Random) -> str:
    path = _any_file(run, rng)
    path.write_bytes(rng.randbytes(path.stat().st_size))
    return str(path.relative_to(run))


def _exchange(run: Path, rng: random.Random) -> str:
    one, other = _any_file(run, rng), _any_file(run, rng)
    first, second = one.read_bytes(), other.read_bytes()
    one.write_bytes(second)
    other.write_bytes(first)
    return f"{one.relative_to(run)} and {other.relative_to(run)}"


def _put_something_else(run: Path, rng: random.Random) -> str:
    """Leave a folder, a pipe, or a link where a file was."""
    path = _any_file(run, rng)
    path.unlink()
    what = rng.choice(("folder", "pipe", "link to a device", "link to itself"))
    if what == "folder":
        path.mkdir()
    elif what == "pipe" and hasattr(os, "mkfifo"):
        os.mkfifo(path)
    else:
        path.symlink_to("/dev/zero" if what == "link to a device" else path)
    return f"{what} for {path.relative_to(run)}"


def _change_json(run: Path, rng: random.Random) -> str:
    """Put something hostile anywhere into the root document."""
    root = json.loads((run / "zarr.json").read_bytes())
    places = list(_places(root))
    # The many lists of numbers would else hide the few attributes of the run.
    own = [place for place in places if ROOT_ATTRIBUTE in place[2] or len(place[2]) <= 4]
    parent, key, where = rng.choice(rng.choice((places, own)))
    change = rng.choice(("replace", "replace", "remove", "rename"))
    if change == "remove":
        del parent[key]
    elif change == "rename" and isinstance(parent, dict):
        parent[str(rng.choice(HOSTILE))] = parent.pop(key)
    else:
        parent[key] = rng.choice(HOSTILE)
    (run / "zarr.json").write_bytes(json.dumps(root).encode())
    return f"{change} {'/'.join(map(str, where))}"


def _places(value: Any, where: tuple[Any, ...] = ()) -> Iterator[tuple[Any, Any, tuple[Any, ...]]]:
    """Every place in a JSON document: container, key, and the keys that lead there."""
    items: Any = value.items() if isinstance(value, dict) else enumerate(value)
    for key, inner in items:
        yield value, key, (*where, key)
        if isinstance(inner, dict | list):
            yield from _places(inner, (*where, key))


def _write_nonsense(run: Path, rng: random.Random) -> str:
    """Replace the root document as a whole."""
    nonsense = {
        "deep": b'{"attributes":' + b"[" * DEPTH,
        "balanced": b"[" * DEPTH + b"]" * DEPTH,
        "number": b"1" * 10_000,
        "no object": b"[]",
        "empty": b"{}",
        "another group": b'{"zarr_format":3,"node_type":"group","attributes":{}}',
        "not text": b"\xff\xfe\x00\xd8",
        "many": b"[" + b"[]," * 1_000_000 + b"[]]",
        "too large": b" " * (33 * 1024 * 1024),
    }
    name = rng.choice(sorted(nonsense))
    (run / "zarr.json").write_bytes(nonsense[name])
    return name


_KINDS: tuple[Callable[[Path, random.Random], str], ...] = (
    _flip_bits,
    _flip_bits,
    _truncate,
    _remove,
    _scramble,
    _exchange,
    _put_something_else,
    _change_json,
    _change_json,
    _change_json,
    _write_nonsense,
)
