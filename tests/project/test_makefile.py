"""The Makefile: which Python it takes, and that its commands are those that are written of."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from packaging.version import Version

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.skipif(os.name == "nt", reason="the Makefile is for a POSIX shell")

Find = Callable[..., str]


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


# -- which Python, and which file ------------------------------------------------------------------


def python(folder: Path, name: str, version: str) -> Path:
    """A program that passes for a Python of a version."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    usable = Version(version) >= Version("3.11")
    path.write_text(f"#!/bin/sh\n{f'echo {version} {path}' if usable else 'exit 1'}\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def find(tmp_path: Path) -> Find:
    """Ask `.ci/find-python` with these programs on PATH and in pyenv's folder."""
    (tmp_path / "bin").mkdir()
    for tool in ("sh", "dirname", "head", "sort", "grep"):
        (tmp_path / "bin" / tool).symlink_to(f"/usr/bin/{tool}")

    def ask(*words: str) -> str:
        done = subprocess.run(
            [ROOT / ".ci/find-python", *words],
            capture_output=True,
            text=True,
            env={"PATH": str(tmp_path / "bin"), "HOME": str(tmp_path)},
            check=False,
        )
        assert (done.returncode == 0) == (not done.stderr), done.stderr
        return (done.stdout or done.stderr.splitlines()[0]).strip()

    return ask


def test_a_python_with_tested_versions_is_preferred(tmp_path: Path, find: Find) -> None:
    python(tmp_path, "bin/python3", "3.10")
    assert find() == "error: Trainlapse needs Python 3.11 or newer; python3 is ."
    untested = python(tmp_path, "bin/python3.14", "3.99")
    assert find() == str(untested)
    managed = python(tmp_path, ".pyenv/versions/3.12.1/bin/python3", "3.12")
    assert find() == str(managed)
    on_path = python(tmp_path, "bin/python3.11", "3.11")
    assert find() == str(on_path)
    assert find("newest") == str(untested)
    assert find("newest-tested") == str(managed)
    assert find("3.11") == str(on_path)
    assert find("3.13") == "error: there is no Python 3.13 on PATH, and none of a version manager."


def test_a_python_that_is_named_is_taken_or_refused(tmp_path: Path, find: Find) -> None:
    good, old = python(tmp_path, "my/good", "3.13"), python(tmp_path, "my/old", "3.9")
    assert find(str(good)) == str(good)
    assert find(str(old)) == f"error: PYTHON={old} does not start."
    assert find(str(tmp_path / "none")) == f"error: PYTHON={tmp_path / 'none'} does not start."


# -- the commands ----------------------------------------------------------------------------------


def targets() -> list[str]:
    (declared,) = re.findall(r"^\.PHONY: ((?:\\\n|.)+)$", read("Makefile"), flags=re.M)
    return declared.replace("\\\n", " ").split()


def test_make_help_and_contributing_name_every_command() -> None:
    helped = re.findall(r"@echo 'make ([a-z-]+)", read("Makefile"))
    assert {*helped, "help", "has-node"} == set(targets())
    told = set(re.findall(r"make ([a-z-]+)", read("CONTRIBUTING.md")))
    assert {"test", "test-fast", "test-full", "newest", "floors", "constraints", "check"} <= told


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md", ".ci/run"])
def test_the_commands_that_are_named_exist(name: str) -> None:
    code = (
        "\n".join(re.findall(r"`{1,3}[^`]+`{1,3}", read(name))) if name != ".ci/run" else read(name)
    )
    named = re.findall(r"(?:^|`)\s*make ((?:[a-z-]+ ?)+)", code, flags=re.M)
    assert named
    for words in named:
        for target in words.split():
            assert target in targets(), f"{name}: there is no `make {target}`"


def test_make_watches_every_file_of_constraints() -> None:
    (listed,) = re.findall(r"^LOCKS = ((?:\\\n|.)+)$", read("Makefile"), flags=re.M)
    files = {str(file.relative_to(ROOT)) for file in (ROOT / "constraints").glob("*.txt")}
    assert set(listed.replace("\\\n", " ").split()) == files
