"""A test that hangs fails and ends the run, also one that hangs in C code."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# It keeps Python's lock, so that no other thread of Python can end it.
HANGS = """
import ctypes

def test_before():
    pass

def test_that_hangs():
    ctypes.PyDLL(None).sleep(600)

def test_after():
    pass
"""


def options() -> list[str]:
    """What the Makefile gives to pytest."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8").replace("\\\n", " ")
    found = re.search(r"^PYTEST = .* -m pytest (.*)\$\(WARNINGS\)$", makefile, re.MULTILINE)
    assert found is not None
    return shlex.split(found[1])


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="the Makefile is for a POSIX shell")
def test_a_test_that_hangs_fails_and_ends_the_run(tmp_path: Path) -> None:
    (tmp_path / "test_hangs.py").write_text(HANGS)
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-c",
        ROOT / "pyproject.toml",
        f"--rootdir={tmp_path}",
    ]
    command += [*options(), "-o", "faulthandler_timeout=1", "-p", "no:cacheprovider"]
    done = subprocess.run(
        [*command, tmp_path], cwd=tmp_path, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 1, done.stdout + done.stderr
    assert re.search(r"crashed while running '.*::test_that_hangs'", done.stdout)
    assert 'test_hangs.py", line 8 in test_that_hangs' in done.stderr
    assert "1 failed, 1 passed" in done.stdout
