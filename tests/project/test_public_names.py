"""`__all__` is the truth about what users may import, and each name explains itself."""

from __future__ import annotations

import importlib
import inspect
import re
from typing import Any

import pytest

PACKAGES = ("recorder", "store", "explorer")
# Classes that users make by a class method.
MADE_BY = {"store.RunWriter": "create"}
# Of `Parameters` each name before a colon, or several: "probe, schedule : as of `Recorder`".
NAMED = re.compile(r"^([*\w]+(?:, [*\w]+)*)(?: :.*)?$", re.MULTILINE)


@pytest.mark.parametrize("package", PACKAGES)
def test_all_is_what_is_public(package: str) -> None:
    module = importlib.import_module(package)
    listed = list(getattr(module, "__all__", []))
    assert len(listed) == len(set(listed)), f"{package}.__all__ repeats a name"
    for name in listed:
        assert hasattr(module, name), f"{package}.__all__ lists {name}, which is not there"
    # Submodules appear once somebody imports them; what comes from elsewhere is nobody's interface.
    public = {
        name
        for name, value in vars(module).items()
        if not name.startswith("_")
        and not inspect.ismodule(value)
        and str(getattr(value, "__module__", "")).split(".")[0] in PACKAGES
    }
    unlisted = sorted(public - set(listed))
    assert not unlisted, f"public, but not in {package}.__all__: {unlisted}"


@pytest.mark.parametrize("package", PACKAGES)
def test_tab_offers_all_and_nothing_else(package: str) -> None:
    module = importlib.import_module(package)
    assert dir(module) == sorted(module.__all__)


def public_names() -> list[str]:
    modules = {package: importlib.import_module(package) for package in PACKAGES}
    return [f"{package}.{name}" for package in PACKAGES for name in modules[package].__all__]


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_is_explained(package: str) -> None:
    assert (importlib.import_module(package).__doc__ or "").strip()


@pytest.mark.parametrize("path", public_names())
def test_every_public_name_is_explained_with_its_parameters(path: str) -> None:
    package, _, name = path.partition(".")
    value: Any = getattr(importlib.import_module(package), name)
    if not callable(value):
        return
    said = inspect.getdoc(value) or ""
    assert said, f"{path} has no docstring"
    if inspect.isclass(value) and issubclass(value, Exception):
        return  # raised by Trainlapse, made by nobody else
    if path in MADE_BY:
        value = getattr(value, MADE_BY[path])
        said = inspect.getdoc(value) or ""
    described = parameters_of(said)
    if inspect.isclass(value):
        described |= parameters_of(inspect.getdoc(value.__init__) or "")
    taken = [
        parameter.name
        for parameter in inspect.signature(value).parameters.values()
        if not parameter.name.startswith("_")
    ]
    missing = [name for name in taken if name not in described]
    assert not missing, f"{path} does not describe {missing}"


def parameters_of(docstring: str) -> set[str]:
    """Names that a numpydoc docstring describes as parameters, or as attributes of a dataclass."""
    described: set[str] = set()
    for part in re.split(r"\n\n(?=\w[\w ]*\n-+\n)", docstring):
        title, _, content = part.partition("\n")
        if title in ("Parameters", "Attributes"):
            for names in NAMED.findall(content):
                described |= {name.strip("* ") for name in names.split(",")}
    return described
