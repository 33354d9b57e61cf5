"""The floors of ARCHITECTURE.md: no circle of imports, and nothing private across modules."""

from __future__ import annotations

import ast
from pathlib import Path

import grimp
import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("recorder", "store", "explorer")


@pytest.fixture(scope="module")
def imports() -> dict[str, set[str]]:
    """Modules that each module imports, anywhere in it."""
    graph = grimp.build_graph(*PACKAGES, cache_dir=None)
    return {name: graph.find_modules_directly_imported_by(name) for name in graph.modules}


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


def test_no_private_name_is_imported() -> None:
    found = [
        f"{file.relative_to(ROOT)}: {alias.name} of {node.module}"
        for package in PACKAGES
        for file in sorted((ROOT / package).rglob("*.py"))
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in PACKAGES
        for alias in node.names
        if alias.name.startswith("_")
    ]
    assert not found, f"private names are imported: {found}"


def test_no_view_imports_another_views_helpers(imports: dict[str, set[str]]) -> None:
    """What several views need is in `explorer.data` or directly below `explorer.views`."""
    base = {"explorer.views.learning.judged"}
    found = [
        f"{name} imports {other}"
        for name, others in sorted(imports.items())
        if name.startswith("explorer.views.") and name.count(".") > 2
        for other in sorted(others - base)
        if other.startswith("explorer.views.") and other.count(".") > 2
    ]
    assert not found, found
