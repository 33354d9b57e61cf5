"""The floors of ARCHITECTURE.md: no circle of imports, and nothing private across modules."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import grimp
import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("recorder", "store", "explorer")


# Names of libraries that a module of ours has too: of Panel's components, of named tuples (both
# public in spite of their line), and of a Keras layer, which says what it holds nowhere else.
OF_LIBRARIES = {"_esm", "_stylesheets", "_replace", "_fields", "_layers"}


def imports_within(*packages: str) -> dict[str, set[str]]:
    """Modules that each module imports: at its top, in a function, or for type checkers only."""
    graph = grimp.build_graph(*packages, cache_dir=None)
    return {name: graph.find_modules_directly_imported_by(name) for name in graph.modules}


@pytest.fixture(scope="module")
def imports() -> dict[str, set[str]]:
    return imports_within(*PACKAGES)


def circle_in(imports: dict[str, set[str]]) -> list[str]:
    """Give modules of which each imports the next, and the last the first; or none."""
    done: set[str] = set()
    for start in sorted(imports):
        path: list[str] = []
        # Each entry: a module, and what of its imports is still to be followed.
        waiting = [(start, iter(sorted(imports[start])))] if start not in done else []
        while waiting:
            name, rest = waiting[-1]
            if len(path) < len(waiting):
                path.append(name)
            following = next((other for other in rest if other not in done), None)
            if following is None:
                done.add(name)
                path.pop()
                waiting.pop()
            elif following in path:
                return path[path.index(following) :]
            else:
                waiting.append((following, iter(sorted(imports.get(following, set())))))
    return []


def test_no_import_leads_back_to_where_it_came_from(imports: dict[str, set[str]]) -> None:
    circle = circle_in(imports)
    assert not circle, " -> ".join([*circle, circle[0]])


@pytest.mark.parametrize(
    ("imports", "circle"),
    [
        ({"a": {"b"}, "b": {"c"}, "c": set()}, []),
        ({"a": {"b"}, "b": {"c"}, "c": {"b"}}, ["b", "c"]),
        ({"a": {"c", "b"}, "b": {"c"}, "c": {"d"}, "d": {"a"}}, ["a", "b", "c", "d"]),
    ],
)
def test_a_circle_is_seen(imports: dict[str, set[str]], circle: list[str]) -> None:
    assert circle_in(imports) == circle


@pytest.mark.parametrize(
    "back",
    [
        "def run():\n    import shed.tools\n",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from shed.tools import saw\n",
    ],
    ids=["in a function", "for type checkers"],
)
def test_no_import_is_overlooked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, back: str
) -> None:
    (tmp_path / "shed").mkdir()
    (tmp_path / "shed" / "__init__.py").write_text("")
    (tmp_path / "shed" / "tools.py").write_text("import shed.wood\nsaw = 1\n")
    (tmp_path / "shed" / "wood.py").write_text(back)
    monkeypatch.syspath_prepend(tmp_path)
    assert circle_in(imports_within("shed")) == ["shed.tools", "shed.wood"]


def is_private(name: object) -> bool:
    return isinstance(name, str) and name.startswith("_") and not name.startswith("__")


def defined_in(tree: ast.AST) -> set[str]:
    """Names that a module gives to something: functions, classes, variables, attributes."""
    found = set()
    for node in ast.walk(tree):
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                found.add(name)
            case ast.ClassDef(name=name) | ast.Name(id=name, ctx=ast.Store()):
                found.add(name)
            case ast.Attribute(attr=name, value=ast.Name(id="self" | "cls"), ctx=ast.Store()):
                found.add(name)
    return found


def reached_in(tree: ast.AST) -> Iterator[str]:
    """Names that a module imports from others of ours, and attributes that it asks for.

    What an object asks of itself counts not: a class may use what it is derived from.
    """
    for node in ast.walk(tree):
        match node:
            case ast.ImportFrom(module=str(module)) if module.split(".")[0] in PACKAGES:
                yield from (alias.name for alias in node.names)
            case ast.Attribute(value=ast.Name(id="self" | "cls")):
                pass
            case ast.Attribute(attr=name):
                yield name
            case ast.Call(func=ast.Name(id="getattr" | "setattr" | "hasattr"), args=args):
                yield from (arg.value for arg in args[1:2] if isinstance(arg, ast.Constant))


def private_names_reached(modules: dict[str, str]) -> list[str]:
    """Give the private names that a module takes from another: what it overrides is its own."""
    trees = {name: ast.parse(text) for name, text in modules.items()}
    own = {name: set(filter(is_private, defined_in(tree))) for name, tree in trees.items()}
    ours = set().union(*own.values()) - OF_LIBRARIES
    return [
        f"{module}: {name}"
        for module, tree in trees.items()
        for name in sorted(set(reached_in(tree)) & (ours - own[module]))
    ]


@pytest.mark.slow
def test_no_module_reaches_for_what_is_private_to_another() -> None:
    modules = {
        str(file.relative_to(ROOT)): file.read_text(encoding="utf-8")
        for package in PACKAGES
        for file in sorted((ROOT / package).rglob("*.py"))
    }
    found = private_names_reached(modules)
    assert not found, f"private names of other modules are used: {found}"


@pytest.mark.parametrize(
    ("user", "found"),
    [
        ("from store.shed import _saw", ["user: _saw"]),
        ("def cut(shed): return shed._saw", ["user: _saw"]),
        ("def cut(shed): return getattr(shed, '_saw')", ["user: _saw"]),
        ("class Mine(Shed):\n  def cut(self, other): return other._saw", ["user: _saw"]),
        ("class Mine(Shed):\n  def cut(self): return self._saw", []),
        ("class Mine(Shed):\n  def _saw(self): return super()._saw", []),
        ("def cut(row): return row._replace(a=1)", []),
        ("from store.shed import saw", []),
    ],
)
def test_a_private_name_of_another_module_is_seen(user: str, found: list[str]) -> None:
    shed = "class Shed:\n  def __init__(self): self._saw = 1\nsaw = 1"
    assert private_names_reached({"shed": shed, "user": user}) == found


def between_views(imports: dict[str, set[str]], are_views: set[str]) -> list[str]:
    return [
        f"{name} imports {other}"
        for name in sorted(are_views)
        for other in sorted(imports[name] & are_views)
    ]


def test_no_view_imports_another_views_helpers(imports: dict[str, set[str]]) -> None:
    """What several views need is in `explorer.data`, or in a module without a view."""
    are_views = {
        ".".join(file.relative_to(ROOT).with_suffix("").parts)
        for folder in ("explorer/views", "explorer/compare/views")
        for file in (ROOT / folder).rglob("*.py")
        if re.search(r"^@register$", file.read_text(encoding="utf-8"), flags=re.M)
    }
    assert len(are_views) > 40
    found = between_views(imports, are_views)
    assert not found, found


def test_an_import_of_another_views_helper_is_seen() -> None:
    imports = {"curves": {"parts"}, "map": {"parts", "curves"}, "parts": set()}
    assert between_views(imports, {"curves", "map"}) == ["map imports curves"]
