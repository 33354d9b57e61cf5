"""Kill a recording again and again with SIGKILL, and look for committed steps that are lost.

    python benchmarks/kill9.py --kills 200
    python benchmarks/kill9.py --kills 20 --keras
    python benchmarks/kill9.py --kills 100 --operations

Without ``--keras`` a child process writes synthetic frames through `store.RunWriter` as fast as
it can and the next one resumes its run; with it, children train a small network under
`recorder.Recorder`, each into a run of its own. With ``--operations`` what works on runs is killed:
packing, sharing, exporting and the others of `OPERATIONS`.
"""

from __future__ import annotations

import argparse
import random
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from store import open_run
from store.live.writer import Compression, Durability
from store.storage.location import is_run
from store.testing import seeded
from store.testing.crash_trials import committed_steps, kill_one, problems
from store.testing.killed_operations import (
    OPERATIONS,
    Operation,
    Trial,
    nothing,
    resume_run,
    sound_run,
    whole_run,
)

# A fresh run now and then, so that creation is struck too and files do not grow without end.
KILLS_PER_RUN = 20
VARIANTS: tuple[tuple[Compression, Durability], ...] = (
    (None, "process"),
    ("lz4", "process"),
    (None, "power"),
)
KERAS_SECONDS = 120.0

KERAS_CHILD = """
import sys
import keras
import numpy as np
from recorder import Probe, Recorder, every_n_steps

keras.utils.set_random_seed(1)
x = np.random.default_rng(1).random((512, 12, 12, 1), np.float32)
y = np.arange(512) % 4
model = keras.Sequential([
    keras.Input((12, 12, 1)), keras.layers.Conv2D(8, 3), keras.layers.ReLU(),
    keras.layers.Flatten(), keras.layers.Dense(4, activation="softmax"),
])
model.compile("adam", "sparse_categorical_crossentropy")
recording = Recorder(sys.argv[1], Probe(x[:16], labels=y[:16]), schedule=every_n_steps(1))
model.fit(x, y, batch_size=16, epochs=10_000, verbose=0, callbacks=[recording])
"""


def main() -> int:
    """Run the trials and print what they found."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keras", action="store_true", help="kill real Keras trainings")
    parser.add_argument("--operations", action="store_true", help="kill what works on runs")
    options = parser.parse_args()
    rng = seeded(options.seed)
    folder = Path(tempfile.mkdtemp(prefix="trainlapse-kill9-"))
    began = time.monotonic()
    try:
        trials = synthetic_trials
        if options.keras or options.operations:
            trials = keras_trials if options.keras else operation_trials
        bad = trials(folder, rng, options.kills)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print(f"took {time.monotonic() - began:.0f} s")
    return 1 if bad else 0


def synthetic_trials(folder: Path, rng: random.Random, kills: int) -> list[str]:
    """Kill synthetic recordings; give every problem."""
    bad: list[str] = []
    acknowledged = committed = recorded = empty = 0
    for first in range(0, kills, KILLS_PER_RUN):
        path = folder / f"{first}.zarr"
        compression, durability = VARIANTS[first // KILLS_PER_RUN % len(VARIANTS)]
        said = 0
        for trial in range(first, min(first + KILLS_PER_RUN, kills)):
            death = kill_one(path, rng, compression=compression, durability=durability)
            bad += [f"kill {trial}: {problem}" for problem in death.problems]
            said = max(said, death.acknowledged)
            empty += death.committed == 0
        bad += [f"run {first}: {text}" for text in problems(path, said, rng, everything=True)]
        acknowledged += said
        committed += committed_steps(path)
        recorded += 1
        shutil.rmtree(path, ignore_errors=True)
    print(f"{kills} kills over {recorded} runs, {empty} of them before the first commit of a run")
    print(f"{acknowledged} steps acknowledged as committed, {committed} found, all compared")
    print(f"{len(bad)} problems")
    print(*bad, sep="\n", end="\n" if bad else "")
    return bad


def record_checkpoints(path: Path) -> None:
    """Save checkpoints of a small network."""
    import keras

    path.mkdir()
    model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(64), keras.layers.Dense(4)])
    for step in range(1, 9):
        model.save_weights(path / f"w-{step}.weights.h5")
    (path / "model.json").write_text(model.to_json())


def import_checkpoints(checkpoints: Path, out: Path) -> None:
    """Turn checkpoints into a run."""
    from recorder import Probe
    from recorder.checkpoints.import_run import import_run

    inputs = np.ones((4, 8), np.float32)
    pattern = str(checkpoints / "*.h5")
    model = checkpoints / "model.json"
    import_run(
        pattern, out, Probe(inputs), model=model, pattern="w-{step}", overwrite=True, progress=False
    )


def imported_run(path: Path) -> list[str]:
    """Find what is wrong in an imported run; killed, it holds the checkpoints up to some."""
    return sound_run(path) if is_run(path) else []


def export_run(run: Path, out: Path) -> None:
    """Write a run as one HTML file."""
    from explorer.replay.export import export_replay

    export_replay(open_run(run), out, overwrite=True)


def whole_page(path: Path) -> list[str]:
    """Find what is wrong with an exported file."""
    ends = path.read_bytes().rstrip().endswith(b"</html>")
    return [] if ends else ["the page is cut short"]


def pack_at_the_end(run: Path, _: Path) -> None:
    """Go on recording, and pack at the end, as a recorder does."""
    from recorder.recording.packing import pack_quietly

    if open_run(run).attributes["form"] != "packed":  # else it was killed when all was done
        resume_run(run, run)
    pack_quietly(run)


ALL_OPERATIONS = [
    *OPERATIONS,
    Operation(
        "imported.zarr",
        "benchmarks.kill9:import_checkpoints",
        imported_run,
        prepare=record_checkpoints,
        imports=["recorder.checkpoints.import_run", "keras"],
    ),
    Operation(
        "exported.html",
        "benchmarks.kill9:export_run",
        whole_page,
        imports=["explorer.replay.export"],
    ),
    Operation(
        "packed-at-the-end",
        "benchmarks.kill9:pack_at_the_end",
        nothing,
        whole_run,
        imports=["recorder.recording.packing"],
    ),
]


def operation_trials(folder: Path, rng: random.Random, kills: int) -> list[str]:
    """Kill each operation in turn; give every problem."""
    bad: list[str] = []
    for number, operation in enumerate(ALL_OPERATIONS):
        here = folder / operation.name
        here.mkdir()
        trial = Trial(operation, here)
        share = len(range(number, kills, len(ALL_OPERATIONS)))
        killed = [trial.kill(rng) for _ in range(share)]
        found = [f"{operation.name}: {problem}" for each in killed for problem in each.problems]
        under_way = sum(each.was_under_way for each in killed)
        made = sum(each.made for each in killed)
        print(
            f"{operation.name:18} {trial.seconds:5.1f} s, {share} kills, {under_way} before its "
            f"end, {made} with something made, {len(found)} problems"
        )
        bad += found
        shutil.rmtree(here)
    print(f"{kills} operations killed")
    print(f"{len(bad)} problems")
    print(*bad, sep="\n", end="\n" if bad else "")
    return bad


def keras_trials(folder: Path, rng: random.Random, kills: int) -> list[str]:
    """Kill Keras trainings under the recorder; give every problem."""
    bad: list[str] = []
    steps = 0
    for trial in range(kills):
        path = folder / f"{trial}.zarr"
        # TensorFlow greets every start on the standard error.
        child = subprocess.Popen(
            [sys.executable, "-c", KERAS_CHILD, str(path)], stderr=subprocess.DEVNULL
        )
        deadline = time.monotonic() + KERAS_SECONDS
        while not (is_run(path) and committed_steps(path)) and child.poll() is None:
            time.sleep(0.05)
            if time.monotonic() > deadline:
                break
        time.sleep(rng.uniform(0, 2))
        seen = committed_steps(path)
        child.kill()
        child.wait()
        if not is_run(path) or not seen:
            bad.append(f"training {trial}: recorded nothing (exit code {child.returncode})")
            continue
        bad += [f"training {trial}: {problem}" for problem in keras_problems(path, seen)]
        steps += committed_steps(path)
        shutil.rmtree(path)
    print(f"{kills} Keras trainings killed, {steps} committed steps read")
    print(f"{len(bad)} problems")
    print(*bad, sep="\n", end="\n" if bad else "")
    return bad


def keras_problems(path: Path, seen: int) -> list[str]:
    """Find what is wrong in the run of a killed training that had shown `seen` steps."""
    run = open_run(path)
    found = [] if len(run) >= seen else [f"{seen - len(run)} steps are lost"]
    if run.steps.tolist() != list(range(len(run))):
        found.append("the steps are not consecutive")
    # A step that was not written reads as zeros, which no row of probabilities can be.
    output = run.activations(run.outputs[0]).values
    if abs(output.sum(axis=-1) - 1).max() > 1e-4:
        found.append("the output is not made of probabilities")
    for layer in run.layers.values():
        if layer.has_activation:
            run.activations(layer.name).values.sum()
        for weight in layer.weights:
            values = run.weights(layer.name, weight).values
            if (values[1:] == values[:-1]).all(axis=tuple(range(1, values.ndim))).any():
                found.append(f"{layer.name} {weight} stands still")
    return found


if __name__ == "__main__":
    sys.exit(main())
