"""Files of constraints: for each Python they hold tested versions that pyproject.toml admits."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest
from packaging.markers import default_environment
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "constraints"
TESTED = sorted(FOLDER.glob("python3.*.txt"), key=lambda file: Version(file.stem[6:]))
PYTHONS = [file.stem.removeprefix("python") for file in TESTED]


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def maker() -> ModuleType:
    """The program that writes the files."""
    spec = importlib.util.spec_from_file_location("constraints", ROOT / ".ci/constraints.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def held(file: Path) -> dict[str, str]:
    """Versions of a file, by name."""
    lines = [line for line in file.read_text().splitlines() if not line.startswith("#")]
    pairs = [line.split("==") for line in lines]
    names = [name for name, _ in pairs]
    assert names == sorted(set(names)), f"{file.name} is not sorted, or has a package twice"
    return dict(pairs)


def test_every_supported_python_has_a_file() -> None:
    (floor,) = re.findall(r'requires-python = ">=(.+)"', read("pyproject.toml"))
    assert PYTHONS[0] == floor
    minors = [Version(python).minor for python in PYTHONS]
    assert minors == list(range(minors[0], minors[-1] + 1))


@pytest.mark.parametrize("file", TESTED, ids=lambda file: file.stem)
def test_what_is_tested_is_what_is_admitted(file: Path, maker: ModuleType) -> None:
    versions = held(file)
    python = {**default_environment(), "python_version": file.stem.removeprefix("python")}
    for extra, requirement in maker.requirements():
        assert not requirement.marker or requirement.marker.evaluate({**python, "extra": extra})
        name = canonicalize_name(requirement.name)
        assert name in versions, f"{file.name} lacks {name}: run `make constraints`"
        assert requirement.specifier.contains(versions[name]), (
            f"{file.name} has {name}=={versions[name]}, pyproject.toml says {requirement}"
        )


@pytest.mark.parametrize("file", [*TESTED, FOLDER / "floors.txt"], ids=lambda file: file.stem)
def test_a_file_holds_versions_and_nothing_else(file: Path) -> None:
    for name, version in held(file).items():
        assert name == canonicalize_name(name)
        assert Version(version).local is None, f"{name}=={version} is not from a public index"
    assert not {"torch", "trainlapse", "pip", "setuptools", "wheel"} & set(held(file))


def test_the_floors_are_those_of_pyproject(maker: ModuleType) -> None:
    written = (FOLDER / "floors.txt").read_text(encoding="utf-8")
    assert written == maker.text_of(maker.FLOORS, maker.floors()), "run `make constraints`"


def test_every_requirement_has_a_floor_and_no_other_pin(maker: ModuleType) -> None:
    for _, requirement in maker.requirements():
        operators = sorted(part.operator for part in requirement.specifier)
        assert operators in ([">="], ["<", ">="]), f"{requirement} is no range with a floor"


def test_what_is_tested_here_is_all_that_is_needed(maker: ModuleType) -> None:
    """Of the environment that runs this: references to extras are followed, tools left out."""
    found = maker.tested("test")  # `make test` brings no more
    assert {"numpy", "bokeh", "tensorflow", "pytest"} <= set(found)
    assert not set(maker.NOT_HELD) & set(found)
    assert found["numpy"] == importlib.metadata.version("numpy")
