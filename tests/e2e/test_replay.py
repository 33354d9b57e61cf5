"""A replay from a file in a browser that has no network: it plays, and shows the run's frames."""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect

from explorer.data.run import RunData
from explorer.plots.style import DIVERGING, SEQUENTIAL, palette_bytes
from explorer.replay.export import export_replay
from store import open_run
from store.reading import moments
from store.reading.bookmarks import Bookmark
from store.testing import image_run_spec, text_run_spec, write_run
from tests.e2e.history import gap, note_writes

EVIL = "</script><script>window.pwned = 1</script><img src=x onerror='window.pwned = 1'>"
GAP_PX = 3  # between tiles, as in frame_grid.js
CANVAS = '#picture canvas[role="img"]'
# Room that the grid has for its picture.
ROOM = "(canvas) => [canvas.parentElement.clientWidth, canvas.parentElement.clientHeight]"
# Colours of the picture at some points.
COLOURS = """
(canvas, points) => {
  const { width, height } = canvas;
  const { data } = canvas.getContext("2d").getImageData(0, 0, width, height);
  return points.map(([x, y]) => [...data.subarray(4 * (y * width + x), 4 * (y * width + x) + 3)]);
}
"""
# What Chromium says when a test reads pixels again and again.
OWN_READING = "Canvas2D: Multiple readback operations"


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> tuple[RunData, Path]:
    """A run of images with 8 steps, and its replay."""
    folder = tmp_path_factory.mktemp("replay")
    spec = image_run_spec(EVIL)
    probe = dataclasses.replace(spec.probe, class_names=[EVIL, "bee", "cat", "dog"])
    spec = dataclasses.replace(spec, probe=probe, notes=EVIL)
    run = open_run(write_run(folder / "run.zarr", spec))
    export_replay(run, folder / "replay.html", layers=["conv1", "pool1", "dense"], probes="1,3")
    return RunData(run), folder / "replay.html"


@contextmanager
def opened(browser: Browser, path: Path, query: str = "", faults: int = 0) -> Iterator[Page]:
    """Show a file without a network; the console stays silent, and nothing else is asked for."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, offline=True)
    heard: list[str] = []
    context.on("console", lambda message: heard.append(message.text))
    context.on("weberror", lambda error: heard.append(f"uncaught: {error.error}"))
    asked: list[str] = []
    context.on("request", lambda request: asked.append(request.url))
    page = context.new_page()
    note_writes(page)
    try:
        page.goto(f"{path.as_uri()}{query}")
        yield page
        page.evaluate("0")  # messages under way arrive with it
        said = [text for text in heard if not text.startswith(OWN_READING)]
        assert len(said) == faults, said
        assert {address.partition("?")[0] for address in asked} == {path.as_uri()}
    finally:
        context.close()


def at(page: Page, index: int) -> None:
    """Wait until a recorded step is painted, in the picture and beside it."""
    expect(page.locator(CANVAS)).to_have_attribute("data-index", str(index))
    for cursor in page.locator("#charts canvas.over").all():
        expect(cursor).to_have_attribute("data-index", str(index))


def go(page: Page, index: int) -> None:
    page.evaluate("index => window.trainlapseClocks.get('main').go(index)", index)
    at(page, index)


def assert_shows(page: Page, data: RunData, layer: str, index: int, probe: int) -> None:
    """Hold the middle of every cell of every tile to the colour of its code."""
    codes = data.frame(layer, index, probe).astype(float)
    count, height, width = codes.shape
    canvas = page.locator(CANVAS)
    scale, columns = grid_of(count, height, width, *canvas.evaluate(ROOM))
    palette = palette_bytes(DIVERGING if data.limits(layer, probe).signed else SEQUENTIAL)
    entries = np.floor((codes - 1) / 254 * 255 + 0.5).astype(int)
    tiles, ys, xs = np.indices(codes.shape)
    left = tiles % columns * (width * scale + GAP_PX) + (xs + 0.5) * scale
    top = tiles // columns * (height * scale + GAP_PX) + (ys + 0.5) * scale
    points = np.stack([left, top], axis=-1).astype(int).reshape(-1, 2).tolist()
    seen = np.array(canvas.evaluate(COLOURS, points), np.uint8)
    np.testing.assert_array_equal(seen, palette.reshape(256, 3)[entries.ravel()])


def grid_of(count: int, height: int, width: int, wide: float, high: float) -> tuple[float, int]:
    """Size of a cell and columns of tiles: the largest that fit."""
    found = (0.0, 1)
    for columns in range(1, count + 1):
        rows = math.ceil(count / columns)
        across = (wide - (columns - 1) * GAP_PX) / (columns * width)
        down = (high - (rows - 1) * GAP_PX) / (rows * height)
        found = max(found, (min(across, down), columns))
    return found


def test_pictures_are_the_runs_frames_at_every_step_layer_and_probe(browser, image):
    data, path = image
    with opened(browser, path) as page:
        at(page, 0)
        for index in (0, 3, 7, 4):
            go(page, index)
            assert_shows(page, data, "conv1", index, 1)
        page.locator('[data-layer="pool1"]').click()
        expect(page.locator("#layer")).to_contain_text("pool1")
        chosen = page.evaluate("window.trainlapseClocks.get('main').choice")
        assert (chosen["layer"], chosen["unit"]) == ("pool1", 0)
        at(page, 4)
        assert_shows(page, data, "pool1", 4, 1)
        curves = page.locator("#charts section").last.locator("canvas[role=img]")
        assert "bee" in curves.get_attribute("aria-label")
        before = curves.evaluate("canvas => canvas.toDataURL()")
        page.locator('[data-probe="1"]').click()
        expect(page.locator("#caption")).to_contain_text("probe 3")
        at(page, 4)
        assert_shows(page, data, "pool1", 4, 3)
        assert curves.evaluate("canvas => canvas.toDataURL()") != before
        values = data.probabilities(3)[4]
        told = page.locator("#bars .value").all_inner_texts()
        assert [float(text.removesuffix(" %")) for text in told] == pytest.approx(
            100 * values, abs=0.51
        )


def test_slider_keys_typing_and_playing_move_every_part(browser, image):
    data, path = image
    with opened(browser, path) as page:
        at(page, 0)
        box = page.locator("#transport input[type=range]").bounding_box()
        middle = box["y"] + box["height"] / 2
        page.mouse.move(box["x"] + 9, middle)
        page.mouse.down()
        page.mouse.move(box["x"] + box["width"] / 2, middle, steps=4)
        page.mouse.move(box["x"] + box["width"] - 1, middle, steps=4)
        at(page, 7)
        page.mouse.up()
        page.locator("#transport input[type=range]").blur()
        page.keyboard.press("ArrowLeft")
        at(page, 6)
        page.keyboard.press("Home")
        at(page, 0)
        page.get_by_label("Jump to step, epoch or time").fill("21")
        page.keyboard.press("Enter")
        at(page, 5)  # step 20
        assert_shows(page, data, "conv1", 5, 1)
        page.get_by_label("Speed").select_option("30")
        page.keyboard.press("Home")
        page.keyboard.press("Space")
        at(page, 7)
        expect(page.get_by_label("Play or pause (Space)")).to_have_attribute(
            "aria-pressed", "false"
        )
        assert_shows(page, data, "conv1", 7, 1)


def test_a_click_on_a_curve_goes_there_on_every_axis(browser, image):
    _, path = image
    with opened(browser, path) as page:
        at(page, 0)
        curve = page.locator("#charts canvas.over").first
        box = curve.bounding_box()
        # Half way from 0 to 100 is step 50, but 10 by the logarithm.
        for axis, index in (("step", 6), ("log_step", 4), ("epoch", 6), ("wall_time", 6)):
            page.get_by_label("Time axis").select_option(axis)
            curve.click(position={"x": box["width"] - 3, "y": box["height"] / 2})
            at(page, 7)
            curve.click(position={"x": box["width"] / 2 + 12, "y": box["height"] / 2})
            at(page, index)


def test_what_is_not_in_the_file_says_so(browser, image):
    _, path = image
    with opened(browser, path) as page:
        at(page, 0)
        page.locator('[data-layer="relu1"]').click()
        expect(page.locator("#caption")).to_contain_text("not in this file")
        expect(page.locator("#picture")).to_be_hidden()
        page.locator('[data-layer="dense"]').click()
        at(page, 0)
        notes = page.locator(".notes").inner_text()
        assert "2 of 6 probes, the activations of 3 of 6 layers" in notes
        assert "Left out, not asked for: probes 0, 2, 4-5;" in notes


def test_names_from_a_stranger_do_nothing(browser, image):
    _, path = image
    with opened(browser, path) as page:
        at(page, 0)
        assert page.locator("header .run").inner_text() == EVIL
        assert page.locator("#bars .class").first.inner_text() == EVIL
        assert page.title().startswith(EVIL)
        assert page.evaluate("window.pwned") is None
        assert page.locator("img").count() == 0


def test_the_address_opens_a_step_of_a_layer_in_a_theme(browser, image):
    data, path = image
    query = "?layer=dense&probe=1&step=49&theme=dark"
    with opened(browser, path, query) as page:
        at(page, 6)
        assert page.locator("html").get_attribute("data-theme") == "dark"
        expect(page.locator("#layer")).to_contain_text("dense")
        expect(page.locator("#caption")).to_contain_text("probe 3")
        page.locator("#theme").click()
        assert page.locator("html").get_attribute("data-theme") == "light"
        page.wait_for_url(re.compile("step=50"))  # the transport keeps the address
    with opened(browser, path, "?layer=x&probe=9&step=a&theme=green") as page:
        at(page, 0)
        assert_shows(page, data, "conv1", 0, 1)


def test_moments_are_a_tour_by_keys_and_pointer(browser, image, tmp_path):
    data, _ = image
    moments.save(
        data.run,
        [
            Bookmark(5, EVIL, layer="conv1", unit=2, probe=3),
            Bookmark(50, "the last", layer="pool1", unit=1, probe=1),
            Bookmark(10, "not in it", layer="dense"),
        ],
    )
    try:
        path = tmp_path / "tour.html"
        export_replay(data.run, path, layers=["conv1", "pool1"], probes="1,3")
    finally:
        moments.save(data.run, [])
    choice = "window.trainlapseClocks.get('main').choice"
    with opened(browser, path) as page:
        at(page, 0)
        strip = page.locator("#moments")
        expect(strip.locator(".told")).to_contain_text("A tour of this training")
        expect(page.get_by_role("button", name="Mark this moment (M)")).to_be_hidden()
        page.keyboard.press("n")
        at(page, 3)
        expect(strip.locator(".told")).to_have_text(EVIL)
        assert_shows(page, data, "conv1", 3, 3)
        assert page.evaluate(f"[{choice}.unit, {choice}.probe]") == [2, 1]
        page.keyboard.press("m")  # nothing can be marked here
        expect(strip.locator("textarea")).to_have_count(0)
        page.get_by_role("button", name="Next moment").click()
        at(page, 6)
        expect(page.locator("#layer")).to_contain_text("pool1")
        assert page.evaluate(f"[{choice}.unit, {choice}.probe]") == [1, 0]
        page.get_by_role("button", name="Moments (2)").click()
        rows = strip.locator("li")
        assert rows.locator(".place").all_inner_texts() == [
            "step 5 · conv1 · unit 2 · probe 3",
            "step 50 · pool1 · unit 1 · probe 1",
        ]
        rows.first.get_by_role("button").focus()
        gap(page)
        page.keyboard.press("Enter")
        at(page, 3)
        page.go_back()  # what is chosen can be gone back to, in a file too
        expect(page.locator("#layer")).to_contain_text("pool1")
        at(page, 6)
        notes = page.locator(".notes").inner_text()
        assert "Moments in this file: 2 of 3." in notes
        assert "Moments left out: 1 whose layer was not asked for." in notes
        assert page.evaluate("window.pwned") is None
        assert strip.locator("img").count() == 0


def test_texts_have_their_words_and_a_lone_step_no_slider(browser, tmp_path):
    run = open_run(write_run(tmp_path / "run.zarr", text_run_spec(), steps=(3,)))
    export_replay(run, tmp_path / "replay.html")
    with opened(browser, tmp_path / "replay.html", "?layer=embedding&probe=1") as page:
        at(page, 0)
        expect(page.locator("#transport input[type=range]")).to_be_disabled()
        page.locator(CANVAS).hover(position={"x": 30, "y": 30})
        expect(page.locator("#picture .tip")).to_contain_text("“<b>bad</b>”")


def test_a_damaged_file_says_so(browser, image, tmp_path):
    _, path = image
    text = path.read_text(encoding="utf-8")
    damaged = tmp_path / "damaged.html"
    found = re.search(r'id="state">(.{40})', text)
    damaged.write_text(text[: found.start(1)] + text[found.end(1) :], encoding="utf-8")
    with opened(browser, damaged, faults=1) as page:
        expect(page.locator("#fault")).to_contain_text("This file cannot be shown")
