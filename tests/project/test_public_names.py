"""`__all__` is the truth about what users may import, and each name explains itself."""

from __future__ import annotations

import importlib
import inspect

import pytest

PACKAGES = ("recorder", "store", "explorer")


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
def test_every_public_name_is_explained(package: str) -> None:
    module = importlib.import_module(package)
    assert (module.__doc__ or "").strip(), f"{package} has no docstring"
    for name in getattr(module, "__all__", []):
        value = getattr(module, name)
        if callable(value):
            assert (value.__doc__ or "").strip(), f"{package}.{name} has no docstring"
