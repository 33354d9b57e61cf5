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
from explorer.widgets.base import ASSETS, SHARED, Widget, script
from tests.explorer.node import evaluated, parses

OWN = sorted(path for path in ASSETS.values() if path.suffix == ".js")
SHARED_PARTS = {path.stem: path.read_text(encoding="utf-8") for path in sorted(SHARED.glob("*.js"))}
# What a part offers to the scripts behind it.
DECLARED = re.compile(r"^(?:export )?(?:function\*?|const|let|class) (\w+)", re.MULTILINE)


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


def parts_of(module, text):
    """Names of the shared parts in front of a component's own script, in order."""
    own = ASSETS[f"{module}.js"].read_text(encoding="utf-8")
    assert text.endswith(own)
    rest, names = text.removesuffix(own), []
    while rest:
        (name,) = [name for name, part in SHARED_PARTS.items() if rest.startswith(part)]
        rest = rest.removeprefix(SHARED_PARTS[name])
        names.append(name)
    return names


def test_every_script_has_its_component_and_every_shared_part_is_used():
    classes = widget_classes()
    assert set(classes) == {path.stem for path in OWN}
    used = {part for name, widget in classes.items() for part in parts_of(name, widget._esm)}
    assert used == set(SHARED_PARTS)
    assert all(widget._debounce == 0 for widget in classes.values())


@pytest.mark.parametrize("name", [path.stem for path in OWN])
def test_a_component_has_the_shared_parts_that_it_uses_in_front_and_parses(name):
    text = widget_classes()[name]._esm
    parts = parts_of(name, text)
    assert parts[0] == "clock"
    assert len(set(parts)) == len(parts)
    for part, shared in SHARED_PARTS.items():
        own = [known for known in DECLARED.findall(shared) if known not in DECLARED.findall(text)]
        used = [known for known in own if re.search(rf"(?<![\w.]){known}\(", text)]
        assert part in parts or not used, f"{name}.js uses {used} of shared/{part}.js"
    assert "export function render" in text
    parses(text)


@pytest.mark.parametrize("part", SHARED_PARTS)
def test_a_shared_part_parses_and_renders_nothing(part):
    assert not re.search(r"^\s*export\b", SHARED_PARTS[part], re.MULTILINE)
    parses(SHARED_PARTS[part])


def test_a_script_with_a_fault_is_noticed():
    with pytest.raises(AssertionError, match="SyntaxError"):
        parses("const twice = 1; const twice = 2;")
    with pytest.raises(AssertionError, match="ReferenceError: nowhere is not defined"):
        evaluated("const once = nowhere;", "once")
    assert evaluated("globalThis.left = 1;", "left") == 1
    assert evaluated("", "typeof left") == "undefined"  # each has a page of its own


def test_the_script_of_a_component_begins_with_what_it_asks_for():
    clock, paint, frames = (SHARED_PARTS[name] for name in ("clock", "paint", "frames"))
    own = ASSETS["tabs.js"].read_text(encoding="utf-8")
    assert script("tabs.js") == clock + own
    assert script("tabs.js", "paint", "frames") == clock + paint + frames + own


def own_script(name):
    return ASSETS[name].read_text(encoding="utf-8")


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
    assert evaluated(SHARED_PARTS["paint"], f"fitted({PEN}, {text!r}, {most})") == shown


ALEXNET = ["image", *["conv", "map"] * 5, "vector", "vector", "classes"]


def columns_in(width, kinds=ALEXNET):
    """Left and right ends of the columns of the probe's way, and its gutters."""
    columns = [
        {"kind": "map", "kernel": [3, 3]} if kind == "conv" else {"kind": kind} for kind in kinds
    ]
    script = SHARED_PARTS["clock"] + SHARED_PARTS["paint"] + own_script("flow.js")
    places = evaluated(script, f"placesOf({json.dumps(columns)}, {width})")
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
