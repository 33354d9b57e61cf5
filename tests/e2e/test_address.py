"""The address in a real browser: right at once, whatever the server does, and rarely written."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from playwright.sync_api import Page, expect

from explorer.session.session import TAB_TITLES
from store import Run
from tests.e2e.conftest import RUNS, Begin, answered, grid
from tests.e2e.history import gap

pytestmark = pytest.mark.browser

# What follows happens before the browser does anything else: no timer runs out, no message comes.
AT_ONCE = """
(acts) => {
  const counted = history.replaceState;
  let written = 0;
  history.replaceState = (...given) => {
    written += 1;
    counted.apply(history, given);
  };
  const found = (selector, node = document) => {
    const here = node.querySelector(selector);
    if (here) return here;
    for (const { shadowRoot } of node.querySelectorAll("*")) {
      const below = shadowRoot && found(selector, shadowRoot);
      if (below) return below;
    }
    return null;
  };
  const everywhere = { bubbles: true, composed: true, cancelable: true };
  const tell = (type, node, Kind, given = {}) =>
    node.dispatchEvent(new Kind(type, { ...everywhere, ...given }));
  const act = {
    down: (key) => tell("keydown", document.body, KeyboardEvent, { key }),
    up: (key) => tell("keyup", document.body, KeyboardEvent, { key }),
    grasp: (selector) => tell("pointerdown", found(selector), PointerEvent),
    leave: (selector) => tell("pointerup", found(selector), PointerEvent),
    click: (selector) => {
      act.grasp(selector);
      act.leave(selector);
      tell("click", found(selector), MouseEvent);
    },
    drag: (value) => {
      const slider = found('input[type="range"]');
      slider.value = value;
      tell("input", slider, InputEvent);
    },
    select: ([label, value]) => {
      const list = found(`select[aria-label="${label}"]`);
      act.click(`select[aria-label="${label}"]`);
      list.value = value;
      list.dispatchEvent(new Event("change", { bubbles: true }));
    },
  };
  for (const [name, given] of acts) act[name](given);
  delete history.replaceState;
  return { entry: location.search, written };
}
"""
SLIDER = 'input[type="range"]'
PLAY = 'button[data-action="play"]'


def at_once(page: Page, *acts: Sequence[Any]) -> tuple[dict[str, str], int]:
    """Parameters of the address right after some acts, and how often it was changed in place."""
    found = page.evaluate(AT_ONCE, [list(act) for act in acts])
    return dict(parse_qsl(urlsplit(found["entry"]).query)), found["written"]


def layer(name: str) -> tuple[str, str]:
    return "click", f'[data-layer="{name}"]'


def test_the_address_is_right_as_soon_as_a_key_or_the_pointer_is_let_go(
    begin: Begin, runs: dict[str, Run]
) -> None:
    steps = [str(step) for step in runs["lenet"].steps]
    begin(layer="conv1", unit=0)  # so that this is the unit to come back to
    page = begin(layer="conv2", unit=5)
    asked, written = at_once(page, ("down", "ArrowRight"), ("up", "ArrowRight"))
    assert (asked["step"], written) == (steps[1], 1)
    # Held: many steps, few changes.
    held = [("down", "ArrowRight")] * 40
    asked, written = at_once(page, *held, ("up", "ArrowRight"), ("down", "ArrowLeft"))
    assert asked["step"] == steps[min(41, len(steps) - 1)]
    assert written <= 3
    asked, _ = at_once(page, ("up", "ArrowLeft"))
    assert asked["step"] == steps[min(41, len(steps) - 1) - 1]
    drag = [("drag", step) for step in steps[:30]]
    asked, written = at_once(page, ("grasp", SLIDER), *drag, ("leave", SLIDER))
    assert asked["step"] == steps[29]
    assert written <= 2
    # Playing.
    at_once(page, ("down", "Home"), ("up", "Home"), ("click", PLAY))
    page.wait_for_function('window.trainlapseClocks.get("main").index > 4')
    asked, _ = at_once(page, ("click", PLAY))
    assert asked["step"] == steps[page.evaluate('window.trainlapseClocks.get("main").index')]

    # What is chosen.
    asked, _ = at_once(page, layer("conv1"))
    assert (asked["layer"], asked["unit"]) == ("conv1", "0")
    asked, _ = at_once(page, ("select", ["Time axis", "epoch"]))
    assert asked["axis"] == "epoch"
    asked, _ = at_once(page, ("click", '[role="option"][data-probe="2"]'))
    assert asked["probe"] == "2"
    asked, _ = at_once(page, ("click", ".bars .row"))
    assert asked["target"] == "0"
    asked, _ = at_once(page, ("click", '[role="tab"]:last-child'))
    assert asked["tab"] == list(TAB_TITLES)[-1]
    assert asked["step"] == steps[page.evaluate('window.trainlapseClocks.get("main").index')]


def test_a_unit_stays_from_a_layer_to_what_keeps_units_in_place(begin: Begin) -> None:
    begin(layer="conv1", unit=0)  # so that this is the unit to come back to
    page = begin(layer="conv2", unit=5)
    gap(page)
    for name in ("relu2", "pool2", "relu2", "conv2"):
        asked, _ = at_once(page, layer(name))
        assert (asked["layer"], asked["unit"]) == (name, "5")
        held = answered(page)
        assert (held["layer"], held["unit"]) == (name, 5)
        expect(page).to_have_url(re.compile(rf"[?&]layer={name}&(.*&)?unit=5(&|$)"))
        expect(grid(page)).to_have_attribute("data-key", re.compile(rf"\|{name}\|"))
    # Other units, and back to where these were left.
    for name, unit in (("conv1", "0"), ("pool2", "5"), ("dense1", "0")):
        asked, _ = at_once(page, layer(name))
        assert (asked["layer"], asked["unit"]) == (name, unit)
    held = answered(page)
    assert (held["layer"], held["unit"]) == ("dense1", 0)


def test_so_it_is_with_two_runs(watched_page: Page, server: str, runs: dict[str, Run]) -> None:
    page = watched_page
    steps = [str(step) for step in runs["lenet"].steps]
    number = RUNS.index("lenet") + 1
    page.goto(f"{server}/compare?a={number}&b={number}&layer=conv2&unit=5&step=0&step_b=0")
    page.locator("[role=tab]").first.wait_for()
    answered(page)
    held = [("down", "ArrowRight")] * 3
    asked, _ = at_once(page, *held, ("up", "ArrowRight"))
    assert (asked["step"], asked["step_b"]) == (steps[3], steps[3])
    for name in ("relu2", "pool2", "conv2"):
        asked, _ = at_once(page, layer(name))
        assert (asked["layer"], asked["unit"]) == (name, "5")
        held_there = answered(page, "second")
        assert answered(page)["unit"] == 5
        assert (held_there["layer"], held_there["unit"]) == (name, 5)
    asked, _ = at_once(page, ("select", ["Alignment", "epoch"]))
    assert asked["align"] == "epoch"
