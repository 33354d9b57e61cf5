"""The browser halves of the components: their scripts are there, and parse.

What they compute is tested in tests/javascript.
"""

from __future__ import annotations

import importlib
import itertools
import json
import pkgutil
import re

import pytest

import explorer.widgets
from explorer.widgets.base import BUNDLE, FOLDER, Widget, script
from tests.explorer.node import evaluated, parses

SHARED = FOLDER / "shared"
OWN = sorted(path for path in FOLDER.rglob("*.js") if path.parent != SHARED)
# Scripts that are no component's.
PAGES = {"host.js", "stage.js"}


def widget_classes():
    """Components with a script of their own, by the name of their module."""
    for module in pkgutil.walk_packages(explorer.widgets.__path__, "explorer.widgets."):
        importlib.import_module(module.name)

    def below(widget):
        yield widget
        for subclass in widget.__subclasses__():
            yield from below(subclass)

    found = [widget for widget in below(Widget) if widget is not Widget and "_esm" in vars(widget)]
    return {widget.__module__.rsplit(".", 1)[-1]: widget for widget in found}


def test_every_script_has_its_component_and_its_bundle():
    classes = widget_classes()
    assert set(classes) == {path.stem for path in OWN}
    assert {path.name for path in BUNDLE.iterdir()} == {path.name for path in OWN} | PAGES
    assert all(widget._esm == script(f"{name}.js") for name, widget in classes.items())
    assert all(widget._debounce == 0 for widget in classes.values())


@pytest.mark.parametrize("name", [path.stem for path in OWN])
def test_a_component_brings_all_that_it_needs_and_parses(name):
    text = widget_classes()[name]._esm
    assert not re.search(r"^import\b", text, re.MULTILINE)
    assert re.search(r"^export \{[^}]*\brender\b", text, re.MULTILINE)
    parses(text)


@pytest.mark.parametrize("name", sorted(PAGES))
def test_the_script_of_a_page_keeps_its_names_to_itself(name):
    text = script(name)
    assert text.startswith('"use strict";\n(() => {\n')
    assert text.endswith("})();\n")
    parses(text)


def test_a_script_with_a_fault_is_noticed(tmp_path):
    def told(text, expression="1"):
        path = tmp_path / "script.js"
        path.write_text(text, encoding="utf-8")
        return evaluated(path, expression)

    with pytest.raises(AssertionError, match="SyntaxError"):
        parses("const twice = 1; const twice = 2;")
    with pytest.raises(AssertionError, match="ReferenceError: nowhere is not defined"):
        told("const once = nowhere;", "once")
    with pytest.raises(AssertionError, match=r"SyntaxError.*'absent'"):
        told(f'import {{ absent }} from "{(SHARED / "numbers.js").as_uri()}";')
    assert told("globalThis.left = 1;", "left") == 1
    assert told("", "typeof left") == "undefined"  # each has a page of its own


# -- what fits --------------------------------------------------------------------------------

# A pen whose letters are a pixel wide.
PEN = "{measureText: (text) => ({width: text.length})}"


@pytest.mark.parametrize(
    ("text", "most", "shown"),
    [
        ("conv1", 5, "conv1"),
        ("conv2d_transpose_12", 9, "conv…e_12"),
        ("conv2d_transpose_12", 3, "c…2"),
        ("conv1", 2, ""),
        ("", 0, ""),
    ],
)
def test_a_text_that_is_too_wide_loses_its_middle(text, most, shown):
    assert evaluated("widgets/shared/paint.js", f"fitted({PEN}, {text!r}, {most})") == shown


ALEXNET = ["image", *["conv", "map"] * 5, "vector", "vector", "classes"]


def columns_in(width, kinds=ALEXNET):
    """Left and right ends of the columns of the probe's way, and its gutters."""
    columns = [
        {"kind": "map", "kernel": [3, 3]} if kind == "conv" else {"kind": kind} for kind in kinds
    ]
    call = f"placesOf({json.dumps(columns)}, {width})"
    places = evaluated("widgets/pictures/flow.js", call)
    return [(place["left"], place["left"] + place["width"], place["gutter"]) for place in places]


@pytest.mark.parametrize("width", [400, 900, 1100, 1600, 3000])
def test_columns_of_the_probes_way_leave_gutters_for_links(width):
    columns = columns_in(width)
    for (_, end, gutter), (begin, _, _) in itertools.pairwise(columns):
        assert begin - end == pytest.approx(gutter)
        assert gutter >= 18
    assert columns[0][0] == 0


def test_they_fill_the_room_unless_they_could_not_be_read():
    least = columns_in(0)[-1][1]
    assert columns_in(least - 300)[-1][1] == pytest.approx(least)
    for width in (least, least + 100, 3 * least):
        assert columns_in(width)[-1][1] == pytest.approx(width)
    # Wider than that they are, too: a number and what it contributes stand on one line.
    assert all(end - begin >= 50 for begin, end, _ in columns_in(0))
    assert columns_in(800, ["image"])[0][0] == 0
