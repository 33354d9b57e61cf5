"""CONTRIBUTING.md: its templates run as they stand, and what it names is there."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")

# File and code of each template.
TEMPLATES = dict(re.findall(r"^```python template (\S+)\n(.*?)^```$", TEXT, flags=re.M | re.S))

VIEW = "explorer/views/layer/spread.py"
QUANTITY = "explorer/data/layer_quantities.py"
OPERATION = "explorer/derived/network/operations/unit_length.py"

# Puts the files of a folder beside those of our packages, as if they were there.
BESIDE = """
import importlib, json, sys
from pathlib import Path

import numpy as np

def beside(folder):
    for file in Path(folder).rglob("*.py"):
        package = ".".join(file.parent.relative_to(folder).parts)
        importlib.import_module(package).__path__.append(str(file.parent))

beside(sys.argv[1])
"""
SYNTHETIC_RUN = """
from explorer.data.run import RunData
from store import open_run
from store.testing import frames_at, image_run_spec, write_run

data = RunData(open_run(write_run(Path(sys.argv[1]) / "run.zarr")))
"""


def told_by(program: str, folder: Path) -> dict[str, object]:
    """Run a program in an interpreter of its own; what it prints last is its answer."""
    done = subprocess.run(
        [sys.executable, "-c", program, str(folder)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    return dict(json.loads(done.stdout.splitlines()[-1]))


@pytest.fixture
def beside(tmp_path: Path) -> Path:
    """A folder with the files of the templates, none of which is in the project."""
    for path in (VIEW, OPERATION):
        assert not (ROOT / path).exists(), f"{path} is there: take another example"
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(TEMPLATES[path], encoding="utf-8")
    return tmp_path


def test_there_are_templates_of_what_is_added_most_often() -> None:
    assert set(TEMPLATES) == {VIEW, QUANTITY, OPERATION}


def test_a_view_is_one_file(beside: Path) -> None:
    program = f"""{BESIDE}{SYNTHETIC_RUN}
from explorer.plots import style
from explorer.selection import SelectionKey
from explorer.views.base import Scene, drawn
from explorer.views.registry import views

style.register()
(view,) = [view for view in views("layer") if view.title == "Spread of the activations"]
scene = Scene(data, SelectionKey("conv1", 0, "step"))
curve = drawn(view, scene).object.traverse(lambda found: found, ["Curve"])[0]
expected = [frames_at(image_run_spec(), int(step))["layers/conv1/activation"].std()
            for step in data.run.steps]
print(json.dumps({{
    "is right": bool(np.allclose(curve.dimension_values("y"), expected, rtol=1e-4)),
    "serves": [name for name, layer in data.run.layers.items() if view.serves(layer)],
    "caption": view.caption(scene),
}}))
"""
    assert told_by(program, beside) == {
        "is right": True,
        "serves": ["conv1", "dense"],
        "caption": "Standard deviation over all probes, positions and units of conv1.",
    }


def test_a_quantity_of_all_layers_is_one_function(tmp_path: Path) -> None:
    program = f"""{BESIDE}{SYNTHETIC_RUN}
from explorer.data import layer_quantities
from explorer.session.session import Explorer

exec({TEMPLATES[QUANTITY]!r}, vars(layer_quantities))
explorer = Explorer(data)
(card,) = [card for card in explorer.cards["training"]
           if card.view.title == "How large the weights of each layer are"]
found = layer_quantities.LAYER_QUANTITIES["largest weight"].of_layers(data)[-1]
frames = frames_at(image_run_spec(), int(data.run.steps[-1]))
expected = max(np.abs(frames["layers/dense/weights/" + name]).max() for name in ("kernel", "bias"))
print(json.dumps({{
    "is in the menu": "largest weight" in explorer.graph.quantities,
    "is right": bool(np.isclose(found[list(data.run.layers).index("dense")], expected)),
}}))
"""
    assert told_by(program, tmp_path) == {"is in the menu": True, "is right": True}


def test_an_operation_is_one_class(beside: Path) -> None:
    """Its gradient against differences of its values, in a network."""
    program = f"""{BESIDE}
from explorer.derived.network.engine import Network
from explorer.derived.network.node import Node
from explorer.derived.network.receptive_field import receptive_field

nodes = [Node("x", "InputLayer"), Node("unit", "UnitLength", {{"axis": -1}}, ("x",))]
network = Network(nodes)
x, seed = np.random.default_rng(1).normal(size=(2, 3, 4, 5)).astype(np.float32)
total = lambda x: float((network.forward({{"x": x}}, {{}})["unit"] * seed).sum())
found = network.forward({{"x": x}}, {{}})
gradient = network.backward(found, {{}}, {{"unit": seed}})["x"]
step = np.zeros_like(x)
step[1, 2, 3] = 1e-2
difference = (total(x + step) - total(x - step)) / 2e-2
shapes = {{"x": (4, 5), "unit": (4, 5)}}
print(json.dumps({{
    "unsupported": network.unsupported,
    "lengths": bool(np.allclose(np.linalg.norm(found["unit"], axis=-1), 1, atol=1e-6)),
    "gradient": bool(np.isclose(gradient[1, 2, 3], difference, rtol=1e-2)),
    "sees": receptive_field(network, "unit", (2,), shapes),
}}))
"""
    assert told_by(program, beside) == {
        "unsupported": {},
        "lengths": True,
        "gradient": True,
        "sees": [2, 3],
    }


# -- names ------------------------------------------------------------------------------------


def names_in(text: str) -> list[str]:
    """What stands between backticks outside of blocks of code."""
    return re.findall(r"`([^`\n]+)`", re.sub(r"^```.*?^```$", "", text, flags=re.M | re.S))


def missing_paths(names: list[str]) -> list[str]:
    """Files and folders among names that are not there; one without a folder may be anywhere."""
    looks = re.compile(r"[\w.-]+(?:/[\w.-]*)+|[\w-]+\.(?:py|md|js|toml|yml)")
    asked = [name for name in names if looks.fullmatch(name) and not (ROOT / name).exists()]
    anywhere = {file.name for top in ("explorer", "tests") for file in (ROOT / top).rglob("*.*")}
    return [name for name in asked if name not in anywhere]


def sources() -> str:
    folders = ("explorer", "recorder", "store", "tests", "benchmarks", ".ci")
    files = [
        file
        for folder in folders
        for file in (ROOT / folder).rglob("*")
        if file.suffix in {".py", ".js", ""} and file.is_file() and file != Path(__file__)
        if "finds" not in file.parts  # of the fuzzers: bytes
    ]
    files += [ROOT / name for name in ("pyproject.toml", "Makefile", "package.json")]
    return "\n".join(file.read_text(encoding="utf-8") for file in files)


def missing_identifiers(names: list[str], text: str) -> list[str]:
    """Names of code, such as ``RunData.derived`` and ``LAYER_KINDS``, that a text does not use."""
    looks = re.compile(r"[A-Za-z_]\w*(?:\.[a-z_]\w*)?")
    words = set(re.findall(r"\w+", text))
    return [name for name in names if looks.fullmatch(name) and not {*name.split(".")} <= words]


def test_files_that_are_named_are_there() -> None:
    assert not missing_paths(names_in(TEXT))


def test_names_of_code_are_names_in_the_code() -> None:
    paths = [name for name in names_in(TEXT) if (ROOT / name).exists()]
    names = [name for name in names_in(TEXT) if name not in paths]
    assert not missing_identifiers(names, sources())


def test_what_is_said_to_be_in_a_file_is_there() -> None:
    said = re.findall(r"`(\w+)`\s+in\s+`([\w/]+\.py)`", TEXT)
    assert len(said) > 2
    for name, path in said:
        tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
        words = {getattr(node, "id", getattr(node, "name", "")) for node in ast.walk(tree)}
        assert name in words, f"CONTRIBUTING.md says that {name} is in {path}"


def test_names_that_are_gone_are_seen() -> None:
    text = "`store/gone.py`, `store/cli.py`, `gone_by` and `here` of `Old.here`\n```\n`x`\n```\n"
    assert missing_paths(names_in(text)) == ["store/gone.py"]
    assert missing_identifiers(names_in(text), "here = 1") == ["gone_by", "Old.here"]
