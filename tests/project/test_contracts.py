"""The boundaries between packages, which import-linter reads from pyproject.toml, are kept."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def read_contracts() -> list[dict[str, object]]:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    return list(settings["tool"]["importlinter"]["contracts"])


def lint(root: Path) -> subprocess.CompletedProcess[str]:
    """Run import-linter in a process of its own: it replaces the interpreter's standard streams."""
    code = (
        "import sys; from importlinter.cli import lint_imports; sys.path.insert(0, '.'); "
        "sys.exit(lint_imports(config_filename='pyproject.toml', no_cache=True, no_logo=True))"
    )
    return subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True)


def test_every_contract_is_kept() -> None:
    done = lint(ROOT)
    assert done.returncode == 0, f"lint-imports says:\n{done.stdout}{done.stderr}"
    assert f"{len(read_contracts())} kept, 0 broken" in done.stdout, done.stdout


def test_an_import_across_a_boundary_is_seen(tmp_path: Path) -> None:
    """A package that breaks such a contract: proof that a breach would fail above."""
    (tmp_path / "shed").mkdir()
    (tmp_path / "shed" / "__init__.py").write_text("")
    (tmp_path / "shed" / "sketch.py").write_text("import holoviews\n")
    (tmp_path / "pyproject.toml").write_text(
        '[tool.importlinter]\nroot_packages = ["shed"]\ninclude_external_packages = true\n'
        '[[tool.importlinter.contracts]]\nname = "The shed draws nothing"\ntype = "forbidden"\n'
        'source_modules = ["shed"]\nforbidden_modules = ["holoviews"]\n'
    )
    done = lint(tmp_path)
    assert done.returncode == 1
    assert "shed.sketch -> holoviews" in done.stdout


@pytest.mark.parametrize(
    ("package", "never"),
    [
        ("store", {"recorder", "explorer", "keras", "tensorflow", "panel", "holoviews"}),
        ("recorder", {"explorer", "panel", "holoviews"}),
        ("recorder.recording", {"keras", "tensorflow", "recorder.keras"}),
        ("explorer.data", {"holoviews", "panel", "bokeh", "keras", "tensorflow"}),
        ("explorer.derived", {"store", "holoviews", "panel", "keras", "tensorflow"}),
        ("explorer.plots", {"store", "panel", "keras", "tensorflow"}),
    ],
)
def test_a_contract_guards(package: str, never: set[str]) -> None:
    """The table of boundaries in ARCHITECTURE.md is what the contracts say."""
    forbidden: set[str] = set()
    for contract in read_contracts():
        if contract["type"] == "forbidden" and package in _names(contract["source_modules"]):
            forbidden |= _names(contract["forbidden_modules"])
    missing = sorted(never - forbidden)
    assert not missing, f"no contract in pyproject.toml keeps {package} from importing {missing}"


def _names(value: object) -> set[str]:
    assert isinstance(value, list)
    return {str(name) for name in value}
