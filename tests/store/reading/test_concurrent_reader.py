"""Readers of a run that another process is recording: whole committed steps, or nothing."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import tensorstore
import zarr

from store.format.names import Array
from store.reading.run import open_run
from store.storage.location import is_run
from store.testing import crash_trials

pytestmark = pytest.mark.slow

STEPS = 150
TRIES = 4
ARRAYS = [array for layer in crash_trials.spec().layers for array in layer.array_specs()]
BY_PATH = {array.path: array for array in ARRAYS}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "run.zarr"


@pytest.fixture
def record(path: Path) -> Iterator[Callable[[], Callable[[], bool]]]:
    """Record so many steps more; the answer tells whether that goes on."""
    command = [
        sys.executable,
        "-m",
        "store.testing.crash_trials",
        str(path),
        "raw",
        "process",
        str(STEPS),
    ]
    children: list[subprocess.Popen[bytes]] = []

    def start() -> Callable[[], bool]:
        child = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        children.append(child)
        while not is_run(path):
            assert child.poll() is None
        return lambda: child.poll() is None

    yield start
    for child in children:
        child.kill()
        child.wait()


def check(length: int, read: Callable[[str, int], Array]) -> None:
    """Compare the newest step of every array with what it must hold."""
    for path, array in BY_PATH.items():
        found = read(path, length - 1)
        np.testing.assert_array_equal(found, crash_trials.frame(array, length - 1))


def with_trainlapse(path: Path) -> int:
    run = open_run(path)
    assert run.steps.tolist() == list(range(len(run)))
    if len(run):
        check(len(run), lambda name, index: run.read(name, (index,)))
        for name in BY_PATH:
            assert run.array(name).shape[0] == len(run)
    return len(run)


def with_zarr(path: Path) -> int:
    root = zarr.open_group(path, mode="r", zarr_format=3, use_consolidated=True)
    arrays = {}
    for name in ("step", *BY_PATH):
        array = root[name]
        assert isinstance(array, zarr.Array)
        arrays[name] = array
    length = arrays["step"].shape[0]
    assert {array.shape[0] for array in arrays.values()} == {length}
    if length:
        check(length, lambda name, index: np.asarray(arrays[name][index]))
    return length


def with_tensorstore(path: Path) -> int:
    """TensorStore reads no consolidated metadata: the lengths of each array's own document."""
    lengths = []
    for name, array in BY_PATH.items():
        place = {"driver": "file", "path": f"{path / name}/"}
        opened = tensorstore.open({"driver": "zarr3", "kvstore": place}, read=True).result()
        length = opened.shape[0]
        lengths.append(length)
        if length:
            found = opened[length - 1].read().result()
            np.testing.assert_array_equal(found, crash_trials.frame(array, length - 1))
    return min(lengths)


@pytest.mark.parametrize("reader", [with_trainlapse, with_zarr, with_tensorstore])
def test_only_whole_committed_steps_are_seen(
    path: Path, record: Callable[[], Callable[[], bool]], reader: Callable[[Path], int]
) -> None:
    seen: list[int] = []
    # It is read while it grows, and not only before and after: on a busy machine, at a later try.
    for number in range(1, TRIES + 1):
        goes_on = record()
        while goes_on():
            seen.append(reader(path))
        seen.append(reader(path))
        assert seen[-1] == number * STEPS
        # An array's own document tells of its steps at the end alone.
        looks = seen if reader is with_tensorstore else sorted(set(seen))
        if len(looks) > 3 + number:
            break
    assert seen == sorted(seen)
    assert len(looks) > 3 + number
