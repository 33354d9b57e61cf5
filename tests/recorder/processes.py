"""Programs in processes of their own, for what ends a process or can be set up once in it."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
SECONDS = 240

# Loading TensorFlow takes longer than any of the programs. It is done once, and each program goes
# on from there in a fork: until something is computed, TensorFlow has no threads to be missed.
SERVER = """
import gc, json, os, sys
import keras
import recorder.keras.callback
import tests.recorder.networks

gc.freeze()  # what is loaded is neither copied nor collected by each of them
folder, programs, children = sys.argv[1], json.load(sys.stdin), {}
for name, program in programs.items():
    children[name] = os.fork()
    if children[name] == 0:
        for number, kind in ((1, "out"), (2, "err")):
            os.dup2(os.open(f"{folder}/{name}.{kind}", os.O_CREAT | os.O_WRONLY), number)
        exec(program, {})
        break  # and end as any program does
else:
    ends = {name: os.waitpid(child, 0)[1] for name, child in children.items()}
    print(json.dumps({name: os.waitstatus_to_exitcode(end) for name, end in ends.items()}))
"""


@dataclass(frozen=True)
class Ended:
    """How a program ended, and what it said."""

    code: int
    out: str
    err: str


def run_programs(programs: Mapping[str, str], folder: Path) -> dict[str, Ended]:
    """Run programs at the same time, each in a process of its own, from the project's root.

    Parameters
    ----------
    programs : mapping of str to str
        Python code by name.
    folder : Path
        Where they leave what they say.
    """
    plain = {name: textwrap.dedent(program) for name, program in programs.items()}
    if sys.platform != "linux":  # where what TensorFlow has loaded does not outlive a fork
        ended = {name: _run([program], None) for name, program in plain.items()}
        return {
            name: Ended(done.returncode, done.stdout, done.stderr) for name, done in ended.items()
        }
    done = _run([SERVER, str(folder)], json.dumps(plain))
    assert done.returncode == 0, done.stderr
    return {
        name: Ended(code, *((folder / f"{name}.{kind}").read_text() for kind in ("out", "err")))
        for name, code in json.loads(done.stdout).items()
    }


def _run(arguments: list[str], given: str | None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", *arguments],
        cwd=ROOT,
        input=given,
        capture_output=True,
        text=True,
        timeout=SECONDS,
    )
