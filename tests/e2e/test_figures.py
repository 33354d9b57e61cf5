"""After any way through a page, each card shows what it shows on a fresh page, and no more."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from store import Run
from store.testing import write_run
from tests.e2e.conftest import RUNS, VIEWPORT, Begin, PageChecker
from tests.e2e.figures import (
    ALL_CARDS,
    WALKS,
    Place,
    at_rest,
    become,
    go,
    go_round,
    walk,
    weighed,
)
from tests.e2e.small_runs import record, titles_of
from tests.e2e.watching import PATIENCE_MS

# Whatever is in sight is drawn; a quarter of the pixels is as good, and quicker.
HIGH: Any = {"viewport": {"width": 1280, "height": ALL_CARDS}, "device_scale_factor": 0.25}

SHORT: list[Place] = [
    {"tab": "learning"},
    {"axis": "epoch"},
    {"axis": "log_step"},
    {"tab": "layers", "layer": "dense1"},
    {"layer": "conv1", "unit": 1, "probe": 3},
    {"axis": "step", "probe": 0, "unit": 0, "tab": "learning"},
]


def address(server: str, run: str, place: Place) -> str:
    number = RUNS.index(run) + 1
    query = {"layer": "conv1", **place}
    return f"{server}/{'' if number == 1 else f'run-{number}'}?{urlencode(query)}"


def test_a_card_never_shows_what_it_showed_before_beside_what_it_shows_now(
    page_checker: PageChecker, server: str
) -> None:
    with page_checker(viewport=VIEWPORT) as page:
        page.goto(address(server, "lenet", {"tab": "learning", "axis": "step"}))
        fresh = at_rest(page)
        assert fresh["Confusion"][0] > 3
        for place in SHORT:
            go(page, place)
        become(page, fresh)


# The parts of a column change thrice while those of the first change are still being built.
OVERLAPPING = """
async ([depth, patience]) => {
  const end = performance.now() + patience;
  const frames = async (isOver, what) => {
    while (!isOver()) {
      if (performance.now() > end) throw new Error(`${what} never`);
      await new Promise(requestAnimationFrame);
    }
  };
  const Column = Bokeh.Models.get("panel.models.layout.Column");
  const Div = Bokeh.Models.get("Div");
  const deep = (text, levels) =>
    levels ? new Column({ children: [deep(text, levels - 1)] }) : new Div({ text });
  const someColumn = (view) =>
    view.model instanceof Column ? view : (view.child_views ?? []).map(someColumn).find(Boolean);
  const outer = [...Bokeh.index].map(someColumn).find(Boolean);
  const holder = new Column({ children: [] });
  const before = outer.model.children;
  outer.model.setv({ children: [...before, holder] }, { sync: false });
  await frames(() => Bokeh.index.find_one(holder)?.el.isConnected, "the column is there");
  const view = Bokeh.index.find_one(holder);
  const parts = ["a", "b", "c"].map((text) => deep(text, depth));
  for (const count of [1, 2, 3]) {
    holder.setv({ children: parts.slice(0, count) }, { sync: false });
    await Promise.resolve();
  }
  const seen = () => [...view.shadow_el.children].filter((node) => node.shadowRoot).length;
  await frames(() => seen() >= 3, "its three parts are there");
  for (let frame = 0; frame < 20; frame++) await new Promise(requestAnimationFrame);
  const found = seen();
  outer.model.setv({ children: before }, { sync: false });
  return found;
}
"""


@pytest.mark.parametrize("depth", [0, 2])
def test_parts_that_change_while_they_are_built_are_there_once(begin: Begin, depth: int) -> None:
    assert begin().evaluate(OVERLAPPING, [depth, PATIENCE_MS]) == 3


# Where a line as dark as a frame's crosses the first figure from top to bottom, by its columns of
# pixels; and where its frame is.
LINES_ACROSS = """
() => {
  const [view] = Bokeh.index.query(({ model }) => model.type === "Figure");
  const { canvas, ctx } = view.canvas_view.primary;
  const { x0, x1, y0, y1 } = view.frame.bbox;
  const column = (x) => ctx.getImageData(x, y0, 1, y1 - y0).data;
  const isLine = (data) => data.every((value, at) => at % 4 !== 3 || value === 255);
  const across = [...Array(canvas.width).keys()].filter((x) => isLine(column(x)));
  return { across, frame: [x0, x1], width: view.bbox.width };
}
"""


def test_no_line_crosses_a_figure_that_was_resized(begin: Begin) -> None:
    page = begin()
    size = page.viewport_size
    assert size is not None
    for width in (900, 1600, size["width"]):
        was = page.evaluate(LINES_ACROSS)["width"]
        page.set_viewport_size({"width": width, "height": size["height"]})
        page.wait_for_function(f"(was) => ({LINES_ACROSS})().width !== was", arg=was)
        at_rest(page)
        found = page.evaluate(LINES_ACROSS)
        # An edge that falls between two pixels is in both, or in none as dark as that.
        assert all(min(abs(x - edge) for edge in found["frame"]) <= 1 for x in found["across"])


# -- every card, of small networks ------------------------------------------------------------


@pytest.fixture(scope="module", params=WALKS)
def small(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A recording of a small network."""
    return record(tmp_path_factory.mktemp("small") / f"{request.param}.zarr", request.param)


@pytest.fixture
def places(request: pytest.FixtureRequest) -> list[Place]:
    """The way through the page of that network."""
    return WALKS[request.node.callspec.params["small"]]


@pytest.mark.full
def test_every_card_of_every_place_is_that_of_a_fresh_page(
    page_checker: PageChecker, small: Run, places: list[Place], tmp_path: Path
) -> None:
    other = write_run(tmp_path / "other.zarr")
    with (
        weighed([small.location, str(other)], tmp_path) as (at, _),
        page_checker(**HIGH) as walked,
        page_checker(**HIGH) as loaded,
    ):
        walked.goto(at)
        seen = walk(walked, loaded, places, lambda place: f"{at}/?{urlencode(place)}")
        missing = titles_of(small, {place["layer"] for place in places}) - seen
        assert not missing
        # To another run, and back.
        here = at_rest(walked)
        walked.goto(f"{at}/run-2")
        at_rest(walked)
        walked.go_back()
        become(walked, here)


@pytest.mark.full
def test_going_round_leaves_nothing_behind(
    page_checker: PageChecker, small: Run, places: list[Place], tmp_path: Path
) -> None:
    with weighed([small.location], tmp_path) as (at, weigh), page_checker(**HIGH) as page:
        page.goto(at)
        at_rest(page)
        go_round(page, places, weigh)
