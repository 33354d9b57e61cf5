"""The kinds by name. They are found in the source, so that to list them loads no TensorFlow."""

from __future__ import annotations

import ast
import importlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.trainings.attempt import Attempt

KINDS = Path(__file__).with_name("kinds")


@dataclass(frozen=True)
class Training:
    """A kind of training.

    Attributes
    ----------
    train : callable
        Builds everything anew, trains, and takes its callbacks from the attempt.
    tolerance : float
        Largest difference of an activation from Keras's own, as a share of the layer's largest.
    """

    train: Callable[[Attempt], None]
    tolerance: float


def training(*, tolerance: float = 1e-5) -> Callable[[Callable[[Attempt], None]], Training]:
    """Make a function a kind of training, by its own name."""
    return lambda train: Training(train, tolerance)


@dataclass(frozen=True)
class Entry:
    """Where a kind is.

    Attributes
    ----------
    module : str
        Its module.
    line : str
        The first line of its docstring.
    """

    module: str
    line: str


def entries() -> dict[str, Entry]:
    """Find all kinds, by name."""
    found = {}
    for path in sorted(KINDS.glob("[!_]*.py")):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef) and any(map(_is_training, node.decorator_list)):
                line = (ast.get_docstring(node) or "").split("\n", maxsplit=1)[0]
                found[node.name] = Entry(f"benchmarks.trainings.kinds.{path.stem}", line)
    return found


def load(name: str) -> Training:
    """Import one kind."""
    found = getattr(importlib.import_module(entries()[name].module), name)
    assert isinstance(found, Training)
    return found


def _is_training(decorator: ast.expr) -> bool:
    called = decorator.func if isinstance(decorator, ast.Call) else decorator
    return isinstance(called, ast.Name) and called.id == training.__name__
