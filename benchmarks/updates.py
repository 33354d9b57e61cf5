"""What it costs a training to have its single updates measured.

Within every round, in random order: no recorder, twice (the second is the null control), and
recorders that differ in nothing but this:

- ``foreseen``: every tenth step. Weights are held before updates that may be recorded;
- ``afterwards``: a schedule that decides by the weights, here to record nothing more. They are held
  before every update;

each without updates, with them, and with the gradients besides. A training counts with the median
of its epochs but the first, which also traces. Read the ratios to the training without a recorder
in the same round, and the difference between the recorders, not the seconds. On a machine that does
other work read the processor time, of all threads: what the recorder does beside the training is in
it.

``--network wide`` has ten million weights in few layers and a small batch, so that copies of the
weights cost as much beside an update as they ever do.
"""

from __future__ import annotations

import argparse
import os
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
from tqdm import tqdm

from recorder import Probe, adaptive, every_n_steps
from recorder.presets import PRESETS
from recorder.presets.training import load
from recorder.schedule import Schedule

PRESET = PRESETS["lenet-mnist"]
PROBES = 16
# A budget of a byte leaves nothing to record between the first step and the last.
SCHEDULES: Mapping[str, Callable[[], Schedule]] = {
    "foreseen": lambda: every_n_steps(10),
    "afterwards": lambda: adaptive(1),
}
MEASURED: Mapping[str, Mapping[str, bool]] = {
    "no updates": {"updates": False},
    "updates": {},
    "and gradients": {"gradients": True},
}
NULL = ("without", "without, again")


class Seconds(NamedTuple):
    """What an epoch takes: on the clock, and of all processors."""

    wall: float
    cpu: float


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the benchmark and print its table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=5, help="of each (%(default)s)")
    parser.add_argument("--epochs", type=int, default=6, help="(%(default)s)")
    parser.add_argument("--network", choices=NETWORKS, default="lenet", help="(%(default)s)")
    options = parser.parse_args(arguments)
    data = load(PRESET)
    modes: dict[str, tuple[Schedule, Mapping[str, bool]] | None] = dict.fromkeys(NULL)
    for when, schedule in SCHEDULES.items():
        for what, switches in MEASURED.items():
            modes[f"{when}, {what}"] = (schedule(), switches)
    build = NETWORKS[options.network]
    train(build(data), data, None, options.epochs)  # the first one also loads libraries
    found: dict[str, list[Seconds]] = {name: [] for name in modes}
    order = random.Random(0)  # noqa: S311 - shuffles, protects nothing
    with tqdm(total=options.rounds * len(modes), leave=False, unit="training") as bar:
        for _ in range(options.rounds):
            for name in order.sample(list(modes), len(modes)):
                bar.set_postfix_str(name)
                found[name].append(train(build(data), data, modes[name], options.epochs))
                bar.update()
    print(
        f"{options.network}, {options.epochs} epochs, {options.rounds} rounds; "
        "ratios to 'without': median (lowest to highest)"
    )
    print(f"{'':<28}{'wall':>24}{'processors':>24}")
    for name, trainings in found.items():
        pairs = list(zip(trainings, found[NULL[0]], strict=True))
        cells = []
        for kind in ("wall", "cpu"):
            ratios = [getattr(mine, kind) / getattr(plain, kind) for mine, plain in pairs]
            cells.append(
                f"{statistics.median(ratios):.3f} ({min(ratios):.3f} to {max(ratios):.3f})"
            )
        print(f"{name:<28}" + "".join(f"{cell:>24}" for cell in cells))


def train(
    model: Any, data: Any, recorded: tuple[Schedule, Mapping[str, bool]] | None, epochs: int
) -> Seconds:
    """Train once; give the median seconds of an epoch but the first."""
    import keras

    from recorder import Recorder

    walls, cpus = [], []

    def note(*_: Any) -> None:
        walls.append(time.perf_counter())
        cpus.append(time.process_time())

    clock = keras.callbacks.LambdaCallback(on_epoch_begin=note, on_train_end=note)
    with tempfile.TemporaryDirectory() as directory:
        callbacks = [clock]
        if recorded is not None:
            schedule, switches = recorded
            probe = Probe(data.x_held_out[:PROBES], data.y_held_out[:PROBES])
            path = Path(directory) / "run.zarr"
            callbacks.append(Recorder(path, probe, schedule=schedule, cost_limit=100.0, **switches))
        model.fit(
            data.x_train,
            data.y_train,
            batch_size=PRESET.batch_size,
            epochs=epochs,
            verbose=0,
            callbacks=callbacks,
        )
    return Seconds(*(float(np.median(np.diff(times)[1:])) for times in (walls, cpus)))


def lenet(data: Any) -> Any:
    """Give LeNet, as the preset trains it."""
    import keras

    keras.utils.set_random_seed(0)
    return PRESET.build_model(data)


def wide(data: Any) -> Any:
    """Give a perceptron of ten million weights."""
    import keras

    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [
            keras.Input(data.x_train.shape[1:]),
            keras.layers.Flatten(),
            keras.layers.Dense(2800, activation="relu"),
            keras.layers.Dense(2800, activation="relu"),
            keras.layers.Dense(len(np.unique(data.y_train))),
        ]
    )
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("adam", loss)
    return model


NETWORKS = {"lenet": lenet, "wide": wide}


if __name__ == "__main__":
    main()
