"""Train faulty and healthy programs, and say how often findings name what is wrong.

    python benchmarks/findings.py --seeds 1 --healthy 5
    python benchmarks/findings.py --report
    python benchmarks/findings.py --fit

Each training is one of `benchmarks/faults/programs.py`, healthy or with one mutation of
`benchmarks/faults/mutations.py`, after DeepCrime (Humbatova et al. 2021), recorded by a plain
recorder. What is gathered of it is kept in a folder, and the recording is not: who calls again goes
on where it was ended, and new detectors are judged without a training.

Judged are weights that were fitted without the program that is judged, with all its seeds. A
mutation is told apart from one that does no harm by the score on held-out examples: *harmful* ones
end below every healthy training of the program. Intervals are of a bootstrap over programs, 95 %.
``--fit`` writes the weights, of all programs, to `explorer/derived/findings/weights.py`.
"""

from __future__ import annotations

import argparse
import json
import os
import pickle
import shutil
import sys
import tempfile
import time
import warnings
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

# Of a script only its own folder is on the path.
sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np

from benchmarks.faults.fit import Example, fitted, written
from benchmarks.faults.known import KNOWN
from benchmarks.faults.truth import HEALTHY, truth
from explorer.derived.findings.detectors import observe
from explorer.derived.findings.judge import Scales, judge, strengths
from explorer.derived.findings.weights import NOTHING

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")

FOLDER = Path("findings-benchmark")
# How much worse than all healthy trainings of its program one must be to have done harm.
HARM = 0.03
BOOTSTRAPS = 1000
# How much a training counts in the fit that did no harm, and one of which less is known.
HARMLESS, LESS_KNOWN = 0.5, 0.3
# Faults that are read for the precision.
MOST_FAULTS = 5


def main(arguments: Sequence[str] | None = None) -> int:
    """Train what is missing, and report."""
    options = parse(arguments)
    options.folder.mkdir(parents=True, exist_ok=True)
    if not options.report and not options.fit:
        train(options.folder, options.seeds, options.healthy, options.most)
    trainings = read(options.folder)
    if options.fit:
        table, biases = fitted([each.example for each in trainings])
        path = Path(__file__).parents[1] / "explorer/derived/findings/weights.py"
        path.write_text(written(table, biases), encoding="utf-8")
        return 0
    report(trainings)
    return 0


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=Path, default=FOLDER)
    parser.add_argument("--seeds", type=int, default=1, help="of each mutation of each program")
    parser.add_argument("--healthy", type=int, default=5, help="healthy trainings of each program")
    parser.add_argument("--most", type=int, default=sys.maxsize, help="trainings of this call")
    parser.add_argument("--report", action="store_true", help="train nothing")
    parser.add_argument("--fit", action="store_true", help="write the weights")
    return parser.parse_args(arguments)


def train(folder: Path, seeds: int, healthy: int, most: int) -> None:
    """Train and keep what is gathered, where it is not there yet."""
    import tensorflow as tf

    from benchmarks.faults.trial import trials
    from explorer.data.run import RunData
    from explorer.data.training_facts import gather_facts
    from store import open_run

    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    missing = [each for each in trials(seeds, healthy) if not _paths(folder, each.name)[1].exists()]
    for number, trial in enumerate(missing[:most], start=1):
        said, facts = _paths(folder, trial.name)
        began = time.monotonic()
        scratch = Path(tempfile.mkdtemp(prefix="trainlapse-findings-"))
        try:
            known = trial.run(scratch / "run.zarr")
            facts.write_bytes(pickle.dumps(gather_facts(RunData(open_run(scratch / "run.zarr")))))
            said.write_text(json.dumps(known), encoding="utf-8")
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
        took = time.monotonic() - began
        print(f"{number:>4} of {len(missing)}  {trial.name:<44} {took:5.1f} s", flush=True)


def _paths(folder: Path, name: str) -> tuple[Path, Path]:
    return folder / f"{name}.json", folder / f"{name}.pkl"


class Training:
    """What is known of a training, with one amount of knowledge.

    Parameters
    ----------
    said : dict
        Program, mutation, seed and score.
    known : str
        One of `KNOWN`.
    observations : list of Observation
        What detectors saw.
    """

    def __init__(self, said: dict[str, Any], known: str, observations: list[Any]) -> None:
        self.program, self.mutation = str(said["program"]), str(said["mutation"])
        self.score, self.known, self.observations = float(said["score"]), known, observations
        self.is_harmful = False

    @property
    def is_healthy(self) -> bool:
        """Whether nothing was mutated."""
        return self.mutation == HEALTHY

    @property
    def truth(self) -> tuple[str, ...]:
        """Suspects any of which is right."""
        return (NOTHING,) if self.is_healthy else truth(self.mutation)

    @property
    def example(self) -> Example:
        """What the fit takes."""
        weight = 1.0 if self.is_healthy or self.is_harmful else HARMLESS
        weight *= 1.0 if self.known == "all" else LESS_KNOWN
        return Example(strengths(self.observations), self.truth, weight)


def read(folder: Path) -> list[Training]:
    """Read all trainings of a folder."""
    found: list[Training] = []
    for path in sorted(folder.glob("*.pkl")):
        said = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
        facts = pickle.loads(path.read_bytes())  # noqa: S301 - written by this script
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            found += [Training(said, known, observe(less(facts))) for known, less in KNOWN.items()]
    healthy: dict[str, list[float]] = defaultdict(list)
    for each in found:
        if each.is_healthy:
            healthy[each.program].append(each.score)
    for each in found:
        scores = healthy.get(each.program)
        if scores and not each.is_healthy:
            each.is_harmful = each.score < min(scores) - max(HARM, 2 * float(np.std(scores)))
    return found


def report(trainings: list[Training]) -> None:
    """Judge each program by the others, and print what came of it."""
    programs = sorted({each.program for each in trainings})
    rows: list[dict[str, Any]] = []
    for program in programs:
        scales = Scales(*fitted([each.example for each in trainings if each.program != program]))
        rows += [_judged(each, scales) for each in trainings if each.program == program]
    count = sum(row["known"] == "all" for row in rows)
    print(f"{count} trainings of {len(programs)} programs, judged without their own program")
    for known in KNOWN:
        chosen = [row for row in rows if row["known"] == known]
        print(f"\nWhat is known: {known}")
        for name, group, measure in (
            ("recall at 1, all", "faulty", "at 1"),
            ("recall at 3, all", "faulty", "at 3"),
            ("recall at 1, harmful", "harmful", "at 1"),
            ("recall at 3, harmful", "harmful", "at 3"),
            ("alarms on healthy", "healthy", "alarm"),
            ("warnings on healthy", "healthy", "warned"),
        ):
            print(_line(name, [row for row in chosen if row[group]], _mean(measure)))
        print(_line("precision of faults", [row for row in chosen if row["named"]], _precision))
    print("\nBy kind, all known: trainings, recall at 1, recall at 3")
    kinds = sorted({row["mutation"] for row in rows if row["faulty"]})
    for kind in kinds:
        own = [row for row in rows if row["mutation"] == kind and row["known"] == "all"]
        at_1, at_3 = (_mean(name)(own) for name in ("at 1", "at 3"))
        print(f"  {kind:<28}{len(own):>3}  {at_1:.2f}  {at_3:.2f}")


def _judged(training: Training, scales: Scales) -> dict[str, Any]:
    found = judge(training.observations, scales)
    told = [each for each in found if each.severity != "note"]
    suspects = list(dict.fromkeys(name for each in told for name in each.suspects))
    faults = list(
        dict.fromkeys(name for each in told if each.severity == "fault" for name in each.suspects)
    )[:MOST_FAULTS]
    right = set(training.truth)
    return {
        "program": training.program,
        "mutation": training.mutation,
        "known": training.known,
        "healthy": training.is_healthy,
        "faulty": not training.is_healthy,
        "harmful": training.is_harmful,
        "at 1": bool(right & set(suspects[:1])),
        "at 3": bool(right & set(suspects[:3])),
        "alarm": any(each.severity == "fault" for each in found),
        "warned": bool(told),
        "named": len(faults),
        "right": len(right & set(faults)),
    }


Measure = Callable[[list[dict[str, Any]]], float]


def _mean(name: str) -> Measure:
    return lambda rows: float(np.mean([row[name] for row in rows])) if rows else float("nan")


def _precision(rows: list[dict[str, Any]]) -> float:
    return sum(row["right"] for row in rows) / max(1, sum(row["named"] for row in rows))


def _line(name: str, rows: list[dict[str, Any]], measure: Measure) -> str:
    """Print a share with its interval, by a bootstrap over programs."""
    by_program: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        by_program[row["program"]].append(row)
    groups, generator = list(by_program.values()), np.random.default_rng(0)
    drawn = [
        measure(
            [row for at in generator.integers(0, len(groups), len(groups)) for row in groups[at]]
        )
        for _ in range(BOOTSTRAPS if groups else 0)
    ]
    low, high = np.quantile(drawn, (0.025, 0.975)) if drawn else (np.nan, np.nan)
    return f"  {name:<24}{measure(rows):.3f}  ({low:.3f} to {high:.3f}), n = {len(rows)}"


if __name__ == "__main__":
    sys.exit(main())
