"""What the tables of README.md say about the recorder can be written like that."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

import recorder
from recorder import Probe, Recorder
from recorder.schedule import Schedule

PUBLIC = {name: getattr(recorder, name) for name in recorder.__all__}
README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")


def first_column(head: str) -> list[str]:
    """Code in the first column of the table whose head begins with these words."""
    table = README.split(f"\n| {head}", 1)[1].split("\n\n", 1)[0]
    rows = [row.split("|")[1] for row in table.splitlines()[2:]]
    return [code for row in rows for code in re.findall(r"`([^`]+)`", row)]


@pytest.mark.parametrize("code", first_column("schedule"))
def test_schedules(code: str) -> None:
    assert isinstance(eval(code, dict(PUBLIC)), Schedule)  # noqa: S307


@pytest.mark.parametrize("code", first_column("argument of `Recorder`"))
def test_arguments(code: str, tmp_path: Path) -> None:
    x, y = np.zeros((4, 5)), np.arange(4)
    names = {**PUBLIC, "x": x, "y": y}
    options = eval(f"dict({code})", names)  # noqa: S307
    assert Recorder(tmp_path / "run.zarr", Probe(x), **options)
