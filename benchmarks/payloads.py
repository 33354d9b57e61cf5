"""What one step costs the server, for every picture of every view.

    python benchmarks/payloads.py RUN [--layer LAYER] [--probe N] [--steps N]

Draws each view that a layer has and asks each of its pictures for steps in a random order, none of
them read before. Prints the time to compute the view, and medians and 95th percentiles (ms) of a
step: the event loop is busy for as long, so that a few milliseconds are the budget.
"""

from __future__ import annotations

import argparse
import statistics
import time
from pathlib import Path
from typing import get_args

import numpy as np
import panel as pn

from explorer.data.run import RunData
from explorer.plots import style
from explorer.selection import select_in
from explorer.views.base import Region, Scene, View
from explorer.views.registry import views
from explorer.widgets.stepped import Stepped
from store import open_run


def measure(view: View, scene: Scene, indices: list[int]) -> None:
    """Print a line for each picture of a view."""
    missing = view.requirement(scene)
    if missing is not None:
        print(f"{view.title:<38} {missing}")
        return
    begin = time.perf_counter()
    computed = view.compute(scene)
    ready = time.perf_counter()
    body = pn.panel(view.draw(scene, computed))
    drawn = time.perf_counter()
    costs = [1000 * (ready - begin), 1000 * (drawn - ready)]
    head = f"{view.title:<38} compute {costs[0]:7.0f}   draw {costs[1]:5.0f}"
    pictures = body.select(Stepped)
    if not pictures:
        print(head)
    for picture in pictures:
        times = []
        for index in indices:
            begin = time.perf_counter()
            picture._provider(index)
            times.append(1000 * (time.perf_counter() - begin))
        p95 = np.percentile(times, 95)
        print(
            f"{head}   {type(picture).__name__:<13} median {statistics.median(times):6.2f}   "
            f"p95 {p95:6.2f}"
        )
        head = " " * len(head)


def main() -> None:
    """Measure a run."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("run", type=Path, help="a recorded run")
    parser.add_argument("--layer", help="selected layer; by default the first worth a look")
    parser.add_argument("--probe", type=int, default=0, help="selected probe (default 0)")
    parser.add_argument("--steps", type=int, default=40, help="steps to ask for (default 40)")
    options = parser.parse_args()

    pn.extension()
    style.register()
    run = open_run(options.run)
    data = RunData(run)
    query = {"probe": options.probe} | ({"layer": options.layer} if options.layer else {})
    selection, warnings = select_in(run, query)
    for warning in warnings:
        parser.error(warning)
    count = min(options.steps, len(run))
    indices = np.random.default_rng(0).permutation(len(run))[:count].tolist()
    scene = Scene(data, selection.key())
    print(f"{run.name}: {len(run)} steps, layer {selection.layer}, probe {selection.probe}")
    print("all times in ms")
    for region in get_args(Region):
        for view in views(region):
            of_layer = region in ("stage", "layer")
            if view.applies(data) and (not of_layer or view.serves(scene.layer)):
                measure(view, scene, indices)


if __name__ == "__main__":
    main()
