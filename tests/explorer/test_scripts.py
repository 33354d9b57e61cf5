"""The browser halves of the components: their scripts are there, parse, and choose rightly."""

from __future__ import annotations

import importlib
import json
import pkgutil
import shutil
import subprocess

import panel as pn
import pytest

import explorer.widgets
from explorer.widgets.base import FOLDER, Widget

SCRIPTS = sorted(FOLDER.glob("*.js"))


def widget_classes():
    for module in pkgutil.iter_modules(explorer.widgets.__path__):
        importlib.import_module(f"explorer.widgets.{module.name}")
    return Widget.__subclasses__()


def test_every_component_has_its_script_behind_the_clock():
    classes = widget_classes()
    assert len(classes) == len(SCRIPTS) - 1  # all but the clock itself
    clock = (FOLDER / "clock.js").read_text(encoding="utf-8")
    own = set()
    for widget in classes:
        assert widget._esm.startswith(clock)
        own.add(widget._esm.removeprefix(clock))
        assert widget._debounce == 0
    assert own == {path.read_text(encoding="utf-8") for path in SCRIPTS if path.stem != "clock"}


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_a_script_renders_and_parses(path):
    text = path.read_text(encoding="utf-8")
    assert ("export function render" in text) == (path.stem != "clock")
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed, so scripts are not parsed; the browser tests run them")
    clock = (FOLDER / "clock.js").read_text(encoding="utf-8")
    module = clock if path.stem == "clock" else clock + text
    done = subprocess.run(
        [node, "--input-type=module", "--check"], input=module, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


def evaluated(script, expression):
    """What a function of a script returns, by node."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed, so functions of scripts are not called")
    module = (FOLDER / script).read_text(encoding="utf-8")
    module += f"\nconsole.log(JSON.stringify({expression}));"
    done = subprocess.run(
        [node, "--input-type=module", "-e", module], capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout)


FEW = [0.1, 0.5, 0.2, 0.2]
MANY = [0.01 * (number % 7) for number in range(20)]


@pytest.mark.parametrize(
    ("shares", "truth", "shown"),
    [
        (FEW, -1, [0, 1, 2, 3]),
        ([0.0] * 11 + [1.0], 3, list(range(12))),
        (MANY, -1, [6, 13, 5, 12, 19, 4, 11, 18, 3, 10]),
        (MANY, 13, [6, 13, 5, 12, 19, 4, 11, 18, 3, 10]),
        (MANY, 7, [6, 13, 5, 12, 19, 4, 11, 18, 3, 10, 7]),
        ([None] + [0.0] * 12, -1, list(range(1, 11))),
        ([None] * 13, 12, [*range(10), 12]),
        ([], -1, []),
    ],
    ids=["few", "twelve", "many", "true among them", "true below", "a NaN", "all NaN", "none"],
)
def test_of_many_classes_the_most_probable_get_a_bar_and_the_true_one(shares, truth, shown):
    numbers = ", ".join("NaN" if share is None else str(share) for share in shares)
    assert evaluated("probability_bars.js", f"classesShown([{numbers}], {truth})") == shown


@pytest.mark.parametrize(
    ("tile", "places", "name"),
    [(5, 1, "unit 5"), (5, 2, "unit 2 · place 1"), (4, 2, "unit 2 · place 0"), (5, 0, "tile 5")],
)
def test_a_tile_is_named_by_what_it_shows(tile, places, name):
    assert evaluated("frame_grid.js", f"tileName({tile}, {places})") == name


def test_every_parameter_that_scripts_read_is_documented():
    for widget in widget_classes():
        inherited = {
            name for base in (pn.custom.JSComponent,) for name in base.param if name != "channel"
        }
        own = set(widget.param) - inherited
        assert all(widget.param[name].doc for name in own), widget


def test_no_script_takes_text_for_markup():
    """Names and texts of a run reach the page as text: nothing is parsed as HTML."""
    for path in SCRIPTS:
        text = path.read_text(encoding="utf-8")
        for way in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("):
            assert way not in text, f"{path.name} uses {way}"
