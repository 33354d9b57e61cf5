"""`help` and Tab teach the store: each public name says what it takes, gives and raises."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import store
import store.errors
import store.testing
from store.packed.pack import pack
from store.testing import write_run
from store.tools.crop import crop
from store.tools.info import describe
from store.tools.share import share
from store.tools.verify import salvage, verify

PACKAGES = ("store", "store.testing")
# Nobody calls these: `open_run`, `RunWriter.create` and `RunWriter.resume` do.
MADE_BY_OTHERS = {"Run", "RunWriter"}
_SECTION = re.compile(r"^(\w[\w ]*)\n-+\n", re.MULTILINE)


def sections(docstring: str | None) -> dict[str, str]:
    """Sections of a docstring by their headings; the text before the first one is ""."""
    parts = _SECTION.split(inspect.cleandoc(docstring or ""))
    return {"": parts[0], **dict(zip(parts[1::2], parts[2::2], strict=True))}


def entries(section: str) -> set[str]:
    """Names that a section of parameters, attributes or errors explains."""
    heads = re.findall(r"^(\S[^:\n]*?)(?: ?:.*)?\n(?=\s)", section + "\n ", re.MULTILINE)
    return {name.strip("* ") for head in heads for name in head.split(",")}


def raised(function: Callable[..., Any]) -> set[str]:
    """Names of the errors that a function itself raises."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    calls = [node.exc for node in ast.walk(tree) if isinstance(node, ast.Raise) and node.exc]
    return {getattr(getattr(call, "func", call), "id", "") for call in calls} - {
        "",
        "error",
        "fault",
    }


def faults(function: Callable[..., Any]) -> Iterator[str]:
    """What the docstring of a function leaves unsaid."""
    found = sections(function.__doc__)
    if not found[""].strip():
        yield "has no docstring"
    signature = inspect.signature(function)
    taken = [name for name in signature.parameters if name not in ("self", "cls")]
    missing = set(taken) - entries(found.get("Parameters", ""))
    if missing:
        yield f"does not explain {sorted(missing)}"
    gives = str(signature.return_annotation)
    if gives not in ("None", "Self", "Iterator[None]") and not {"Returns", "Yields"} & found.keys():
        yield f"does not say what it returns ({gives})"
    if missing := raised(function) - entries(found.get("Raises", "")):
        yield f"does not say that it raises {sorted(missing)}"


def public() -> Iterator[tuple[str, Any]]:
    """Every public function and class of the packages, and what is done with whole runs."""
    for package in PACKAGES:
        module = importlib.import_module(package)
        for name in module.__all__:
            value = getattr(module, name)
            if callable(value):
                yield f"{package}.{name}", value
    for function in (pack, crop, describe, salvage, share, verify):
        yield f"{function.__module__}.{function.__name__}", function


@pytest.mark.parametrize(("name", "value"), [pytest.param(*each, id=each[0]) for each in public()])
def test_help_says_what_a_name_takes_gives_and_raises(name: str, value: Any) -> None:
    if not inspect.isclass(value):
        assert not list(faults(value)), name
        return
    found = sections(value.__doc__)
    assert found[""].strip(), f"{name} has no docstring"
    if issubclass(value, store.TrainlapseError):
        return
    explained = entries(found.get("Parameters", "")) | entries(found.get("Attributes", ""))
    if value.__name__ not in MADE_BY_OTHERS:
        taken = set(inspect.signature(value).parameters)
        assert not taken - explained, f"{name} does not explain {sorted(taken - explained)}"
    wrong = []
    for method, member in vars(value).items():
        if method.startswith("_"):
            continue
        if isinstance(member, classmethod | staticmethod):
            member = member.__func__
        if inspect.isfunction(member):
            wrong += [f"{name}.{method} {fault}" for fault in faults(member)]
        elif hasattr(member, "fget") or hasattr(member, "func"):
            wrong += [] if member.__doc__ else [f"{name}.{method} has no docstring"]
    assert not wrong, "\n".join(wrong)


def test_what_is_left_unsaid_is_seen() -> None:
    def silent(path: str) -> int:
        """Give a number."""
        if not path:
            raise ValueError
        return 1

    def told(path: str) -> int:
        """Give a number.

        Parameters
        ----------
        path : str
            Where.

        Returns
        -------
        int
            The number.

        Raises
        ------
        ValueError, KeyError
            Nowhere.
        """
        return silent(path)

    assert len(list(faults(silent))) == 3
    assert not list(faults(told))


@pytest.mark.parametrize("name", ["open_run", "Run", "RunWriter"])
def test_the_example_runs(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_run(tmp_path / "runs" / "mine.zarr")
    monkeypatch.chdir(tmp_path)
    block = sections(getattr(store, name).__doc__)["Examples"].partition("::\n")[2]
    assert block.strip(), f"{name} has no example"
    exec(textwrap.dedent(block), {})  # noqa: S102 - the project's own docstring


def test_tab_offers_what_is_public() -> None:
    assert dir(store) == sorted(store.__all__)
    assert dir(store.testing) == sorted(store.testing.__all__)
    errors = {
        name
        for name, value in vars(store.errors).items()
        if inspect.isclass(value) and issubclass(value, Exception)
    }
    assert errors <= set(store.__all__)
