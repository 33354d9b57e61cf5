"""What recording costs a training: LeNet on MNIST, with and without the recorder.

One run compares, with all modes in random order within every round:

- no callback, twice: the second is the null control;
- the recorder with evaluations, as a preset has them: predictions for some hundreds of held-out
  and of training examples besides (``--only recorder recorder+evaluations --cadences default``);
- the recorder (weights and activations), the same with ``derive=False`` (it stores what follows
  from other layers, too), Keras's ``ModelCheckpoint`` (weights), ``save_weights`` to
  ``.weights.h5`` and the ``TensorBoard`` callback (histograms of the weights), each at three
  cadences: the recorder's default schedule, every 10 steps, every step.

Each figure is the median, over rounds, of a ratio or difference to the training without a callback
in the same round. Read those, not the seconds, which belong to the machine.

The claim about the default schedule, at the length that MNIST has:
``--examples 60000 --epochs 10 --cadences default --only recorder``.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
from tqdm import tqdm

from recorder import Probe, every_n_steps
from recorder.presets import PRESETS, Data
from recorder.presets.preset import evaluations
from recorder.presets.training import load
from recorder.schedule import Schedule, default_schedule
from store.tools.info import human_bytes

PRESET = PRESETS["lenet-mnist"]
PROBES = 64
CADENCES: dict[str, Callable[[], Schedule]] = {
    "default": default_schedule,
    "every 10": lambda: every_n_steps(10),
    "every step": lambda: every_n_steps(1),
}
NULL = ("without", "without, again")

# Gives the callback of one training, which may write below the directory.
MakeCallback = Callable[[Path, Data, Schedule], Any]
Mode = tuple[MakeCallback | None, Callable[[], Schedule]]


@dataclass(frozen=True)
class Training:
    """What one training took."""

    wall: float
    cpu: float
    records: int = 0
    bytes: int = 0
    share: float = 0.0


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the benchmark and print its table."""
    options = parse(arguments)
    data = load(PRESET)
    count = options.examples or len(data.x_train)
    data = replace(
        data,
        x_train=np.resize(data.x_train, (count, *data.x_train.shape[1:])),
        y_train=np.resize(data.y_train, count),
        probe=Probe(data.x_held_out[:PROBES], data.y_held_out[:PROBES]),
    )
    available = callbacks()
    if unknown := set(options.only or ()) - available.keys():
        raise SystemExit(f"--only: there is no {', '.join(unknown)}, but {', '.join(available)}")
    modes: dict[str, Mode] = dict.fromkeys(NULL, (None, default_schedule))
    for cadence in options.cadences or CADENCES:
        for name, callback in available.items():
            if options.only is None or name in options.only:
                modes[f"{name}, {cadence}"] = (callback, CADENCES[cadence])
    train(data, None, default_schedule(), 1)  # the first training also compiles
    found: dict[str, list[Training]] = {name: [] for name in modes}
    order = random.Random(0)  # noqa: S311 - shuffles, protects nothing
    with tqdm(total=options.rounds * len(modes), leave=False, unit="training") as bar:
        for _ in range(options.rounds):
            for name in order.sample(list(modes), len(modes)):
                bar.set_postfix_str(name)
                make, schedule = modes[name]
                found[name].append(train(data, make, schedule(), options.epochs))
                bar.update()
    show(found, options, -(-len(data.x_train) // PRESET.batch_size))


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--rounds", type=int, default=3, help="trainings of each mode (%(default)s)"
    )
    parser.add_argument("--epochs", type=int, default=2, help="(%(default)s)")
    parser.add_argument(
        "--examples",
        type=int,
        help="an epoch, repeated from the preset's 4,000; MNIST itself has 60,000",
    )
    parser.add_argument("--cadences", nargs="+", choices=CADENCES, help="only these")
    parser.add_argument(
        "--only",
        nargs="+",
        metavar="NAME",
        help="only these of the callbacks above, such as recorder or ModelCheckpoint",
    )
    return parser.parse_args(arguments)


def callbacks() -> dict[str, MakeCallback]:
    """Give the callbacks to compare, by name."""
    found: dict[str, MakeCallback] = {
        "recorder": recorder,
        "recorder+evaluations": evaluating_recorder,
        "recorder storing all": storing_all,
        "ModelCheckpoint": checkpoint,
        "weights.h5": weights_saver,
    }
    if importlib.util.find_spec("tensorboard") is None:
        print("TensorBoard is left out: pip install tensorboard")
    else:
        found["TensorBoard"] = tensorboard
    return found


def recorder(path: Path, data: Data, schedule: Schedule) -> Any:
    """Give a recorder of the probe."""
    from recorder import Recorder

    return Recorder(path / "run.zarr", data.probe, schedule=schedule, cost_limit=1.0)


def evaluating_recorder(path: Path, data: Data, schedule: Schedule) -> Any:
    """Give a recorder of the probe, and of the predictions that a preset records."""
    from recorder import Recorder

    return Recorder(
        path / "run.zarr",
        data.probe,
        schedule=schedule,
        evaluation=evaluations(data, PRESET.evaluated),
        cost_limit=1.0,
    )


def storing_all(path: Path, data: Data, schedule: Schedule) -> Any:
    """Give a recorder that stores what follows, too."""
    from recorder import Recorder

    return Recorder(path / "run.zarr", data.probe, schedule=schedule, cost_limit=1.0, derive=False)


def checkpoint(path: Path, _: Data, schedule: Schedule) -> Any:
    """Give Keras's own callback, which saves the weights when the schedule says so."""
    import keras

    saver = keras.callbacks.ModelCheckpoint(path / "last.weights.h5", save_weights_only=True)

    def save(model: Any, step: int) -> None:
        saver.set_model(model)
        saver.filepath = str(path / f"{step}.weights.h5")
        saver.on_epoch_end(step, {})

    return at_schedule(schedule, save)


def weights_saver(path: Path, _: Data, schedule: Schedule) -> Any:
    """Give a callback that saves the weights, and does nothing else."""
    return at_schedule(
        schedule, lambda model, step: model.save_weights(path / f"{step}.weights.h5")
    )


def tensorboard(path: Path, _: Data, schedule: Schedule) -> Any:
    """Give Keras's own callback, which writes histograms when the schedule says so."""
    import keras

    board = keras.callbacks.TensorBoard(path, histogram_freq=1, write_graph=False)

    def write(model: Any, step: int) -> None:
        if board.model is not model:
            board.set_model(model)
        board.on_epoch_end(step, {})

    return at_schedule(schedule, write)


def at_schedule(schedule: Schedule, act: Callable[[Any, int], None]) -> Any:
    """Give a callback that acts at the start and at the steps that the recorder would record."""
    import keras

    class AtSchedule(keras.callbacks.Callback):  # type: ignore[misc]
        step = records = 0

        def act(self) -> None:
            act(self.model, self.step)
            self.records += 1

        def on_train_begin(self, *_: Any, **__: Any) -> None:
            self.act()

        def on_train_batch_end(self, batch: int, *_: Any, **__: Any) -> None:
            self.step += 1
            if schedule.due(self.step, batch + 1 == self.params["steps"]):
                self.act()

    return AtSchedule()


def train(data: Data, make: MakeCallback | None, schedule: Schedule, epochs: int) -> Training:
    """Train once; `fit` alone counts."""
    import keras

    keras.utils.set_random_seed(0)
    model = PRESET.build_model(data)
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory)
        callback = None if make is None else make(path, data, schedule)
        began, busy = time.perf_counter(), time.process_time()
        model.fit(
            data.x_train,
            data.y_train,
            batch_size=PRESET.batch_size,
            epochs=epochs,
            verbose=0,
            callbacks=[] if callback is None else [callback],
        )
        wall, cpu = time.perf_counter() - began, time.process_time() - busy
        if callback is None:
            return Training(wall, cpu)
        # Blocks, not lengths: small arrays lie in files that are mostly holes.
        used = sum(512 * file.stat().st_blocks for file in path.rglob("*") if file.is_file())
        report = getattr(callback, "report", None)
        records = callback.records if report is None else report.steps
        return Training(wall, cpu, records, used, 0.0 if report is None else report.share)


def show(found: dict[str, list[Training]], options: argparse.Namespace, updates: int) -> None:
    """Print the table."""
    print(
        f"LeNet, {options.epochs} epochs of {updates} updates, batch {PRESET.batch_size}, "
        f"{PROBES} probes, {options.rounds} rounds; ratios to the training without a callback"
    )
    print(
        f"{'':<34}{'wall':>7}{'lowest':>8}{'highest':>8}{'CPU':>7}{'records':>9}"
        f"{'ms each':>9}{'CPU ms':>8}{'bytes each':>12}{'own share':>11}"
    )
    base = found[NULL[0]]
    for name, trainings in found.items():
        pairs = list(zip(trainings, base, strict=True))
        walls = [mine.wall / plain.wall for mine, plain in pairs]
        cpu = statistics.median(mine.cpu / plain.cpu for mine, plain in pairs)
        line = f"{name:<34}{statistics.median(walls):>7.2f}{min(walls):>8.2f}{max(walls):>8.2f}"
        line += f"{cpu:>7.2f}"
        records = trainings[0].records
        if records:
            extra, busy = (
                1000 * statistics.median(getattr(m, key) - getattr(p, key) for m, p in pairs)
                for key in ("wall", "cpu")
            )
            line += f"{records:>9}{extra / records:>9.1f}{busy / records:>8.1f}"
            line += f"{human_bytes(trainings[0].bytes / records):>12}"
            if trainings[0].share:
                line += f"{statistics.median(t.share for t in trainings):>10.1%}"
        print(line)


if __name__ == "__main__":
    main()
