"""What an installed Trainlapse would lack although the tree has it."""

from __future__ import annotations

import importlib.metadata
import re
import tomllib
from fnmatch import fnmatch
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SETTINGS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
SETUPTOOLS = SETTINGS["tool"]["setuptools"]
TOP_LEVEL = ("recorder", "store", "explorer")


def folders() -> list[Path]:
    """Every folder of the three packages, relative to the root."""
    every = [
        folder
        for top in TOP_LEVEL
        for folder in [ROOT / top, *sorted((ROOT / top).rglob("*/"))]
        if folder.is_dir() and "__pycache__" not in folder.parts and any(folder.iterdir())
    ]
    return [folder.relative_to(ROOT) for folder in every]


def dotted(folder: Path) -> str:
    return ".".join(folder.parts)


PACKAGES = [folder for folder in folders() if (ROOT / folder / "__init__.py").exists()]
# What is installed of scripts are their bundles, and those that Python reads as they are.
SCRIPTS = {
    file
    for file in (ROOT / "explorer").rglob("*.[jt]s")
    if file.parent not in {ROOT / "explorer" / "bundle", ROOT / "explorer" / "templates"}
}
ASSETS = [
    file.relative_to(ROOT)
    for folder in folders()
    for file in sorted((ROOT / folder).iterdir())
    if file.is_file() and file.suffix not in {".py", ".pyc"} and file not in SCRIPTS
]


def test_every_package_is_listed() -> None:
    assert sorted(SETUPTOOLS["packages"]) == sorted(dotted(folder) for folder in PACKAGES), (
        "[tool.setuptools] packages and the folders with an __init__.py differ"
    )


def test_every_folder_with_modules_is_a_package() -> None:
    bare = [
        str(folder)
        for folder in folders()
        if any((ROOT / folder).glob("*.py")) and folder not in PACKAGES
    ]
    assert not bare, f"modules but no __init__.py in {bare}"


@pytest.mark.parametrize("asset", ASSETS, ids=str)
def test_every_asset_is_package_data(asset: Path) -> None:
    """A pattern belongs to one package and is relative to that package's folder."""
    for package, patterns in SETUPTOOLS["package-data"].items():
        folder = Path(*package.split("."))
        if asset.is_relative_to(folder):
            inside = asset.relative_to(folder)
            if any(_matches(inside, pattern) for pattern in patterns):
                return
    pytest.fail(f"{asset} is not installed: no pattern in [tool.setuptools.package-data] fits")


def test_every_package_data_pattern_finds_something() -> None:
    stale = [
        f"{package}: {pattern}"
        for package, patterns in SETUPTOOLS["package-data"].items()
        for pattern in patterns
        if not any((ROOT / Path(*package.split("."))).glob(pattern))
    ]
    assert not stale, f"[tool.setuptools.package-data] patterns without a file: {stale}"


@pytest.mark.parametrize("package", TOP_LEVEL)
def test_the_packages_are_typed_for_their_users(package: str) -> None:
    assert (ROOT / package / "py.typed").exists(), f"{package}/py.typed is missing"


def test_the_version_is_one() -> None:
    version = SETTINGS["project"]["version"]
    installed = importlib.metadata.version("trainlapse")
    assert installed == version, f"installed is {installed}, pyproject.toml says {version}"

    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    headings = re.findall(r"^## \[(.+?)\]", changelog, flags=re.MULTILINE)
    released = [heading for heading in headings if heading.casefold() != "unreleased"]
    assert released[:1] == [version], f"newest version in CHANGELOG.md is {released[:1]}"


def test_no_module_repeats_the_version() -> None:
    """A second place would be forgotten at a release: importlib.metadata knows the version."""
    spoken = re.compile(r"""^\s*__version__\s*=\s*["']""", flags=re.MULTILINE)
    repeated = [
        str(file.relative_to(ROOT))
        for top in TOP_LEVEL
        for file in (ROOT / top).rglob("*.py")
        if spoken.search(file.read_text(encoding="utf-8"))
    ]
    assert not repeated, f"version literals in {repeated}"


def test_the_command_is_where_the_entry_point_says() -> None:
    (entry,) = importlib.metadata.entry_points(group="console_scripts", name="trainlapse")
    assert entry.value == SETTINGS["project"]["scripts"]["trainlapse"]
    assert callable(entry.load())


def _matches(path: Path, pattern: str) -> bool:
    """Glob folder by folder: unlike fnmatch alone, a star crosses no slash."""
    parts = pattern.split("/")
    return len(parts) == len(path.parts) and all(map(fnmatch, path.parts, parts))
