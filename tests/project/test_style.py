"""Rules of the house that no linter knows."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

# Folders of whoever builds or runs the project, at the start of a path.
PERSONAL = re.compile(r"(?<![\w.])(?:/(?:root|home|Users|work)/|[A-Za-z]:\\{1,2}Users\\)")


def project_files() -> list[Path]:
    """Files that git tracks or would track, relative to the root."""
    git = shutil.which("git")
    if git is None or not (ROOT / ".git").exists():
        pytest.skip("not a git checkout: what belongs to the project is unknown")
    listed = subprocess.run(
        [git, "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    files = (Path(name) for name in listed.stdout.split("\0") if name)
    return [file for file in files if (ROOT / file).is_file() or (ROOT / file).is_symlink()]


def text_of(file: Path) -> str | None:
    """Content of a file of the project, or None when it is no text."""
    try:
        return (ROOT / file).read_text(encoding="utf-8")
    except (UnicodeDecodeError, OSError):
        return None


def test_no_file_knows_a_machine() -> None:
    found = [
        f"{file}:{number}: {line.strip()}"
        for file in project_files()
        if (text := text_of(file)) is not None
        for number, line in enumerate(text.splitlines(), start=1)
        if PERSONAL.search(line)
    ]
    assert not found, "paths of one machine in\n" + "\n".join(found)


def test_no_file_is_a_link() -> None:
    links = [str(file) for file in project_files() if (ROOT / file).is_symlink()]
    assert not links, f"they lead elsewhere on another machine: {links}"


@pytest.mark.parametrize(
    ("line", "personal"),
    [
        ("open('{}/me/run.zarr')".format("/" + "home"), True),
        ("cd {}/run".format("/" + "root"), True),
        ("{}/me".format("/" + "Users"), True),
        ("C:" + "\\" + "Users" + "\\" + "me", True),
        ("https://example.org{}/page".format("/" + "home"), False),
        ("runs/lenet.zarr", False),
    ],
)
def test_the_check_for_machines_can_fail(line: str, personal: bool) -> None:
    assert bool(PERSONAL.search(line)) is personal


def test_no_file_is_left_from_a_merge_or_an_editor() -> None:
    marker = re.compile(r"^(?:<{7}|>{7})\s", flags=re.MULTILINE)
    left = [str(file) for file in project_files() if file.name.endswith((".orig", ".rej", "~"))]
    left += [
        str(file) for file in project_files() if (text := text_of(file)) and marker.search(text)
    ]
    assert not left, f"left over: {left}"


def fixed_waits(text: str) -> list[int]:
    """Lines that wait for a while, whatever happens; to look again and again is no such wait."""
    found: list[int] = []

    def visit(node: ast.AST, *, looks_again: bool) -> None:
        if isinstance(node, ast.Call):
            name = getattr(node.func, "attr", getattr(node.func, "id", ""))
            if name == "wait_for_timeout" or (name == "sleep" and not looks_again):
                found.append(node.lineno)
        for child in ast.iter_child_nodes(node):
            visit(child, looks_again=looks_again or isinstance(node, ast.While))

    visit(ast.parse(text), looks_again=False)
    return found


def test_no_browser_test_waits_for_a_while_whatever_happens() -> None:
    found = {
        str(file): lines
        for file in project_files()
        if file.suffix == ".py" and file.parts[:2] == ("tests", "e2e")
        if (lines := fixed_waits(text_of(file) or ""))
    }
    assert not found, f"wait for a condition instead: {found}"


def test_a_fixed_wait_is_seen() -> None:
    waits = "page.wait_for_timeout(9)\ntime.sleep(1)\nwhile not there():\n    time.sleep(0.1)\n"
    assert fixed_waits(waits) == [1, 2]
