"""What recording a large model takes: MobileNetV3Small, every layer, every step.

Prints the peak memory of the process without and with the recorder, each in a process of its own,
and the time and bytes of a recorded step. The memory belongs to the machine and its TensorFlow;
read the difference, and that it does not grow with the number of steps.
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

SIDE = 96
CLASSES = 1000
BATCH = 16
BATCHES = 4  # in the data, whatever the number of steps


def main(arguments: Sequence[str] | None = None) -> None:
    """Run each mode in a process of its own and print the table."""
    options = parse(arguments)
    if options.mode is not None:
        print(json.dumps(train(options.steps, options.probes, recorded=options.mode)))
        return
    print(f"MobileNetV3Small, {SIDE} x {SIDE}, batch {BATCH}, {options.probes} probes")
    print(f"{'':<24}{'steps':>7}{'peak RSS MB':>13}{'ms a step':>11}{'MB a step':>11}{'layers':>8}")
    for name, steps, mode in (
        ("without", options.steps, "without"),
        ("every step", options.steps, "recorded"),
        ("every step, three times", 3 * options.steps, "recorded"),
    ):
        found = in_a_process(steps, options.probes, mode)
        print(
            f"{name:<24}{steps:>7}{found['rss'] / 2**20:>13.0f}{found['ms']:>11.1f}"
            f"{found['bytes'] / 1e6:>11.1f}{found['layers']:>8}"
        )


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--steps", type=int, default=20, help="updates, in fours (%(default)s)")
    parser.add_argument("--probes", type=int, default=8, help="inputs of the probe (%(default)s)")
    parser.add_argument("--mode", choices=["without", "recorded"], help=argparse.SUPPRESS)
    return parser.parse_args(arguments)


def in_a_process(steps: int, probes: int, mode: str) -> dict[str, float]:
    """Train in a process of its own, whose peak memory is nobody else's."""
    command = [sys.executable, __file__, f"--steps={steps}", f"--probes={probes}", f"--mode={mode}"]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def train(steps: int, probes: int, *, recorded: str) -> dict[str, float]:
    """Train once; give memory, time a step after the first epoch, bytes and layers of a step."""
    import keras

    from recorder import Recorder
    from store import open_run

    generator = np.random.default_rng(0)
    x = generator.uniform(0, 255, (BATCH * BATCHES, SIDE, SIDE, 3)).astype(np.float32)
    y = generator.integers(0, CLASSES, BATCH * BATCHES)
    model = keras.applications.MobileNetV3Small(weights=None, input_shape=(SIDE, SIDE, 3))
    model.compile("sgd", "sparse_categorical_crossentropy")
    model.fit(x[:BATCH], y[:BATCH], verbose=0)  # compiles
    found: dict[str, Any] = {"bytes": 0, "layers": 0}
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "run.zarr"
        callbacks = []
        if recorded == "recorded":
            callbacks = [Recorder(path, Probe(x[:probes]), schedule=every_n_steps(1))]
        began = time.perf_counter()
        epochs = steps // BATCHES
        model.fit(x, y, batch_size=BATCH, epochs=epochs, verbose=0, callbacks=callbacks)
        found["ms"] = 1000 * (time.perf_counter() - began) / steps
        if callbacks:
            report, run = callbacks[0].report, open_run(path)
            if report.fault is not None or len(run) != steps + 1:
                raise RuntimeError(f"{len(run)} steps were recorded: {report.fault}")
            found["bytes"] = report.nbytes / report.steps
            found["layers"] = sum(layer.has_activation for layer in run.layers.values())
    unit = 1 if sys.platform == "darwin" else 1024  # Linux counts in KiB
    found["rss"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
    return found


if __name__ == "__main__":
    main()
