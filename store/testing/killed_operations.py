"""Kill whatever works on a run at random moments, and look at what is left.

An operation takes a run and a place for what it makes. Killed at any moment, the run is as it was
(or, where it is changed in place, holds all that it held), what it makes is there whole or not at
all, and the same operation can be done again. `OPERATIONS` lists those of the store; who has more
appends them.
"""

from __future__ import annotations

import hashlib
import importlib
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from store.errors import TrainlapseError
from store.live.writer import RunWriter
from store.packed.pack import pack
from store.reading import moments
from store.reading.bookmarks import Bookmark
from store.reading.run import open_run
from store.testing import crash_trials
from store.tools.crop import Cut, crop
from store.tools.share import share
from store.tools.verify import salvage, verify

STEPS = 60
MORE_STEPS = 20
MOMENTS = 50
FINISH_SECONDS = 120.0

Work = Callable[[Path, Path], None]
Check = Callable[[Path], list[str]]


@dataclass(frozen=True, slots=True)
class Operation:
    """What is done with a run.

    Attributes
    ----------
    name : str
        What is made: a name in the folder of the trial, with its suffix.
    work : str
        ``module:function`` that does it, in a child process; takes the run and the place.
    check_made : callable
        Finds what is wrong with what was made, where there is something.
    check_source : callable, optional
        Finds what is wrong with the run after it. By default every file must be as it was.
    prepare : callable, optional
        Makes what the operation takes, at a path; by default a recorded run.
    imports : sequence of str
        Modules that the child imports before it begins, so that it is not killed meanwhile.
    """

    name: str
    work: str
    check_made: Check
    check_source: Check | None = None
    prepare: Callable[[Path], None] | None = None
    imports: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Killed:
    """What became of a killed operation.

    Attributes
    ----------
    was_under_way : bool
        Whether it was killed before its end.
    made : bool
        Whether what it makes was there.
    problems : list of str
        What was lost or is wrong.
    """

    was_under_way: bool
    made: bool
    problems: list[str]


# -- the operations of the store -------------------------------------------------------------------


def record(path: Path) -> None:
    """Record a run of `STEPS` steps."""
    with crash_trials.small_blocks():
        crash_trials.append(RunWriter.create(path, crash_trials.spec()), STEPS)


def record_and_damage(path: Path) -> None:
    """Record a run that has a damaged array."""
    record(path)
    with (path / "layers/dense/activation/c.0.0.0").open("r+b") as file:
        file.truncate(100)


def pack_run(run: Path, out: Path) -> None:
    """Pack into another directory."""
    pack(run, out, overwrite=True)


def pack_in_place(run: Path, _: Path) -> None:
    """Pack a run in its own directory."""
    pack(run)


def share_run(run: Path, out: Path) -> None:
    """Write a zip file."""
    share(run, out, overwrite=True)


def crop_run(run: Path, out: Path) -> None:
    """Write every step anew."""
    crop(run, out, Cut(), overwrite=True)


def salvage_run(run: Path, out: Path) -> None:
    """Save what is sound, where nothing is: what was there is put aside whole."""
    if out.exists():
        shutil.move(out, tempfile.mkdtemp(dir=out.parent))
    opened = open_run(run)
    salvage(opened, verify(opened), out)


def resume_run(run: Path, _: Path) -> None:
    """Go on recording."""
    writer = RunWriter.resume(run, crash_trials.spec())
    crash_trials.append(writer, MORE_STEPS)


def mark_moments(run: Path, _made: Path) -> None:
    """Mark moment after moment."""
    opened = open_run(run)
    for _ in range(MOMENTS):
        moments.edit(opened, lambda marked: [*marked, Bookmark(len(marked) % STEPS)])


def whole_run(path: Path) -> list[str]:
    """Find what is wrong in a run that holds all of `STEPS` steps, in any form."""
    run = open_run(path)
    found = [f"only {len(run)} steps"] if len(run) < STEPS else []
    try:
        found += crash_trials.wrong_values(run, range(len(run)))
    except TrainlapseError as error:
        found.append(str(error))
    return found + [str(finding) for finding in verify(run).findings]


def sound_run(path: Path) -> list[str]:
    """Find what is damaged in a run of which parts may be missing."""
    return [str(finding) for finding in verify(open_run(path)).findings]


def run_with_moments(path: Path) -> list[str]:
    """Find what is wrong in a run whose moments are being marked."""
    steps = [moment.step for moment in moments.load(open_run(path))]
    found = [] if steps == [step % STEPS for step in range(len(steps))] else ["moments are lost"]
    return whole_run(path) + found


def nothing(_: Path) -> list[str]:
    """Find nothing: there is no second place."""
    return []


_HERE = "store.testing.killed_operations"
OPERATIONS: list[Operation] = [
    Operation("packed.zarr", f"{_HERE}:pack_run", whole_run),
    Operation("in-place", f"{_HERE}:pack_in_place", nothing, whole_run),
    Operation("shared.zip", f"{_HERE}:share_run", whole_run),
    Operation("cropped.zarr", f"{_HERE}:crop_run", whole_run),
    Operation("salvaged.zarr", f"{_HERE}:salvage_run", sound_run, prepare=record_and_damage),
    Operation("resumed", f"{_HERE}:resume_run", nothing, whole_run),
    Operation("moments", f"{_HERE}:mark_moments", nothing, run_with_moments),
]


# -- killing ---------------------------------------------------------------------------------------


class Trial:
    """Kills one operation again and again, each time on a fresh copy of the run.

    Parameters
    ----------
    operation : Operation
        What is killed.
    folder : Path
        An empty folder, for this trial alone.

    Attributes
    ----------
    seconds : float
        What the operation takes when nobody kills it.
    """

    def __init__(self, operation: Operation, folder: Path) -> None:
        self.operation = operation
        self._template = folder / "template"
        self._source = folder / "work" / "source.zarr"
        self._made = folder / "work" / operation.name
        (operation.prepare or record)(self._template)
        self._afresh()
        child = self._start()
        began = time.monotonic()
        child.communicate()
        self.seconds = time.monotonic() - began

    def kill(self, rng: random.Random) -> Killed:
        """Start the operation, kill it at a random moment, look, and do it again to its end."""
        if rng.random() < 0.5 or not self._made.exists():
            self._afresh()  # else it replaces what was made before
        before = _digest(self._source)
        child = self._start()
        time.sleep(rng.uniform(0, self.seconds))
        was_under_way = child.poll() is None
        child.kill()
        child.communicate()
        made = self._made.exists()
        with crash_trials.small_blocks():
            found = self._problems(before)
            failed = self._finish()
            if failed:
                found.append("cannot be done again")
            elif not found:
                found += [f"done again: {problem}" for problem in self._problems(before)]
        return Killed(was_under_way, made, found)

    def _problems(self, before: str) -> list[str]:
        check = self.operation.check_source
        if check is not None:
            found = check(self._source)
        else:
            found = [] if _digest(self._source) == before else ["the run has changed"]
        return found + (self.operation.check_made(self._made) if self._made.exists() else [])

    def _afresh(self) -> None:
        shutil.rmtree(self._source.parent, ignore_errors=True)
        shutil.copytree(self._template, self._source)

    def _start(self) -> subprocess.Popen[str]:
        """Start the child, and wait until it has imported all that it needs."""
        words = self.operation.work, self._source, self._made, *self.operation.imports
        child = subprocess.Popen(  # noqa: S603 - our own module
            [sys.executable, "-m", _HERE, *map(str, words)],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert child.stdout is not None
        child.stdout.readline()
        return child

    def _finish(self) -> int:
        child = self._start()
        try:
            child.communicate(timeout=FINISH_SECONDS)
        finally:
            child.kill()
        return child.returncode


def _digest(path: Path) -> str:
    found = hashlib.sha256()
    for file in sorted(path.rglob("*")):
        if file.is_file() and not file.name.startswith("."):  # a lock is no part of the run
            found.update(file.relative_to(path).as_posix().encode() + file.read_bytes())
    return found.hexdigest()


def main() -> None:
    """Do an operation, in a child process."""
    work, source, made, *imports = sys.argv[1:]
    for needed in imports:
        importlib.import_module(needed)
    module, name = work.split(":")
    function = getattr(importlib.import_module(module), name)
    print(work, flush=True)
    with crash_trials.small_blocks():
        function(Path(source), Path(made))


if __name__ == "__main__":
    main()
