"""Read damaged runs: each must open, or be refused by an error of our own.

    python benchmarks/damage.py --runs 1000

Every damaged run is read in a worker process with limited memory and time; a worker that dies,
hangs or meets another exception counts as crashed. Then single bits of frames of live runs are
flipped: `verify` must name the array and the frame.
"""

from __future__ import annotations

import argparse
import collections
import resource
import selectors
import shutil
import subprocess
import sys
import tempfile
import time
import traceback
from pathlib import Path

from store.format.names import CHECKSUMS
from store.packed.pack import pack
from store.reading.run import open_run
from store.testing import image_run_spec, seeded, text_run_spec, write_run
from store.testing.damage_trials import damage, flip_frame_bit, outcome
from store.tools.verify import verify

# Address space, not resident memory: libraries and thread stacks take 1.5 GiB of it.
MEMORY_BYTES = 3 * 1024**3
SECONDS = 30.0
STEPS = range(130)


def main() -> int:
    """Damage, read, count."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        return work()
    folder = Path(tempfile.mkdtemp(prefix="trainlapse-damage-"))
    began = time.monotonic()
    try:
        counts, failures = trials(folder, options.runs, options.seed)
        flips, unseen = flipped_bits(folder, options.runs, options.seed)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print(f"{options.runs} damaged runs in {time.monotonic() - began:.0f} s")
    for name in ("opened", "refused in part", "refused", "crashed"):
        print(f"  {name:16} {counts[name]}")
    print(f"  peak memory of a worker {counts['peak']} MiB")
    print(f"{flips} flipped bits of frames of live runs: {flips - len(unseen)} found by verify")
    failures += unseen
    print(*failures, sep="\n", end="\n" if failures else "")
    return 1 if failures else 0


def sound_runs(folder: Path) -> list[Path]:
    """Write runs of every form, to be damaged."""
    image = image_run_spec(units=8, side=16)
    raw = write_run(folder / "raw.zarr", image, steps=STEPS)
    pack(raw, folder / "packed.zarr")
    return [
        raw,
        folder / "packed.zarr",
        write_run(folder / "lz4.zarr", image, steps=STEPS, compression="lz4"),
        write_run(folder / "text.zarr", text_run_spec(), steps=STEPS),
    ]


def trials(folder: Path, runs: int, seed: int) -> tuple[collections.Counter[str], list[str]]:
    """Damage so many runs, one after another; give counts and descriptions of crashes."""
    counts: collections.Counter[str] = collections.Counter()
    failures: list[str] = []
    sound = sound_runs(folder)
    worker = Worker()
    for number in range(runs):
        rng = seeded(seed * 1_000_003 + number)
        source = rng.choice(sound)
        path = folder / "damaged.zarr"
        shutil.copytree(source, path)
        how = damage(path, rng)
        answer = worker.ask(path)
        name, _, rest = answer.partition("\t")
        counts[name] += 1
        if name == "crashed":
            failures.append(f"{number}: {source.name}, {how}: {rest}")
        elif rest:
            counts["peak"] = max(counts["peak"], int(rest))
        shutil.rmtree(path)
    worker.end()
    return counts, failures


def flipped_bits(folder: Path, runs: int, seed: int) -> tuple[int, list[str]]:
    """Flip single bits of frames; give how many, and those that were not named."""
    unseen = []
    live = [folder / name for name in ("raw.zarr", "lz4.zarr", "text.zarr")]
    for number in range(runs):
        rng = seeded(seed * 1_000_003 + number)
        source = rng.choice(live)
        path = folder / "flipped.zarr"
        shutil.copytree(source, path)
        array, position = flip_frame_bit(path, rng)
        found = {
            finding.path: finding.positions.tolist()
            for finding in verify(open_run(path)).findings
            if finding.positions is not None
        }
        # Of a checksum, nobody knows that the frame is not damaged.
        named = found.values() if array == CHECKSUMS else [found.get(array)]
        if [position] not in named:
            unseen.append(f"{number}: {source.name}, {array}, frame {position}: {found}")
        shutil.rmtree(path)
    return runs, unseen


class Worker:
    """A process that reads runs; started anew when it dies."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None

    def ask(self, path: Path) -> str:
        """Outcome of reading the run at `path`."""
        if self._process is None:
            self._process = subprocess.Popen(
                [sys.executable, __file__, "--worker"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
        process = self._process
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(f"{path}\n")
        process.stdin.flush()
        with selectors.DefaultSelector() as selector:
            selector.register(process.stdout, selectors.EVENT_READ)
            answer = process.stdout.readline() if selector.select(SECONDS) else "hang"
        if not answer or answer == "hang":
            self.end()
            return f"crashed\t{'no answer in time' if answer else f'exit {process.returncode}'}"
        return answer.rstrip("\n")

    def end(self) -> None:
        """Kill the process."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


def work() -> int:
    """Answer for each path on the standard input."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    for line in sys.stdin:
        try:
            answer = f"{outcome(Path(line.rstrip()))}\t{peak_mebibytes()}"
        except BaseException:
            answer = f"crashed\t{traceback.format_exc(limit=-4)!r}"
        print(answer, flush=True)
    return 0


def peak_mebibytes() -> int:
    """Peak resident memory of this process."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit // 1024**2


if __name__ == "__main__":
    sys.exit(main())
