"""Record every kind of training that public examples have, and hold the recording to the truth.

    python benchmarks/public_models.py --list
    python benchmarks/public_models.py --only vae dcgan
    python benchmarks/public_models.py --resume

Each kind is trained three times, with the same seed: twice without the recorder, which says whether
the training is deterministic at all, and once with it. The losses and the weights of every step are
the same, bit for bit; recorded weights are those that NumPy copied beside the recorder; recorded
activations are those of Keras's own forward pass; the run is sound; and the explorer opens every
layer without a card that fails. Each kind has a process of its own, so that a crash loses no other.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import shutil
import sys
import tempfile
import textwrap
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

# Of a script only its own folder is on the path.
sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.trainings.catalogue import entries, load
from benchmarks.trainings.trial import Outcome, try_out

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")

# A kind takes seconds, on a busy machine minutes; a training that hangs takes for ever.
MOST_SECONDS = 600.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Try the kinds and print what was found; 1 if any failed."""
    options = parse(arguments)
    kinds = entries()
    if options.list:
        width = max(map(len, kinds))
        print(*(f"{name:<{width}}  {entry.line}" for name, entry in kinds.items()), sep="\n")
        return 0
    names = options.only or list(kinds)
    if unknown := sorted(set(names) - kinds.keys()):
        print(f"There is no kind {', '.join(unknown)}; --list names all.", file=sys.stderr)
        return 2
    began = time.monotonic()
    outcomes = []
    for number, outcome in enumerate(tried(names, options), start=1):
        outcomes.append(outcome)
        print(f"{number:>3} of {len(names)}  {line_of(outcome)}", flush=True)
    failed = [outcome for outcome in outcomes if outcome.problems]
    print(table(sorted(outcomes, key=lambda outcome: names.index(outcome.kind))))
    print(
        f"{len(outcomes) - len(failed)} of {len(outcomes)} kinds are recorded as they are, "
        f"in {time.monotonic() - began:.0f} s"
    )
    return 1 if failed else 0


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--list", action="store_true", help="name the kinds")
    parser.add_argument("--only", nargs="+", metavar="NAME", help="try these kinds")
    parser.add_argument(
        "--out",
        type=Path,
        default=Path(tempfile.gettempdir()) / "trainlapse-public-models",
        help="where runs and outcomes are kept (%(default)s)",
    )
    parser.add_argument(
        "--resume", action="store_true", help="leave out kinds that were recorded rightly before"
    )
    parser.add_argument("--workers", type=int, default=2, help="kinds at a time (%(default)s)")
    return parser.parse_args(arguments)


def tried(names: Sequence[str], options: argparse.Namespace) -> Iterator[Outcome]:
    """Try kinds, some at a time; give the outcome of each as soon as it is there."""
    options.out.mkdir(parents=True, exist_ok=True)
    with ThreadPoolExecutor(options.workers) as pool:
        waiting = [pool.submit(outcome_of, name, options.out, options.resume) for name in names]
        for done in as_completed(waiting):
            yield done.result()


def outcome_of(name: str, out: Path, resume: bool) -> Outcome:
    """Try one kind in a process of its own, whose death is an outcome as well."""
    kept, folder = out / f"{name}.json", out / name
    if resume and kept.exists() and not (before := Outcome.read(kept)).problems:
        return before
    kept.unlink(missing_ok=True)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    # Forked from a server that has loaded TensorFlow, which takes longer than most kinds.
    methods = multiprocessing.get_all_start_methods()
    context = multiprocessing.get_context("forkserver" if "forkserver" in methods else "spawn")
    if "forkserver" in methods:
        context.set_forkserver_preload(["benchmarks.trainings.preload"])
    process = context.Process(target=work, args=(name, folder, kept))
    process.start()
    process.join(MOST_SECONDS)
    if process.is_alive():
        process.kill()
        process.join()
    if not kept.exists():
        Outcome(name, problems=[f"the process ended with the code {process.exitcode}"]).save(kept)
    return Outcome.read(kept)


def work(name: str, folder: Path, kept: Path) -> None:
    """Try one kind; what it prints goes into its folder."""
    with (folder / "output.txt").open("w") as output:
        for stream in (1, 2):
            os.dup2(output.fileno(), stream)
        os.environ["TRAINLAPSE_CACHE"] = str(folder / "cache")
        try_out(name, load(name), folder).save(kept)


def line_of(outcome: Outcome) -> str:
    """Say how one kind ended."""
    said = f"{len(outcome.problems)} problems" if outcome.problems else "ok"
    return f"{outcome.kind}: {said} ({outcome.seconds:.0f} s)"


def table(outcomes: Sequence[Outcome]) -> str:
    """One line a kind, and below it what is wrong."""
    width = max(len(outcome.kind) for outcome in outcomes)
    lines = [
        f"\n{'':<{width}}{'steps':>7}{'layers':>8}{'s':>6}{'CPU s':>7}  control       recorded"
    ]
    for outcome in outcomes:
        control = "not the same" if outcome.control else "the same"
        lines.append(
            f"{outcome.kind:<{width}}{outcome.steps:>7}{outcome.layers:>8}{outcome.seconds:>6.0f}"
            f"{outcome.cpu_seconds:>7.0f}  {control:<14}{'wrong' if outcome.problems else 'right'}"
        )
        lines += [textwrap.indent(problem, "    ") for problem in outcome.problems]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
