"""What is chosen on the page: units, layers and tabs, by pointer and keys."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, ViewportSize, expect

from explorer.data.run import RunData
from explorer.session.session import GAP_PX, TAB_OF, TAB_TITLES
from explorer.views.registry import views
from store import Run
from tests.e2e.conftest import Begin, at, card, grid
from tests.e2e.watching import Contexts, computed

# Where pixels of a theme's colour are on the layer of marks over a grid: left, top, right, bottom.
OUTLINE = """
(canvas, role) => {
  const marks = canvas.parentElement.querySelector(".marks");
  const hex = getComputedStyle(canvas).getPropertyValue(`--tl-${role}`).trim();
  const colour = [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
  const { width, height } = marks;
  const pixels = marks.getContext("2d").getImageData(0, 0, width, height).data;
  let box = null;
  for (let at = 0; at < width * height; at++) {
    const [x, y] = [at % width, Math.floor(at / width)];
    if (pixels[4 * at + 3] < 128) continue;
    if (colour.some((part, channel) => Math.abs(part - pixels[4 * at + channel]) > 9)) continue;
    box ??= [x, y, x, y];
    box = [Math.min(box[0], x), Math.min(box[1], y), Math.max(box[2], x), Math.max(box[3], y)];
  }
  return box;
}
"""
# Distances between the parts of each column of the page, and what is left at their ends.
GAPS = """
(gap) => {
  const [gaps, ends] = [[], []];
  const walk = (node) => {
    const children = [...(node.shadowRoot ?? node).children];
    const style = getComputedStyle(node);
    const every = children.map((child) => child.getBoundingClientRect());
    const boxes = every.filter((box) => box.height);
    if (style.rowGap === gap && boxes.length) {
      const end = node.getBoundingClientRect().bottom;
      const left = end - Math.max(...boxes.map((box) => box.bottom));
      if (style.gridColumnStart === "auto") ends.push(left); // others are as high as a neighbour
      const between = boxes.slice(1).map((box, at) => box.top - boxes[at].bottom);
      if (style.display === "flex") gaps.push(...between);
    }
    children.forEach(walk);
  };
  walk(document.querySelector("main"));
  return [gaps, ends];
}
"""
CLOCK = 'window.trainlapseClocks.get("main")'


def outline(page: Page, role: str = "select") -> list[int] | None:
    """Box of what is outlined in the main picture."""
    return grid(page).evaluate(OUTLINE, role)


def holds(box: list[int] | None, x: float, y: float) -> bool:
    """Whether a point is within a box."""
    return box is not None and box[0] <= x <= box[2] and box[1] <= y <= box[3]


def chosen(page: Page, name: str, value: Any) -> None:
    """Wait until the page, and its address, hold a choice."""
    page.wait_for_function(f"([name, value]) => {CLOCK}.choice[name] === value", arg=[name, value])
    expect(page).to_have_url(re.compile(rf"[?&]{name}={value}(&|$)"))


def built(page: Page, title: str) -> Locator:
    """Give a card, once it has its picture, which is painted when it comes into sight."""
    found = card(page, title)
    found.locator(".stage canvas").first.wait_for()
    return found


# -- units ------------------------------------------------------------------------------------


def test_a_click_on_a_tile_chooses_its_unit(begin: Begin) -> None:
    page = begin(unit=4)
    before = outline(page)
    grid(page).click(position={"x": 9, "y": 9})
    chosen(page, "unit", 0)
    after = outline(page)
    assert holds(after, 9, 9)
    assert not holds(before, 9, 9)
    assert before is not None
    assert after is not None
    for axis in (0, 1):
        assert abs((after[axis + 2] - after[axis]) - (before[axis + 2] - before[axis])) <= 2

    page.reload()
    grid(page).wait_for()
    chosen(page, "unit", 0)
    assert outline(page) == after


def test_arrow_keys_move_the_unit_of_the_grid_in_focus_and_not_the_time(begin: Begin) -> None:
    index = 5
    page = begin(index=index)
    grid(page).click(position={"x": 9, "y": 9})
    first = outline(page)
    page.keyboard.press("ArrowRight")
    chosen(page, "unit", 1)
    right = outline(page)
    page.keyboard.press("ArrowDown")
    page.wait_for_function(f"() => {CLOCK}.choice.unit > 1")
    below = outline(page)
    assert first is not None
    assert right is not None
    assert below is not None
    assert first[2] <= right[0] + 3
    assert (first[1], first[3]) == (right[1], right[3])
    assert right[3] <= below[1] + 3
    assert (right[0], right[2]) == (below[0], below[2])
    page.keyboard.press("ArrowUp")
    chosen(page, "unit", 1)
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")  # there is none before the first
    chosen(page, "unit", 0)
    at(page, index)

    grid(page).blur()
    page.keyboard.press("ArrowRight")
    at(page, index + 1)
    chosen(page, "unit", 0)


def test_the_rows_of_a_matrix_are_units(begin: Begin) -> None:
    page = begin("text")
    grid(page).click(position={"x": 60, "y": 4})
    chosen(page, "unit", 0)
    page.keyboard.press("ArrowDown")
    chosen(page, "unit", 1)
    row = outline(page)
    assert row is not None
    assert row[1] > 4
    grid(page).hover(position={"x": 3, "y": 4})
    assert page.evaluate(f"{CLOCK}.hovered") == {"unit": 0, "token": 0}


def test_a_hovered_tile_is_told_to_all_pictures(begin: Begin) -> None:
    page = begin(unit=4)
    assert outline(page, "muted") is None
    grid(page).hover(position={"x": 9, "y": 9})
    assert page.evaluate(f"{CLOCK}.hovered") == {"unit": 0}
    here = outline(page, "muted")
    assert holds(here, 9, 9)
    page.mouse.move(5, 5)
    assert page.evaluate(f"{CLOCK}.hovered") == {}
    assert outline(page, "muted") is None
    # As if the pointer were over the same unit in another picture.
    page.evaluate(f"{CLOCK}.hover({{ unit: 0 }})")
    assert outline(page, "muted") == here
    assert not holds(outline(page), 9, 9)  # what is chosen stays so


def test_a_layer_remembers_its_unit(begin: Begin) -> None:
    begin(layer="conv2", unit=0)
    page = begin(unit=4)
    before = outline(page)
    page.locator('[data-layer="conv2"]').click()
    chosen(page, "layer", "conv2")
    chosen(page, "unit", 0)
    expect(grid(page)).to_have_attribute("data-key", re.compile(r"\|conv2\|"))
    grid(page).focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    chosen(page, "unit", 2)
    page.locator('[data-layer="conv1"]').click()
    chosen(page, "unit", 4)
    expect(grid(page)).to_have_attribute("data-key", re.compile(r"\|conv1\|"))
    assert outline(page) == before
    page.locator('[data-layer="conv2"]').click()
    chosen(page, "unit", 2)


@pytest.mark.parametrize("wrong", ["unit: 6", "probe: 999", 'tab: "nowhere"', 'layer: "gone"'])
def test_what_the_run_does_not_have_is_put_back(begin: Begin, wrong: str) -> None:
    page = begin(unit=4, probe=2)
    before = page.evaluate(f"{CLOCK}.choice")
    page.evaluate(
        f"""() => {{
          const clock = {CLOCK};
          const seen = (window.seen = []);
          clock.addEventListener("choice", () => seen.push(clock.choice));
          clock.choose({{ {wrong} }});
        }}"""
    )
    page.wait_for_function("() => window.seen.length === 2")
    first, last = page.evaluate("window.seen")
    assert first != before
    assert last == page.evaluate(f"{CLOCK}.choice") == before


def test_a_click_on_a_class_explains_it_and_a_second_one_does_no_more(begin: Begin) -> None:
    page = begin()
    label = page.locator(".bars .class").nth(3)
    label.click()
    chosen(page, "target", 3)
    expect(page.locator(".bars .explained:not(.truth)")).to_have_count(1)
    label.click()
    chosen(page, "target", -1)
    expect(page.locator(".bars .explained.truth")).to_have_count(1)


# -- tabs and cards ---------------------------------------------------------------------------


def shows(page: Page, titles: set[str]) -> None:
    """Wait until just these cards are on screen."""
    headings = page.locator(".head h3:visible")
    for title in titles:
        expect(headings.get_by_text(title, exact=True).first).to_be_visible()
    others = re.compile("^(?!(?:{})$)".format("|".join(map(re.escape, titles))))
    expect(headings.filter(has_text=others)).to_have_count(0)
    assert set(headings.all_inner_texts()) == titles


def test_a_tab_shows_its_cards_and_stands_in_the_address(
    begin: Begin, runs: dict[str, Run]
) -> None:
    page = begin()
    data = RunData(runs["lenet"])
    layer = data.run.layers["conv1"]
    always = {view.title for view in views("run") if view.applies(data)}
    of_tab = {tab: set(always) for tab in TAB_TITLES}
    for region, tab in TAB_OF.items():
        of_a_layer = region in {"stage", "layer"}
        of_tab[tab] |= {
            view.title
            for view in views(region)
            if view.applies(data) and (not of_a_layer or view.serves(layer))
        }
    of_tab["layers"] |= {"Probe", "The network says, at this step", "Try an input"}
    tabs = page.get_by_role("tab")
    assert tabs.all_inner_texts() == list(TAB_TITLES.values())
    shows(page, of_tab["layers"])
    for tab in ("training", "learning"):
        page.get_by_role("tab", name=TAB_TITLES[tab]).click()
        chosen(page, "tab", tab)
        expect(page.locator("[role=tab][aria-selected=true]")).to_have_text(TAB_TITLES[tab])
        expect(grid(page)).to_have_count(0)
        shows(page, of_tab[tab])
    page.reload()
    expect(page.locator("[role=tab][aria-selected=true]")).to_have_text(TAB_TITLES["learning"])
    shows(page, of_tab["learning"])
    # Back by keys: the tab in focus hands on to its neighbour.
    page.get_by_role("tab", name=TAB_TITLES["learning"]).focus()
    page.keyboard.press("ArrowLeft")
    chosen(page, "tab", "layers")
    grid(page).wait_for()
    shows(page, of_tab["layers"])


def test_a_layer_chosen_on_another_tab_is_there_on_the_way_back(begin: Begin) -> None:
    page = begin(tab="training")
    page.locator('[data-layer="pool2"]').click()
    chosen(page, "layer", "pool2")
    expect(grid(page)).to_have_count(0)
    page.get_by_role("tab", name=TAB_TITLES["layers"]).click()
    expect(grid(page)).to_have_attribute("data-key", re.compile(r"\|pool2\|"))


SHORT: ViewportSize = {"width": 1280, "height": 420}


@pytest.fixture(scope="module")
def short_page(contexts: Contexts, server: str) -> Iterator[Page]:
    """A page with the first cards in sight; each test looks at others of those below."""
    with contexts.watched(viewport=SHORT) as (page, watch):
        page.goto(f"{server}/?layer=conv1")
        built(page, "Feature maps")
        computed(page)
        yield page
        watch.check(page)


def test_a_card_below_the_screen_is_drawn_ahead(short_page: Page) -> None:
    short_page.locator("main").evaluate("(main) => main.scrollTo(0, 0)")
    excites = card(short_page, "What excites the unit most")
    box = excites.bounding_box()
    assert box is not None
    expect(excites.locator("canvas")).to_have_count(0)
    short_page.set_viewport_size({"width": 1280, "height": round(box["y"]) - 150})
    expect(excites.locator("canvas").first).to_be_attached()


def test_a_card_is_drawn_when_it_comes_into_view(short_page: Page) -> None:
    distribution = card(short_page, "Weight distribution")
    expect(distribution.locator("canvas")).to_have_count(0)
    distribution.scroll_into_view_if_needed()
    expect(distribution.locator("canvas").first).to_be_visible()
    expect(distribution).to_contain_text("each column is the histogram")


def test_a_card_whose_heading_is_scrolled_away_follows(short_page: Page) -> None:
    page = short_page
    page.set_viewport_size({"width": 1280, "height": 500})
    page.locator("main").evaluate(
        "(main, card) => main.scrollBy(0, card.getBoundingClientRect().bottom - 200)",
        card(page, "Feature maps").element_handle(),
    )
    page.locator('[data-layer="conv2"]').click()
    expect(grid(page)).to_have_attribute("data-key", re.compile(r"\|conv2\|"))
    expect(card(page, "Feature maps").locator("h3")).not_to_be_in_viewport()


def test_all_parts_of_the_page_stand_equally_far_apart(begin: Begin) -> None:
    page = begin()
    gaps, ends = page.evaluate(GAPS, f"{GAP_PX}px")
    assert len(gaps) >= 4  # curves, tabs, heading, picture and probe, what it says, the layer's
    assert gaps == pytest.approx([GAP_PX] * len(gaps), abs=1)
    assert len(ends) >= 4
    assert ends == pytest.approx([0] * len(ends), abs=1)
