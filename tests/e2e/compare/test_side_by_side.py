"""Two runs in a real browser: one slider, and what is chosen in both."""

from __future__ import annotations

import math
import re

import pytest
from playwright.sync_api import Page, expect

from store import Run
from tests.e2e.compare.conftest import Look, shown, sides
from tests.e2e.conftest import PIXELS, STAGE, Begin, nothing_is_cut_off
from tests.e2e.history import gap

# Whether Python has been told of the steps at which the sliders rest.
RESTED = """
() => Bokeh.documents.flatMap((doc) => [...doc._all_models.values()])
  .map((model) => model.attributes)
  .filter((held) => "resting" in held)
  .every(({ channel, resting }) => window.trainlapseClocks.get(channel).index === resting)
"""


def cursors(page: Page, channel: str) -> set[float]:
    """Places of all cursors of a clock."""
    places = page.evaluate(
        """(channel) => Bokeh.documents.flatMap((doc) => [...doc._all_models.values()])
          .filter((model) => model.name === "trainlapse-cursor" && model.tags[1] === channel)
          .map((span) => span.location)""",
        channel,
    )
    return set(places)


def moments(page: Page) -> list[str]:
    return page.locator(".moment").all_inner_texts()


def test_one_slider_moves_both_runs_each_to_its_nearest_step(
    begin: Begin, pair: tuple[Run, Run]
) -> None:
    first, second = pair
    page = begin(probe=2)
    shown(page, 0, 0)
    before = [side.evaluate(PIXELS) for side in sides(page)]
    assert before[0] != before[1]  # other seeds

    page.get_by_label("Recorded step", exact=True).press("End")
    shown(page, len(first) - 1, len(second) - 1)
    after = [side.evaluate(PIXELS) for side in sides(page)]
    assert after[0] != before[0]
    assert after[1] != before[1]
    a, b = moments(page)
    assert f"step {first.steps[-1]}" in a
    assert f"step {second.steps[-1]}" in b
    assert "ended, held" in b
    assert "held" not in a
    # Curves drawn before the axis was changed stay in the page, hidden, and follow as well.
    last = float(first.steps[-1])
    places = [round(place, 6) for place in cursors(page, "pair")]
    assert {last} <= set(places) <= {last, round(math.log10(1 + last), 6)}
    expect(page).to_have_url(re.compile(rf"step={first.steps[-1]}\b"))
    expect(page).to_have_url(re.compile(rf"step_b={second.steps[-1]}\b"))


def test_no_message_leaves_the_browser_while_the_slider_is_dragged(begin: Begin) -> None:
    page = begin()
    page.wait_for_function(RESTED)
    sent = page.evaluate(
        """async () => {
          const sent = [];
          const socket = WebSocket.prototype.send;
          WebSocket.prototype.send = function (data) {
            sent.push(String(data));
            socket.call(this, data);
          };
          const slider = window.trainlapseClocks.get("pair");
          // Back and forth where frames have been read ahead, faster than any rest.
          for (const index of [1, 2, 3, 2, 1, 0]) {
            slider.go(index);
            await new Promise((done) => setTimeout(done, 30));
          }
          WebSocket.prototype.send = socket;
          return sent.filter((text) => text.includes("resting") || text.includes("path"));
        }"""
    )
    assert sent == []
    shown(page, 0, 0)


def test_what_is_chosen_in_one_run_is_chosen_in_the_other(begin: Begin) -> None:
    page = begin()
    page.locator(".node[data-layer=dense1]").click()
    expect(page.locator(STAGE)).to_have_count(2)
    for side in sides(page):
        expect(side).to_have_attribute("aria-label", re.compile("of dense1, probe 0"))
    page.locator(".probe:visible").nth(3).click()  # in A
    for side in sides(page):
        expect(side).to_have_attribute("aria-label", re.compile("probe 3"))
    pickers = page.locator(".picker:visible")
    expect(pickers).to_have_count(2)
    pickers.nth(1).locator(".probe").nth(5).click()  # in B
    for side in sides(page):
        expect(side).to_have_attribute("aria-label", re.compile("probe 5"))
    expect(page).to_have_url(re.compile("layer=dense1.*probe=5"))


def test_a_link_restores_everything(watched_page: Page, look: Look, pair: tuple[Run, Run]) -> None:
    first, second = pair
    at = 10
    look(
        step=int(first.steps[at]), step_b=int(second.steps[at]), align="epoch", layer="conv2",
        unit=3, probe=4, axis="log_step",
    )  # fmt: skip
    shown(watched_page, at, at)
    expect(watched_page.get_by_label("Alignment")).to_have_value("epoch")
    expect(watched_page.get_by_label("Time axis")).to_have_value("log_step")
    choices = watched_page.evaluate(
        """() => ["main", "second"].map((name) => window.trainlapseClocks.get(name).choice)"""
    )
    for choice in choices:
        assert (choice["layer"], choice["unit"], choice["probe"]) == ("conv2", 3, 4)


def test_another_alignment_keeps_the_place_and_says_what_is_off(
    begin: Begin, pair: tuple[Run, Run]
) -> None:
    first, second = pair
    at = 10
    step = int(first.steps[at])
    page = begin(index=at)
    shown(page, at, second.index_of(step))
    page.get_by_label("Alignment").select_option("metric:loss")
    expect(page).to_have_url(re.compile("align=metric"))
    assert first.steps[int(sides(page)[0].get_attribute("data-index") or -1)] == step
    page.get_by_label("Alignment").select_option("anchors")
    fields = page.locator(".anchors input")
    expect(fields.first).to_be_visible()
    expect(fields.nth(2)).not_to_have_value("")  # the ends of both runs, to begin with
    for field, value in zip(fields.all(), (0, 0, 100, 50), strict=True):
        field.fill(str(value))
    page.get_by_text("Put together").click()
    expect(page).to_have_url(re.compile("anchors=0(%2C|,)0(%2C|,)100(%2C|,)50"))
    page.keyboard.press("End")
    fields.nth(2).fill("-5")
    page.get_by_text("Put together").click()
    expect(page.locator(".note:visible").first).to_contain_text("was expected")


def test_a_click_on_a_curve_of_one_run_moves_both(begin: Begin) -> None:
    page = begin(tab="training")
    page.locator(".bk-Canvas:visible").first.wait_for()
    place = """(channel) => {
      const span = Bokeh.documents.flatMap((doc) => [...doc._all_models.values()])
        .find((model) => model.name === "trainlapse-cursor" && model.tags[1] === channel);
      window.dispatchEvent(new CustomEvent("trainlapse:goto", { detail: { index: 7, channel } }));
      return ["pair", "main", "second"].map((name) => window.trainlapseClocks.get(name).index);
    }"""
    _, first, second = page.evaluate(place, "second")
    assert second == 7
    assert first > 0
    position, first, _ = page.evaluate(place, "main")
    assert first == 7
    assert position > 0


def test_units_are_matched_as_the_address_says_and_the_address_follows(
    watched_page: Page, look: Look
) -> None:
    look(layer="conv1", unit=1, units="matched", matching="last")
    choice = watched_page.get_by_label("unit of B")
    expect(choice).to_have_value("last")
    said = watched_page.get_by_text(re.compile(r"pairs in conv1, mean 0\.\d\d"))
    expect(said).to_contain_text("Matched at step")
    held = said.inner_text()
    watched_page.get_by_label("Recorded step", exact=True).press("Home")
    expect(said).to_have_text(held)
    choice.select_option("tracked")
    expect(watched_page).to_have_url(re.compile("units=matched&matching=tracked"))
    expect(said).to_contain_text("Matched at every step anew")
    gap(watched_page)
    choice.select_option("number")
    expect(watched_page).to_have_url(re.compile("units=number"))
    expect(said).to_have_count(0)
    watched_page.go_back()
    expect(choice).to_have_value("tracked")


def test_units_of_two_seeds_are_matched_at_first_and_the_address_is_silent_about_it(
    watched_page: Page, look: Look
) -> None:
    look(layer="conv1")
    choice = watched_page.get_by_label("unit of B")
    expect(choice).to_have_value("last")
    expect(watched_page.get_by_text(re.compile("They begin with other weights"))).to_be_visible()
    expect(watched_page).not_to_have_url(re.compile("units="))
    choice.select_option("number")
    expect(watched_page).to_have_url(re.compile("units=number"))
    watched_page.go_back()
    expect(choice).to_have_value("last")


@pytest.mark.parametrize("width", [1280, 1920])
def test_nothing_is_cut_off(begin: Begin, width: int) -> None:
    page = begin(theme="dark")
    nothing_is_cut_off(page, width)
