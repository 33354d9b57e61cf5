"""Write the files of constraints: ``python .ci/constraints.py tested`` or ``floors``.

``tested``: what ``.[dev]`` has brought into this environment, in exact versions. ``floors``: the
lowest versions that pyproject.toml admits.
"""

from __future__ import annotations

import importlib.metadata
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
PROJECT = "trainlapse"
PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
TESTED = f"constraints/python{PYTHON}.txt"
FLOORS = "constraints/floors.txt"
# The versions of developers' tools are no promise to users.
NO_FLOORS = ("dev", "docs")
# Of the tools that install, any will do; an environment comes with its own.
NOT_HELD = (PROJECT, "pip", "setuptools", "wheel")

HEADINGS = {
    TESTED: f"""\
# Versions with which Trainlapse is tested on Python {PYTHON} on Linux: all that `.[dev]` brings.
# Made by `make constraints` in an environment of that Python; to be committed when all tests pass.
""",
    FLOORS: """\
# The lowest versions that pyproject.toml admits. Made from it by `make constraints`; `make floors`
# runs the tests with them. What these need in turn is the newest that they take.
""",
}


def requirements() -> Iterator[tuple[str, Requirement]]:
    """Give each requirement of pyproject.toml on others, and the extra that it belongs to."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    groups = {"": project["dependencies"], **project["optional-dependencies"]}
    for extra, lines in groups.items():
        for requirement in map(Requirement, lines):
            if canonicalize_name(requirement.name) != PROJECT:
                yield extra, requirement


def floors() -> dict[str, str]:
    """Give the lowest version of each package that pyproject.toml admits, by name."""
    found = {}
    for extra, requirement in requirements():
        if extra not in NO_FLOORS:
            (floor,) = (part.version for part in requirement.specifier if part.operator == ">=")
            found[canonicalize_name(requirement.name)] = floor
    return found


def tested(extra: str) -> dict[str, str]:
    """Give the version of each package that an extra of the project needs here, by name."""
    found: dict[str, str] = {}
    waiting = [Requirement(f"{PROJECT}[{extra}]")]
    seen = set()
    while waiting:
        requirement = waiting.pop()
        if str(requirement) in seen:
            continue
        seen.add(str(requirement))
        distribution = importlib.metadata.distribution(requirement.name)
        found[canonicalize_name(requirement.name)] = distribution.version
        for line in distribution.requires or []:
            needed = Requirement(line)
            extras = ["", *requirement.extras]
            if not needed.marker or any(needed.marker.evaluate({"extra": each}) for each in extras):
                waiting.append(needed)
    return {name: found[name] for name in found if name not in NOT_HELD}


def text_of(path: str, versions: dict[str, str]) -> str:
    """Put versions into words, as the file at `path` has them."""
    lines = [f"{name}=={versions[name]}\n" for name in sorted(versions)]
    return HEADINGS[path] + "".join(lines)


if __name__ == "__main__":
    if sys.argv[1:] == ["tested"]:
        path, versions = TESTED, tested(NO_FLOORS)
    elif sys.argv[1:] == ["floors"]:
        path, versions = FLOORS, floors()
    else:
        sys.exit(__doc__)
    (ROOT / path).write_text(text_of(path, versions), encoding="utf-8")
    print(f"{path}: {len(versions)} packages")
