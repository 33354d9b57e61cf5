"""What it takes to send a new input through a recorded network at every recorded step.

    python benchmarks/at_any_step.py RUN [--rounds N]

Within every round, in random order: by NumPy, twice (the second is the null control); by Keras as
this package does it, traced once, the weights given with each pass; and by a plain Keras model that
ends at every layer, whose weights are set at each step, its pass traced once too. Each gives all
activations of one input at all recorded steps, weights read from the run. A first pass of each,
which traces and maps files, is not counted; it is printed by itself, as is the time from an open
run to the first answer. Read the ratios within a round, not the seconds.
"""

from __future__ import annotations

import argparse
import os
import random
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
from tqdm import tqdm

from explorer import network_at
from store import Run, open_run

# Ratios are to the first of the two.
NULL = ("numpy", "numpy, again")


def main() -> None:
    """Measure, and print the ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path)
    parser.add_argument("--rounds", type=int, default=9)
    chosen = parser.parse_args()
    run = open_run(chosen.run)
    given = next(iter(run.probe.inputs.values()))[:1]
    # An input that was not recorded: the probe's, changed.
    x = given if given.dtype.kind in "iu" else given + np.float32(0.01)

    begin = time.perf_counter()
    network_at(run, int(run.steps[-1])).activations(x)
    print(
        f"from an open run to the first answer, NumPy: {1e3 * (time.perf_counter() - begin):.0f} ms"
    )

    ways = {
        NULL[0]: by_engine(run, x, "numpy"),
        NULL[1]: by_engine(run, x, "numpy"),
        "keras": by_engine(run, x, "keras"),
        "plain keras": by_plain_keras(run, x),
    }
    check(run, ways)
    measured: dict[str, list[float]] = {name: [] for name in ways}
    for _ in tqdm(range(chosen.rounds), disable=None):
        for name in random.sample(list(ways), len(ways)):
            begin = time.perf_counter()
            for step in run.steps:
                ways[name](int(step))
            measured[name].append(time.perf_counter() - begin)

    print(f"one input, all activations, {len(run)} steps; {chosen.rounds} rounds")
    for name, seconds in measured.items():
        ratios = [own / base for own, base in zip(seconds, measured[NULL[0]], strict=True)]
        low, middle, high = np.percentile(ratios, [10, 50, 90])
        print(
            f"{name:14} {1e3 * statistics.median(seconds):7.0f} ms   to {NULL[0]}: {middle:.2f} "
            f"({low:.2f} to {high:.2f})"
        )
    to_plain = [
        own / plain for own, plain in zip(measured["numpy"], measured["plain keras"], strict=True)
    ]
    print(f"numpy to plain keras: {statistics.median(to_plain):.2f} (at most 0.5 is wanted)")


def by_engine(run: Run, x: Any, engine: Any) -> Callable[[int], dict[str, Any]]:
    """Give all activations at a step by this package."""
    net = network_at(run, int(run.steps[0]), engine=engine)
    return lambda step: net.at(step).activations(x)


def by_plain_keras(run: Run, x: Any) -> Callable[[int], dict[str, Any]]:
    """Give them by a Keras model with an output for each layer, traced once."""
    import keras
    import tensorflow as tf

    net = network_at(run, int(run.steps[0]), engine="keras")
    model = net.keras_model()
    layers = [layer for layer in model.layers if type(layer).__name__ != "InputLayer"]
    every = keras.Model(model.inputs, {layer.name: layer.output for layer in layers})
    traced = tf.function(lambda given: every(given, training=False))
    given = tf.constant(x)
    # By their paths: the same variables as the run's arrays, for models of plain layers.
    places = [
        (variable, layer.name, variable.name) for layer in layers for variable in layer.weights
    ]

    def at(step: int) -> dict[str, Any]:
        index = run.index_of(step)
        for variable, layer, name in places:
            variable.assign(run.read(f"layers/{layer}/weights/{name}", (index,)))
        return {name: value.numpy() for name, value in traced(given).items()}

    return at


def check(run: Run, ways: dict[str, Callable[[int], dict[str, Any]]]) -> None:
    """Require the same answer of all; this is the first pass, which traces."""
    step, output = int(run.steps[-1]), run.outputs[0]
    for name, at in ways.items():
        begin = time.perf_counter()
        found = at(step)[output]
        took = 1e3 * (time.perf_counter() - begin)
        print(f"first pass, {name}: {took:.0f} ms")
        expected = ways[NULL[0]](step)[output]
        assert np.allclose(found, expected, atol=1e-4), f"{name} gives another answer"


if __name__ == "__main__":
    main()
