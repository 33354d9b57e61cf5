"""The explorer in a real browser, on a real recording: what a user sees and does."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from store import Run
from tests.e2e.conftest import PIXELS, Begin, Open, at, bars, grid, nothing_is_cut_off

# Places of all cursors, by figure; the figures are found through Bokeh's documents.
CURSORS = """
() => Bokeh.documents.flatMap((doc) => [...doc._all_models.values()])
  .filter((model) => model.name === "trainlapse-cursor").map((span) => span.location)
"""


def test_the_slider_moves_the_maps_the_cursors_and_the_probabilities(
    begin: Begin, runs: dict[str, Run]
) -> None:
    run = runs["lenet"]
    page = begin(probe=2)
    page.locator(".bars").scroll_into_view_if_needed()  # what is out of sight is not drawn anew
    before = grid(page).evaluate(PIXELS), bars(page)
    assert set(page.evaluate(CURSORS)) == {0}

    last = len(run) - 1
    slider = page.get_by_label("Recorded step", exact=True)
    slider.fill(str(run.steps[last]))
    at(page, last)

    assert grid(page).evaluate(PIXELS) != before[0]
    assert bars(page) != before[1]
    assert set(page.evaluate(CURSORS)) == {int(run.steps[last])}
    expect(page).to_have_url(re.compile(rf"step={run.steps[last]}\b"))


def test_every_recorded_step_shows_its_own_frame(begin: Begin) -> None:
    page = begin(layer="relu1")
    seen = set()
    for index in range(8):
        at(page, index)
        seen.add(grid(page).evaluate(PIXELS))
        page.keyboard.press("ArrowRight")
    assert len(seen) == 8


def test_colours_span_all_steps_or_the_one_on_screen(begin: Begin) -> None:
    page = begin(layer="relu1")
    at(page, 0)
    everywhere = grid(page).evaluate(PIXELS)
    page.get_by_role("button", name="limits: all steps").first.click()
    this_step = page.get_by_role("button", name="limits: this step")
    expect(this_step).to_have_attribute("title", re.compile("this step alone"))
    assert grid(page).evaluate(PIXELS) != everywhere
    this_step.click()
    expect(this_step).to_have_count(0)
    assert grid(page).evaluate(PIXELS) == everywhere


def test_keys_typed_steps_and_play_move_the_time(begin: Begin, runs: dict[str, Run]) -> None:
    run = runs["lenet"]
    last = len(run) - 1
    page = begin()
    page.keyboard.press("End")
    at(page, last)
    page.keyboard.press("Shift+ArrowLeft")
    at(page, last - 10)
    page.keyboard.press("Home")
    at(page, 0)

    typed = page.get_by_label("Jump to step, epoch or time")
    typed.fill("nonsense")
    typed.press("Enter")
    at(page, 0)
    typed.fill(str(run.steps[5]))
    typed.press("Enter")
    at(page, 5)

    page.get_by_label("Speed").select_option("30")
    page.keyboard.press(" ")
    at(page, last)
    expect(page.get_by_label("Play or pause (Space)")).to_have_attribute("aria-pressed", "false")


def test_repeat_begins_anew_at_the_end(begin: Begin) -> None:
    page = begin("image")
    page.evaluate(
        """() => {
          window.seen = [];
          const clock = window.trainlapseClocks.get("main");
          clock.addEventListener("tick", () => window.seen.push(clock.index));
        }"""
    )
    page.get_by_label("Repeat at the end").click()
    page.get_by_label("Speed").select_option("30")
    page.get_by_label("Play or pause (Space)").click()
    page.wait_for_function("() => window.seen.filter((index) => index === 0).length >= 2")
    page.get_by_label("Play or pause (Space)").click()
    page.get_by_label("Repeat at the end").click()


def test_a_click_on_a_curve_moves_the_slider(begin: Begin) -> None:
    page = begin()
    plot = page.locator(".bk-Canvas, .bk-events").first
    box = plot.bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + 0.7 * box["width"], box["y"] + 0.5 * box["height"])
    expect(grid(page)).not_to_have_attribute("data-index", "0")
    step = page.evaluate(CURSORS)[0]
    assert 30 < step < 63


def test_a_click_selects_a_layer_and_a_probe_and_a_link_restores_both(
    begin: Begin, runs: dict[str, Run]
) -> None:
    last = len(runs["lenet"]) - 1
    page = begin(index=last)
    page.locator('[data-layer="conv2"]').click()
    expect(grid(page)).to_have_attribute("data-key", re.compile(r"\|conv2\|0$"))
    before = grid(page).evaluate(PIXELS)
    page.locator('[data-probe="7"]').click()
    expect(grid(page)).to_have_attribute("data-key", re.compile(r"\|conv2\|7$"))
    assert grid(page).evaluate(PIXELS) != before
    expect(page).to_have_url(re.compile(r"(?=.*layer=conv2)(?=.*probe=7)(?=.*step=63)"))

    page.reload()
    expect(grid(page)).to_have_attribute("data-key", re.compile(r"\|conv2\|7$"))
    at(page, last)
    expect(page.locator('[data-layer="conv2"]')).to_have_attribute("aria-selected", "true")


def test_going_back_to_a_layer_shows_the_step_on_screen(begin: Begin, runs: dict[str, Run]) -> None:
    page = begin()
    page.locator('[data-layer="pool1"]').click()
    expect(grid(page)).to_have_attribute("data-key", re.compile(r"\|pool1\|"))
    page.keyboard.press("End")
    page.locator('[data-layer="conv1"]').click()
    expect(grid(page)).to_have_attribute("data-key", re.compile(r"\|conv1\|"))
    at(page, len(runs["lenet"]) - 1)


def test_every_layer_of_a_real_network_can_be_opened(begin: Begin, runs: dict[str, Run]) -> None:
    page = begin()
    for name, layer in runs["lenet"].layers.items():
        page.locator(f'[data-layer="{name}"]').click()
        if layer.has_activation:
            expect(grid(page)).to_have_attribute("data-key", re.compile(rf"\|{re.escape(name)}\|"))
    expect(page.get_by_text("cannot be drawn")).to_have_count(0)


def test_the_axis_of_slider_and_curves_is_switched_together(
    begin: Begin, runs: dict[str, Run]
) -> None:
    run = runs["lenet"]
    index = 10
    page = begin(index=index)
    for axis, place in [("epoch", run.epochs[index]), ("wall_time", run.wall_times[index])]:
        page.get_by_label("Time axis").select_option(axis)
        # Those of curves drawn before stay in the page, hidden, and follow as well.
        page.wait_for_function(f"() => ({CURSORS})().includes({float(place)})")
    typed = page.get_by_label("Jump to step, epoch or time")
    typed.fill("0")
    typed.press("Enter")
    at(page, 0)


def test_sentences_are_chosen_and_their_tokens_stand_under_the_matrix(begin: Begin) -> None:
    page = begin("text")
    # What came from the run is text: the sentence holds markup, and no such element exists.
    sentence = page.get_by_text("<b>bad</b> film")
    sentence.click()
    expect(grid(page)).to_have_attribute("data-key", re.compile(r"\|embedding\|1$"))
    assert page.locator(".picker b").count() == 0
    grid(page).hover(position={"x": 5, "y": 5})
    expect(page.locator(".tip:visible")).to_contain_text("unit 0 · “<b>bad</b>”")


def test_a_run_without_steps_says_so(watched_page: Page, explore: Open) -> None:
    explore("empty", wait='[data-layer="conv1"]')
    expect(watched_page.get_by_text("No step has been recorded yet.").first).to_be_visible()
    expect(watched_page.get_by_label("Recorded step", exact=True)).to_be_disabled()


def test_a_run_with_one_step_shows_it(watched_page: Page, explore: Open) -> None:
    explore("one")
    at(watched_page, 0)
    expect(watched_page.get_by_text("This needs 2 recorded steps").first).to_be_visible()


def test_a_wrong_link_opens_with_a_warning(watched_page: Page, explore: Open) -> None:
    explore("image", layer="cnv1", step=7)
    expect(watched_page.get_by_text("Did you mean 'conv1'?")).to_be_visible()
    expect(
        watched_page.get_by_text("Step 7 was not recorded; the nearest one is 5.")
    ).to_be_visible()


@pytest.mark.parametrize("width", [1280, 1920])
def test_nothing_is_cut_off_at_common_widths(begin: Begin, width: int) -> None:
    page = begin()
    nothing_is_cut_off(page, width)
