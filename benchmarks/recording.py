"""What recording costs a training: LeNet on MNIST, with and without the recorder.

Two comparisons, each in one run, with the modes in random order within every round:

- the default schedule over whole trainings, as the ratio of wall times to the same training without
  a recorder (a second training without one is the null control);
- every step recorded (weights and activations), as extra time a step over the same training, beside
  Keras's own ``save_weights`` to ``.weights.h5`` after every step (weights only).

The ratios are medians over rounds; read them, not the milliseconds, which belong to the machine.
"""

from __future__ import annotations

import argparse
import os
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from tqdm import tqdm

from recorder import Probe, every_n_steps
from recorder.presets import PRESETS, Data
from recorder.presets.training import load

PRESET = PRESETS["lenet-mnist"]
PROBES = 64

# A mode gives the callbacks of one training, which may write below the given directory.
Mode = Callable[[Path], list[Any]]
# Wall and processor seconds of each round, by mode.
Seconds = dict[str, list[tuple[float, float]]]


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the benchmark and print its tables."""
    options = parse(arguments)
    data = load(PRESET)
    data = replace(data, probe=Probe(data.x_held_out[:PROBES], data.y_held_out[:PROBES]))
    whole: dict[str, Mode] = {
        "without": without,
        "without, again": without,
        "default schedule": lambda path: [recorder(path, data)],
    }
    every: dict[str, Mode] = {
        "without": without,
        "without, again": without,
        "every step": lambda path: [recorder(path, data, schedule=every_n_steps(1))],
        "weights.h5 every step": lambda path: [weights_saver(path)],
    }
    train(data, without, 1)  # the first training also compiles
    print_whole(measure(data, whole, options.epochs, options.rounds), options)
    print_every(measure(data, every, options.every_epochs, options.rounds), data, options)


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--rounds", type=int, default=3, help="trainings of each mode (%(default)s)"
    )
    parser.add_argument(
        "--epochs", type=int, default=10, help="epochs with the default schedule (%(default)s)"
    )
    parser.add_argument(
        "--every-epochs", type=int, default=2, help="epochs with every step (%(default)s)"
    )
    return parser.parse_args(arguments)


def without(_: Path) -> list[Any]:
    """Give no callbacks."""
    return []


def recorder(path: Path, data: Data, **options: Any) -> Any:
    """Give a recorder of the probe."""
    from recorder import Recorder

    return Recorder(path / "run.zarr", data.probe, **options)


def weights_saver(path: Path) -> Any:
    """Give a callback that saves the weights after every step."""
    import keras

    class Saver(keras.callbacks.Callback):  # type: ignore[misc]
        step = 0

        def on_train_batch_end(self, *_: Any, **__: Any) -> None:
            self.step += 1
            self.model.save_weights(path / f"{self.step}.weights.h5")

    return Saver()


def train(data: Data, mode: Mode, epochs: int) -> tuple[float, float]:
    """Train once; give the seconds that `fit` took, on the wall and of the processor."""
    import keras

    keras.utils.set_random_seed(0)
    model = PRESET.build_model(data)
    with tempfile.TemporaryDirectory() as directory:
        callbacks = mode(Path(directory))
        began, busy = time.perf_counter(), time.process_time()
        model.fit(
            data.x_train,
            data.y_train,
            batch_size=PRESET.batch_size,
            epochs=epochs,
            verbose=0,
            callbacks=callbacks,
        )
        return time.perf_counter() - began, time.process_time() - busy


def measure(data: Data, modes: dict[str, Mode], epochs: int, rounds: int) -> Seconds:
    """Train in every mode, `rounds` times, in random order; give the seconds by mode."""
    seconds: Seconds = {name: [] for name in modes}
    order = random.Random(0)  # noqa: S311 - shuffles, protects nothing
    with tqdm(total=rounds * len(modes), leave=False, unit="training") as bar:
        for _ in range(rounds):
            for name in order.sample(list(modes), len(modes)):
                bar.set_postfix_str(name)
                seconds[name].append(train(data, modes[name], epochs))
                bar.update()
    return seconds


def print_whole(seconds: Seconds, options: argparse.Namespace) -> None:
    """Print wall times of whole trainings, and their ratio to those without a recorder."""
    print(
        f"LeNet, {options.epochs} epochs, batch {PRESET.batch_size}, {PROBES} probes, "
        f"{options.rounds} rounds; wall time"
    )
    print(f"{'':<24}{'median s':>10}{'x without':>12}{'lowest':>10}{'highest':>10}{'x CPU':>10}")
    for name, values in seconds.items():
        walls, cpus = (
            [mine[kind] / base[kind] for mine, base in zip(values, seconds["without"], strict=True)]
            for kind in (0, 1)
        )
        print(
            f"{name:<24}{statistics.median(wall for wall, _ in values):>10.2f}"
            f"{statistics.median(walls):>12.3f}{min(walls):>10.3f}{max(walls):>10.3f}"
            f"{statistics.median(cpus):>10.3f}"
        )


def print_every(seconds: Seconds, data: Data, options: argparse.Namespace) -> None:
    """Print the extra time a step, and its ratio to that of saving the weights."""
    steps = options.every_epochs * -(-len(data.x_train) // PRESET.batch_size)
    extra = {
        name: statistics.median(
            1000 * (mine - base) / steps
            for (mine, _), (base, _) in zip(values, seconds["without"], strict=True)
        )
        for name, values in seconds.items()
    }
    print(f"\nEvery one of {steps} steps; extra time a step over the same training")
    print(f"{'':<24}{'extra ms':>10}{'x weights.h5':>14}")
    for name, value in extra.items():
        print(f"{name:<24}{value:>10.2f}{value / extra['weights.h5 every step']:>14.2f}")


if __name__ == "__main__":
    main()
