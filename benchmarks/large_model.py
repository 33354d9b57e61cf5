"""What recording a large model takes, every layer at every step: MobileNetV3Small or ResNet50.

Prints the peak memory of the process without and with the recorder, each in a process of its own,
and the time and bytes of a recorded step, also where it stores what follows from other layers
(``derive=False``). The memory belongs to the machine and its TensorFlow; read the difference, and
that it does not grow with the number of steps.

ResNet50 at its smallest: ``--model ResNet50 --side 64 --classes 10 --probes 16 --steps 8``.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np

from recorder import Probe, every_n_steps

MODELS = ("MobileNetV3Small", "ResNet50")
BATCH = 16
BATCHES = 4  # in the data, whatever the number of steps


def main(arguments: Sequence[str] | None = None) -> None:
    """Run each mode in a process of its own and print the table."""
    options = parse(arguments)
    if options.mode is not None:
        print(json.dumps(train(options)))
        return
    size = f"{options.side} x {options.side}"
    print(f"{options.model}, {size}, batch {BATCH}, {options.probes} probes")
    print(
        f"{'':<24}{'steps':>7}{'peak RSS MB':>13}{'ms a step':>11}{'CPU ms':>9}"
        f"{'MB a step':>11}{'layers':>8}{'stored':>8}"
    )
    for name, steps, mode in (
        ("without", options.steps, "without"),
        ("without, again", options.steps, "without"),
        ("every step", options.steps, "recorded"),
        ("every step, storing all", options.steps, "all"),
        ("every step, three times", 3 * options.steps, "recorded"),
    ):
        found = in_a_process(options, steps, mode)
        print(
            f"{name:<24}{steps:>7}{found['rss'] / 2**20:>13.0f}{found['ms']:>11.1f}"
            f"{found['cpu']:>9.0f}{found['bytes'] / 1e6:>11.1f}{found['layers']:>8}"
            f"{found['stored']:>8}"
        )


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--steps", type=int, default=20, help="updates, in fours (%(default)s)")
    parser.add_argument("--model", choices=MODELS, default=MODELS[0], help="(%(default)s)")
    parser.add_argument("--side", type=int, default=96, help="pixels of an image (%(default)s)")
    parser.add_argument("--classes", type=int, default=1000, help="(%(default)s)")
    parser.add_argument("--probes", type=int, default=8, help="inputs of the probe (%(default)s)")
    parser.add_argument("--mode", choices=["without", "recorded", "all"], help=argparse.SUPPRESS)
    return parser.parse_args(arguments)


def in_a_process(options: argparse.Namespace, steps: int, mode: str) -> dict[str, float]:
    """Train in a process of its own, whose peak memory is nobody else's."""
    given = {**vars(options), "steps": steps, "mode": mode}
    command = [sys.executable, __file__, *(f"--{name}={value}" for name, value in given.items())]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def train(options: argparse.Namespace) -> dict[str, float]:
    """Train once; give memory, wall and CPU time a step after the first epoch, bytes and layers."""
    import keras

    from recorder import Recorder
    from store import open_run

    steps, side = options.steps, options.side
    generator = np.random.default_rng(0)
    x = generator.uniform(0, 255, (BATCH * BATCHES, side, side, 3)).astype(np.float32)
    y = generator.integers(0, options.classes, BATCH * BATCHES)
    build = getattr(keras.applications, options.model)
    model = build(weights=None, input_shape=(side, side, 3), classes=options.classes)
    model.compile("sgd", "sparse_categorical_crossentropy")
    model.fit(x[:BATCH], y[:BATCH], verbose=0)  # compiles
    found: dict[str, Any] = {"bytes": 0, "layers": 0, "stored": 0}
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "run.zarr"
        callbacks = []
        if options.mode != "without":
            derive = options.mode == "recorded"
            callbacks = [
                Recorder(path, Probe(x[: options.probes]), schedule=every_n_steps(1), derive=derive)
            ]
        began, busy = time.perf_counter(), time.process_time()
        epochs = steps // BATCHES
        model.fit(x, y, batch_size=BATCH, epochs=epochs, verbose=0, callbacks=callbacks)
        found["ms"] = 1000 * (time.perf_counter() - began) / steps
        found["cpu"] = 1000 * (time.process_time() - busy) / steps
        if callbacks:
            report, run = callbacks[0].report, open_run(path)
            if report.fault is not None or len(run) != steps + 1:
                raise RuntimeError(f"{len(run)} steps were recorded: {report.fault}")
            found["bytes"] = report.nbytes / report.steps
            layers = [layer for layer in run.layers.values() if layer.has_activation]
            found["layers"] = len(layers)
            found["stored"] = sum(not layer.derived_from for layer in layers)
    unit = 1 if sys.platform == "darwin" else 1024  # Linux counts in KiB
    found["rss"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
    return found


if __name__ == "__main__":
    main()
