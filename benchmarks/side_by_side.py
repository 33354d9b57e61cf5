"""What two runs side by side cost, against one: time and memory until the page is made.

    python benchmarks/side_by_side.py RUN RUN

Each page is made in a process of its own, with the views of the first screen computed. Prints the
seconds, the memory that the process has more than before, and all that it has (peaks, MB); read the
ratios.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from pathlib import Path


def memory() -> float:
    """Peak memory of this process in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def make(paths: list[Path]) -> None:
    """Make a page and print what it took, as JSON."""
    import panel as pn

    from explorer.compare.pair import RunPair
    from explorer.data.run import RunData
    from explorer.server import app
    from store import open_run

    pn.extension()
    app.page(RunData(open_run(paths[0])))  # imports and the like are no part of the cost
    before, begin = memory(), time.perf_counter()
    runs = [RunData(open_run(path)) for path in paths]
    template = app.page(runs[0]) if len(runs) == 1 else app.comparison_page(RunPair(*runs))
    for data in runs:
        data.worker.submit(lambda: None).result()  # what the page had computed is done
    template._init_doc()
    print(json.dumps([time.perf_counter() - begin, memory() - before, memory()]))


def main() -> None:
    """Compare one run with two."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("run", nargs=2, type=Path, help="two recorded runs")
    parser.add_argument("--made", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--rounds", type=int, default=3, help="rounds, medians are printed")
    options = parser.parse_args()
    if options.made:
        first, second = options.run
        make([first] if first == second else [first, second])
        return
    first, second = options.run
    costs: dict[str, list[list[float]]] = {"one run": [], "two runs": []}
    for _ in range(options.rounds):
        for name, pair in (("one run", [first, first]), ("two runs", [first, second])):
            command = [sys.executable, __file__, "--made", *map(str, pair)]
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            costs[name].append(json.loads(done.stdout.splitlines()[-1]))
    for name, rounds in costs.items():
        seconds, more, whole = (
            sorted(values)[len(values) // 2] for values in zip(*rounds, strict=True)
        )
        print(f"{name:<10} {seconds:6.2f} s   {more:6.1f} MB more   {whole:6.0f} MB in all")


if __name__ == "__main__":
    main()
