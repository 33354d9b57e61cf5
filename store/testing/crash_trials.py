"""Kill a real recording at random moments, and look for what was lost.

A child process records as fast as it can, resuming what is there, and says on its standard
output how many steps are committed. The parent kills it with SIGKILL, which no process can
catch, and compares every value with what that step must hold.
"""

from __future__ import annotations

import contextlib
import random
import subprocess
import sys
import threading
import time
import unittest.mock
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from store.format.names import Array
from store.format.spec import ArraySpec, LayerSpec, RunSpec, WeightSpec
from store.live.writer import Compression, Durability, RunWriter
from store.reading.run import Run, open_run
from store.storage.location import is_run

# The child's own random number generator decides when it commits.
COMMIT_CHANCE = 0.3
# After the first sign of life; a child writes some hundred steps in this time.
LIFE_SECONDS = 0.25
# Some children die while they start, create or resume.
EARLY_DEATHS = 0.2
START_SECONDS = 0.6
FINISH_SECONDS = 60.0


def spec() -> RunSpec:
    """Arrays of every placement: scalars, dense, one block a step, several blocks a step."""
    layers = (
        LayerSpec(
            "conv",
            "Conv2D",
            "conv",
            output_dims=("probe", "y", "x", "unit"),
            output_shape=(4, 24, 24, 8),
            weights=(
                WeightSpec("kernel", ("kernel_y", "kernel_x", "in_unit", "unit"), (3, 3, 4, 8)),
                WeightSpec("bias", ("unit",), (8,)),
                WeightSpec("count", (), (), "int64"),
            ),
        ),
        LayerSpec(
            "dense",
            "Dense",
            "dense",
            inbound=("conv",),
            output_dims=("probe", "unit"),
            output_shape=(4, 10),
            weights=(WeightSpec("kernel", ("in_unit", "hidden_unit"), (256, 100)),),
        ),
    )
    return RunSpec("crash trials", layers)


def small_blocks() -> contextlib.AbstractContextManager[object]:
    """Let frames of 100 kB lie in several blocks, as else only those of 4 MiB do."""
    return unittest.mock.patch("store.format.live_layout.BLOCK_BYTES", 32 * 1024)


def frame(array: ArraySpec, step: int) -> Array:
    """Make what an array holds at a step: elements differ from their neighbours and over time."""
    size = int(np.prod(array.frame_shape, dtype=np.int64))
    values = (np.arange(size, dtype=np.uint32) + step * 7919) % 16_777_213
    return values.astype(array.dtype).reshape(array.frame_shape)


def record(path: Path, compression: Compression, durability: Durability, steps: int) -> None:
    """Record so many steps, resuming what is there; say what is committed."""
    with small_blocks():
        if is_run(path):
            writer = RunWriter.resume(path, spec(), durability=durability)
        else:
            writer = RunWriter.create(path, spec(), compression=compression, durability=durability)
        append(writer, steps, say=_say)


def append(writer: RunWriter, steps: int, say: Callable[[int], None] = lambda _: None) -> None:
    """Append so many steps, commit now and then, say how many are committed, and close."""
    arrays = [array for layer in spec().layers for array in layer.array_specs()]
    say(writer.committed)
    last = -1 if writer.last_step is None else writer.last_step
    for step in range(last + 1, last + 1 + steps):
        frames = {array.path: frame(array, step) for array in arrays}
        writer.append(step, epoch=step / 10, wall_time=float(step), frames=frames)
        writer.append_metrics(step, {"loss": step * 0.5, f"late_{step // 100}": float(step)})
        if random.random() < COMMIT_CHANCE:  # noqa: S311 - no secret depends on it
            writer.commit()
            say(writer.committed)
    writer.close()
    say(writer.committed)


def _say(committed: int) -> None:
    print(committed, flush=True)


@dataclass(frozen=True, slots=True)
class KilledRecording:
    """How many steps a killed process had committed, and what of them can be read.

    Attributes
    ----------
    acknowledged : int
        Steps that the child had said were committed.
    committed : int
        Steps that the run holds now.
    problems : list of str
        What was lost or is wrong.
    """

    acknowledged: int
    committed: int
    problems: list[str]


def kill_one(
    path: Path, rng: random.Random, *, compression: Compression, durability: Durability
) -> KilledRecording:
    """Let a child record into `path`, kill it at a random moment, and check the run."""
    before = committed_steps(path)
    command = [sys.executable, "-m", "store.testing.crash_trials", str(path)]
    child = subprocess.Popen(  # noqa: S603 - our own module
        [*command, compression or "raw", durability], stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    said: list[str] = []
    alive = threading.Event()

    def listen() -> None:
        assert child.stdout is not None
        for line in child.stdout:
            said.append(line)
            alive.set()
        alive.set()

    listener = threading.Thread(target=listen)
    listener.start()
    if rng.random() < EARLY_DEATHS:
        time.sleep(rng.uniform(0, START_SECONDS))
    else:
        alive.wait(FINISH_SECONDS)
        time.sleep(rng.uniform(0, LIFE_SECONDS))
    died_alone = child.poll() is not None
    child.kill()
    child.wait()
    listener.join()
    child.stdout.close()
    # The last line may be cut: it was about to be said, not said.
    heard = [int(line) for line in said if line.endswith("\n")]
    acknowledged = max([before, *heard])
    found = [f"the child ended by itself with {child.returncode}"] if died_alone else []
    return KilledRecording(
        acknowledged, committed_steps(path), found + problems(path, acknowledged, rng)
    )


def committed_steps(path: Path) -> int:
    """Count the steps that a run holds; 0 where there is none yet."""
    return len(open_run(path)) if is_run(path) else 0


def problems(
    path: Path, acknowledged: int, rng: random.Random, *, everything: bool = False
) -> list[str]:
    """Find what is lost or wrong in a run that held so many steps; empty when it is sound.

    Parameters
    ----------
    path : Path
        The run, or nothing if no child lived long enough to create one.
    acknowledged : int
        Steps that were said to be committed.
    rng : Random
        Chooses which steps are compared.
    everything : bool
        Compare all steps, not only the last ones and a few others.
    """
    if not is_run(path):
        return [f"there is no run, {acknowledged} steps were committed"] if acknowledged else []
    run = open_run(path)
    length = len(run)
    found = []
    if length < acknowledged:
        found.append(f"{acknowledged - length} of {acknowledged} committed steps are lost")
    if run.steps.tolist() != list(range(length)):
        found.append("the steps are not those recorded")
    chosen = set(range(length) if everything else range(max(0, length - 3), length))
    chosen.update(rng.randrange(length) for _ in range(3) if length)
    with small_blocks():
        return found + list(wrong_values(run, sorted(chosen))) + list(_wrong_metrics(run))


def wrong_values(run: Run, chosen: Iterable[int]) -> Iterator[str]:
    """Name each array that does not hold at a step what was recorded."""
    for layer in spec().layers:
        for array in layer.array_specs():
            for step in chosen:
                if not np.array_equal(run.read(array.path, (step,)), frame(array, step)):
                    yield f"{array.path} is wrong at step {step}"


def _wrong_metrics(run: Run) -> Iterator[str]:
    metrics = run.metrics
    updates = metrics["update"].values
    if not np.array_equal(updates, np.arange(len(updates))):
        yield "the updates are not those recorded"
    if len(updates) and not np.array_equal(metrics["loss"].values, updates * 0.5):
        yield "the loss is wrong"
    if not len(run) - 1 <= len(updates) <= len(run):
        yield f"{len(updates)} updates do not fit {len(run)} steps"


if __name__ == "__main__":
    record(
        Path(sys.argv[1]),
        "lz4" if sys.argv[2] == "lz4" else None,
        "power" if sys.argv[3] == "power" else "process",
        int(sys.argv[4]) if len(sys.argv) > 4 else 10**9,
    )
