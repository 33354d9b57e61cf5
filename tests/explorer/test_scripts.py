"""The browser halves of the components: their scripts are there, parse, and choose rightly."""

from __future__ import annotations

import importlib
import pkgutil
import re

import panel as pn
import pytest

import explorer.widgets
from explorer.widgets.base import FOLDER, SHARED, Widget, script
from tests.explorer.node import evaluated, parses

OWN = sorted(FOLDER.glob("*.js"))
SHARED_PARTS = {path.stem: path.read_text(encoding="utf-8") for path in sorted(SHARED.glob("*.js"))}
# What a part offers to the scripts behind it.
DECLARED = re.compile(r"^(?:export )?(?:function\*?|const|let|class) (\w+)", re.MULTILINE)


def widget_classes():
    """Components with a script of their own, by the name of their module."""
    for module in pkgutil.iter_modules(explorer.widgets.__path__):
        importlib.import_module(f"explorer.widgets.{module.name}")

    def below(widget):
        yield widget
        for subclass in widget.__subclasses__():
            yield from below(subclass)

    found = [widget for widget in below(Widget) if widget is not Widget and "_esm" in vars(widget)]
    return {widget.__module__.rsplit(".", 1)[-1]: widget for widget in found}


def parts_of(module, text):
    """Names of the shared parts in front of a component's own script, in order."""
    own = (FOLDER / f"{module}.js").read_text(encoding="utf-8")
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
    own = (FOLDER / "tabs.js").read_text(encoding="utf-8")
    assert script("tabs.js") == clock + own
    assert script("tabs.js", "paint", "frames") == clock + paint + frames + own


def own_script(name):
    return (FOLDER / name).read_text(encoding="utf-8")


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
    assert (
        evaluated(own_script("probability_bars.js"), f"classesShown([{numbers}], {truth})") == shown
    )


@pytest.mark.parametrize(
    ("tile", "places", "name"),
    [(5, 1, "unit 5"), (5, 2, "unit 2 · place 1"), (4, 2, "unit 2 · place 0"), (5, 0, "tile 5")],
)
def test_a_tile_is_named_by_what_it_shows(tile, places, name):
    assert evaluated(own_script("frame_grid.js"), f"tileName({tile}, {places})") == name


@pytest.mark.parametrize(
    ("chosen", "move", "count", "tile"),
    [
        ([2], 1, 9, 3),
        ([2], -1, 9, 1),
        ([2], 3, 9, 5),
        ([0], -1, 9, 0),
        ([8], 1, 9, 8),
        ([7], 3, 9, 8),
        ([2, 3], 1, 9, 4),
        ([2, 3], -1, 9, 1),
        ([], 1, 9, 1),
        ([], -1, 9, 0),
    ],
)
def test_an_arrow_key_leads_past_all_tiles_of_the_chosen_unit(chosen, move, count, tile):
    expression = f"tileAfter({chosen}, {move}, {count})"
    assert evaluated(own_script("frame_grid.js"), expression) == tile


@pytest.mark.parametrize(
    ("index", "tile"), [(0, 0), (4, 0), (5, 1), (89, 1), (90, 2), (1000, 2)], ids=str
)
def test_the_tile_of_a_step_is_the_last_one_recorded_by_then(index, tile):
    assert evaluated(own_script("frame_grid.js"), f"tileOfStep([0, 5, 90], {index})") == tile


@pytest.mark.parametrize(("tile", "blank"), [(0, False), (1, True), (2, False)])
def test_a_tile_without_a_number_is_blank(tile, blank):
    codes = "[0, 7, 0, 0, 0, 0, 0, 0, 1]"
    assert evaluated(own_script("frame_grid.js"), f"isBlank({codes}, {3 * tile}, 3)") is blank


# -- the clock --------------------------------------------------------------------------------


def on_the_clock(actions, channel="main"):
    """Choice, pointer, place and what was heard, after some actions on a clock."""
    setup = f"""
      globalThis.window = globalThis;
      const clock = clockOf({channel!r});
      const heard = [];
      for (const name of ["choice", "hover", "tick"]) {{
        clock.addEventListener(name, () => heard.push(name));
      }}
      {actions}
    """
    answer = "{choice: clock.choice, hovered: clock.hovered, index: clock.index, heard}"
    return evaluated(SHARED_PARTS["clock"] + setup, answer)


CHOICE = '{layer: "conv1", unit: 2, probe: 1, target: -1, tab: "layers"}'


def test_a_choice_changes_what_is_named_and_is_heard_of_once():
    found = on_the_clock(f"clock.choose({CHOICE}); clock.choose({{probe: 4, unit: 0}});")
    assert found["choice"] == {
        "layer": "conv1", "unit": 0, "probe": 4, "target": -1, "tab": "layers",
    }  # fmt: skip
    assert found["heard"] == ["choice", "choice"]


def test_choosing_what_is_chosen_is_not_heard_of():
    found = on_the_clock(
        f"clock.choose({CHOICE}); clock.choose({CHOICE}); clock.choose({{probe: 1}});"
        'clock.choose({layer: "conv1"});'
    )
    assert found["heard"] == ["choice"]
    assert found["choice"]["unit"] == 2


def test_another_layer_without_a_unit_leaves_the_unit_to_python():
    found = on_the_clock(f'clock.choose({CHOICE}); clock.choose({{layer: "dense"}});')
    assert (found["choice"]["layer"], found["choice"]["unit"]) == ("dense", None)
    found = on_the_clock(f'clock.choose({CHOICE}); clock.choose({{layer: "dense", unit: 3}});')
    assert (found["choice"]["layer"], found["choice"]["unit"]) == ("dense", 3)


def test_what_the_pointer_is_over_is_heard_of_and_forgotten():
    found = on_the_clock("clock.hover({unit: 3});")
    assert (found["hovered"], found["heard"]) == ({"unit": 3}, ["hover"])
    assert on_the_clock("clock.hover({unit: 3}); clock.hover();")["hovered"] == {}


@pytest.mark.parametrize(("index", "place"), [(3, 3), (-1, 0), (99, 7), (2.6, 3), ("NaN", 0)])
def test_the_clock_stays_within_the_recorded_steps(index, place):
    assert on_the_clock(f"clock.start(8, 0); clock.go({index});")["index"] == place


def test_clocks_of_two_channels_do_not_know_each_other():
    found = on_the_clock(f'clockOf("other").choose({CHOICE}); clockOf("other").hover({{unit: 1}});')
    assert (found["choice"], found["hovered"], found["heard"]) == ({}, {}, [])


# -- all of them ------------------------------------------------------------------------------


def test_every_parameter_that_scripts_read_is_documented():
    for widget in widget_classes().values():
        inherited = {
            name for base in (pn.custom.JSComponent,) for name in base.param if name != "channel"
        }
        own = set(widget.param) - inherited
        assert all(widget.param[name].doc for name in own), widget


def test_no_script_takes_text_for_markup():
    """Names and texts of a run reach the page as text: nothing is parsed as HTML."""
    for path in [*OWN, *SHARED.glob("*.js")]:
        text = path.read_text(encoding="utf-8")
        for way in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("):
            assert way not in text, f"{path.name} uses {way}"
