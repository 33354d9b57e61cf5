"""Whatever replaces a file or a directory does it through `store.storage.atomic`."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ATOMIC = ROOT / "store" / "storage" / "atomic.py"
# `NamedTemporaryFile` and `mkstemp` are how one begins to replace a file by hand.
BY_HAND = {"mkstemp", "NamedTemporaryFile", "renames"}


def replacements(text: str) -> list[int]:
    """Lines that rename something on the disk; `str.replace` takes two arguments."""
    found = []
    for node in ast.walk(ast.parse(text)):
        if not isinstance(node, ast.Call):
            continue
        name = getattr(node.func, "attr", getattr(node.func, "id", ""))
        where = getattr(getattr(node.func, "value", None), "id", "")
        of_a_path = name in ("replace", "rename") and len(node.args) == 1 and not node.keywords
        of_a_path = of_a_path and not isinstance(
            node.args[0], ast.Dict | ast.DictComp
        )  # xarray's names
        of_a_module = (where, name) in {("os", "replace"), ("os", "rename"), ("shutil", "move")}
        if name in BY_HAND or of_a_path or of_a_module:
            found.append(node.lineno)
    return found


@pytest.mark.slow
def test_only_one_module_replaces_files() -> None:
    files = [
        path
        for name in ("store", "recorder", "explorer")
        for path in (ROOT / name).rglob("*.py")
        if "testing" not in path.parts  # trials put results aside, and replace nothing
    ]
    assert replacements(ATOMIC.read_text(encoding="utf-8"))
    found = {
        str(path.relative_to(ROOT)): lines
        for path in files
        if path != ATOMIC and (lines := replacements(path.read_text(encoding="utf-8")))
    }
    assert not found, f"use store.storage.atomic in {found}"


def test_a_replacement_is_seen() -> None:
    lines = (
        "text.replace('a', 'b')",
        "fresh.replace(target)",
        "os.replace(fresh, target)",
        "shutil.move(fresh, target)",
        "frame.rename(columns=names)",
        "made.rename({'a': 'b'})",
        "tempfile.mkstemp()",
    )
    assert replacements("\n".join(lines)) == [2, 3, 4, 7]
