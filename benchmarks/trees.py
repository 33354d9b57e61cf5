"""Compare two trees of Trainlapse in one run, by a benchmark that both have.

In every round, in random order, each tree runs its own script in a process of its own: this tree
once, and the other one twice, of which the second is the null control. Read the ratios, which are
taken within a round, and of these only what lies outside of the null control's range.
"""

from __future__ import annotations

import os
import random
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from tqdm import tqdm

# Figures of one run of a benchmark by name, each with its unit.
Figures = Mapping[str, float]

HERE = Path(__file__).resolve().parents[1]
THIS, OTHER, AGAIN = "this tree", "the other", "the other, again"


def run_script(root: Path, script: str, arguments: Sequence[str]) -> str:
    """Run a tree's benchmark with the packages of that tree; give what it prints."""
    command = [sys.executable, str(root / "benchmarks" / script), *arguments]
    environment = os.environ | {"PYTHONPATH": str(root)}
    with tempfile.TemporaryDirectory() as nowhere:  # a working directory is on the import path
        done = subprocess.run(
            command, cwd=nowhere, env=environment, capture_output=True, text=True, check=False
        )
    if done.returncode:
        sys.exit(f"{script} of {root} failed:\n{done.stderr}")
    return done.stdout


def compare(measure: Callable[[Path], Figures], other: Path, rounds: int) -> str:
    """Measure both trees in turn; give a table of ratios.

    Parameters
    ----------
    measure : callable
        Takes the root of a tree, and gives its figures.
    other : Path
        Root of the tree to compare this one with.
    rounds : int
        How often each is measured.
    """
    root = other.expanduser().resolve()
    if not (root / "benchmarks").is_dir():
        sys.exit(f"There are no benchmarks in {root}: pass the root of another working tree.")
    contestants = {THIS: HERE, OTHER: root, AGAIN: root}
    found: dict[str, list[Figures]] = {name: [] for name in contestants}
    order = random.Random(0)  # noqa: S311 - shuffles, protects nothing
    with tqdm(total=rounds * len(contestants), leave=False, unit="run") as bar:
        for _ in range(rounds):
            for name in order.sample(list(contestants), len(contestants)):
                bar.set_postfix_str(name)
                found[name].append(measure(contestants[name]))
                bar.update()
    return _table(found, rounds)


def _table(found: Mapping[str, Sequence[Figures]], rounds: int) -> str:
    every = [figures for several in found.values() for figures in several]
    common = [name for name in every[0] if all(name in figures for figures in every)]
    width = max(map(len, common), default=0)
    lines = [
        f"{rounds} rounds; ratios to the other tree: median (lowest to highest)",
        f"{'':<{width}}{'the other':>12}{THIS:>26}{'null control':>26}",
    ]
    for name in common:
        middle = statistics.median(figures[name] for figures in found[OTHER])
        ratios = [_ratios(found[each], found[OTHER], name) for each in (THIS, AGAIN)]
        lines.append(f"{name:<{width}}{middle:>12.4g}" + "".join(f"{each:>26}" for each in ratios))
    return "\n".join(lines)


def _ratios(these: Sequence[Figures], others: Sequence[Figures], name: str) -> str:
    pairs = zip(these, others, strict=True)
    found = [mine[name] / theirs[name] for mine, theirs in pairs if theirs[name]]
    if not found:
        return "-"
    return f"{statistics.median(found):.3f} ({min(found):.3f} to {max(found):.3f})"
