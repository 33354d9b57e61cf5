"""A visitor draws or writes an input: it stands among the probes, and moves with the slider."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from store import Run
from tests.e2e.conftest import PIXELS, Open, at, bars, grid


def draw(page: Page, *places: tuple[float, float]) -> None:
    """Draw a line through places, as shares of the picture's width and height."""
    drawing = page.get_by_label("Your picture: draw with the pointer")
    drawing.scroll_into_view_if_needed()
    box = drawing.bounding_box()
    assert box is not None
    points = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in places]
    page.mouse.move(*points[0])
    page.mouse.down()
    for point in points[1:]:
        page.mouse.move(*point, steps=4)
    page.mouse.up()


def test_a_drawing_stands_among_the_probes_and_moves_with_the_slider(
    explore: Open, watched_page: Page, runs: dict[str, Run]
) -> None:
    explore("lenet", probe=2)
    page, run = watched_page, runs["lenet"]
    recorded = grid(page).evaluate(PIXELS)
    draw(page, (0.25, 0.15), (0.25, 0.55), (0.75, 0.55))
    yours = page.locator(".probe.yours")
    expect(yours).to_have_attribute("aria-selected", "true")
    expect(yours).to_contain_text("yours")
    assert run.probe is not None
    expect(yours).to_have_attribute("data-probe", str(run.probe.size))
    last = len(run) - 1
    slider = page.get_by_label("Recorded step", exact=True)
    slider.fill(str(run.steps[last]))
    at(page, last)
    late = grid(page).evaluate(PIXELS), bars(page)
    slider.fill(str(run.steps[0]))
    at(page, 0)
    assert grid(page).evaluate(PIXELS) not in (late[0], recorded)
    assert bars(page) != late[1]
    draw(page, (0.7, 0.1), (0.7, 0.9))
    expect(yours).to_have_count(2)
    page.locator(".probe[data-probe='2']").click()
    expect(yours.first).to_have_attribute("aria-selected", "false")
