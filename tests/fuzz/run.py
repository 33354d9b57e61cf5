"""Fuzz for some minutes, print what was found, and keep it as tests: ``make fuzz``.

python -m tests.fuzz.run --minutes 20 --target zip
"""

from __future__ import annotations

import argparse
import hashlib
import os
import sys
import tempfile
import time
import traceback
from pathlib import Path

from hypothesis import HealthCheck, Phase, Verbosity, given, seed, settings

from tests.fuzz.targets import FINDS, TARGETS, Target

EXAMPLES = 200
# Beyond what libraries take when they are loaded; a content that wants more is a find.
MEMORY_BYTES = 6 * 1024**3


def main() -> int:
    """Fuzz each target for a share of the time; 1 if something was found."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=5)
    names = [target.name for target in TARGETS]
    parser.add_argument("--target", choices=names, action="append", help="by default all")
    parser.add_argument("--seed", type=int, default=time.time_ns() % 2**32)
    options = parser.parse_args()
    limit_memory()
    chosen = [target for target in TARGETS if target.name in (options.target or names)]
    found = 0
    for target in chosen:
        contents, finds = fuzz(target, 60 * options.minutes / len(chosen), options.seed)
        print(f"{target.name:10} {contents} contents, {len(finds)} finds", flush=True)
        for path, error in finds.items():
            print(f"  {path}\n    {error}")
        found += len(finds)
    return 1 if found else 0


def limit_memory() -> None:
    """Let what asks for too much memory fail, where the system has such a limit."""
    if os.name == "posix":
        import resource

        resource.setrlimit(resource.RLIMIT_DATA, (MEMORY_BYTES, MEMORY_BYTES))


def fuzz(target: Target, seconds: float, number: int) -> tuple[int, dict[Path, str]]:
    """Try contents until the time is up; give their number, and the finds with their errors."""
    ends = time.monotonic() + seconds
    finds: dict[Path, str] = {}
    tried = 0
    failing: list[tuple[bytes, str]] = []

    def attempt(content: bytes) -> None:
        nonlocal tried
        tried += 1
        if time.monotonic() > ends:
            return
        with tempfile.TemporaryDirectory(prefix="trainlapse-fuzz-") as folder:
            try:
                target.check(content, Path(folder))
            except BaseException:
                failing.append((content, traceback.format_exc(limit=-3)))
                raise

    while time.monotonic() < ends:
        number += 1
        failing.clear()
        try:
            _property(target, attempt, number)()
        except Exception:
            if not failing:
                raise
            content, error = failing[-1]  # the smallest that hypothesis came to
            path = keep(target, content)
            finds[path] = error
    return tried, finds


def _property(target: Target, attempt: object, number: int) -> object:
    return seed(number)(
        settings(
            max_examples=EXAMPLES,
            deadline=None,
            database=None,
            phases=[Phase.generate, Phase.shrink],
            suppress_health_check=list(HealthCheck),
            verbosity=Verbosity.quiet,
            report_multiple_bugs=False,
        )(given(target.contents())(attempt))
    )


def keep(target: Target, content: bytes) -> Path:
    """Write a content among the finds."""
    path = FINDS / target.name / hashlib.sha256(content).hexdigest()[:16]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


if __name__ == "__main__":
    sys.exit(main())
