"""Light and dark: every text can be read in both, however one came there; nothing stays behind."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.e2e.conftest import (
    RUNS,
    STAGE,
    Open,
    recorded_once,
    serving,
    unused_port,
)
from tests.e2e.contrast import (
    LISTENER,
    NEXT_PICTURE,
    assert_legible,
    opened,
    settled,
    switch,
    texts_of,
)
from tests.e2e.watching import watched

# What a figure is drawn with, by model and property.
LOOK = """
() => Bokeh.documents.flatMap((doc) => [...doc.all_models])
  .filter(({ type }) => /Axis$|^(Title|Legend|ColorBar|Grid|Figure)$/.test(type))
  .map((model) => [model.type, model.id, Object.fromEntries([...model]
    .filter(({ attr, is_unset }) => /color|alpha|_line_/.test(attr) && !is_unset)
    .map((property) => [property.attr, String(property.get_value())]))])
"""
# Without the swatches of legends, which Bokeh paints over what they were.
PIXELS = """
(canvases) => canvases.filter(({ width }) => width > 50).map((canvas) => canvas.toDataURL())
"""
# In what their texts have ever been written, and the inks of the page's theme.
INKS = "trainlapseInks().filter((ink) => ink.startsWith('bk-layer '))"
THEIRS = """
() => ["text", "muted"].map((name) => {
  const probe = document.body.appendChild(document.createElement("i"));
  probe.style.color = `var(--tl-${name})`;
  const { color } = getComputedStyle(probe);
  probe.remove();
  return `bk-layer ${color.replaceAll(",", "")}`;
})
"""
FIGURES = "canvas.bk-layer:visible"


OTHER = {"light": "dark", "dark": "light"}


def differing(figures: Locator, pixels: list[str]) -> list[int]:
    """Which canvases do not look as they did."""
    pairs = zip(pixels, figures.evaluate_all(PIXELS), strict=True)
    return [place for place, (before, now) in enumerate(pairs) if before != now]


def without_names(look: list[list[Any]]) -> list[Any]:
    """What figures are drawn with, to be compared between pages."""
    return sorted([kind, sorted(drawn.items())] for kind, _, drawn in look)


def tab(page: Page, title: str, drawn: str) -> None:
    page.get_by_role("tab", name=title).click()
    page.get_by_role("heading", name=drawn, exact=True).wait_for()


def test_the_measure_knows_good_from_poor(browser: Browser) -> None:
    """Colours of known contrast, in every place where texts of the explorer are."""
    content = """
      <style>p::after { content: "poor after"; color: #888 }</style>
      <body style="background: #fff; color: #767676">
      <p>good</p>
      <div style="background: #eee">poor on grey</div>
      <div style="background: #fff; color: #000; opacity: .4">poor and faded</div>
      <div style="visibility: hidden; color: #fff">hidden</div>
      <button disabled style="background: #fff; color: #888">good enough, off</button>
      <input placeholder="poor hint" style="background: #fff">
      <select style="background: #ccc; color: #777"><option>poor choice</option></select>
      <svg width="90" height="20">
        <rect width="90" height="20" /><text y="15" fill="#333">poor drawing</text></svg>
      <div id="host"></div>
      <div style="position: relative"><canvas width="200" height="60"></canvas>
        <span style="position: absolute; left: 5px; top: 5px; color: #ddd">poor above</span></div>
      <style>::placeholder { color: #999; opacity: 1 }</style>
    """
    draw = """
      () => {
        host.attachShadow({ mode: "open" }).innerHTML = `<b style="color: #999">poor inside</b>`;
        const pen = document.querySelector("canvas").getContext("2d");
        pen.fillStyle = "#000";
        pen.fillText("wiped", 10, 50);
        pen.clearRect(0, 0, 200, 60);
        pen.fillStyle = "#fff";
        pen.fillRect(0, 20, 200, 20);
        pen.fillStyle = "#888";
        pen.fillText("poor cell", 100, 35);
        pen.fillStyle = "#000";
        pen.globalAlpha = 0.3;
        pen.fillText("poor and thin", 5, 50);
        pen.globalAlpha = 1;
        pen.fillText("good on the page", 100, 50);
      }
    """
    with watched(browser) as (page, _):
        page.add_init_script(LISTENER)
        page.goto("data:text/html,<p></p>")
        page.set_content(content)
        page.evaluate(draw)
        found = {text.text: text.is_legible for text in texts_of(page)}
        inks = page.evaluate("trainlapseInks()")
    good = {name for name in found if name.startswith("good")}
    assert good == {"good", "good enough, off", "good on the page"}
    assert {name for name, legible in found.items() if legible} == good
    assert len(found) - len(good) == 10
    assert inks == [" rgb(0 0 0)", " rgb(136 136 136)"]


def test_every_text_can_be_read_after_switching_both_ways(browser: Browser, server: str) -> None:
    with opened(browser, server) as page:
        found = assert_legible(page, "light")
        assert len(found) > 100
        assert len([text for text in found if text.in_canvas]) > 20
        switch(page)
        assert_legible(page, "dark")
        tab(page, "What was learned", "Confusion")
        assert_legible(page, "dark")
        switch(page)
        assert_legible(page, "light")
        tab(page, "How it trained", "How fast each layer learns")
        assert_legible(page, "light")
        switch(page)
        assert_legible(page, "dark")
        tab(page, "Layers", "Feature maps")  # out of sight while the theme changed
        assert_legible(page, "dark")
        page.emulate_media(color_scheme="dark")
        page.emulate_media(color_scheme="light")
        assert_legible(page, "dark")  # as the visitor has chosen
        page.reload()
        page.locator(STAGE).first.wait_for()
        assert_legible(page, "dark")


def test_what_opens_on_a_page_can_be_read(browser: Browser, server: str) -> None:
    with opened(browser, f"{server}?step=0", color_scheme="dark") as page:
        for theme in ("dark", "light"):
            page.locator(".save > button").nth(3).click()
            page.get_by_role("menuitem").first.wait_for()
            assert_legible(page, theme)
            page.keyboard.press("Escape")
            page.locator(".moments .mark").click()
            page.locator(".moments textarea").wait_for()
            assert_legible(page, theme)
            page.keyboard.press("Escape")
            page.locator("#compare").select_option("another")
            page.locator(".another input").wait_for()
            assert_legible(page, theme)
            page.locator(".another").get_by_role("button", name="Cancel").click()
            point_at_a_curve(page)
            assert_legible(page, theme)
            page.mouse.move(0, 0)
            switch(page)


def point_at_a_curve(page: Page) -> None:
    """Bring up what a figure tells of the point under the pointer."""
    box = page.locator(FIGURES).first.bounding_box()
    assert box is not None
    tip = page.locator(".bk-tooltip-row-label").first
    heights = (box["y"] + share / 100 * box["height"] for share in range(90))
    while not tip.is_visible():
        page.mouse.move(box["x"] + box["width"] / 2, next(heights))
        page.evaluate(NEXT_PICTURE)


def there_and_back(page: Page, theme: str, change: Callable[[str], None]) -> dict[str, Any]:
    """What figures are drawn with in both themes; back in the first one all is as it was."""
    figures = page.locator(FIGURES)
    assert_legible(page, theme)
    assert set(page.evaluate(INKS)) <= set(page.evaluate(THEIRS))  # from the first on
    fresh, pixels = page.evaluate(LOOK), figures.evaluate_all(PIXELS)
    assert len(pixels) >= 6
    change(OTHER[theme])
    assert_legible(page, OTHER[theme])
    switched = page.evaluate(LOOK)
    assert figures.evaluate_all(PIXELS) != pixels
    change(theme)
    assert_legible(page, theme)
    assert page.evaluate(LOOK) == fresh
    assert not settled(page, partial(differing, figures, pixels))
    return {theme: without_names(fresh), f"{OTHER[theme]}, later": without_names(switched)}


def test_figures_are_those_of_a_fresh_page(browser: Browser, server: str) -> None:
    """No line, no ground and no colour of the other theme is left, on models and on canvases."""
    url = f"{server}/run-{RUNS.index('image') + 1}"
    with opened(browser, url, color_scheme="light") as page:
        looks = there_and_back(
            page, "light", lambda theme: page.emulate_media(color_scheme=theme)
        )  # the page follows the system, until the visitor chooses
    with opened(browser, f"{url}?theme=dark", color_scheme="light") as page:

        def choose(theme: str) -> None:
            switch(page)
            expect(page).to_have_url(re.compile(f"theme={theme}"))

        looks |= there_and_back(page, "dark", choose)
        choose("light")
        page.reload()
        page.locator(STAGE).first.wait_for()
        assert_legible(page, "light")
    assert looks["light"] == looks["light, later"]
    assert looks["dark"] == looks["dark, later"]
    assert looks["light"] != looks["dark"]


def test_a_text_can_be_read(watched_page: Page, explore: Open) -> None:
    watched_page.emulate_media(color_scheme="dark")
    watched_page.add_init_script(LISTENER)
    explore("text")
    assert_legible(watched_page, "dark")
    switch(watched_page)
    assert_legible(watched_page, "light")
    switch(watched_page)
    assert_legible(watched_page, "dark")


# -- every card ---------------------------------------------------------------------------------

TALL = {"width": 1280, "height": 9000}
CARDS = [
    *(("lenet", f"layer={layer}") for layer in ("image", "conv1", "relu1", "pool1", "flatten")),
    *(("lenet", f"layer={layer}") for layer in ("dense1", "softmax")),
    *((name, f"tab={tab}") for name in ("lenet", "text") for tab in ("learning", "training")),
    *(("text", f"layer={layer}") for layer in ("embedding", "lstm", "dense")),
    ("one", ""),
]


@pytest.mark.full
@pytest.mark.parametrize(("name", "query"), CARDS)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_card_can_be_read(
    browser: Browser, server: str, name: str, query: str, scheme: str
) -> None:
    url = f"{server}/run-{RUNS.index(name) + 1}?{query}".replace("/run-1?", "/?")
    with opened(browser, url, ".head h3:visible", viewport=TALL, color_scheme=scheme) as page:
        for _ in range(3):
            assert_legible(page)
            switch(page)


@pytest.mark.full
@pytest.mark.parametrize("preset", ["lstm-reviews", "charnn"])
def test_every_card_of_a_real_text_can_be_read(
    browser: Browser, tmp_path_factory: pytest.TempPathFactory, preset: str
) -> None:
    run = recorded_once(tmp_path_factory, preset, epochs=1)
    port = unused_port()
    command = [sys.executable, "-m", "explorer.cli", "explore", "--no-browser", "--port", str(port)]
    log = tmp_path_factory.mktemp("log") / "server.txt"
    with serving([*command, str(run)], port, log) as url:
        for query in ("", "layer=embedding", "tab=learning", "tab=training"):
            with opened(browser, f"{url}/?{query}", ".head h3:visible", viewport=TALL) as page:
                for _ in range(3):
                    assert_legible(page)
                    switch(page)
