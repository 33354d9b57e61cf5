"""Benchmarks compare two trees: rounds that alternate, a null control, ratios within a round."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def trees() -> ModuleType:
    spec = importlib.util.spec_from_file_location("trees", ROOT / "benchmarks" / "trees.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_ratios_are_taken_within_a_round(trees: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "benchmarks").mkdir()
    asked: list[Path] = []

    def measure(root: Path) -> dict[str, float]:
        asked.append(root)
        base = 10.0 * (1 + len(asked) // 3.1)  # the machine becomes slower, round by round
        return {"step, ms": 2 * base if root == ROOT else base, "size": 1.0, str(root): 5.0}

    table = trees.compare(measure, tmp_path, rounds=3).splitlines()
    assert asked.count(ROOT) == 3
    assert asked.count(tmp_path.resolve()) == 6, "it is its own null control"
    rows = {line.split("  ")[0]: line.split("  ") for line in table[2:]}
    assert list(rows) == ["step, ms", "size"], "what both have"
    assert "2.000 (2.000 to 2.000)" in table[2]
    assert "1.000 (1.000 to 1.000)" in table[2]


def test_each_tree_runs_its_own_script_with_its_own_packages(
    trees: ModuleType, tmp_path: Path
) -> None:
    (tmp_path / "benchmarks").mkdir()
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / "__init__.py").write_text("")
    script = "import store, sys\nprint(store.__file__, *sys.argv[1:])\n"
    (tmp_path / "benchmarks" / "own.py").write_text(script)
    printed = trees.run_script(tmp_path, "own.py", ["--steps", "3"])
    assert printed.split() == [str(tmp_path / "store" / "__init__.py"), "--steps", "3"]
    (tmp_path / "benchmarks" / "own.py").write_text("sys.exit('no')")
    with pytest.raises(SystemExit, match=r"own.py of .* failed"):
        trees.run_script(tmp_path, "own.py", [])
    with pytest.raises(SystemExit, match="There are no benchmarks in"):
        trees.compare(lambda _: {}, tmp_path / "nowhere", 1)
    assert str(tmp_path) not in sys.path
